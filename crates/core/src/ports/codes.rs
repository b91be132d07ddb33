//! What the core needs from outside: the codes store and the directory. Each method is one atomic act: one transaction or one script.

pub mod refusal;

use crate::{
    access::{
        allowlist::Allowlist,
        key::{Key, Mode},
        usage::{AddressUse, UsePage},
    },
    delivery::places::Places,
    id::{EventId, KeyId, MessageId, NodeId, ProfileId, ReviewNumberId, TenantId, VerificationId},
    keyring::Fingerprint,
    pack::UnpackError,
    phone::{Country, countries::Countries},
    snapshot::News,
    tenant::{
        Tenant, TenantChange,
        limits::{Buckets, LimitHit, LimitState, Take, resend_cooldown},
        profile::{Profile, ProfileName},
        resource::{Basis, Resource, ResourceKind},
        review::ReviewNumber,
        settings::{Setting, Settings},
    },
    time::Timestamp,
    verification::{
        event::{Event, LimitUse, Started},
        idempotency::{Answer, Once, Replay},
        number::Listing,
        receipt::{Awaited, FailedAttempt, ParkedReceipt, ProviderMessage, ReceiptReport, Received},
        record::{
            CancelOutcome, CheckOutcome, Delivery, Record, RecordKey, Resend, ResendOutcome, Settlement,
            SubmittedCode,
        },
    },
};
use async_trait::async_trait;
use std::{ops::Range, time::Duration};

/// Why a store did not do what it was asked. Absence is no error but `None`.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Not reached, too slow, full, or closed: nothing is known to have happened.
    #[error("the store is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Another write came first, or the thing exists already.
    #[error("the store holds a conflicting value")]
    Conflict,
    /// What the write was decided by is not as it was read any more; nothing was changed.
    #[error("what the write was decided by was changed meanwhile")]
    Moved,
    /// The tenant has as many of these as it may have; nothing was changed.
    #[error("a tenant has at most {most} {what}")]
    Full {
        /// Of what.
        what: &'static str,
        /// How many it may have.
        most: u32,
    },
    /// A stored value cannot be read: damaged, or from a newer release.
    #[error("{table} {id} cannot be read")]
    Corrupt {
        /// The table or key space.
        table: &'static str,
        /// Which one; never a number or a secret.
        id: String,
    },
}

impl StoreError {
    /// What a store that lacks the method answers.
    pub fn unsupported() -> Self {
        Self::unavailable("this store does not do that")
    }

    /// Any failure of the engine below.
    pub fn unavailable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable(error.into())
    }

    /// A packed record that cannot be read; the reason goes to the log by its caller.
    pub fn unreadable(table: &'static str, id: impl ToString, error: UnpackError) -> Self {
        Self::Corrupt { table, id: format!("{}: {error}", id.to_string()) }
    }
}

/// The time of one machine. The embedded store and the wiring get one; tests turn it by hand.
pub trait Clock: Send + Sync {
    /// Now, as people would say it; it may be set back.
    fn now(&self) -> Timestamp;

    /// The time since a fixed point, which nobody can set.
    fn steady(&self) -> Duration;
}

/// A verification to be made; the store adds the times.
#[derive(Clone, Debug)]
pub struct NewVerification {
    /// Where its record stands.
    pub key: RecordKey,
    /// The record; `created_at`, `expires_at` and `resend_at` are set by the store's clock.
    pub record: Record,
    /// The key that starts it.
    pub starter: KeyId,
    /// The country of the number.
    pub country: Option<Country>,
    /// How long its codes live.
    pub expires_in: Duration,
    /// The limits of the number.
    pub number_limits: Buckets,
    /// The other limits that it must pass.
    pub takes: Vec<Take>,
    /// Names of limits that are not applied, for the timeline.
    pub skipped: Vec<String>,
    /// The Idempotency-Key, if the request bears one.
    pub once: Option<Once>,
    /// The id of the `started` event.
    pub event: EventId,
    /// For a start that leaves its listing with one pending verification.
    pub exclusive: Option<Exclusive>,
}

/// How a start sees to it that of its listing one verification is pending at most.
#[derive(Clone, Copy, Debug)]
pub struct Exclusive {
    /// The listing, in place of the profile's.
    pub listing: Listing,
    /// The pending one that is canceled in the same act, and the id of the event
    /// that says so. If another one is pending, the start is refused as
    /// [`StartOutcome::Changed`].
    pub replaces: Option<(VerificationId, EventId)>,
}

