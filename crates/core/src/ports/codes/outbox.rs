//! Messages that a worker claims and settles.

use crate::{
    delivery::places::Places,
    id::{EventId, MessageId, RecordKey},
    ports::error::StoreError,
    tenant::limits::Take,
    verification::{
        receipt::{FailedAttempt, ParkedReceipt, ProviderMessage, ReceiptReport, Received},
        record::Record,
        settlement::{Phase, Settlement},
    },
};
use async_trait::async_trait;
use std::{ops::Range, time::Duration};

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

/// Whether a settlement still counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Settled {
    /// It did.
    Done,
    /// The lease ended and another worker took the message over, or it is gone.
    Lost,
}

/// The messages that wait to be sent, and what providers report of them.
///
/// All times are the store's. An act that answers an error has changed
/// nothing, or at most what a repeat of it would find done.
#[async_trait]
pub trait Outbox: Send + Sync {
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
    ) -> Result<Vec<Claim>, StoreError>;

    /// The same for those partitions only in which a message may have become
    /// due since the last look, or was left for want of a place that there is now;
    /// the others wait for a look at all.
    async fn claim_arrived(
        &self,
        partitions: Range<u16>,
        lease: Duration,
        places: Places,
    ) -> Result<Vec<Claim>, StoreError>;

    /// Notes how a claimed message ended, if the claim is still the newest. A
    /// repeat with the same `event` changes nothing, and answers as the first
    /// until that event is recorded; where there is none, the claim is lost then.
    async fn settle(
        &self,
        claim: &Claim,
        settlement: Settlement,
        event: EventId,
    ) -> Result<Settled, StoreError>;

    /// Notes an attempt that failed and extends the lease, if the claim is still
    /// the newest and its message still wanted: it goes on to the next provider.
    /// `Lost` if not; a message that nobody needs is dropped by the next claim.
    async fn note_attempt(
        &self,
        claim: &Claim,
        attempt: FailedAttempt,
        event: EventId,
    ) -> Result<Settled, StoreError>;

    /// Notes what a provider reports of a message. A receipt that comes late or
    /// twice changes nothing that is true.
    async fn receive(&self, report: ReceiptReport) -> Result<Received, StoreError>;

    /// Notes for [`ProviderMessage::BOUND_FOR`] which message it is that a
    /// provider calls so, and gives the receipt that came before; of any number,
    /// one that says delivered.
    async fn bind_provider_message(
        &self,
        message: &ProviderMessage,
        to: (RecordKey, MessageId),
    ) -> Result<Option<ParkedReceipt>, StoreError>;

    /// Which message it is that a provider calls so. While that is not known,
    /// leaves the receipt for [`ProviderMessage::PARKED_FOR`] to whoever says it:
    /// either this finds the message, or that finds the receipt.
    async fn find_provider_message(
        &self,
        message: &ProviderMessage,
        park: Option<ParkedReceipt>,
    ) -> Result<Option<(RecordKey, MessageId)>, StoreError>;

    /// Takes one from a bucket that no start takes from, all nodes together: zero
    /// if there was one. Else nothing is taken, and this is the wait until one may be there.
    async fn take(&self, take: Take) -> Result<Duration, StoreError>;

    /// Resolves when a message may have become due since the last call; it may
    /// resolve for nothing. Workers poll besides.
    async fn due_arrived(&self);

    /// Messages that wait, whether due or not; without those that a provider
    /// has and whose receipt is awaited.
    async fn messages_waiting(&self) -> Result<u64, StoreError>;
}
