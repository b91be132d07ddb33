//! `smpp`: an account at an SMSC, over SMPP 3.4 as a transceiver.
//!
//! One connection, bound at the first message and kept from then on: a
//! supervisor task connects again when it is lost. A `submit_sm` that was
//! written and never answered is [`SendError::Unknown`], one that was not
//! written is [`SendError::Retry`].
//!
//! A message in several parts goes part after part, each once the one before
//! was taken, so that a refusal leaves no half message behind. It is accepted
//! with its last part and goes by the id of its first (`smpp/parts.rs`). Its
//! parts are numbered alike in each attempt, so a phone can join those that two
//! attempts brought.
//!
//! The session and the PDUs are ours. The client of `rusmppc` 0.4 keeps to
//! itself what was written when a connection is lost, has no window, and brings
//! a resolver that nothing here may use. The codec of `rusmpp` 0.4 ends the
//! connection over one field that is not as the standard has it, such as a
//! `receipted_message_id` without its NUL, which deployed SMSCs send; it also
//! has Debug on passwords and texts. Ten PDUs are less code than its types.

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

/// How long a message waits to be written: for a bind, a place in the window
/// or the account's rate. With the time to respond it is below the worker's time-out.
const PATIENCE: Duration = Duration::from_secs(4);

/// Opens a connection to an SMSC, which may be refused for its address.
#[async_trait::async_trait]
pub trait Connect: Send + Sync {
    /// A TCP connection to `host`, made within that time.
    async fn connect(&self, host: &str, port: u16, within: Duration) -> io::Result<TcpStream>;
}

/// Why there is no provider with these settings.
#[derive(Debug, thiserror::Error)]
pub enum SmppError {
    /// The setting `ca` holds no certificate.
    #[error("the SMSC's ca must hold at least one certificate as PEM")]
    Ca,
    /// This system trusts nobody.
    #[error("this system names no certificate authorities: set the SMSC's ca")]
    NoAuthorities,
    /// No TLS with this build.
    #[error("TLS towards the SMSC cannot be set up")]
    Tls(#[source] rustls::Error),
}

/// What the tasks of one account share.
struct Shared {
    settings: SmppSettings,
    reports: mpsc::Sender<Told>,
    parts: Mutex<Parts>,
}

impl Shared {
    fn parts(&self) -> std::sync::MutexGuard<'_, Parts> {
        // A panic elsewhere leaves at worst one message's parts incomplete.
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

/// The provider. Dropped, it unbinds and ends.
pub struct Smpp {
    name: String,
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    jobs: mpsc::Sender<Job>,
    /// Counts messages in several parts.
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
    /// A provider that connects through `connect` once it has a message, and
    /// tells receipts to `reports`. While that is full, the SMSC keeps its receipts.
    pub fn new(
        name: &str,
        settings: SmppSettings,
        connect: Arc<dyn Connect>,
        reports: mpsc::Sender<Told>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SmppError> {
        let tls = if settings.tls { Some(tls::connector(settings.ca.as_deref())?) } else { None };
        let shared = Arc::new(Shared { settings, reports, parts: Mutex::default() });
        // Short: what waits here was not written, so it must be easy to take back.
        let (jobs, queue) = mpsc::channel(1);
        let stop = CancellationToken::new();
        let rng = rand::make_rng::<StdRng>();
        let supervisor = Supervisor::new(Arc::clone(&shared), connect, tls, queue, rng, stop.clone());
        let task = Mutex::new(Task::Waiting(Box::new(supervisor)));
        let messages = AtomicU64::new(0);
        let name = name.to_owned();
        Ok(Self { name, shared, clock, jobs, messages, task, _stop: stop.clone().drop_guard(), stop })
    }

    /// Unbinds and waits until the connection is closed; afterwards nothing is sent.
    pub async fn close(&self) {
        self.stop.cancel();
        let task = std::mem::replace(&mut *self.task(), Task::Ended);
        if let Task::Running(handle) = task {
            // It ends by itself; if it panicked, the runtime said so.
            let _ = handle.await;
        }
    }

    fn task(&self) -> std::sync::MutexGuard<'_, Task> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the supervisor with the first message: the constructor may run
    /// where there is no runtime, and an account that nobody uses binds nothing.
    fn start(&self) {
        let mut task = self.task();
        *task = match std::mem::replace(&mut *task, Task::Ended) {
            Task::Waiting(supervisor) => Task::Running(tokio::spawn(supervisor.run())),
            other => other,
        };
    }

    /// Hands one `submit_sm` to the session and waits for what becomes of it.
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
            // Whoever swaps first has it: the session to write it, or we to take it back.
            Err(_) if !claimed.swap(true, Ordering::AcqRel) => {
                return Err(SendError::retry("no place in the window"));
            }
            // Written, so the session answers within its own time-out.
            Err(_) => answer.await,
        };
        // Without an answer: the session broke off.
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

    /// Ids that are alike name one message: SMSCs change case, and pad numbers.
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
