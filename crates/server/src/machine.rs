//! What only the machine knows: its clock and its randomness. Everything else
//! gets them as parameters, so that tests can turn and repeat them.

mod memory;

use countersign_core::{ports::clock::Clock, time::Timestamp};
pub use memory::memory_limit;
use rand::rngs::ThreadRng;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
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

/// How many files this process may have open, sockets among them; nothing if there is no limit.
pub fn open_files() -> Option<usize> {
    let limit = getrlimit(Resource::Nofile);
    limit.current.and_then(|most| usize::try_from(most).ok())
}

/// Lets the process open as many files as whoever started it allows: each
/// connection is one, and many systems begin with 1,024.
pub fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    // Refused, the old limit stands, and the number of connections follows it.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

/// The machine's randomness, for fresh keys and ids.
#[expect(clippy::disallowed_methods, reason = "this is the generator that everything else is given")]
pub fn rng() -> ThreadRng {
    rand::rng()
}
