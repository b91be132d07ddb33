//! The two HTTP listeners and what bounds them.

use super::{load_certificate, tls::server_config};
use crate::{
    cli::Role,
    configuration::Settings,
    operator::{self, Operator},
};
use actix_web::{
    App, HttpServer,
    dev::Server,
    middleware::{Condition, from_fn},
    web,
};
use countersign_api::State;
use countersign_core::cause::chain;
use countersign_portal::DevPage;
use rustls::ServerConfig;
use std::{
    io,
    net::{SocketAddr, TcpListener},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// The settings of the two addresses.
pub(super) const BIND: &str = "server.bind";
pub(super) const OPERATOR_BIND: &str = "server.operator_bind";

/// How long a connection may idle between two requests.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How long a TLS handshake may take.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(3);
/// How long a client may take to send the head of a request.
const REQUEST_PATIENCE: Duration = Duration::from_secs(5);
/// How long a client may take to close.
const DISCONNECT_PATIENCE: Duration = Duration::from_secs(2);
/// Connections of one thread; more wait in the system's queue. The server ends
/// no connection whose client does not read its answer, so this is also what
/// bounds the memory of such answers: about 50 KiB for each.
const MAX_CONNECTIONS: usize = 1_024;
/// Connections of the operator port: a few scrapers and probes.
const OPERATOR_CONNECTIONS: usize = 256;
/// How long a connection of the operator port may idle, or take to ask: those
/// that do nothing must give way before the next probe counts as failed.
const OPERATOR_PATIENCE: Duration = Duration::from_secs(5);

/// An address that could not be listened on.
#[derive(Debug, thiserror::Error)]
#[error("{setting}: {}", self.reason())]
pub struct BindError {
    /// What it is configured by.
    pub setting: &'static str,
    /// The address.
    pub address: SocketAddr,
    /// Why.
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

/// What is configured of the API's listener.
pub(super) struct Bounds {
    /// Threads that serve requests.
    pub workers: usize,
    /// How long requests in flight may take to end.
    pub shutdown: Duration,
    /// Speaks TLS with this, else plain HTTP.
    pub tls: Option<ServerConfig>,
}

pub(super) fn bind(setting: &'static str, address: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(address).map_err(|source| BindError { setting, address, source })
}

/// What keeps a node from listening as it is configured, each with its setting. Nothing is answered.
pub(crate) fn try_listening(settings: &Settings, role: Role) -> Vec<String> {
    let mut problems = Vec::new();
    match load_certificate(settings) {
        Ok(certificate) => {
            let tls = certificate.map(server_config).transpose();
            problems.extend(tls.err().map(|error| format!("server.tls: {error}")));
        }
        Err(error) => problems.extend(error.0),
    }
    // Both at once: one address may not be given to both.
    let api = role.answers().then(|| bind(BIND, settings.server.bind)).transpose();
    let operator = bind(OPERATOR_BIND, settings.server.operator_bind);
    problems.extend([api.err(), operator.err()].into_iter().flatten().map(|error| chain(&error)));
    problems
}

/// Serves the API, and the pages of `dev` if there are any, until `stop`.
pub(super) fn serve_api(
    listener: TcpListener,
    state: web::Data<State>,
    page: Option<web::Data<DevPage>>,
    bounds: Bounds,
    stop: CancellationToken,
) -> io::Result<Server> {
    let dev = page.is_some();
    let app = move || {
        let page = page.clone();
        App::new()
            .wrap(Condition::new(dev, from_fn(countersign_portal::guard)))
            // Outermost, so that what the guard refuses has its line and its id too.
            .wrap(from_fn(countersign_api::observe))
            .configure(countersign_api::configure(state.clone()))
            .configure(|config| {
                if let Some(page) = page {
                    countersign_portal::configure(page)(config);
                }
            })
            .default_service(web::to(countersign_api::fallback))
    };
    let server = HttpServer::new(app)
        .workers(bounds.workers)
        .max_connections(MAX_CONNECTIONS)
        .keep_alive(KEEP_ALIVE)
        .tls_handshake_timeout(HANDSHAKE_PATIENCE)
        .client_request_timeout(REQUEST_PATIENCE)
        .client_disconnect_timeout(DISCONNECT_PATIENCE)
        .shutdown_timeout(bounds.shutdown.as_secs())
        .shutdown_signal(stop.cancelled_owned());
    let server = match bounds.tls {
        Some(tls) => server.listen_rustls_0_23(listener, tls)?,
        None => server.listen(listener)?,
    };
    Ok(server.run())
}

/// Serves metrics and health until `stop`.
pub(super) fn serve_operator(
    listener: TcpListener,
    operator: web::Data<Operator>,
    shutdown: Duration,
    stop: CancellationToken,
) -> io::Result<Server> {
    let server = HttpServer::new(move || App::new().configure(operator::configure(operator.clone())))
        .workers(1)
        .max_connections(OPERATOR_CONNECTIONS)
        .keep_alive(OPERATOR_PATIENCE)
        .client_request_timeout(OPERATOR_PATIENCE)
        .client_disconnect_timeout(DISCONNECT_PATIENCE)
        .shutdown_timeout(shutdown.as_secs())
        .shutdown_signal(stop.cancelled_owned());
    Ok(server.listen(listener)?.run())
}

#[cfg(test)]
mod tests;