impl NewVerification {
    /// Where it is looked for by number.
    pub fn listing(&self) -> Listing {
        self.exclusive.map_or(Listing::of(self.record.profile), |exclusive| exclusive.listing)
    }

    /// The record as it begins now, by the store's clock.
    pub fn begun(&self, now: Timestamp) -> Record {
        Record {
            created_at: now,
            expires_at: now + self.expires_in,
            resend_at: now + resend_cooldown(1),
            ..self.record.clone()
        }
    }

    /// What its `started` event says, of a record that has its times and of the
    /// limits that were counted.
    pub fn started(&self, record: &Record, limits: &[LimitState]) -> Started {
        Started {
            message: record.message,
            profile: record.profile,
            key: self.starter,
            number: record.number,
            country: self.country,
            expires_at: record.expires_at,
            max_checks: record.max_checks,
            max_sends: record.max_sends,
            contact: record.contact.clone(),
            limits: limits.iter().map(LimitUse::of).collect(),
            skipped: self.skipped.clone(),
            review: record.review,
        }
    }
}

/// What a start did.
#[derive(Clone, Debug)]
#[must_use]
pub enum StartOutcome {
    /// Made, and its message queued.
    Started {
        /// The record with its times.
        record: Record,
        /// How far each limit is used now.
        limits: Vec<LimitState>,
    },
    /// A limit refused; nothing was made or counted.
    Limited(LimitHit),
    /// Another verification of the listing is pending; nothing was made or counted.
    Changed,
    /// The events that wait for the history fill their budget; nothing was made or counted.
    HistoryBacklog,
}

/// A record and the store's time at which it was read or changed.
#[derive(Clone, Debug)]
pub struct Seen<T> {
    /// What the act found.
    pub outcome: T,
    /// The record after it.
    pub record: Record,
    /// The store's clock.
    pub now: Timestamp,
}

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckFound {
    /// The outcome.
    pub outcome: CheckOutcome,
    /// Tries that are left.
    pub attempts_left: u8,
}

/// What was taken out of the codes store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// Live verifications that ended with it.
    pub canceled: u64,
    /// The store's clock: what was started until then is erased.
    pub now: Timestamp,
}

/// A message that a worker holds until its lease ends.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The verification that it belongs to.
    pub key: RecordKey,
    /// The message.
    pub message: MessageId,
    /// Counts claims, from 1: a settlement of an older claim is refused.
    pub attempt: u32,
    /// What to do with it.
    pub phase: Phase,
    /// The record at the time of the claim.
    pub record: Record,
}

/// What a claimed message waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// To be sent.
    Send,
    /// Accepted; this receipt is now due.
    Receipt(Delivery),
    /// Accepted by one of so many candidates of its route that were used, 1 to
    /// [`Awaited::MOST`]; its receipt did not come in time.
    Await(u8),
}

impl Phase {
    /// The number that outboxes keep.
    pub fn number(self) -> u8 {
        match self {
            Self::Send => 0,
            Self::Receipt(Delivery::Delivered) => 1,
            Self::Receipt(_) => 2,
            Self::Await(passed) => 2 + passed.clamp(1, Awaited::MOST),
        }
    }

    /// The reverse of [`Phase::number`].
    pub fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Send,
            1 => Self::Receipt(Delivery::Delivered),
            2 => Self::Receipt(Delivery::Undelivered),
            3..=10 => Self::Await(number - 2),
            _ => return None,
        })
    }

    /// What a message that was settled in this phase waits for next, and how long.
    pub fn next(self, settlement: &Settlement) -> Option<(Duration, Self)> {
        match (settlement, self) {
            (Settlement::Accepted { receipt: Some((delivery, after)), .. }, _) => {
                Some((*after, Self::Receipt(*delivery)))
            }
            (Settlement::Accepted { awaited: Some(Awaited { passed, after }), .. }, _) => {
                Some((*after, Self::Await(*passed)))
            }
            (Settlement::Retry { after, .. }, Self::Await(passed)) => Some((*after, Self::Await(passed))),
            (Settlement::Retry { after, .. }, _) => Some((*after, Self::Send)),
            _ => None,
        }
    }
}

/// How a version of a key ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyEnd {
    /// The key.
    pub key: KeyId,
    /// The version of which this holds, and of all before it; the last there can be for one that is deleted.
    pub version: i64,
    /// Refused from then on.
    pub at: Timestamp,
}

