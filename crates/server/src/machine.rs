//! What only the machine knows: its clock and its randomness. Everything else
//! gets them as parameters, so that tests can turn and repeat them.

use countersign_core::{ports::Clock, time::Timestamp};
use rand::rngs::ThreadRng;
use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is given")]
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
    }

    fn steady(&self) -> Duration {
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed()
    }
}

/// The machine's randomness, for fresh keys and ids.
#[expect(clippy::disallowed_methods, reason = "this is the generator that everything else is given")]
pub fn rng() -> ThreadRng {
    rand::rng()
}
