//! The clock of one machine.

use crate::time::Timestamp;
use std::time::Duration;

/// The clock of one machine. The embedded store and the wiring take one, and tests use one that they can set.
pub trait Clock: Send + Sync {
    /// The wall-clock time. It may be set back.
    fn now(&self) -> Timestamp;

    /// The time since a fixed point. Nobody can set it.
    fn steady(&self) -> Duration;
}
