//! The proxy that leads out of a network: HTTP CONNECT (RFC 9110, section 9.3.6). It carries TLS alone, so it
//! sees names and addresses but no request.

use super::{
    connector::{ConnectError, Refusal},
    error::note_unreached,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;
use std::fmt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use url::Url;
use zeroize::Zeroizing;

/// The head of its answer is no longer than that.
const MAX_HEAD: usize = 8 * 1024;

/// Where the proxy is, and who asks it.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    host: String,
    port: u16,
    /// The value of `Proxy-Authorization`.
    credentials: Option<Zeroizing<String>>,
    /// It is given names, which are not looked up here.
    resolves: bool,
}

/// Why a URL is none of a proxy. It quotes nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be like http://HOST:PORT or http://USER:PASSWORD@HOST:PORT, with what is special there as %40 and so on"
)]
pub struct ProxyUrlError;

impl Proxy {
    /// Reads `http://USER:PASSWORD@HOST:PORT`. With `resolves` the proxy looks names up, and is to refuse those
    /// that lead to addresses which nobody may call.
    pub fn parse(text: &str, resolves: bool) -> Result<Self, ProxyUrlError> {
        let url = Url::parse(text).map_err(|_| ProxyUrlError)?;
        let bare = url.scheme() == "http"
            && ["", "/"].contains(&url.path())
            && url.query().is_none()
            && url.fragment().is_none();
        let host = url.host_str().filter(|host| bare && !host.is_empty()).ok_or(ProxyUrlError)?;
        let decode =
            |text| percent_decode_str(text).decode_utf8().map(|text| Zeroizing::new(text.into_owned()));
        let credentials = if url.username().is_empty() && url.password().is_none() {
            None
        } else {
            let user = decode(url.username()).map_err(|_| ProxyUrlError)?;
            let password = decode(url.password().unwrap_or_default()).map_err(|_| ProxyUrlError)?;
            let pair = Zeroizing::new(format!("{}:{}", *user, *password));
            Some(Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes()))))
        };
        let port = url.port_or_known_default().ok_or(ProxyUrlError)?;
        Ok(Self { host: host.trim_matches(['[', ']']).to_owned(), port, credentials, resolves })
    }

    /// Whether it is given names.
    pub(super) fn resolves(&self) -> bool {
        self.resolves
    }

    /// A connection to `target` (`HOST:PORT`) through the proxy. Whoever calls bounds the time.
    pub(super) async fn connect(&self, target: &str) -> Result<TcpStream, ConnectError> {
        let opened = self.open_tunnel(target).await;
        opened.inspect_err(|error| note_unreached(target, error))
    }

    async fn open_tunnel(&self, target: &str) -> Result<TcpStream, ConnectError> {
        let away = |_| ConnectError::Proxy(Refusal::Away);
        // It stands in the configuration, so its address is one that the operator allows.
        let mut stream = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(away)?;
        stream.set_nodelay(true).map_err(away)?;
        let mut head = Zeroizing::new(format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n"));
        if let Some(credentials) = &self.credentials {
            head.push_str("Proxy-Authorization: ");
            head.push_str(credentials);
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).await.map_err(away)?;
        match read_status(&mut stream).await? {
            200..=299 => Ok(stream),
            // It could not reach the other side, which is no fault of its own.
            502..=504 => Err(ConnectError::Failed),
            status => Err(ConnectError::Proxy(Refusal::Status(status))),
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("resolves", &self.resolves).finish_non_exhaustive()
    }
}

/// Reads the head of the answer and not one byte more: what follows is TLS of the other side.
async fn read_status(stream: &mut TcpStream) -> Result<u16, ConnectError> {
    let unreadable = ConnectError::Proxy(Refusal::Unreadable);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == MAX_HEAD {
            return Err(unreadable);
        }
        head.push(stream.read_u8().await.map_err(|_| unreadable)?);
    }
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = std::str::from_utf8(line).map_err(|_| unreadable)?;
    let status = line.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1)?.parse().ok());
    status.filter(|status| (200..=599).contains(status)).ok_or(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_read_from_a_url() {
        let proxy = Proxy::parse("http://user:p%40ss%3A@[::1]:3128", false).unwrap();
        assert_eq!((proxy.host.as_str(), proxy.port), ("::1", 3128));
        let encoded = STANDARD.encode("user:p@ss:");
        assert_eq!(proxy.credentials.as_ref().unwrap().as_str(), format!("Basic {encoded}"));
        assert!(!format!("{proxy:?}").contains(&encoded));
        let proxy = Proxy::parse("http://proxy.example/", true).unwrap();
        assert_eq!((proxy.port, proxy.credentials.is_none(), proxy.resolves()), (80, true, true));
        for text in
            ["", "proxy:3128", "https://proxy:3128", "socks5://proxy:1", "http://p:1/x", "http://p:1/?q"]
        {
            assert_eq!(Proxy::parse(text, false), Err(ProxyUrlError), "{text}");
        }
    }
}
