//! The events that wait for the history.

use crate::{
    access::actor::Who,
    id::{EventId, RecordKey},
    ports::error::StoreError,
    time::Timestamp,
};
use async_trait::async_trait;
use std::ops::Range;

/// The position of an event in the order of its engine. Only the engine reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position(pub [u64; 3]);

/// An event that waits for the history. It is packed as in the store, so that the recorder can decide about
/// an event that cannot be read.
#[derive(Clone, Debug)]
pub struct UnrecordedEvent {
    /// The position to give to [`EventLog::trim`] after it is recorded.
    pub position: Position,
    /// The key of its verification.
    pub key: RecordKey,
    pub id: EventId,
    /// The time, by the store's clock.
    pub at: Timestamp,
    /// The packed kind.
    pub body: Vec<u8>,
    /// The author, if one is stored beside the event.
    pub who: Option<Who>,
}

/// The result of reading events that wait for the history.
#[derive(Clone, Debug)]
pub struct Unrecorded {
    /// The oldest events of each partition, in their order there.
    pub events: Vec<UnrecordedEvent>,
    /// The store's time before the read. If `drained` is true, the caller has been given every event up to
    /// this time.
    pub now: Timestamp,
    /// Whether no other event was waiting.
    pub drained: bool,
    /// All events that wait.
    pub backlog: EventBacklog,
}

/// The size of the backlog.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventBacklog {
    pub events: u64,
    /// The size in bytes, as the budget counts it.
    pub bytes: u64,
}

/// The newest events. They stay in the codes store until the history has recorded them.
#[async_trait]
pub trait EventLog: Send + Sync {
    /// The oldest events in these partitions that the history has not recorded yet.
    async fn unrecorded(&self, partitions: Range<u16>, limit: usize) -> Result<Unrecorded, StoreError>;

    /// Deletes events that the history has recorded. No event is deleted before.
    async fn trim(&self, positions: &[Position]) -> Result<(), StoreError>;

    /// The time up to which the history has every event of every partition, from all nodes.
    async fn recorded_until(&self) -> Result<Timestamp, StoreError>;
}
