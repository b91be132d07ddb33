//! The settings as the rest of the program uses them: typed and checked.

use super::{MailServer, Secret};
use countersign_core::{access::address::TrustedProxies, phone::countries::Countries};
use countersign_delivery::RelaySettings;
use ipnet::IpNet;
use std::{net::SocketAddr, num::NonZeroU32, path::PathBuf, time::Duration};
use zeroize::Zeroizing;

/// Everything that can be configured, checked.
#[derive(Clone, Debug)]
pub struct Settings {
    pub server: ServerSettings,
    pub log: LogSettings,
    /// The folder of all files on this machine.
    pub folder: PathBuf,
    /// The database of the directory and the history.
    pub database: DatabaseUrl,
    /// The codes store.
    pub codes: CodesSettings,
    /// How long past verifications are stored.
    pub history: HistorySettings,
    /// How long the entries of the audit log are stored.
    pub audit_retention: Duration,
    /// The key ring.
    pub keyring: KeyringSettings,
    /// How messages are sent.
    pub delivery: DeliverySettings,
    /// The MaxMind file that tells the country of an address, if there is one.
    pub places: Option<PathBuf>,
    /// How persons reach the people who run the installation.
    pub support: Option<String>,
    /// The SMTP server, if one is configured.
    pub mail: Option<MailServer>,
    /// The countries that a new tenant may send to, unless its creation names others.
    pub countries: Option<Countries>,
}

/// The listeners.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// The address of the API, and of the pages of `dev`.
    pub bind: SocketAddr,
    /// Why this address may not be served: it would be plain HTTP beyond this machine.
    pub plain: Option<String>,
    /// The certificate of the API; plain HTTP without it.
    pub tls: Option<TlsFiles>,
    /// The URL at which clients reach the API, without a slash at the end, if it is configured.
    pub public_url: Option<String>,
    /// The web pages for people.
    pub portal: PortalSettings,
    /// The proxies whose `X-Forwarded-For` the server believes.
    pub trusted_proxies: TrustedProxies,
    /// The number of wrong keys allowed from one address at once, and in each minute.
    pub auth_failures: NonZeroU32,
    /// The address of metrics and health.
    pub operator_bind: SocketAddr,
    /// The number of threads that serve requests; 0 means one for each core.
    pub workers: usize,
    /// How long work in flight may take after a stop.
    pub shutdown_timeout: Duration,
    /// The limits for clients of the API.
    pub clients: ClientSettings,
}

impl ServerSettings {
    /// The origin that links to the portal begin with, if it is configured.
    pub fn portal_origin(&self) -> Option<&str> {
        self.portal.url.as_deref().or(self.public_url.as_deref())
    }
}

/// Where the portal is.
#[derive(Clone, Debug)]
pub struct PortalSettings {
    /// Whether this node serves it.
    pub on: bool,
    /// Its own origin, without a slash at the end, if it has one.
    pub url: Option<String>,
}

/// How many clients there may be, and how long each may keep the server waiting.
#[derive(Clone, Copy, Debug)]
pub struct ClientSettings {
    /// The maximum number of connections, over all threads.
    pub connections: usize,
    /// The time for the head of a request.
    pub head_timeout: Duration,
    pub body_timeout: Duration,
    /// The time for reading an answer.
    pub answer_timeout: Duration,
    /// The time between two requests.
    pub keep_alive: Duration,
}

/// A certificate chain and the key of its first certificate, both PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, then the ones that sign it.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// The files for connections to servers by TLS.
#[derive(Clone, Debug, Default)]
pub struct CertificateFiles {
    /// The authority of the servers' certificates, if the system does not know it.
    pub authority: Option<PathBuf>,
    /// What this program proves itself with.
    pub client: Option<TlsFiles>,
}

/// The log.
#[derive(Clone, Copy, Debug)]
pub struct LogSettings {
    pub format: LogFormat,
    /// The least important level that is written.
    pub level: LogLevel,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people on a terminal, and JSON elsewhere.
    Auto,
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

/// The importance of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Problems that need an operator now.
    Error,
    /// Also problems that may soon need an operator.
    Warn,
    /// Also one line for each request and message.
    Info,
    /// Also internal steps.
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

/// The database of tenants, keys and profiles.
#[derive(Clone, Debug)]
pub enum DatabaseUrl {
    /// A file on this machine.
    Sqlite(PathBuf),
    /// A server.
    Postgres {
        /// The URL, which may contain a password.
        url: Secret,
        certificates: CertificateFiles,
    },
}

/// The store of live verifications.
#[derive(Clone, Debug)]
pub enum CodesUrl {
    /// A file on this machine.
    Sqlite(PathBuf),
    /// Redis servers that many nodes share.
    Redis(RedisServers),
}

/// The access to Redis servers.
#[derive(Clone, Debug)]
pub struct RedisServers {
    /// The URL, which may contain a password.
    pub url: Secret,
    /// The password that Sentinels ask for. The one in the URL is that of the servers.
    pub sentinel_password: Option<Secret>,
    pub certificates: CertificateFiles,
}

/// The codes store.
#[derive(Clone, Debug)]
pub struct CodesSettings {
    pub url: CodesUrl,
    /// Whether a power cut must lose nothing acknowledged, if the store is a file.
    pub full_sync: bool,
    /// The number of replicas that must have an approval before the server answers it.
    pub confirm_replicas: u32,
    /// Whether Redis servers that may lose data are accepted.
    pub may_forget: bool,
    /// The number of partitions of the phone numbers.
    pub partitions: u16,
    /// The maximum size of the events that wait for the history, in bytes.
    pub event_budget: u64,
}

/// How long the history is stored.
#[derive(Clone, Copy, Debug)]
pub struct HistorySettings {
    /// How long a verification and its events are stored.
    pub retention: Duration,
    /// How long the hourly counts are stored.
    pub rollup_retention: Duration,
}

/// The source of the key ring.
#[derive(Clone, Debug)]
pub struct KeyringSettings {
    pub file: PathBuf,
    /// The whole text of the file. If it is set, no file is read.
    pub text: Option<Secret>,
}

/// How messages are sent.
#[derive(Clone, Debug)]
pub struct DeliverySettings {
    /// The maximum number of messages sent at the same time.
    pub parallel: usize,
    /// How long a worker holds a message.
    pub lease: Duration,
    /// The longest time for a provider's answer.
    pub send_timeout: Duration,
    /// The operator's own system, if one is configured.
    pub relay: Option<RelayUrl>,
    /// Networks that are not public, but that providers and webhooks of tenants may be in.
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
    /// The URL of the signed POSTs. Its path may be a secret.
    pub(super) url: String,
    /// The secret that signs them.
    pub(super) secret: Secret,
    /// The longest time from connecting to the end of the answer.
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
