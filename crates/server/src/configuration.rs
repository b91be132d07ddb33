//! The settings: one TOML file, then the environment, then the flags of a command. `countersign.toml` beside
//! this crate documents them, and a test keeps it in agreement with the code.

mod certificates;
mod mail;
mod password;
mod reader;
mod secret;
mod server;
mod settings;
#[cfg(test)]
mod tests;

use crate::{keyfile, machine::SystemClock};
use certificates::{read_certificates, read_path};
use countersign_core::{
    access::allowlist::parse_range,
    phone::{Country, countries::Countries},
};
use countersign_delivery::{Proxy, Relay, RelayError};
use countersign_stores::{
    redis::RedisUrl,
    sql::{check_postgres_url, postgres_refuses_tls},
};
pub use mail::MailServer;
use mail::{parse_support, read_mail};
use password::{read_sentinel_password, read_url};
use reader::{DAY, Reader};
pub use secret::{Secret, read_pem};
use server::read_server;
pub use settings::{
    CertificateFiles, ClientSettings, CodesSettings, CodesUrl, DatabaseUrl, DeliverySettings,
    HistorySettings, KeyringSettings, LogFormat, LogLevel, LogSettings, PortalSettings, RedisServers,
    RelayUrl, ServerSettings, Settings, TlsFiles,
};
use std::{
    error::Error,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// The time that a worker needs after a provider's last answer to settle its messages.
const SETTLING: Duration = Duration::from_secs(5);

/// The commented default file, which is also the documentation.
pub const DEFAULT_FILE: &str = include_str!("../countersign.toml");

/// All problems of a configuration, each with its key and its source.
#[derive(Debug, thiserror::Error)]
#[error("the configuration is not usable:\n  {}", .0.join("\n  "))]
pub struct Problems(pub Vec<String>);

/// A setting that a command fixes: its key, its value, and the name of the flag.
pub type Flag = (&'static str, String, &'static str);

impl Settings {
    /// Reads and checks all settings.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        flags: impl IntoIterator<Item = Flag>,
    ) -> Result<Self, Problems> {
        let mut reader = Reader::default();
        if let Some(file) = file {
            reader.add_file(file);
        }
        reader.add_environment(environment);
        for (key, text, flag) in flags {
            reader.add_flag(key, text, flag);
        }
        read_all(reader)
    }

    /// Refuses to serve plain HTTP beyond this machine. Only a command that listens asks for this: the others
    /// read the same settings and send nothing over that address.
    pub fn refuse_plain(&self) -> Result<(), Problems> {
        self.server.plain.as_ref().map_or(Ok(()), |problem| Err(Problems(vec![problem.clone()])))
    }

    /// The settings of the log, as far as they can be read. The log is set up before the other settings are
    /// read, so that errors in those are reported in the requested form.
    pub fn load_log(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> LogSettings {
        let mut reader = Reader::default();
        if let Some(file) = file {
            reader.add_file(file);
        }
        reader.add_environment(environment);
        let (format, level) = choose_log(&mut reader);
        // `load` reports the errors.
        LogSettings { format: format.unwrap_or(LogFormat::Auto), level: level.unwrap_or(LogLevel::Info) }
    }

    /// The defaults, with all files in `folder` and two free ports; for tests.
    pub fn embedded(folder: &Path) -> Result<Self, Problems> {
        let flag = |key, text: &str| (key, text.to_owned(), "embedded");
        let folder = folder.to_string_lossy();
        let flags = [
            flag("data.folder", &folder),
            flag("server.bind", "127.0.0.1:0"),
            flag("server.operator_bind", "127.0.0.1:0"),
            flag("server.workers", "1"),
        ];
        Self::load(None, [], flags)
    }
}

fn read_all(mut reader: Reader) -> Result<Settings, Problems> {
    let settings = read_sections(&mut reader);
    let problems = reader.finish();
    settings.filter(|_| problems.is_empty()).ok_or(Problems(problems))
}

/// Reads every section before it gives up, so that every problem is reported.
fn read_sections(reader: &mut Reader) -> Option<Settings> {
    let folder = reader.text("data.folder", "countersign-data", not_empty).map(PathBuf::from);
    let base = folder.clone().unwrap_or_default();
    let server = read_server(reader, &base);
    let log = read_log(reader);
    let database = read_database(reader, &base);
    let codes = read_codes(reader, &base);
    let history = read_history(reader);
    let audit_retention = reader.duration("audit.retention", "400d", 90 * DAY..=3_650 * DAY);
    let keyring = read_keyring(reader, &base);
    let delivery = read_delivery(reader, &base);
    let places = read_path(reader, &base, "portal.countries");
    let support = reader.text("portal.support", "", parse_support);
    let mail = read_mail(reader, &base, server.as_ref());
    let countries = reader.text("tenants.countries", "", |text| match text {
        "" => Ok(None),
        text => parse_countries(text).map(Some),
    });
    if let (Some(server), Some(delivery)) = (&server, &delivery)
        && server.shutdown_timeout < delivery.send_timeout + SETTLING
    {
        reader.problem("server.shutdown_timeout", "must be at least 5s longer than delivery.send_timeout");
    }
    if let (Some(server), Some(Some(mail))) = (&server, &mail)
        && server.shutdown_timeout < mail.settings.timeout + SETTLING
    {
        reader.problem("server.shutdown_timeout", "must be at least 5s longer than mail.timeout");
    }
    Some(Settings {
        server: server?,
        log: log?,
        folder: folder?,
        database: database?,
        codes: codes?,
        history: history?,
        audit_retention: audit_retention?,
        keyring: keyring?,
        delivery: delivery?,
        places: places?,
        support: support?,
        mail: mail?,
        countries: countries?,
    })
}

/// Reads `all`, or a list such as `PL,DE`.
pub fn parse_countries(text: &str) -> Result<Countries, String> {
    if text == "all" {
        return Ok(Countries::default());
    }
    let listed = text.split(',').map(|part| Country::parse(part.trim())).collect::<Option<Vec<_>>>();
    let listed = listed.filter(|listed| !listed.is_empty());
    let problem = || "must be \"all\", or countries by their two capitals, such as \"PL,DE\"".to_owned();
    listed.map(Countries::only).ok_or_else(problem)
}

fn read_log(reader: &mut Reader) -> Option<LogSettings> {
    let (format, level) = choose_log(reader);
    Some(LogSettings { format: format?, level: level? })
}

fn choose_log(reader: &mut Reader) -> (Option<LogFormat>, Option<LogLevel>) {
    let formats = [("auto", LogFormat::Auto), ("human", LogFormat::Human), ("json", LogFormat::Json)];
    let levels = [
        ("error", LogLevel::Error),
        ("warn", LogLevel::Warn),
        ("info", LogLevel::Info),
        ("debug", LogLevel::Debug),
        ("trace", LogLevel::Trace),
    ];
    (reader.choice("log.format", "auto", &formats), reader.choice("log.level", "info", &levels))
}

fn read_database(reader: &mut Reader, base: &Path) -> Option<DatabaseUrl> {
    let url = read_url(reader, base, "database", "sqlite://directory.sqlite");
    let certificates = read_certificates(reader, base, "database");
    let (url, certificates) = (url?, certificates?);
    let text = url.expose();
    if let Some(path) = text.strip_prefix("sqlite://").filter(|path| !path.is_empty()) {
        certificates.refuse(reader, "database", "is of use with a postgres:// URL only");
        return Some(DatabaseUrl::Sqlite(base.join(path)));
    }
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        if let Err(error) = check_postgres_url(text) {
            // The URL is what is refused; the reason is the error's source.
            let reason = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            reader.problem("database.url", &reason);
            return None;
        }
        if postgres_refuses_tls(text) {
            let why = "is of use with TLS only, which sslmode=disable in the URL forbids";
            certificates.refuse_client(reader, "database", why);
        }
        return Some(DatabaseUrl::Postgres { url, certificates });
    }
    reader
        .problem("database.url", "must be \"sqlite://PATH\" or \"postgres://USER:PASSWORD@HOST:PORT/NAME\"");
    None
}

