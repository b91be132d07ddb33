//! The machine's clock and random generator. All other code gets them as parameters, so that tests can
//! control them.

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

/// The number of files, including sockets, that this process may open; `None` without a limit.
pub fn open_files() -> Option<usize> {
    let limit = getrlimit(Resource::Nofile);
    limit.current.and_then(|most| usize::try_from(most).ok())
}

/// Raises the limit of open files to the allowed maximum. Each connection is a file, and many systems begin
/// with 1,024.
pub fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    // If this is refused, the old limit applies, and the number of connections follows it.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

/// The machine's random generator, for new keys and ids.
#[expect(clippy::disallowed_methods, reason = "this is the generator that everything else is given")]
pub fn rng() -> ThreadRng {
    rand::rng()
}
