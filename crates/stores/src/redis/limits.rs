//! Limits that do not count by phone number. The key of each such limit is in a slot of its own, so one script
//! cannot take from several. An operation takes from each in a separate call before its own script. If it is
//! refused, it gives back what it took.
//!
//! Until it has given it back, the limits may refuse other operations. So a node remembers recent refusals. If
//! it remembers that one of the limits refused, it first asks the limits without taking. Then many operations
//! for one phone number or from one end user take nothing from other limits.

use super::{
    keys,
    reply::{Reply, TakeReply},
    script,
    store::{Store, text},
};
use countersign_core::{
    keyring::Fingerprint,
    mode::Mode,
    ports::error::StoreError,
    tenant::limits::{LimitHit, LimitState, Take},
    time::Timestamp,
};
use futures_util::future::join_all;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// The limits, and the refusals that this node remembers.
pub(super) struct Limits {
    store: Arc<Store>,
    refusals: Refusals,
}

impl Limits {
    pub fn new(store: Arc<Store>) -> Self {
        Self { store, refusals: Refusals::new() }
    }

    /// Remembers that the limits of a phone number refuse for this long.
    pub fn remember_number(&self, mode: Mode, number: Fingerprint, wait: Duration) {
        self.refusals.remember(number_place(mode, number), wait);
    }

    /// Returns whether this node remembers a refusal by the limits of a phone number that still lasts.
    pub fn number_refused(&self, mode: Mode, number: Fingerprint) -> bool {
        self.refusals.is_remembered(&number_place(mode, number))
    }

    /// Takes from each limit, or from none if one refuses or does not answer.
    pub async fn take<'a>(&self, takes: &'a [Take]) -> Result<Result<Held<'a>, LimitHit>, StoreError> {
        if takes.iter().any(|take| self.refusals.is_remembered(&take.key))
            && let Some(hit) = self.look(takes).await?
        {
            return Ok(Err(hit));
        }
        let held = self.ask(takes, false).await?;
        Ok(match held.refusal() {
            None => Ok(held),
            Some(hit) => {
                self.give_back(&held).await;
                Err(hit)
            }
        })
    }

    /// The refusal, if a limit refuses. Takes nothing.
    pub async fn look(&self, takes: &[Take]) -> Result<Option<LimitHit>, StoreError> {
        Ok(self.ask(takes, true).await?.refusal())
    }

    /// Takes from a single limit. If it refuses, returns the wait until one may be available.
    pub async fn take_one(&self, take: &Take) -> Result<Duration, StoreError> {
        let Taken { admitted, full_at, now, .. } = self.ask_one(take, false).await?;
        if admitted {
            return Ok(Duration::ZERO);
        }
        Ok(take.bucket.take(full_at, now).err().unwrap_or(take.bucket.interval()))
    }

    /// Gives back what a refused operation took. A server that does not answer keeps it as taken.
    pub async fn give_back(&self, held: &Held<'_>) {
        self.give(held.takes.iter().zip(&held.taken)).await;
    }

    async fn give<'a>(&self, taken: impl Iterator<Item = (&'a Take, &'a Taken)>) {
        let given = taken.filter(|(_, taken)| taken.admitted).map(async |(take, taken)| {
            let (interval, left) = (text(take.bucket.interval().as_micros()), text(taken.full_at.micros()));
            if let Err(error) = self.store.run(&script::GIVE, &[&taken.key], &[&interval, &left]).await {
                tracing::debug!(error = %error, limit = take.name, "What a refused act took was not given back");
            }
        });
        join_all(given).await;
    }

    async fn ask<'a>(&self, takes: &'a [Take], look: bool) -> Result<Held<'a>, StoreError> {
        let all = join_all(takes.iter().map(|take| self.ask_one(take, look))).await;
        let failed = all.iter().any(Result::is_err);
        if failed && !look {
            self.give(takes.iter().zip(&all).filter_map(|(take, taken)| Some((take, taken.as_ref().ok()?))))
                .await;
        }
        Ok(Held { takes, taken: all.into_iter().collect::<Result<_, _>>()? })
    }

    async fn ask_one(&self, take: &Take, look: bool) -> Result<Taken, StoreError> {
        let key = keys::bucket(self.store.partitions, &take.key);
        let (interval, most) = (text(take.bucket.interval().as_micros()), text(take.bucket.max));
        let args: &[&[u8]] = if look { &[&interval, &most, b"1"] } else { &[&interval, &most] };
        let reply = Reply::new(self.store.run(&script::TAKE, &[&key], args).await?)?;
        let (admitted, full_at) =
            (reply.kind::<TakeReply>()? == TakeReply::Admitted, Timestamp::from_micros(reply.number(1)?));
        let now = reply.time(2)?;
        // Also remember it after the last start that fits, because the next one is refused.
        if let Err(wait) = take.bucket.take(full_at, now) {
            self.refusals.remember(take.key, wait);
        }
        Ok(Taken { key, admitted, full_at, now })
    }
}

