//! TLS to an SMSC: versions 1.2 and 1.3, with the certificate checked for the host.

use super::SmppError;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use std::sync::Arc;
use tokio_rustls::TlsConnector;

/// The name that the certificate must contain.
pub(super) fn server_name(host: &str) -> Option<ServerName<'static>> {
    ServerName::try_from(host.to_owned()).ok()
}

/// The certificate authorities in `ca` (PEM), or those of the system.
pub(super) fn roots(ca: Option<&str>) -> Result<RootCertStore, SmppError> {
    let mut roots = RootCertStore::empty();
    let Some(pem) = ca else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return if roots.is_empty() { Err(SmppError::NoAuthorities) } else { Ok(roots) };
    };
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|_| SmppError::Ca)?;
        roots.add(certificate).map_err(|_| SmppError::Ca)?;
    }
    if roots.is_empty() { Err(SmppError::Ca) } else { Ok(roots) }
}

pub(super) fn connector(ca: Option<&str>) -> Result<TlsConnector, SmppError> {
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(SmppError::Tls)?
        .with_root_certificates(roots(ca)?)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
