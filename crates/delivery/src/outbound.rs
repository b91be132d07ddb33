//! The only way for calls to the outside: providers, the relay, webhooks and SMPP call through here.
//!
//! Tenants and operators choose the addresses, so [`AddressPolicy`] judges every address when the connection
//! is made. The client follows no redirect, uses no proxy of the environment and repeats nothing: its caller
//! decides about repeats. Every call has a time-out, and every answer a maximum size.

mod address;
mod error;
mod request;
mod resolver;
mod tls;

pub use address::AddressPolicy;
pub use error::OutboundError;
pub use request::{Reply, Request};
pub use reqwest::{Method, StatusCode, Url, header};
pub use resolver::Resolver;

use reqwest::{Client, redirect};
use resolver::{Guard, System, literal};
use rustls::{
    ClientConfig,
    pki_types::{CertificateDer, ServerName},
};
use std::{fmt, sync::Arc, time::Duration};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// The maximum size of a request body and of an answer's body, in bytes.
pub const MAX_BYTES: usize = 64 * 1024;

/// The longest time from looking up the name to the end of the TLS handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(if cfg!(test) { 1_000 } else { 3_000 });
/// The number of connections kept open to one host.
const MAX_IDLE: usize = 32;

/// The client for calls to the outside. Clones share their connections.
#[derive(Clone)]
pub struct Outbound {
    /// Calls without TLS use a second client, whose resolver admits fewer addresses.
    secure: Client,
    plain: Client,
    policy: Arc<AddressPolicy>,
    resolver: Arc<dyn Resolver>,
    tls: Arc<ClientConfig>,
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").field("policy", &self.policy).finish_non_exhaustive()
    }
}

impl Outbound {
    /// A client that uses this machine's resolver and its certificate authorities.
    pub fn new(policy: AddressPolicy) -> Result<Self, OutboundError> {
        Self::build(policy, Arc::new(System), &[])
    }

    /// A client that uses `resolver`, and also trusts the certificate authorities in `roots`.
    pub fn build(
        policy: AddressPolicy,
        resolver: Arc<dyn Resolver>,
        roots: &[CertificateDer<'static>],
    ) -> Result<Self, OutboundError> {
        let tls = tls::client_config(roots)?;
        let policy = Arc::new(policy);
        let guard = |plain| Guard { policy: Arc::clone(&policy), resolver: Arc::clone(&resolver), plain };
        let (secure, plain) = (client(guard(false), &tls)?, client(guard(true), &tls)?);
        Ok(Self { secure, plain, policy, resolver, tls: Arc::new(tls) })
    }

    /// Reads a URL for settings. It checks everything but the addresses of a host name; a call checks all of
    /// it again.
    pub fn parse_url(&self, text: &str) -> Result<Url, OutboundError> {
        let url = Url::parse(text).map_err(|_| OutboundError::Url)?;
        self.check(&url)?;
        Ok(url)
    }

    /// Sends one request and reads its answer, within `request.timeout`.
    pub async fn call(&self, request: Request) -> Result<Reply, OutboundError> {
        self.check(&request.url)?;
        let client = if request.url.scheme() == "http" { &self.plain } else { &self.secure };
        request.send(client).await
    }

    /// Opens a connection for a protocol other than HTTP. The caller decides whether the connection may do
    /// without TLS.
    pub async fn connect(&self, host: &str, port: u16, within: Duration) -> Result<TcpStream, OutboundError> {
        let connect = async {
            for address in self.guard(false).lookup(host).await? {
                if let Ok(stream) = TcpStream::connect((address, port)).await {
                    // Without this option, a small request waits for the acknowledgement of the one before.
                    stream.set_nodelay(true).map_err(|_| OutboundError::Connect)?;
                    return Ok(stream);
                }
            }
            Err(OutboundError::Connect)
        };
        timeout(within, connect).await.unwrap_or(Err(OutboundError::Timeout { sent: false }))
    }

    /// Like [`Outbound::connect`], with TLS for the name `host`.
    pub async fn connect_tls(
        &self,
        host: &str,
        port: u16,
        within: Duration,
    ) -> Result<TlsStream<TcpStream>, OutboundError> {
        let name = host.trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(name).map_err(|_| OutboundError::Url)?;
        let connect = async {
            let stream = self.connect(host, port, within).await?;
            let connector = TlsConnector::from(Arc::clone(&self.tls));
            connector.connect(name, stream).await.map_err(|error| {
                tracing::debug!(%error, "no TLS with the outside");
                OutboundError::Connect
            })
        };
        timeout(within, connect).await.unwrap_or(Err(OutboundError::Timeout { sent: false }))
    }

    fn guard(&self, plain: bool) -> Guard {
        Guard { policy: Arc::clone(&self.policy), resolver: Arc::clone(&self.resolver), plain }
    }

    /// Checks what the URL itself shows. An IP address in the URL is judged here, because the resolver is not
    /// asked about it.
    fn check(&self, url: &Url) -> Result<(), OutboundError> {
        let plain = match url.scheme() {
            "https" => false,
            "http" => true,
            _ => return Err(OutboundError::Url),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(OutboundError::Url)?;
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(OutboundError::Url);
        }
        if plain && !self.policy.has_plain() {
            return Err(OutboundError::Insecure);
        }
        match literal(host) {
            Some(address) if !self.guard(false).admits(address) => Err(OutboundError::Blocked),
            Some(address) if !self.guard(plain).admits(address) => Err(OutboundError::Insecure),
            _ => Ok(()),
        }
    }
}

fn client(guard: Guard, tls: &ClientConfig) -> Result<Client, OutboundError> {
    Client::builder()
        .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
        .tls_backend_preconfigured(tls.clone())
        .https_only(!guard.plain)
        .dns_resolver(Arc::new(guard))
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_max_idle_per_host(MAX_IDLE)
        // A redirect would send the code to an address that nobody configured.
        .redirect(redirect::Policy::none())
        // Only the worker repeats, so that each attempt is counted.
        .retry(reqwest::retry::never())
        .no_proxy()
        .build()
        .map_err(|error| OutboundError::Setup(error.into()))
}

#[cfg(test)]
mod tests;
