//! The two HTTP listeners and their limits.

use super::{
    front::{Ends, Front, Patience},
    load_certificate,
    people::People,
    portal::PortalPlace,
    tls::{Certificate, server_config},
};
use crate::{
    cli::Role,
    configuration::{ClientSettings, ServerSettings, Settings},
    machine,
    operator::{self, Operator},
};
use actix_web::{
    App,
    dev::Server,
    middleware::{Condition, from_fn},
    web,
};
use anyhow::Context as _;
use countersign_api::Api;
use countersign_core::error::chain;
use countersign_portal::DevPage;
use countersign_web::form::{Form, Forms};
use rustix::net::sockopt::set_socket_send_buffer_size;
use rustls::ServerConfig;
use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// The settings of the two addresses.
pub(super) const BIND: &str = "server.bind";
pub(super) const OPERATOR_BIND: &str = "server.operator_bind";

/// The number of open files that the process needs for other things than connections of the API.
const OTHER_FILES: usize = 512;
/// What a connection takes whose client sends all it may and reads nothing, here and in the system.
const CONNECTION_BYTES: u64 = 400 * 1024;
/// However few files may be open, and however little memory there is, so many connections are taken.
const FEWEST: usize = 64;
/// The size of the system's send buffer for a connection, in bytes; Linux doubles it. Without this setting,
/// the system would keep megabytes for each connection.
const SEND_BUFFER: usize = 64 * 1024;
/// The maximum number of connections to the operator port, which a few scrapers and probes use.
const OPERATOR_CONNECTIONS: usize = 256;
/// How long a connection of the operator port may be idle, or take for its request. Idle connections must end
/// before the next probe counts as failed.
const OPERATOR_PATIENCE: Duration = Duration::from_secs(5);

/// The process cannot listen on an address.
#[derive(Debug, thiserror::Error)]
#[error("{setting}: {}", self.reason())]
pub struct BindError {
    /// The setting that contains the address.
    pub setting: &'static str,
    pub address: SocketAddr,
    #[source]
    pub source: std::io::Error,
}

impl BindError {
    fn reason(&self) -> String {
        let Self { address, source, .. } = self;
        match source.kind() {
            io::ErrorKind::AddrInUse => {
                format!("port {} is taken on {}; choose a free one", address.port(), address.ip())
            }
            _ => format!("{address} cannot be listened on"),
        }
    }
}

/// The limits of both listeners.
pub(super) struct Bounds {
    /// The number of threads that serve requests of the API.
    pub workers: usize,
    /// How long requests in flight may take after a stop.
    pub shutdown: Duration,
    /// The TLS configuration of the API; plain HTTP without it.
    pub tls: Option<ServerConfig>,
    /// The limits for clients of the API.
    pub clients: ClientSettings,
    pub ends: Arc<Ends>,
}

impl Bounds {
    pub fn new(
        settings: &ServerSettings,
        certificate: Option<Arc<Certificate>>,
        ends: Arc<Ends>,
    ) -> anyhow::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            workers: if settings.workers == 0 { cores } else { settings.workers },
            shutdown: settings.shutdown_timeout,
            tls: certificate.map(server_config).transpose().context("TLS cannot be set up")?,
            clients: settings.clients,
            ends,
        })
    }

    /// The settings of the API port.
    pub fn api(&self, stop: CancellationToken) -> Front {
        let ClientSettings { connections, head_timeout, answer_timeout, keep_alive, .. } = self.clients;
        Front {
            port: "api",
            workers: self.workers,
            connections: fit(connections),
            patience: Patience { head: head_timeout, answer: answer_timeout, idle: keep_alive },
            shutdown: self.shutdown,
            tls: self.tls.clone(),
            ends: Arc::clone(&self.ends),
            stop,
        }
    }

    /// The settings of the operator port.
    pub fn operator(&self, stop: CancellationToken) -> Front {
        let patience = OPERATOR_PATIENCE;
        Front {
            port: "operator",
            workers: 1,
            connections: OPERATOR_CONNECTIONS,
            patience: Patience { head: patience, answer: patience, idle: patience },
            shutdown: self.shutdown,
            tls: None,
            ends: Arc::clone(&self.ends),
            stop,
        }
    }
}

