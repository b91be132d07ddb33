//! Limits that do not count by phone number, and the members' pools. The key of each is in a slot of its own,
//! so one script cannot take from several. An operation takes from each in a separate call before its own
//! script. If it is refused, it gives back what it took.
//!
//! Until it has given it back, the limits may refuse other operations. So a node remembers recent refusals. If
//! it remembers that one of the limits refused, it first asks the limits without taking. Then many operations
//! for one phone number or from one end user take nothing from other limits.

use super::{
    keys,
    pools::Asked,
    reply::{Reply, TakeReply},
    script,
    store::{Store, text},
};
use countersign_core::{
    keyring::Fingerprint,
    mode::Mode,
    people::pool::PoolTake,
    ports::{codes::acts::StartOutcome, error::StoreError},
    tenant::limits::{LimitHit, LimitState, Take},
    time::Timestamp,
    verification::outcome::ResendOutcome,
};
use futures_util::future::{join, join_all};
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

    /// Takes from each limit and from the pool, or from none if one refuses or does not answer.
    pub async fn take<'a>(
        &self,
        takes: &'a [Take],
        pool: Option<&'a PoolTake>,
    ) -> Result<Result<Held<'a>, Refused>, StoreError> {
        let mut keys = takes.iter().map(|take| &take.key).chain(pool.map(|pool| &pool.key));
        if keys.any(|key| self.refusals.is_remembered(key))
            && let Some(refused) = self.look(takes, pool).await?
        {
            return Ok(Err(refused));
        }
        let held = self.ask(takes, pool, false).await?;
        Ok(match held.refusal() {
            None => Ok(held),
            Some(refused) => {
                self.give_back(&held).await;
                Err(refused)
            }
        })
    }

    /// The refusal, if a limit or the pool refuses. Takes nothing.
    pub async fn look(&self, takes: &[Take], pool: Option<&PoolTake>) -> Result<Option<Refused>, StoreError> {
        Ok(self.ask(takes, pool, true).await?.refusal())
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
        let limits = self.give(held.takes.iter().zip(&held.taken));
        join(limits, self.give_to_pool(held.pool.as_ref())).await;
    }

    async fn give_to_pool(&self, pool: Option<&Asked<'_>>) {
        if let Some(pool) = pool {
            pool.give_back(&self.store).await;
        }
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

    async fn ask<'a>(
        &self,
        takes: &'a [Take],
        pool: Option<&'a PoolTake>,
        look: bool,
    ) -> Result<Held<'a>, StoreError> {
        let all = join_all(takes.iter().map(|take| self.ask_one(take, look)));
        let (all, pool) = join(all, self.ask_pool(pool, look)).await;
        let failed = pool.is_err() || all.iter().any(Result::is_err);
        if failed && !look {
            let limits =
                takes.iter().zip(&all).filter_map(|(take, taken)| Some((take, taken.as_ref().ok()?)));
            let pool = pool.as_ref().ok().and_then(Option::as_ref);
            join(self.give(limits), self.give_to_pool(pool)).await;
        }
        Ok(Held { takes, taken: all.into_iter().collect::<Result<_, _>>()?, pool: pool? })
    }

    async fn ask_pool<'a>(
        &self,
        pool: Option<&'a PoolTake>,
        look: bool,
    ) -> Result<Option<Asked<'a>>, StoreError> {
        let Some(take) = pool else { return Ok(None) };
        let asked = Asked::ask(&self.store, take, look).await?;
        if asked.may_refuse_next() {
            self.refusals.remember(take.key, POOL_REMEMBERED);
        }
        Ok(Some(asked))
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
    pool: Option<Asked<'a>>,
}

/// How long a node remembers that a pool is used up. A flood then takes nothing from other limits. The time is
/// short, because a pool may be raised.
const POOL_REMEMBERED: Duration = Duration::from_secs(60);

/// Why nothing was taken. If a limit and the pool refuse, the limit comes first, as in
/// [`Refusal`](countersign_core::ports::codes::refusal::Refusal).
pub(super) enum Refused {
    Limit(LimitHit),
    Pool(LimitHit),
}

impl From<Refused> for StartOutcome {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Limit(hit) => Self::Limited(hit),
            Refused::Pool(hit) => Self::PoolExhausted(hit),
        }
    }
}

impl From<Refused> for ResendOutcome {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Limit(hit) => Self::Limited(hit),
            Refused::Pool(hit) => Self::PoolExhausted(hit),
        }
    }
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
    /// How full each limit and the pool is, if what was taken is kept.
    pub fn states(&self) -> Vec<LimitState> {
        let limits =
            self.takes.iter().zip(&self.taken).map(|(take, taken)| take.state(taken.full_at, taken.now));
        limits.chain(self.pool.as_ref().map(Asked::state)).collect()
    }

    /// How full each limit is after giving back.
    fn states_without(&self) -> Vec<LimitState> {
        let state = |(take, taken): (&Take, &Taken)| {
            let given = if taken.admitted { take.bucket.interval() } else { Duration::ZERO };
            take.state(taken.full_at - given, taken.now)
        };
        self.takes.iter().zip(&self.taken).map(state).collect()
    }

    fn refusal(&self) -> Option<Refused> {
        let pool = || self.pool.as_ref().and_then(Asked::refusal).map(Refused::Pool);
        self.limit_refusal().map(Refused::Limit).or_else(pool)
    }

    /// The refusal by the bucket that refuses for longest.
    fn limit_refusal(&self) -> Option<LimitHit> {
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
