//! Re-sealing: after a new seal key became primary, seals every contact in the history with it, page by page,
//! so that the old key can be removed.

use crate::{
    id::VerificationId,
    keyring::{KeyRing, Place, Sealed},
    ports::{error::StoreError, history::HistoryUpkeep},
    time::Timestamp,
};
use rand::CryptoRng;
use std::time::Duration;

const JOB: &str = "reseal_contacts";
/// The number of rows of one page.
const PAGE: u16 = 200;

/// The result of one page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Resealing {
    /// More rows follow.
    Working,
    /// Every row was seen. The contacts that no key of the ring opens stay as they are.
    Done {
        /// The number of contacts that no key of the ring opens.
        unreadable: u64,
    },
}

/// The time between two passes. A version may be removed only after a pass that began when no new value could
/// be sealed with it. So passes are repeated while there are two versions.
const NEXT_PASS: Duration = Duration::from_secs(15 * 60);

/// The state that is stored between two pages, and over a restart.
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

/// Seals one page of contacts with the primary key, from where the last call stopped.
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

/// The progress of the history towards needing only the primary version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Progress {
    /// A complete pass that began at `clean_from` or later left nothing sealed with another version.
    Clean,
    /// No pass with this primary version has begun.
    NotBegun,
    /// A pass is running.
    Under {
        /// The pass has seen all verifications started up to this time; `None` if it has seen nothing yet.
        seen_to: Option<Timestamp>,
        /// Whether the pass began late enough. If not, another one is needed.
        counts: bool,
    },
    /// A pass is complete, but it began too early to have seen everything.
    Early {
        /// The earliest time for the next pass.
        next: Timestamp,
    },
    /// A pass is complete, but no key of the ring opens this many contacts.
    Unreadable(u64),
}

/// Reads the progress of the job. From `clean_from` on, nothing sealed with another version can be recorded
/// any more.
pub async fn reseal_progress(
    upkeep: &dyn HistoryUpkeep,
    primary: u8,
    clean_from: Timestamp,
) -> Result<Progress, StoreError> {
    let state = upkeep.job(JOB).await?.as_deref().and_then(State::parse);
    Ok(match state.filter(|state| state.primary == primary) {
        None => Progress::NotBegun,
        Some(State { done: false, after, began, .. }) => {
            Progress::Under { seen_to: after.map(|id| id.created_at()), counts: began >= clean_from }
        }
        Some(State { unreadable, .. }) if unreadable > 0 => Progress::Unreadable(unreadable),
        Some(State { began, .. }) if began < clean_from => {
            Progress::Early { next: clean_from.max(began + NEXT_PASS) }
        }
        Some(_) => Progress::Clean,
    })
}

/// The maximum number of pages that a count looks at.
const COUNTED_PAGES: usize = 100;
/// The number of rows of each page.
const COUNTED: u16 = 1_000;

/// Counts the contacts that a version sealed, without those that a pass with this primary version has seen.
/// Also returns whether all rows were counted, or only the pages looked at.
pub async fn count_sealed_with(
    upkeep: &dyn HistoryUpkeep,
    primary: u8,
    version: u8,
) -> Result<(u64, bool), StoreError> {
    let state = upkeep.job(JOB).await?.as_deref().and_then(State::parse);
    let state = state.filter(|state| state.primary == primary);
    let (mut count, mut after) = (0, state.and_then(|state| state.after));
    for _ in 0..COUNTED_PAGES {
        let (contacts, last) = upkeep.contacts(after, COUNTED).await?;
        count += contacts.iter().filter(|one| one.contact.first() == Some(&version)).count() as u64;
        if last.is_none() {
            return Ok((count, true));
        }
        after = last;
    }
    Ok((count, false))
}