/// What an operation took, in the order of its limits.
pub(super) struct Held<'a> {
    takes: &'a [Take],
    taken: Vec<Taken>,
}

/// The state of one bucket after a take.
struct Taken {
    key: Vec<u8>,
    admitted: bool,
    /// When the bucket has recovered fully, after this take if it was admitted.
    full_at: Timestamp,
    now: Timestamp,
}

impl Held<'_> {
    /// How full each limit is, if what was taken is kept.
    pub fn states(&self) -> Vec<LimitState> {
        self.takes.iter().zip(&self.taken).map(|(take, taken)| take.state(taken.full_at, taken.now)).collect()
    }

    /// How full each limit is after giving back.
    fn states_without(&self) -> Vec<LimitState> {
        let state = |(take, taken): (&Take, &Taken)| {
            let given = if taken.admitted { take.bucket.interval() } else { Duration::ZERO };
            take.state(taken.full_at - given, taken.now)
        };
        self.takes.iter().zip(&self.taken).map(state).collect()
    }

    /// The refusal by the bucket that refuses for longest.
    fn refusal(&self) -> Option<LimitHit> {
        let refused = self.takes.iter().zip(&self.taken).filter(|(_, taken)| !taken.admitted);
        let waits = refused.map(|(take, taken)| {
            (take.bucket.take(taken.full_at, taken.now).err().unwrap_or_default(), take)
        });
        let (retry_after, take) = waits.max_by_key(|(wait, _)| *wait)?;
        let (name, scope) = (take.name.clone(), take.scope.as_str());
        Some(LimitHit { name, scope, retry_after, states: self.states_without() })
    }
}

/// The place of a phone number among those of buckets. The two modes have separate places.
fn number_place(mode: Mode, Fingerprint(mut place): Fingerprint) -> [u8; 16] {
    place[15] ^= mode.byte();
    place
}

/// Recent refusals, and until when they last. No decision depends on them: they only say which limits to look
/// at first. A forgotten or outdated refusal costs one call.
struct Refusals(Box<[Mutex<Option<Remembered>>]>);

struct Remembered {
    place: [u8; 16],
    until: Instant,
}

impl Refusals {
    /// 320 KiB in all. Places are keyed hashes, so an attacker cannot choose whose refusal is replaced.
    const SLOTS: usize = 8_192;

    fn new() -> Self {
        Self(std::iter::repeat_with(Mutex::default).take(Self::SLOTS).collect())
    }

    fn slot(&self, place: &[u8; 16]) -> &Mutex<Option<Remembered>> {
        let [.., a, b, c, d] = *place;
        &self.0[u32::from_be_bytes([a, b, c, d]) as usize % Self::SLOTS]
    }

    fn remember(&self, place: [u8; 16], wait: Duration) {
        let until = Instant::now() + wait;
        *self.slot(&place).lock().unwrap_or_else(PoisonError::into_inner) = Some(Remembered { place, until });
    }

    fn is_remembered(&self, place: &[u8; 16]) -> bool {
        let slot = self.slot(place).lock().unwrap_or_else(PoisonError::into_inner);
        slot.as_ref().is_some_and(|found| found.place == *place && Instant::now() < found.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_refused_is_remembered_for_its_wait_in_bounded_memory() {
        let (refusals, wait) = (Refusals::new(), Duration::from_secs(60));
        refusals.remember([1; 16], wait);
        assert!(refusals.is_remembered(&[1; 16]));
        assert!(!refusals.is_remembered(&number_place(Mode::Test, Fingerprint([1; 16]))));
        // A refusal in the same slot replaces this one, but is not mistaken for it.
        let mut other = [1; 16];
        other[0] = 2;
        assert!(!refusals.is_remembered(&other));
        refusals.remember(other, wait);
        assert!(refusals.is_remembered(&other) && !refusals.is_remembered(&[1; 16]));
        tokio::time::advance(wait).await;
        assert!(!refusals.is_remembered(&other));
        assert!(size_of_val(&*refusals.0) <= 512 << 10, "{}", size_of_val(&*refusals.0));
    }
}
