//! Events that wait for the history.

use crate::{
    id::{EventId, RecordKey},
    ports::error::StoreError,
    time::Timestamp,
};
use async_trait::async_trait;
use std::ops::Range;

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

/// The newest events, until the history has them.
#[async_trait]
pub trait EventLog: Send + Sync {
    /// The oldest events of the partitions that the history does not have yet.
    async fn unrecorded(&self, partitions: Range<u16>, limit: usize) -> Result<Unrecorded, StoreError>;

    /// These are recorded now, and may go. None goes before.
    async fn trim(&self, positions: &[Position]) -> Result<(), StoreError>;

    /// The time up to which the history has every event of every partition,
    /// whoever recorded it.
    async fn recorded_until(&self) -> Result<Timestamp, StoreError>;
}
