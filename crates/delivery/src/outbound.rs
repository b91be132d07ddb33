//! The only way for calls to the outside: providers, the relay, webhooks and SMPP call through here.
//!
//! What is called is somebody's setting, so every address is judged where it is
//! connected to ([`AddressPolicy`]). No redirect is followed, no proxy of the
//! environment used, nothing repeated: whoever calls decides that. Every call
//! has a time-out, every answer a bound. A proxy that the operator names
//! ([`Proxy`]) carries the calls over TLS to public addresses.

mod address;
mod connector;
mod error;
mod proxy;
mod request;
mod resolver;
mod tls;

pub use address::AddressPolicy;
pub use error::OutboundError;
pub use hyper::{Method, StatusCode, header};
pub use proxy::{Proxy, ProxyUrlError};
pub use request::{Reply, Request};
pub use resolver::Resolver;
pub use url::Url;

use arc_swap::ArcSwap;
use connector::{Connector, connect};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};
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
/// Connections kept open to one host, and for how long.
const MAX_IDLE: usize = 32;
const IDLE_TIMEOUT: Duration = Duration::from_secs(90);

type HttpClient = Client<Connector, Full<Bytes>>;

/// What of the way out is configured and may change while it is used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// What carries calls over TLS to public addresses; none: they go by themselves.
    pub proxy: Option<Proxy>,
    /// Certificates (PEM) of authorities that are trusted beside those of the machine.
    pub authorities: Option<Vec<u8>>,
}

/// The client for calls to the outside. Clones share their connections.
#[derive(Clone)]
pub struct Outbound {
    guard: Guard,
    open: Arc<ArcSwap<Open>>,
}

/// What was made for a [`Way`].
struct Open {
    way: Way,
    client: HttpClient,
    tls: Arc<ClientConfig>,
}

impl Open {
    fn new(guard: &Guard, way: Way, roots: &[CertificateDer<'static>]) -> Result<Self, OutboundError> {
        let tls = Arc::new(tls::client_config(roots)?);
        let proxy = way.proxy.clone().map(Arc::new);
        let connector = Connector { guard: guard.clone(), tls: Arc::clone(&tls), proxy };
        let mut client = Client::builder(TokioExecutor::new());
        client.pool_max_idle_per_host(MAX_IDLE).pool_idle_timeout(IDLE_TIMEOUT).pool_timer(TokioTimer::new());
        Ok(Self { way, client: client.build(connector), tls })
    }
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").field("policy", &self.guard.policy).finish_non_exhaustive()
    }
}

impl Outbound {
    /// A client that uses this machine's resolver and its certificate authorities.
    pub fn new(policy: AddressPolicy) -> Result<Self, OutboundError> {
        Self::build(policy, Arc::new(System), &[])
    }

    /// A client that asks `resolver` and trusts also the authorities in `roots`, until [`Outbound::change`].
    pub fn build(
        policy: AddressPolicy,
        resolver: Arc<dyn Resolver>,
        roots: &[CertificateDer<'static>],
    ) -> Result<Self, OutboundError> {
        let guard = Guard { policy: Arc::new(policy), resolver };
        let open = Open::new(&guard, Way::default(), roots)?;
        Ok(Self { guard, open: Arc::new(ArcSwap::from_pointee(open)) })
    }

    /// Goes out this way from now on, in all clones; whether it is another one. What is under way ends as it
    /// began.
    pub fn change(&self, way: Way) -> Result<bool, OutboundError> {
        if self.open.load().way == way {
            return Ok(false);
        }
        let roots = way.authorities.as_deref().map(tls::read_authorities).transpose()?.unwrap_or_default();
        self.open.store(Arc::new(Open::new(&self.guard, way, &roots)?));
        Ok(true)
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
        let open = self.open.load_full();
        request.send(&open.client).await
    }

    /// A connection of its own, for what is not HTTP; no proxy carries it. Whether it may do
    /// without TLS is for the caller to say.
    pub async fn connect(&self, host: &str, port: u16, within: Duration) -> Result<TcpStream, OutboundError> {
        let reached = async {
            for address in self.guard.lookup(host, false).await? {
                if let Ok(stream) = connect(address, port).await {
                    return Ok(stream);
                }
            }
            Err(OutboundError::Connect)
        };
        timeout(within, reached).await.unwrap_or(Err(OutboundError::Timeout { sent: false }))
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
            let connector = TlsConnector::from(Arc::clone(&self.open.load().tls));
            connector.connect(name, stream).await.map_err(|error| {
                tracing::debug!(%error, "no TLS with the outside");
                OutboundError::Connect
            })
        };
        timeout(within, connect).await.unwrap_or(Err(OutboundError::Timeout { sent: false }))
    }

    /// All that a URL says of itself. An address in it is judged here, since
    /// nobody would resolve it.
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
        if plain && !self.guard.policy.has_plain() {
            return Err(OutboundError::Insecure);
        }
        match literal(host) {
            Some(address) if !self.guard.policy.admits(address, false) => Err(OutboundError::Blocked),
            Some(address) if !self.guard.policy.admits(address, plain) => Err(OutboundError::Insecure),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
