//! The clock of the codes store.

use countersign_core::{ports::clock::Clock, time::Timestamp};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// The machine's clock, but it never goes back while the store is open. If the machine's clock is set back,
/// this clock continues at a steady pace.
pub struct StoreClock {
    machine: Arc<dyn Clock>,
    /// A time of the machine's clock, and the steady time at the same moment.
    anchor: Mutex<(Timestamp, Duration)>,
}

impl StoreClock {
    pub fn new(machine: Arc<dyn Clock>) -> Self {
        let anchor = Mutex::new((machine.now(), machine.steady()));
        Self { machine, anchor }
    }

    pub fn now(&self) -> Timestamp {
        let mut anchor = self.anchor.lock().unwrap_or_else(PoisonError::into_inner);
        let (wall, steady) = (self.machine.now(), self.machine.steady());
        let expected = anchor.0 + steady.saturating_sub(anchor.1);
        let now = wall.max(expected);
        *anchor = (now, steady);
        now.floor_to_millis()
    }
}