/// As many connections as there may be files, and as half the memory of the container holds: a process without
/// a free file reaches its stores no more than its clients, and one that takes too much memory is killed.
fn fit(connections: usize) -> usize {
    let files =
        machine::open_files().map_or(usize::MAX, |files| files.saturating_sub(OTHER_FILES).max(FEWEST));
    if files < connections {
        tracing::warn!(
            connections = files,
            "This process may open too few files for server.connections; raise its limit (ulimit -n)"
        );
    }
    let memory = machine::memory_limit().map_or(usize::MAX, held_by);
    if memory < connections {
        tracing::info!(
            connections = memory,
            "The memory of this container is too small for server.connections"
        );
    }
    connections.min(files).min(memory)
}

/// The connections that half of so many bytes holds.
fn held_by(bytes: u64) -> usize {
    usize::try_from(bytes / 2 / CONNECTION_BYTES).unwrap_or(usize::MAX).max(FEWEST)
}

pub(super) fn bind(setting: &'static str, address: SocketAddr) -> Result<TcpListener, BindError> {
    let listener = TcpListener::bind(address).and_then(|listener| {
        set_socket_send_buffer_size(&listener, SEND_BUFFER)?;
        Ok(listener)
    });
    listener.map_err(|source| BindError { setting, address, source })
}

/// The reasons why a node cannot listen as configured, each with its setting. This answers no requests.
pub(crate) fn try_listening(settings: &Settings, role: Role) -> Vec<String> {
    let mut problems = Vec::new();
    match load_certificate(settings) {
        Ok(certificate) => {
            let tls = certificate.map(server_config).transpose();
            problems.extend(tls.err().map(|error| format!("server.tls: {error}")));
        }
        Err(error) => problems.extend(error.0),
    }
    // Bind both at once, because the two settings may name the same address.
    let api = role.answers().then(|| bind(BIND, settings.server.bind)).transpose();
    let operator = bind(OPERATOR_BIND, settings.server.operator_bind);
    problems.extend([api.err(), operator.err()].into_iter().flatten().map(|error| chain(&error)));
    problems
}

/// The forms of refusals of all paths: below `/portal` they are pages.
static FORMS: [Form; 5] = {
    let [v1, smsapi, twilio, camara] = countersign_api::FORMS;
    [v1, smsapi, twilio, camara, countersign_portal::REFUSALS]
};

/// Serves the API, the portal at its place, and the pages of `dev` if there are any, until the server is stopped.
pub(super) fn serve_api(
    listener: TcpListener,
    api: Api,
    (portal, people, page): (PortalPlace, People, Option<web::Data<DevPage>>),
    front: Front,
) -> io::Result<Server> {
    let dev = page.is_some();
    front.serve(listener, move || {
        let (portal, people, page) = (portal.clone(), people.clone(), page.clone());
        App::new()
            .wrap(Condition::new(
                portal != PortalPlace::Beside,
                from_fn(move |request, next| portal.clone().guard(request, next)),
            ))
            .wrap(Condition::new(dev, from_fn(countersign_portal::guard)))
            // The outermost layer, so that requests refused by the guard get a log line and an id too.
            .wrap(from_fn(countersign_web::observe))
            .configure(countersign_api::configure(api.clone()))
            // In place of the API's own list.
            .app_data(Forms(&FORMS))
            .app_data(people.entrance)
            .app_data(people.site)
            .configure(countersign_portal::configure_portal)
            .configure(|config| {
                if let Some(page) = page {
                    countersign_portal::configure(page)(config);
                }
            })
            .default_service(web::to(countersign_api::fallback))
    })
}

/// Serves metrics and health until the server is stopped.
pub(super) fn serve_operator(
    listener: TcpListener,
    operator: web::Data<Operator>,
    front: Front,
) -> io::Result<Server> {
    front.serve(listener, move || {
        App::new()
            .wrap(from_fn(countersign_web::head::answer_head))
            .configure(operator::configure(operator.clone()))
    })
}

#[cfg(test)]
mod tests;