fn read_codes(reader: &mut Reader, base: &Path) -> Option<CodesSettings> {
    let url = read_codes_url(reader, base);
    let full_sync = reader.choice("codes.sync", "normal", &[("normal", false), ("full", true)]);
    let partitions = reader.number("codes.partitions", 64, 1..=1_024);
    let event_budget = reader.size("codes.event_budget", "1GiB", 1 << 20..=1 << 40);
    let confirm_replicas = reader.number("codes.confirm_replicas", 0, 0..=5);
    let may_forget =
        reader.choice("codes.persistence", "required", &[("required", false), ("unchecked", true)]);
    let url = url?;
    if matches!(url, CodesUrl::Sqlite(_)) {
        if confirm_replicas.is_some_and(|replicas| replicas > 0) {
            reader.problem("codes.confirm_replicas", "is of use with a redis URL only");
        }
        if may_forget == Some(true) {
            reader.problem("codes.persistence", "is of use with a redis URL only");
        }
    } else if full_sync == Some(true) {
        reader.problem("codes.sync", "is of use with SQLite only; on Redis it is the servers' appendfsync");
    }
    Some(CodesSettings {
        url,
        full_sync: full_sync?,
        confirm_replicas: confirm_replicas?,
        may_forget: may_forget?,
        partitions: u16::try_from(partitions?).ok()?,
        event_budget: event_budget?,
    })
}