/// That a version of a tenant is disabled, and all before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TenantEnd {
    /// The tenant.
    pub tenant: TenantId,
    /// The version of which this holds.
    pub version: i64,
}

/// What a node that reads the directory tells those that may not be able to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Relay {
    /// The changes with greater numbers than this ...
    pub after: i64,
    /// ... up to this one are told; 0 if only ends are.
    pub up_to: i64,
    /// The keys among what changed that end, or have ended.
    pub ends: Vec<KeyEnd>,
    /// The tenants among what changed that are disabled: all their keys are refused.
    pub tenants: Vec<TenantEnd>,
}

/// What was told since a mark.
#[derive(Clone, Debug, Default)]
pub struct Relayed {
    /// In the order in which it was told.
    pub relays: Vec<Relay>,
    /// Where to go on.
    pub mark: String,
    /// The number of the newest change that any node has read.
    pub head: i64,
}

/// Whether a settlement still counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Settled {
    /// It did.
    Done,
    /// The lease ended and another worker took the message over, or it is gone.
    Lost,
}

/// Where an event stands in the order of its engine. Only the engine reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position(pub [u64; 3]);

/// An event that waits for the history, packed as it was stored: whoever
/// records it decides what to do with one that cannot be read.
#[derive(Clone, Debug)]
pub struct UnrecordedEvent {
    /// What to name when it is recorded.
    pub position: Position,
    /// The verification it happened to.
    pub key: RecordKey,
    /// Its id.
    pub id: EventId,
    /// When, by the store's clock.
    pub at: Timestamp,
    /// Its kind, packed.
    pub body: Vec<u8>,
}

/// What waits for the history.
#[derive(Clone, Debug)]
pub struct Unrecorded {
    /// The oldest events of each partition, in the order in which they happened there.
    pub events: Vec<UnrecordedEvent>,
    /// The store's clock before the read. If the read drained, every event
    /// up to this time has been handed out.
    pub now: Timestamp,
    /// Whether nothing else waited.
    pub drained: bool,
    /// All that waits.
    pub backlog: EventBacklog,
}

/// How much waits for the history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventBacklog {
    /// Events.
    pub events: u64,
    /// Their bytes, as the budget counts them.
    pub bytes: u64,
}

/// After this long without a word a worker is dead, and its share that of the others.
pub const WORKER_SILENCE: Duration = Duration::from_secs(6);

/// Live verifications, the limits of numbers, the outbox and the newest events.
///
/// All times are the store's. An act that answers an error has changed
/// nothing, or at most what a repeat of it would find done.
#[async_trait]
#[expect(unused_variables, reason = "the parameters of methods that a test's store leaves out")]
pub trait Codes: Send + Sync {
    /// Counts the start against its limits, makes the verification, queues its
    /// message and notes the event: all or nothing. A refused start takes nothing.
    async fn start(&self, new: NewVerification) -> Result<Answer<StartOutcome>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Evaluates one submitted code; `event` is used if it changes anything.
    async fn check(
        &self,
        key: RecordKey,
        code: SubmittedCode,
        event: EventId,
        once: Option<Once>,
    ) -> Result<Answer<Option<CheckFound>>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Queues another message.
    async fn resend(
        &self,
        key: RecordKey,
        resend: Resend,
        event: EventId,
        once: Option<Once>,
    ) -> Result<Answer<Option<Seen<ResendOutcome>>>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Ends the verification on the client's word.
    async fn cancel(
        &self,
        key: RecordKey,
        event: EventId,
    ) -> Result<Option<Seen<CancelOutcome>>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// What came of a request with this Idempotency-Key about this number, if there was one.
    async fn replay(&self, number: Fingerprint, once: &Once) -> Result<Option<Replay>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Begins the count of wrong codes for a number anew and says how many there were.
    async fn clear_guesses(
        &self,
        tenant: TenantId,
        mode: Mode,
        number: Fingerprint,
    ) -> Result<u16, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Ends the live verifications of a number, and takes number and notes out
    /// of every record of it that stands.
    async fn erase(&self, tenant: TenantId, mode: Mode, number: Fingerprint) -> Result<Erasure, StoreError> {
        Err(StoreError::unsupported())
    }

