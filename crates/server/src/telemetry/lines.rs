//! Writes log lines. The lines of requests and messages are gathered for a moment, so that a busy server
//! makes one system call for many. All other lines are written at once.

use std::{
    io::{self, Write},
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    thread::{self, Thread},
    time::Duration,
};
use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// The longest time for which a line is kept back.
const KEPT: Duration = Duration::from_millis(20);
/// The number of bytes at which the gathered lines are written.
const MOST: usize = 32 * 1024;

static GATHERED: Mutex<Vec<u8>> = Mutex::new(Vec::new());
/// The thread that writes the gathered lines. It sleeps until there is one.
static WRITER: OnceLock<Thread> = OnceLock::new();

/// Standard error.
pub struct Lines;

impl Lines {
    /// Starts the thread that writes the gathered lines until the process ends.
    pub fn begin() -> Self {
        let writer = thread::Builder::new().name("log".to_owned());
        // Without the thread, lines are written when enough are gathered, or with the next urgent line.
        let spawned = writer.spawn(|| {
            loop {
                thread::park();
                #[expect(clippy::disallowed_methods, reason = "a thread of its own")]
                thread::sleep(KEPT);
                flush();
            }
        });
        if let Ok(writer) = spawned {
            let _ = WRITER.set(writer.thread().clone());
        }
        Self
    }
}

/// Writes the gathered lines.
pub fn flush() {
    write_out(&mut gathered());
}

fn gathered() -> MutexGuard<'static, Vec<u8>> {
    GATHERED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn write_out(lines: &mut Vec<u8>) {
    if !lines.is_empty() {
        // There is no way to report that the log cannot be written.
        let _ = io::stderr().write_all(lines);
        lines.clear();
    }
}

/// The writer of one line. The line joins the gathered ones, or is written at once with them.
pub struct Line {
    at_once: bool,
}

impl Write for Line {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let mut lines = gathered();
        let is_first = lines.is_empty();
        lines.extend_from_slice(text);
        if self.at_once || lines.len() >= MOST {
            write_out(&mut lines);
        } else if is_first && let Some(writer) = WRITER.get() {
            writer.unpark();
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line { at_once: true }
    }

    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> Line {
        // Heads of the audit log, and lines that an operator must see, are not kept back.
        Line { at_once: *meta.level() < Level::INFO || meta.target() == "audit" }
    }
}
