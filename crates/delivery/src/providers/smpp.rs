//! `smpp`: an account at an SMSC, over SMPP 3.4 as a transceiver.
//!
//! There is one connection. It is bound at the first message and kept; a supervisor task reconnects when it
//! is lost. A `submit_sm` that was written but never answered is [`SendError::Unknown`]; one that was not
//! written is [`SendError::Retry`].
//!
//! The parts of a long message are sent in order, each after the SMSC has accepted the one before, so that a
//! refusal leaves no half message behind. The message counts as accepted with its last part, and has the id
//! of its first part (`smpp/parts.rs`). Each attempt numbers the parts alike, so a phone can join parts from
//! two attempts.
//!
//! Session and PDUs are our own code, for three reasons. The client of `rusmppc` 0.4 does not tell what was
//! written when a connection is lost, has no window, and uses a resolver that the address policy forbids. The
//! codec of `rusmpp` 0.4 ends the connection over one field that deviates from the standard, such as a
//! `receipted_message_id` without its NUL, which deployed SMSCs send; and its Debug shows passwords and
//! texts. Ten PDUs are less code than its types.

mod fields;
mod frame;
mod ids;
mod job;
mod parts;
mod pdu;
mod receipt;
mod session;
mod settings;
mod status;
mod submit;
mod supervisor;
mod text;
mod tls;

pub use ids::IdFormat;
pub use settings::{DefaultAlphabet, LongMessages, Plan, SmppSettings, Validity};

use crate::{
    outbound::Outbound,
    provider::{Accepted, Outgoing, Provider, SendError},
    receipt::Told,
};
use countersign_core::ports::clock::Clock;
use job::{Answer, Job};
use parts::{Part, Parts};
use rand::rngs::StdRng;