    /// The record, if it still stands.
    async fn read(&self, key: RecordKey) -> Result<Option<Seen<()>>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// The newest pending verification of the listing for the number, else the
    /// newest whose record still stands.
    async fn find(
        &self,
        tenant: TenantId,
        mode: Mode,
        number: Fingerprint,
        listing: Listing,
    ) -> Result<Option<VerificationId>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// What happened to the verification, oldest first, as far as it is not
    /// recorded yet.
    async fn timeline(&self, key: RecordKey) -> Result<Vec<Event>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Takes due messages of the partitions, as many as there are places for, and
    /// holds them for `lease`: one of each tenant in turn, of each the oldest first.
    /// What is left for want of a place is as due as before. Messages whose verification
    /// is over, or that a resend replaced, are dropped here and never handed out; so
    /// are, without a word, those that were delivered, and of those that are awaited
    /// all that are over or replaced.
    async fn claim(
        &self,
        partitions: Range<u16>,
        lease: Duration,
        places: Places,
    ) -> Result<Vec<Claim>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// The same for those partitions only in which a message may have become
    /// due since the last look, or was left for want of a place that there is now;
    /// the others wait for a look at all.
    async fn claim_arrived(
        &self,
        partitions: Range<u16>,
        lease: Duration,
        places: Places,
    ) -> Result<Vec<Claim>, StoreError> {
        self.claim(partitions, lease, places).await
    }

    /// Notes how a claimed message ended, if the claim is still the newest. A
    /// repeat with the same `event` changes nothing, and answers as the first
    /// until that event is recorded; where there is none, the claim is lost then.
    async fn settle(
        &self,
        claim: &Claim,
        settlement: Settlement,
        event: EventId,
    ) -> Result<Settled, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Notes an attempt that failed and extends the lease, if the claim is still
    /// the newest and its message still wanted: it goes on to the next provider.
    /// `Lost` if not; a message that nobody needs is dropped by the next claim.
    async fn note_attempt(
        &self,
        claim: &Claim,
        attempt: FailedAttempt,
        event: EventId,
    ) -> Result<Settled, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Notes what a provider reports of a message. A receipt that comes late or
    /// twice changes nothing that is true.
    async fn receive(&self, report: ReceiptReport) -> Result<Received, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Notes for [`ProviderMessage::BOUND_FOR`] which message it is that a
    /// provider calls so, and gives the receipt that came before; of any number,
    /// one that says delivered.
    async fn bind_provider_message(
        &self,
        message: &ProviderMessage,
        to: (RecordKey, MessageId),
    ) -> Result<Option<ParkedReceipt>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Which message it is that a provider calls so. While that is not known,
    /// leaves the receipt for [`ProviderMessage::PARKED_FOR`] to whoever says it:
    /// either this finds the message, or that finds the receipt.
    async fn find_provider_message(
        &self,
        message: &ProviderMessage,
        park: Option<ParkedReceipt>,
    ) -> Result<Option<(RecordKey, MessageId)>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Takes one from a bucket that no start takes from, all nodes together: zero
    /// if there was one. Else nothing is taken, and this is the wait until one may be there.
    async fn take(&self, take: Take) -> Result<Duration, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Resolves when a message may have become due since the last call; it may
    /// resolve for nothing. Workers poll besides.
    async fn due_arrived(&self) {
        std::future::pending().await
    }

    /// Answers if acts are carried out.
    async fn ping(&self) -> Result<(), StoreError> {
        Err(StoreError::unsupported())
    }

    /// Messages that wait, whether due or not; without those that a provider
    /// has and whose receipt is awaited.
    async fn messages_waiting(&self) -> Result<u64, StoreError> {
        Err(StoreError::unsupported())
    }

    /// The oldest events of the partitions that the history does not have yet.
    async fn unrecorded(&self, partitions: Range<u16>, limit: usize) -> Result<Unrecorded, StoreError> {
        Err(StoreError::unsupported())
    }

    /// These are recorded now, and may go. None goes before.
    async fn trim(&self, positions: &[Position]) -> Result<(), StoreError> {
        Err(StoreError::unsupported())
    }

    /// The time up to which the history has every event of every partition,
    /// whoever recorded it.
    async fn recorded_until(&self) -> Result<Timestamp, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Says that this worker lives, and gives the partitions that are its share
    /// among those that do. A worker that says nothing for [`WORKER_SILENCE`]
    /// is dead. Shares may overlap for a moment: no act relies on them.
    async fn share(&self, worker: NodeId, partitions: u16) -> Result<Range<u16>, StoreError> {
        Ok(0..partitions)
    }

    /// This worker ends; the others take its share over at once.
    async fn leave(&self, worker: NodeId) -> Result<(), StoreError> {
        Ok(())
    }

