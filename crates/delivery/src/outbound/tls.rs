//! TLS for calls to the outside: version 1.2 or 1.3, with the certificate authorities of this machine.

use super::OutboundError;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};
use std::sync::Arc;

/// The certificates in a bundle (PEM); an error if there is none.
pub(super) fn read_authorities(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, OutboundError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match read {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(OutboundError::Setup("the bundle of authorities holds no certificate".into())),
        Err(error) => Err(OutboundError::Setup(error.into())),
    }
}

/// Trusts the authorities of this machine and `more`.
pub(super) fn client_config(more: &[CertificateDer<'static>]) -> Result<ClientConfig, OutboundError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for one in more {
        roots.add(one.clone()).map_err(|error| OutboundError::Setup(error.into()))?;
    }
    if roots.is_empty() {
        return Err(OutboundError::Setup("this system names no certificate authorities".into()));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| OutboundError::Setup(error.into()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
