//! Sends a request to the API over the API's own port, as a client does. If all threads of the port are busy,
//! or all its connections used, the node is not ready, even if the stores are.

use rustls::{
    ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

const ANSWER: &[u8] = b"HTTP/1.1 200 ";

/// A probe of the API's port.
pub(crate) struct ApiProbe {
    address: SocketAddr,
    tls: Option<TlsConnector>,
}

impl ApiProbe {
    /// For a listener at this address, with or without TLS.
    pub fn new(mut address: SocketAddr, tls: bool) -> Result<Self, Error> {
        if address.ip().is_unspecified() {
            address.set_ip(match address {
                SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
                SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
            });
        }
        Ok(Self { address, tls: tls.then(connector).transpose()? })
    }

    /// Sends the request. The caller limits the time.
    pub async fn ask(&self) -> io::Result<()> {
        let stream = TcpStream::connect(self.address).await?;
        match &self.tls {
            None => self.ask_over(stream).await,
            Some(tls) => {
                let name = ServerName::IpAddress(self.address.ip().into());
                self.ask_over(tls.connect(name, stream).await?).await
            }
        }
    }

    async fn ask_over(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
        let request =
            format!("GET /health/live HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address);
        stream.write_all(request.as_bytes()).await?;
        stream.flush().await?;
        let mut answer = [0; ANSWER.len()];
        stream.read_exact(&mut answer).await?;
        if answer == ANSWER { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
    }
}

fn connector() -> Result<TlsConnector, Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(OurOwn(provider)))
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Accepts any certificate. It is made for the names that clients use, not for this address, and the probe
/// sends nothing secret: it only checks that the listener answers.
#[derive(Debug)]
struct OurOwn(Arc<CryptoProvider>);

impl ServerCertVerifier for OurOwn {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