    /// Tells the other nodes, where the store is shared with any.
    async fn relay(&self, relay: &Relay) -> Result<(), StoreError> {
        Ok(())
    }

    /// What the nodes told after the mark, which is empty at first. `None`
    /// where the store is no other node's.
    async fn relayed(&self, mark: &str) -> Result<Option<Relayed>, StoreError> {
        Ok(None)
    }
}

/// The part of a key that its owner may change. Each `None` leaves the value as it is.
#[derive(Clone, Debug, Default)]
pub struct KeyChange {
    /// A new name.
    pub name: Option<String>,
    /// Disable or enable.
    pub disabled: Option<bool>,
    /// A new expiry, or none at all.
    pub expires_at: Option<Option<Timestamp>>,
    /// Other addresses that it may be used from.
    pub allowlist: Option<Allowlist>,
}

/// One key takes the place of another.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// The new key.
    pub new: Key,
    /// The key of the same tenant that it replaces.
    pub old: KeyId,
    /// The version of the old key from which the new one was made.
    pub version: i64,
    /// When the old key ends.
    pub ends_at: Timestamp,
}

/// Tenants, keys, profiles and settings. Every write also notes its change in `changes`.
///
/// A method that a store does not have answers `Unavailable`; the contract
/// suite holds the real ones to all of them.
#[async_trait]
#[expect(unused_variables, reason = "the parameters of methods that a test's store leaves out")]
pub trait Directory: Send + Sync {
    /// Makes a tenant with its `default` profile and its country list. `Conflict` if the id exists.
    async fn create_tenant(
        &self,
        tenant: &Tenant,
        profile: &Profile,
        countries: &Countries,
    ) -> Result<(), StoreError> {
        Err(StoreError::unsupported())
    }

