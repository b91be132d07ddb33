//! The clock of one machine.

use crate::time::Timestamp;
use std::time::Duration;

/// The time of one machine. The embedded store and the wiring get one; tests turn it by hand.
pub trait Clock: Send + Sync {
    /// Now, as people would say it; it may be set back.
    fn now(&self) -> Timestamp;

    /// The time since a fixed point, which nobody can set.
    fn steady(&self) -> Duration;
}
