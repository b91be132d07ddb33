//! Re-sealing: after a new seal key became primary, every contact that the
//! history keeps is sealed anew, page by page, so that the old key can go.

use crate::{
    id::VerificationId,
    keyring::{KeyRing, Place, Sealed},
    ports::{error::StoreError, history::HistoryUpkeep},
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

/// How far the history is from needing only the primary version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Progress {
    /// A whole pass that began at `clean_from` or later found and left nothing else.
    Clean,
    /// No pass with this primary version has begun.
    NotBegun,
    /// A pass is under way. It must begin anew if it `counts` not.
    Under {
        /// It has seen what was started up to then; nothing yet if `None`.
        seen_to: Option<Timestamp>,
        /// Whether it began late enough.
        counts: bool,
    },
    /// A pass ended, but it began too early to have seen everything.
    Early {
        /// The earliest begin of the next one.
        next: Timestamp,
    },
    /// A pass ended, and so many contacts open with no key of the ring.
    Unreadable(u64),
}

/// Asks the job how far it is. From `clean_from` on nothing new can be recorded that another version sealed.
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

/// Pages that are looked at for a count.
const COUNTED_PAGES: usize = 100;
/// Rows of each of them.
const COUNTED: u16 = 1_000;

/// How many contacts a version sealed, and whether that is all of them or only of those that were looked at.
/// What a pass with this primary version has seen is left out.
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
