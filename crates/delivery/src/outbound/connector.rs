//! Connections for the HTTP client: from the name to the end of the TLS handshake, through the proxy if there
//! is one.

use super::{
    CONNECT_TIMEOUT,
    error::note_unreached,
    proxy::Proxy,
    resolver::{Guard, LookupError, literal},
};
use hyper::Uri;
use hyper_util::{
    client::legacy::connect::{Connected, Connection},
    rt::TokioIo,
};
use rustls::{ClientConfig, pki_types::ServerName};
use std::{
    future::Future,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::{
    io::{self, AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use tower_service::Service;

/// Why there is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ConnectError {
    #[error("the address is not allowed")]
    Blocked,
    #[error("no address, no connection or no TLS")]
    Failed,
    #[error("no connection in time")]
    Late,
    #[error("the proxy {0}")]
    Proxy(Refusal),
}

/// What a proxy did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("cannot be reached")]
    Away,
    #[error("gave no answer that can be read")]
    Unreadable,
    #[error("answered {0}")]
    Status(u16),
}

impl From<LookupError> for ConnectError {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::Blocked => Self::Blocked,
            LookupError::Failed(_) => Self::Failed,
        }
    }
}

/// Opens the connections. It judges each address just before it connects there, or before it asks the proxy
/// to.
#[derive(Clone)]
pub(super) struct Connector {
    pub guard: Guard,
    pub tls: Arc<ClientConfig>,
    pub proxy: Option<Arc<Proxy>>,
}

impl Connector {
    async fn open(self, uri: Uri) -> Result<Stream, ConnectError> {
        let plain = uri.scheme_str() == Some("http");
        let host = uri.host().ok_or(ConnectError::Failed)?;
        let port = uri.port_u16().unwrap_or(if plain { 80 } else { 443 });
        let stream = self.reach(host, port, plain).await?;
        if plain {
            return Ok(Stream(Box::new(stream)));
        }
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned());
        let name = name.map_err(|_| ConnectError::Failed)?;
        match TlsConnector::from(self.tls).connect(name, stream).await {
            Ok(stream) => Ok(Stream(Box::new(stream))),
            Err(error) => {
                tracing::debug!(%error, "no TLS with the outside");
                Err(ConnectError::Failed)
            }
        }
    }

    async fn reach(&self, host: &str, port: u16, plain: bool) -> Result<TcpStream, ConnectError> {
        // Without TLS only the operator's own networks are called, which are not behind the proxy.
        let proxy = self.proxy.as_deref().filter(|_| !plain);
        if let Some(proxy) = proxy.filter(|proxy| proxy.resolves() && literal(host).is_none()) {
            if is_local(host) {
                note_unreached(host, &ConnectError::Blocked);
                return Err(ConnectError::Blocked);
            }
            return proxy.connect(&format!("{host}:{port}")).await;
        }
        let mut outcome = Err(ConnectError::Failed);
        for address in self.guard.lookup(host, plain).await? {
            outcome = match proxy.filter(|_| !self.guard.policy.lists(address)) {
                Some(proxy) => proxy.connect(&target(address, port)).await,
                None => connect(address, port).await,
            };
            // Another address would find the same proxy.
            if !matches!(outcome, Err(ConnectError::Failed)) {
                break;
            }
        }
        outcome
    }
}

pub(super) async fn connect(address: IpAddr, port: u16) -> Result<TcpStream, ConnectError> {
    let stream = TcpStream::connect((address, port)).await.map_err(|_| ConnectError::Failed)?;
    // Without this a small request waits for the answer to the one before.
    stream.set_nodelay(true).map_err(|_| ConnectError::Failed)?;
    Ok(stream)
}

/// The target of `CONNECT`: the address that the policy has judged, so that the proxy does not look the name
/// up again.
fn target(address: IpAddr, port: u16) -> String {
    std::net::SocketAddr::new(address.to_canonical(), port).to_string()
}

/// Whether a name has a meaning only inside a network. Such a name never reaches the proxy. A proxy that
/// looks names up must itself refuse every other name that leads inside.
fn is_local(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let ends = [
        ".localhost",
        ".local",
        ".internal",
        ".home.arpa",
        ".svc",
        ".cluster.local",
        ".lan",
        ".corp",
        ".home",
        ".intranet",
        ".private",
    ];
    !host.contains('.') || ends.iter().any(|end| host.ends_with(end))
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            let opened = timeout(CONNECT_TIMEOUT, connector.open(uri)).await;
            opened.unwrap_or(Err(ConnectError::Late)).map(TokioIo::new)
        })
    }
}

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A connection, with TLS or without.
pub(super) struct Stream(Box<dyn Duplex>);

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