fn read_codes_url(reader: &mut Reader, base: &Path) -> Option<CodesUrl> {
    let url = read_url(reader, base, "codes", "sqlite://codes.sqlite");
    let certificates = read_certificates(reader, base, "codes");
    let sentinel_password = read_sentinel_password(reader, base, url.as_ref().map(Secret::expose));
    let (url, certificates) = (url?, certificates?);
    let without_tls = "is of use with a rediss:// URL only";
    if let Some(path) = url.expose().strip_prefix("sqlite://").filter(|path| !path.is_empty()) {
        certificates.refuse(reader, "codes", without_tls);
        return Some(CodesUrl::Sqlite(base.join(path)));
    }
    if let Err(error) = RedisUrl::parse(url.expose(), None) {
        reader.problem("codes.url", &error.to_string());
        return None;
    }
    if !url.expose().starts_with("rediss") {
        certificates.refuse(reader, "codes", without_tls);
    }
    Some(CodesUrl::Redis(RedisServers { url, sentinel_password: sentinel_password?, certificates }))
}

fn read_history(reader: &mut Reader) -> Option<HistorySettings> {
    let days = DAY..=3_650 * DAY;
    let retention = reader.duration("history.retention", "90d", days.clone());
    let rollup_retention = reader.duration("history.rollup_retention", "400d", days);
    Some(HistorySettings { retention: retention?, rollup_retention: rollup_retention? })
}

fn read_keyring(reader: &mut Reader, base: &Path) -> Option<KeyringSettings> {
    let file = reader.text("keyring.file", "keyring.toml", not_empty).map(|file| base.join(file));
    let text = reader.text("keyring.text", "", |text| {
        if text.is_empty() {
            return Ok(None);
        }
        // The error says what is wrong and quotes nothing.
        keyfile::parse(text).map_err(|error| format!("is not valid: {error:#}"))?;
        Ok(Some(Secret::new(text)))
    });
    Some(KeyringSettings { file: file?, text: text? })
}

fn read_delivery(reader: &mut Reader, base: &Path) -> Option<DeliverySettings> {
    let parallel = reader.number("delivery.parallel", 32, 1..=1_024);
    let lease = reader.duration("delivery.lease", "30s", 5..=300);
    let send_timeout = reader.duration("delivery.send_timeout", "10s", 1..=60);
    if let (Some(lease), Some(send_timeout)) = (lease, send_timeout)
        && lease < send_timeout * 2
    {
        reader.problem("delivery.lease", "must be at least twice delivery.send_timeout");
    }
    let relay = read_relay(reader, base, send_timeout);
    let allowed_networks = reader.list("delivery.allowed_networks", |text| {
        parse_range(text).ok_or_else(|| format!("{text:?} is no address and no network"))
    });
    let proxy = reader.secret("delivery.proxy", base);
    let lookup = [("here", false), ("proxy", true)];
    let proxy_resolves = reader.choice("delivery.proxy_lookup", "here", &lookup);
    if let Some(Err(error)) = proxy.as_ref().map(|url| Proxy::parse(url.expose(), false)) {
        reader.problem("delivery.proxy", &error.to_string());
    } else if proxy.is_none() && proxy_resolves == Some(true) {
        reader.problem("delivery.proxy_lookup", "is of use with delivery.proxy only");
    }
    let ca = read_path(reader, base, "delivery.ca_file");
    Some(DeliverySettings {
        proxy,
        proxy_resolves: proxy_resolves?,
        ca: ca?,
        allowed_networks: allowed_networks?,
        parallel: usize::try_from(parallel?).ok()?,
        lease: lease?,
        send_timeout: send_timeout?,
        relay,
    })
}

fn read_relay(reader: &mut Reader, base: &Path, send_timeout: Option<Duration>) -> Option<RelayUrl> {
    let url = reader.text("delivery.relay.url", "", |text| Ok(text.to_owned()))?;
    let secret = reader.secret("delivery.relay.secret", base);
    let timeout = reader.duration("delivery.relay.timeout", "5s", 1..=60);
    if timeout.zip(send_timeout).is_some_and(|(timeout, whole)| timeout >= whole) {
        reader.problem("delivery.relay.timeout", "must be shorter than delivery.send_timeout");
    }
    match (url.is_empty(), secret) {
        (true, None) => None,
        (true, Some(_)) => {
            reader.problem("delivery.relay.url", "must be set when a secret is");
            None
        }
        (false, None) => {
            reader.problem("delivery.relay.secret", "must be set when the URL is");
            None
        }
        (false, Some(secret)) => {
            let relay = RelayUrl { url, secret, timeout: timeout? };
            if let Err(error) = Relay::new(relay.settings(), Arc::new(SystemClock)) {
                let key = if matches!(error, RelayError::Secret) { "secret" } else { "url" };
                reader.problem(&format!("delivery.relay.{key}"), &error.to_string());
            }
            Some(relay)
        }
    }
}

fn not_empty(text: &str) -> Result<String, String> {
    if text.is_empty() { Err("must not be empty".to_owned()) } else { Ok(text.to_owned()) }
}
