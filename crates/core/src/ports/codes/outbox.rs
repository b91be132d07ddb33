//! The messages that workers claim and settle.

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

/// A message that a worker holds until the lease ends.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The key of its verification.
    pub key: RecordKey,
    pub message: MessageId,
    /// The number of the claim, from 1. A settlement of an older claim is refused.
    pub attempt: u32,
    /// What the message waits for.
    pub phase: Phase,
    /// The record at the time of the claim.
    pub record: Record,
}

/// Whether a settlement took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Settled {
    /// It took effect.
    Done,
    /// It had no effect: the lease ended and another worker took the message over, or the message is gone.
    Lost,
}

/// The messages that wait to be sent, and the receipts of providers.
///
/// All times are by the store's clock. If a method returns an error, it has changed nothing, or only what a
/// repeat of it would find done.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Takes due messages of the partitions into the free slots, and holds them for `lease`. It takes one of
    /// each tenant in turn, and the oldest of a tenant first. Messages beyond the free slots keep their due
    /// time. Messages whose verification has ended, or that a resend replaced, are dropped here with an event
    /// and never returned. Delivered messages, and ended or replaced messages that waited for a receipt, are
    /// dropped without an event.
    async fn claim(
        &self,
        partitions: Range<u16>,
        lease: Duration,
        places: Places,
    ) -> Result<Vec<Claim>, StoreError>;

    /// Like `claim`, but only in partitions in which a message may have become due since the last call, or in
    /// which one was left for want of a slot that is free now. The others wait for the next `claim`.
    async fn claim_arrived(
        &self,
        partitions: Range<u16>,
        lease: Duration,
        places: Places,
    ) -> Result<Vec<Claim>, StoreError>;

    /// Records how a claimed message ended, if the claim is still the newest. A repeat with the same `event`
    /// changes nothing, and gets the first answer until the history has recorded that event. A repeat without
    /// an event gets `Lost`.
    async fn settle(
        &self,
        claim: &Claim,
        settlement: Settlement,
        event: EventId,
    ) -> Result<Settled, StoreError>;

    /// Records a failed attempt and extends the lease, if the claim is still the newest and the message still
    /// wanted. The worker then tries the next provider. Otherwise returns `Lost`; the next claim drops a
    /// message that nobody wants.
    async fn note_attempt(
        &self,
        claim: &Claim,
        attempt: FailedAttempt,
        event: EventId,
    ) -> Result<Settled, StoreError>;

    /// Applies a provider's receipt to its message. A late or repeated receipt cannot make the stored state
    /// wrong.
    async fn receive(&self, report: ReceiptReport) -> Result<Received, StoreError>;

    /// Saves, for [`ProviderMessage::BOUND_FOR`], which message has this id at its provider. Returns the
    /// receipt that arrived before; if there were several, one that says delivered.
    async fn bind_provider_message(
        &self,
        message: &ProviderMessage,
        to: (RecordKey, MessageId),
    ) -> Result<Option<ParkedReceipt>, StoreError>;

    /// The message with this id at its provider. If it is not known yet, keeps the receipt for
    /// [`ProviderMessage::PARKED_FOR`]. So either this call finds the message, or the later
    /// `bind_provider_message` finds the receipt.
    async fn find_provider_message(
        &self,
        message: &ProviderMessage,
        park: Option<ParkedReceipt>,
    ) -> Result<Option<(RecordKey, MessageId)>, StoreError>;

    /// Takes one from a bucket that is not a limit of starts, and that all nodes share. Returns zero if one
    /// was available. Otherwise takes nothing, and returns the wait until one may be available.
    async fn take(&self, take: Take) -> Result<Duration, StoreError>;

    /// Resolves when a message may have become due since the last call, and sometimes without a reason.
    /// Workers also poll.
    async fn due_arrived(&self);

    /// The number of waiting messages, due or not. Messages that wait only for a receipt are not counted.
    async fn messages_waiting(&self) -> Result<u64, StoreError>;
}
