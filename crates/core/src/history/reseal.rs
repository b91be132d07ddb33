//! Re-sealing: after a new seal key became primary, every contact that the
//! history keeps is sealed anew, page by page, so that the old key can go.

use super::store::HistoryUpkeep;
use crate::{
    id::VerificationId,
    keyring::{KeyRing, Place, Sealed},
    ports::StoreError,
    time::Timestamp,
};
use rand::CryptoRng;
use std::time::Duration;

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

/// A version is retired only after a pass that began when nothing new could be
/// sealed with it any more, so passes follow each other while there are two.
const NEXT_PASS: Duration = Duration::from_secs(15 * 60);

/// What is kept between two pages, and over a restart.
struct State {
    primary: u8,
    unreadable: u64,
    began: Timestamp,
    after: Option<VerificationId>,
    done: bool,
}

impl State {
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let (primary, unreadable) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let began = Timestamp::from_micros(words.next()?.parse().ok()?);
        let place = words.next()?;
        Some(Self { primary, unreadable, began, after: place.parse().ok(), done: place == "done" })
    }

    fn text(&self) -> String {
        let place = self.after.map(|id| id.to_string()).unwrap_or_default();
        let place = if self.done { "done" } else { &place };
        format!("{} {} {} {place}", self.primary, self.unreadable, self.began.micros())
    }
}

/// Seals one page of contacts anew, from where the last call stopped.
pub async fn reseal_contacts(
    upkeep: &dyn HistoryUpkeep,
    keyring: &KeyRing,
    now: Timestamp,
    rng: &mut (impl CryptoRng + Send),
) -> Result<Resealing, StoreError> {
    let versions = keyring.versions().seal;
    let primary = versions.primary().map_or(0, |version| version.number);
    let again = versions.iter().count() > 1;
    let known = upkeep.job(JOB).await?.as_deref().and_then(State::parse);
    let known = known.filter(|state| state.primary == primary);
    let known = known.filter(|state| !(state.done && again && now.since(state.began) >= NEXT_PASS));
    let fresh = State { primary, unreadable: 0, began: now, after: None, done: false };
    let mut state = known.unwrap_or(fresh);
    if state.done {
        return Ok(Resealing::Done { unreadable: state.unreadable });
    }
    let (contacts, last) = upkeep.contacts(state.after, PAGE).await?;
    for old in contacts.iter().filter(|old| keyring.needs_reseal(&old.contact)) {
        let place =
            Place { kind: Sealed::Contact, tenant: old.tenant, id: *old.id.bytes(), number: old.number };
        match keyring.reseal(&place, &old.contact, rng) {
            Ok(sealed) => upkeep.replace_contact(old, &sealed).await?,
            Err(_) => state.unreadable += 1,
        }
    }
    state.done = last.is_none();
    state.after = last;
    upkeep.save_job(JOB, &state.text()).await?;
    let done = Resealing::Done { unreadable: state.unreadable };
    Ok(if state.done { done } else { Resealing::Working })
}

/// The version that every contact is sealed with, and since when nothing else
/// was found: known after a whole pass that could open everything.
pub async fn sealed_with(upkeep: &dyn HistoryUpkeep) -> Result<Option<(u8, Timestamp)>, StoreError> {
    let state = upkeep.job(JOB).await?.as_deref().and_then(State::parse);
    let state = state.filter(|state| state.done && state.unreadable == 0);
    Ok(state.map(|state| (state.primary, state.began)))
}