use std::{
    fmt, io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use supervisor::Supervisor;
use tokio::{
    net::TcpStream,
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::{CancellationToken, DropGuard};
use zeroize::Zeroizing;

/// How long a message waits to be written: for a bind, for a free place in the window or for the account's
/// rate. Together with the response time it is below the worker's time-out.
const PATIENCE: Duration = Duration::from_secs(4);

/// Opens a connection to an SMSC. It may refuse an address.
#[async_trait::async_trait]
pub trait Connect: Send + Sync {
    /// Opens a TCP connection to `host` in at most that time.
    async fn connect(&self, host: &str, port: u16, within: Duration) -> io::Result<TcpStream>;
}

/// The reasons why settings are refused.
#[derive(Debug, thiserror::Error)]
pub enum SmppError {
    /// The setting `ca` contains no certificate.
    #[error("the SMSC's ca must hold at least one certificate as PEM")]
    Ca,
    /// This system has no certificate authorities.
    #[error("this system names no certificate authorities: set the SMSC's ca")]
    NoAuthorities,
    /// TLS cannot be set up.
    #[error("TLS towards the SMSC cannot be set up")]
    Tls(#[source] rustls::Error),
}

/// The state that the tasks of one account share.
struct Shared {
    settings: SmppSettings,
    reports: mpsc::Sender<Told>,
    parts: Mutex<Parts>,
}

impl Shared {
    fn parts(&self) -> std::sync::MutexGuard<'_, Parts> {
        // A panic while the lock is held leaves at worst the parts of one message incomplete, so a poisoned
        // lock is safe to use.
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task that keeps the connection.
enum Task {
    Waiting(Box<Supervisor>),
    Running(JoinHandle<()>),
    Ended,
}

#[async_trait::async_trait]
impl Connect for Outbound {
    async fn connect(&self, host: &str, port: u16, within: Duration) -> io::Result<TcpStream> {
        Outbound::connect(self, host, port, within).await.map_err(io::Error::other)
    }
}

/// The SMPP provider. When it is dropped, it unbinds and ends.
pub struct Smpp {
    name: String,
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    jobs: mpsc::Sender<Job>,
    /// Numbers the messages with several parts.
    messages: AtomicU64,
    task: Mutex<Task>,
    stop: CancellationToken,
    _stop: DropGuard,
}

impl fmt::Debug for Smpp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smpp").field("settings", &self.shared.settings).finish_non_exhaustive()
    }
}

impl Smpp {
    /// A provider that connects through `connect` when it has a message, and sends receipts to `reports`.
    /// While that channel is full, the SMSC keeps its receipts.
    pub fn new(
        name: &str,
        settings: SmppSettings,
        connect: Arc<dyn Connect>,
        reports: mpsc::Sender<Told>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SmppError> {
        let tls = if settings.tls { Some(tls::connector(settings.ca.as_deref())?) } else { None };
        let shared = Arc::new(Shared { settings, reports, parts: Mutex::default() });
        // The queue is short: a message in it was not written, and must be easy to take back.
        let (jobs, queue) = mpsc::channel(1);
        let stop = CancellationToken::new();
        let rng = rand::make_rng::<StdRng>();
        let supervisor = Supervisor::new(Arc::clone(&shared), connect, tls, queue, rng, stop.clone());
        let task = Mutex::new(Task::Waiting(Box::new(supervisor)));
        let messages = AtomicU64::new(0);
        let name = name.to_owned();
        Ok(Self { name, shared, clock, jobs, messages, task, _stop: stop.clone().drop_guard(), stop })
    }

    /// Unbinds and waits until the connection is closed. Afterwards it sends nothing.
    pub async fn close(&self) {
        self.stop.cancel();
        let task = std::mem::replace(&mut *self.task(), Task::Ended);
        if let Task::Running(handle) = task {
            // The task ends by itself. If it panicked, the runtime has already reported that.
            let _ = handle.await;
        }
    }

    fn task(&self) -> std::sync::MutexGuard<'_, Task> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the supervisor with the first message. The constructor may run outside a runtime, and an
    /// account that nobody uses must not bind.
    fn start(&self) {
        let mut task = self.task();
        *task = match std::mem::replace(&mut *task, Task::Ended) {
            Task::Waiting(supervisor) => Task::Running(tokio::spawn(supervisor.run())),
            other => other,
        };
    }

    /// Gives one `submit_sm` to the session and waits for the result.
    async fn submit(&self, body: Zeroizing<Vec<u8>>, part: Option<Part>) -> Answer {
        let claimed = Arc::new(AtomicBool::new(false));
        let (reply, mut answer) = oneshot::channel();
        let job = Job { body, part, claimed: Arc::clone(&claimed), reply };
        let waited = timeout(PATIENCE, async {
            let _ = self.jobs.send(job).await;
            (&mut answer).await
        });
        let answer = match waited.await {
            Ok(answer) => answer,
            // The first to swap decides: the session writes the message, or this task takes it back.
            Err(_) if !claimed.swap(true, Ordering::AcqRel) => {
                return Err(SendError::retry("no place in the window"));
            }
            // The session has written it, and answers within its own time-out.
            Err(_) => answer.await,
        };
        // There is no answer: the session broke off.
        answer.unwrap_or_else(|_| {
            Err(if claimed.load(Ordering::Acquire) {
                SendError::unknown("connection lost")
            } else {
                SendError::retry("not connected")
            })
        })
    }
}

#[async_trait::async_trait]
impl Provider for Smpp {
    fn name(&self) -> &str {
        &self.name
    }

    /// Ids that differ only by case or leading zeros mean the same message: SMSCs change both.
    fn names_by_id(&self) -> bool {
        true
    }

    fn reports(&self, _message: &Outgoing) -> bool {
        true
    }

    async fn send(&self, message: &Outgoing) -> Result<Accepted, SendError> {
        let bodies = submit::bodies(&self.shared.settings, message, self.clock.now());
        let bodies = bodies.map_err(SendError::local)?;
        self.start();
        let total = u8::try_from(bodies.len()).unwrap_or(u8::MAX);
        let number = self.messages.fetch_add(1, Ordering::Relaxed);
        let part = (total > 1).then_some(Part { message: number, total });
        let mut first = None;
        for (index, body) in bodies.into_iter().enumerate() {
            let id = self.submit(body, part).await?;
            if index == 0 {
                first = id;
            }
        }
        Ok(Accepted { receipt: None, id: first })
    }
}

#[cfg(test)]
mod tests;
