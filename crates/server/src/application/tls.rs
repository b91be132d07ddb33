//! The certificate of the API. The server reads the files again while it runs, so renewing the certificate
//! needs no restart.

use crate::configuration::TlsFiles;
use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};
use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

/// The time between two checks of the files. Each check reads them whole: some tools keep a file's time of
/// change, and links hide it.
const LOOK: Duration = Duration::from_secs(1);
/// A chain has a few KiB; a larger file is not a chain.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

const EXPIRES: &str = "countersign_certificate_expires_seconds";
const FAILURES: &str = "countersign_certificate_reload_failures_total";

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CertificateError {
    #[error("{} cannot be read", file.display())]
    Read { file: PathBuf, source: io::Error },
    #[error("{} holds no {what} in PEM form", file.display())]
    Pem { file: PathBuf, what: &'static str, source: pem::Error },
    #[error("{} and {} cannot be served", files.certificate.display(), files.key.display())]
    Pair { files: TlsFiles, source: rustls::Error },
}

/// The contents of the two files.
#[derive(PartialEq, Eq)]
struct Contents {
    certificate: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

impl Contents {
    fn read(files: &TlsFiles) -> Result<Self, CertificateError> {
        let read = |file: &Path| {
            read_bounded(file).map_err(|source| CertificateError::Read { file: file.to_owned(), source })
        };
        Ok(Self { certificate: read(&files.certificate)?, key: Zeroizing::new(read(&files.key)?) })
    }

    /// Reads the chain and its key, and checks that they belong together.
    fn parse(&self, files: &TlsFiles) -> Result<CertifiedKey, CertificateError> {
        let pem = |file: &Path, what| {
            let file = file.to_owned();
            move |source| CertificateError::Pem { file, what, source }
        };
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.certificate).collect();
        let chain =
            chain.and_then(|chain| if chain.is_empty() { Err(pem::Error::NoItemsFound) } else { Ok(chain) });
        let chain = chain.map_err(pem(&files.certificate, "certificate"))?;
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(pem(&files.key, "private key"))?;
        let pair = CertifiedKey::from_der(chain, key, &provider());
        pair.map_err(|source| CertificateError::Pair { files: files.clone(), source })
    }
}

fn read_bounded(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 1 MiB"));
    }
    Ok(bytes)
}

fn provider() -> CryptoProvider {
    aws_lc_rs::default_provider()
}

/// The certificate for the next handshake. Existing connections keep theirs.
pub(crate) struct Certificate {
    files: TlsFiles,
    current: ArcSwap<CertifiedKey>,
    /// The contents last read, valid or not; `None` if they could not be read.
    seen: Mutex<Option<Contents>>,
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificate").field("files", &self.files).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

impl Certificate {
    /// Reads and checks the two files.
    pub fn load(files: &TlsFiles) -> Result<Self, CertificateError> {
        let contents = Contents::read(files)?;
        let pair = contents.parse(files)?;
        Ok(Self {
            files: files.clone(),
            current: ArcSwap::from_pointee(pair),
            seen: Mutex::new(Some(contents)),
        })
    }

    /// Reads the files, and uses the new certificate if it changed and is valid.
    fn refresh(&self) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (found, pair) = match Contents::read(&self.files) {
            Ok(found) if seen.as_ref() == Some(&found) => return,
            Ok(found) => {
                let pair = found.parse(&self.files);
                (Some(found), pair)
            }
            Err(_) if seen.is_none() => return,
            Err(error) => (None, Err(error)),
        };
        *seen = found;
        match pair {
            Ok(pair) => {
                self.current.store(Arc::new(pair));
                self.note_expiry();
                tracing::info!("A new certificate is served");
            }
            // This also happens between the replacement of the two files. The next check then finds both.
            Err(error) => {
                metrics::counter!(FAILURES).increment(1);
                let error = anyhow::Error::from(error);
                tracing::warn!(
                    error = format!("{error:#}"),
                    "The new certificate cannot be served; the old one is"
                );
            }
        }
    }

    /// Sets the gauge with the certificate's end, for alerts. A date that cannot be read does not change it.
    fn note_expiry(&self) {
        let pair = self.current.load();
        let leaf = pair.cert.first().and_then(|leaf| x509_parser::parse_x509_certificate(leaf).ok());
        if let Some((_, leaf)) = leaf {
            metrics::gauge!(EXPIRES).set(leaf.validity().not_after.timestamp() as f64);
        }
    }
}

/// Checks the files of the certificate until `stop` is set.
pub(super) async fn watch_certificate(certificate: Arc<Certificate>, stop: CancellationToken) {
    metrics::describe_gauge!(EXPIRES, "When the served certificate ends, in Unix time");
    metrics::describe_counter!(FAILURES, "Changes of the certificate's files that could not be served");
    metrics::counter!(FAILURES).increment(0);
    certificate.note_expiry();
    let mut tick = interval(LOOK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let certificate = Arc::clone(&certificate);
        let look = async {
            tick.tick().await;
            tokio::task::spawn_blocking(move || certificate.refresh()).await
        };
        tokio::select! {
            () = stop.cancelled() => return,
            looked = look => if looked.is_err() { return },
        }
    }
}

/// The TLS configuration of the API: versions 1.2 and 1.3. The HTTP server adds the ALPN name `http/1.1`.
pub(super) fn server_config(certificate: Arc<Certificate>) -> Result<ServerConfig, rustls::Error> {
    let builder = ServerConfig::builder_with_provider(Arc::new(provider()));
    let builder = builder.with_protocol_versions(&[&TLS13, &TLS12])?;
    Ok(builder.with_no_client_auth().with_cert_resolver(certificate))
}

#[cfg(test)]
mod tests;