    /// A tenant.
    async fn tenant(&self, tenant: TenantId) -> Result<Option<Tenant>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Tenants by id, those after `after`.
    async fn list_tenants(&self, after: Option<TenantId>, limit: u16) -> Result<Vec<Tenant>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Changes a tenant and gives it as it is then; one that cannot be changed so is as it
    /// was. `None` if there is none, or it is the operator's own.
    async fn update_tenant(
        &self,
        tenant: TenantId,
        change: &TenantChange,
        now: Timestamp,
    ) -> Result<Option<Tenant>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Tenants that were deleted up to then, those whose erasure has begun among them.
    async fn list_deleted_tenants(&self, until: Timestamp, limit: u16) -> Result<Vec<Tenant>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Begins the erasure of a tenant that was deleted up to then; from then on it cannot be
    /// enabled. Whether it may be erased: not if it was enabled meanwhile.
    async fn begin_erasure(
        &self,
        tenant: TenantId,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Deletes up to `limit` rows of each kind of a tenant whose erasure has begun; the
    /// tenant itself once nothing else is left. Whether that is done.
    async fn erase_tenant(&self, tenant: TenantId, limit: u16, now: Timestamp) -> Result<bool, StoreError> {
        Err(StoreError::unsupported())
    }

    /// The key that a caller presents, of whatever tenant.
    async fn presented_key(&self, key: KeyId) -> Result<Option<Key>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Makes a key. `Conflict` if the id exists, or the Idempotency-Key was used.
    async fn create_key(&self, key: &Key, once: Option<&Once>) -> Result<(), StoreError> {
        Err(StoreError::unsupported())
    }

    /// Makes the new key and ends the old one. `Conflict` if the old one is not
    /// as it was read, the id exists, or the Idempotency-Key was used.
    async fn rotate_key(&self, rotation: &Rotation, once: Option<&Once>) -> Result<(), StoreError> {
        Err(StoreError::unsupported())
    }

    /// The MAC of the request that used this Idempotency-Key after `since`.
    async fn answered(
        &self,
        tenant: TenantId,
        once: &Once,
        since: Timestamp,
    ) -> Result<Option<[u8; 16]>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Forgets the Idempotency-Keys of requests from before then.
    async fn forget_answered(&self, before: Timestamp) -> Result<(), StoreError> {
        Err(StoreError::unsupported())
    }

    /// A key of the tenant.
    async fn key(&self, tenant: TenantId, key: KeyId) -> Result<Option<Key>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Keys of the tenant, newest first, those before `before`.
    async fn list_keys(
        &self,
        tenant: TenantId,
        before: Option<KeyId>,
        limit: u16,
    ) -> Result<Vec<Key>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Changes a key and gives it as it is then.
    async fn update_key(
        &self,
        tenant: TenantId,
        key: KeyId,
        change: KeyChange,
        now: Timestamp,
    ) -> Result<Option<Key>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Deletes a key; whether there was one.
    async fn delete_key(&self, tenant: TenantId, key: KeyId, now: Timestamp) -> Result<bool, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Notes when keys were last accepted; older times change nothing.
    async fn touch_keys(&self, uses: &[(TenantId, KeyId, Timestamp)]) -> Result<(), StoreError> {
        Err(StoreError::unsupported())
    }

    /// Adds uses to those that are kept, and forgets the addresses of a key
    /// beyond [`MOST_ADDRESSES`](crate::access::usage::MOST_ADDRESSES).
    async fn note_address_uses(&self, uses: &[AddressUse]) -> Result<(), StoreError> {
        Err(StoreError::unsupported())
    }

    /// The uses of the tenant's keys, newest first.
    async fn list_address_uses(
        &self,
        tenant: TenantId,
        page: UsePage,
    ) -> Result<Vec<AddressUse>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Forgets addresses that were last used before then.
    async fn forget_address_uses(&self, before: Timestamp) -> Result<(), StoreError> {
        Err(StoreError::unsupported())
    }

    /// A profile by name.
    async fn profile(&self, tenant: TenantId, name: &ProfileName) -> Result<Option<Profile>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// The profiles of the tenant, by name.
    async fn list_profiles(&self, tenant: TenantId) -> Result<Vec<Profile>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Makes the profile. `Conflict` if its name or its id is taken.
    async fn create_profile(&self, profile: &Profile, now: Timestamp) -> Result<(), StoreError> {
        Err(StoreError::unsupported())
    }

    /// Gives a profile all that can change of `new`. `Conflict` unless it still
    /// is as `old`.
    async fn replace_profile(&self, old: &Profile, new: &Profile, now: Timestamp) -> Result<(), StoreError> {
        Err(StoreError::unsupported())
    }

    /// Everything that the tenant has set.
    async fn settings(&self, tenant: TenantId) -> Result<Settings, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Deletes a profile; whether there was one.
    async fn delete_profile(
        &self,
        tenant: TenantId,
        profile: ProfileId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Makes a review number. `Conflict` if the number is one, or the Idempotency-Key was used.
    async fn create_review_number(
        &self,
        review: &ReviewNumber,
        once: Option<&Once>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        Err(StoreError::unsupported())
    }

    /// The review numbers of the tenant, oldest first.
    async fn list_review_numbers(&self, tenant: TenantId) -> Result<Vec<ReviewNumber>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Deletes a review number; whether there was one.
    async fn delete_review_number(
        &self,
        tenant: TenantId,
        id: ReviewNumberId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Makes a resource. `Conflict` if its id or name is taken, or the Idempotency-Key was
    /// used; `Moved` unless what the caller decided by is as it was read.
    async fn create_resource(
        &self,
        resource: &Resource,
        basis: &[Basis],
        once: Option<&Once>,
    ) -> Result<(), StoreError> {
        Err(StoreError::unsupported())
    }

    /// All resources of the tenant, oldest first.
    async fn list_resources(&self, tenant: TenantId) -> Result<Vec<Resource>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Replaces what a resource says. `Conflict` unless its version was the one
    /// before, or if its new name is taken; `Moved` unless what the caller decided by is as
    /// it was read.
    async fn update_resource(&self, resource: &Resource, basis: &[Basis]) -> Result<(), StoreError> {
        Err(StoreError::unsupported())
    }

    /// Deletes a resource; whether there was one. `Moved` unless what the caller decided by
    /// is as it was read.
    async fn delete_resource(
        &self,
        tenant: TenantId,
        (kind, id): (ResourceKind, [u8; 16]),
        basis: &[Basis],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Sets, or unsets, one thing of the tenant. `Conflict` if a limit with a name of its
    /// own is unset that is not there.
    async fn save_setting(
        &self,
        tenant: TenantId,
        setting: &Setting,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        Err(StoreError::unsupported())
    }

    /// What happened since the change with the number `after`; `None` if nothing did.
    async fn news(&self, after: i64) -> Result<Option<News>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Forgets changes from before then; whoever has not read them reads everything anew.
    async fn forget_changes(&self, before: Timestamp) -> Result<(), StoreError> {
        Err(StoreError::unsupported())
    }
}
