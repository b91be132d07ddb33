//! The settings as the rest of the program sees them: typed and checked.

use super::Secret;
use countersign_core::{access::address::TrustedProxies, phone::countries::Countries};
use countersign_delivery::RelaySettings;
use ipnet::IpNet;
use std::{net::SocketAddr, num::NonZeroU32, path::PathBuf, time::Duration};
use zeroize::Zeroizing;

/// Everything that can be configured, checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The listeners.
    pub server: ServerSettings,
    /// The log.
    pub log: LogSettings,
    /// The folder of everything kept on this machine.
    pub folder: PathBuf,
    /// Where the directory is kept.
    pub database: DatabaseUrl,
    /// The codes store.
    pub codes: CodesSettings,
    /// What is kept of past verifications.
    pub history: HistorySettings,
    /// The key ring.
    pub keyring: KeyringSettings,
    /// How messages are sent.
    pub delivery: DeliverySettings,
    /// The countries that a new tenant sends to, unless its maker says otherwise.
    pub countries: Option<Countries>,
}

/// The listeners.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// API, and the pages of `dev`.
    pub bind: SocketAddr,
    /// What makes the API speak TLS.
    pub tls: Option<TlsFiles>,
    /// Where others reach the API, without a slash at the end, if that is known.
    pub public_url: Option<String>,
    /// Proxies whose headers say the caller's address.
    pub trusted_proxies: TrustedProxies,
    /// Keys of one address that may be wrong at once, and in each minute.
    pub auth_failures: NonZeroU32,
    /// Metrics and health.
    pub operator_bind: SocketAddr,
    /// Threads that serve requests; 0 = one for each core.
    pub workers: usize,
    /// How long work in flight may take to end.
    pub shutdown_timeout: Duration,
    /// What clients of the API may do.
    pub clients: ClientSettings,
}

/// How many clients there may be, and how long each may keep the server waiting.
#[derive(Clone, Copy, Debug)]
pub struct ClientSettings {
    /// Connections at once, over all threads.
    pub connections: usize,
    /// For the head of a request.
    pub head_timeout: Duration,
    /// For its body.
    pub body_timeout: Duration,
    /// For taking what was written of an answer.
    pub answer_timeout: Duration,
    /// Between two requests.
    pub keep_alive: Duration,
}

/// A chain of certificates and the key of its first one, both PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate of the server, then those that vouch for it.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// The log.
#[derive(Clone, Copy, Debug)]
pub struct LogSettings {
    /// The form of the lines.
    pub format: LogFormat,
    /// The least important lines that are written.
    pub level: LogLevel,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Human on a terminal, JSON elsewhere.
    Auto,
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

/// How important a log line must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Only what needs an operator.
    Error,
    /// Also what may soon.
    Warn,
    /// Also one line for each request and message.
    Info,
    /// Also steps inside.
    Debug,
    /// Everything.
    Trace,
}

impl From<LogLevel> for tracing::Level {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Trace => Self::TRACE,
        }
    }
}

/// Where tenants, keys and profiles are kept.
#[derive(Clone, Debug)]
pub enum DatabaseUrl {
    /// A file on this machine.
    Sqlite(PathBuf),
    /// A server.
    Postgres {
        /// It may hold a password.
        url: Secret,
        /// The authority of its certificate, if that is none of the system's.
        ca: Option<PathBuf>,
    },
}

/// Where live verifications are kept.
#[derive(Clone, Debug)]
pub enum CodesUrl {
    /// A file on this machine.
    Sqlite(PathBuf),
    /// Servers that many nodes share.
    Redis {
        /// It may hold a password.
        url: Secret,
        /// The authority of their certificates, if that is none of the system's.
        ca: Option<PathBuf>,
    },
}

/// The codes store.
#[derive(Clone, Debug)]
pub struct CodesSettings {
    /// Where it is.
    pub url: CodesUrl,
    /// Whether a power cut loses nothing that is kept in a file.
    pub full_sync: bool,
    /// Replicas that must have an approval before it is answered.
    pub confirm_replicas: u32,
    /// Whether servers that may forget are put up with.
    pub may_forget: bool,
    /// Parts that the numbers are spread over.
    pub partitions: u16,
    /// Bytes of events that may wait for the history.
    pub event_budget: u64,
}

/// What is kept of past verifications.
#[derive(Clone, Copy, Debug)]
pub struct HistorySettings {
    /// How long a verification and its events are kept.
    pub retention: Duration,
    /// How long the counts of an hour are kept.
    pub rollup_retention: Duration,
}

/// Where the key ring is.
#[derive(Clone, Debug)]
pub struct KeyringSettings {
    /// Its file.
    pub file: PathBuf,
    /// The whole text of the file instead; then the file is not looked at.
    pub text: Option<Secret>,
}

/// How messages are sent.
#[derive(Clone, Debug)]
pub struct DeliverySettings {
    /// Messages sent at the same time.
    pub parallel: usize,
    /// How long a worker holds a message.
    pub lease: Duration,
    /// How long the provider may take.
    pub send_timeout: Duration,
    /// The operator's own system, if one is configured.
    pub relay: Option<RelayUrl>,
    /// Networks that providers and webhooks of tenants may be in although they are not public.
    pub allowed_networks: Vec<IpNet>,
    /// The proxy that leads to providers and webhooks; its URL may hold a password.
    pub proxy: Option<Secret>,
    /// Whether it is given names, which are not looked up here.
    pub proxy_resolves: bool,
    /// Authorities that are trusted beside those of the machine.
    pub ca: Option<PathBuf>,
}

/// The operator's own system that sends the messages.
#[derive(Clone)]
pub struct RelayUrl {
    /// Where the signed POSTs go; its path may be a secret.
    pub(super) url: String,
    /// What signs them.
    pub(super) secret: Secret,
    /// From connecting to the end of the answer.
    pub(super) timeout: Duration,
}

impl std::fmt::Debug for RelayUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RelayUrl").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

impl RelayUrl {
    /// What signs the POSTs.
    pub(crate) fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The relay as the delivery crate wants it.
    pub fn settings(&self) -> RelaySettings {
        let secret = Zeroizing::new(self.secret.expose().to_owned());
        RelaySettings { url: self.url.clone(), secret, timeout: self.timeout }
    }
}
