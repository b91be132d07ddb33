//! Re-sealing: after a new seal key became primary, every contact that the
//! history keeps is sealed anew, page by page, so that the old key can go.

use super::store::HistoryUpkeep;
use crate::{
    id::{TenantId, VerificationId},
    keyring::{Fingerprint, KeyRing, Place, Sealed},
    ports::StoreError,
};
use rand::CryptoRng;

const JOB: &str = "reseal_contacts";
/// Rows of one page.
const PAGE: u16 = 200;

/// How far a page brought it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Resealing {
    /// More rows follow.
    Working,
    /// Every row was seen. So many contacts did not open with any key of the
    /// ring; they stay as they are.
    Done {
        /// Contacts that did not open.
        unreadable: u64,
    },
}

/// What is kept between two pages, and over a restart.
struct State {
    primary: u8,
    unreadable: u64,
    after: Option<VerificationId>,
    done: bool,
}

impl State {
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let (primary, unreadable) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let place = words.next()?;
        let done = place == "done";
        Some(Self { primary, unreadable, after: place.parse().ok(), done })
    }

    fn text(&self) -> String {
        let place = self.after.map(|id| id.to_string()).unwrap_or_default();
        let place = if self.done { "done" } else { &place };
        format!("{} {} {place}", self.primary, self.unreadable)
    }
}

/// Seals one page of contacts anew, from where the last call stopped.
pub async fn reseal_contacts(
    upkeep: &dyn HistoryUpkeep,
    keyring: &KeyRing,
    rng: &mut (impl CryptoRng + Send),
) -> Result<Resealing, StoreError> {
    let primary = primary_version(keyring, rng);
    let known = upkeep.job(JOB).await?.as_deref().and_then(State::parse);
    let known = known.filter(|state| state.primary == primary);
    let mut state = known.unwrap_or(State { primary, unreadable: 0, after: None, done: false });
    if state.done {
        return Ok(Resealing::Done { unreadable: state.unreadable });
    }
    let (contacts, last) = upkeep.contacts(state.after, PAGE).await?;
    for old in contacts.iter().filter(|old| old.contact.first() != Some(&primary)) {
        let place =
            Place { kind: Sealed::Contact, tenant: old.tenant, id: *old.id.bytes(), number: old.number };
        match keyring.open(&place, &old.contact) {
            Ok(plain) => upkeep.replace_contact(old, &keyring.seal(&place, &plain, rng)).await?,
            Err(_) => state.unreadable += 1,
        }
    }
    state.done = last.is_none();
    state.after = last;
    upkeep.save_job(JOB, &state.text()).await?;
    let done = Resealing::Done { unreadable: state.unreadable };
    Ok(if state.done { done } else { Resealing::Working })
}

/// The oldest version that a stored contact is sealed with, as far as it is
/// known: only after a whole pass that could open everything.
pub async fn oldest_seal_version(upkeep: &dyn HistoryUpkeep) -> Result<Option<u8>, StoreError> {
    let state = upkeep.job(JOB).await?.as_deref().and_then(State::parse);
    Ok(state.filter(|state| state.done && state.unreadable == 0).map(|state| state.primary))
}

/// What the ring seals with names its key first.
fn primary_version(keyring: &KeyRing, rng: &mut impl CryptoRng) -> u8 {
    let (tenant, number) = (TenantId::from_bytes([0; 16]), Fingerprint([0; 16]));
    let place = Place { kind: Sealed::Contact, tenant, id: [0; 16], number };
    keyring.seal(&place, &[], rng)[0]
}
