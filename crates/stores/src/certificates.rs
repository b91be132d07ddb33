//! The certificates of connections by TLS: the authority that the servers are judged by, and the certificate
//! that this program proves itself with.

use redis::{ClientTlsConfig, TlsCertificates};
use rustls::{
    InconsistentKeys,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};
use zeroize::Zeroizing;

/// The certificates for the servers of one store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificates {
    /// The authority of the servers' certificates (PEM), if the system does not know it.
    pub authority: Option<Vec<u8>>,
    /// Shown to servers that ask for a certificate.
    pub client: Option<ClientCertificate>,
}

impl Certificates {
    pub(crate) fn for_redis(&self) -> Option<TlsCertificates> {
        let client_tls = self.client.as_ref().map(|client| ClientTlsConfig {
            client_cert: client.chain.clone(),
            client_key: client.key.to_vec(),
        });
        let root_cert = self.authority.clone();
        (client_tls.is_some() || root_cert.is_some()).then_some(TlsCertificates { client_tls, root_cert })
    }
}

/// A certificate chain and the private key of its first certificate, both PEM and known to fit together.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    chain: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

/// Why a pair of files is refused. The error quotes nothing of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientCertificateError {
    #[error("holds no certificate in PEM")]
    Certificate,
    /// Also for an encrypted key: nobody types its password.
    #[error("holds no private key in PEM that is usable without a password")]
    Key,
    #[error("is not the key of the certificate")]
    Mismatch,
}

impl std::fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientCertificate")
    }
}

impl ClientCertificate {
    /// Reads the texts of both files.
    pub fn new(chain: Vec<u8>, key: Zeroizing<Vec<u8>>) -> Result<Self, ClientCertificateError> {
        let new = Self { chain, key };
        let (chain, key) = new.parse()?;
        match CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()) {
            Ok(_) => Ok(new),
            Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
                Err(ClientCertificateError::Mismatch)
            }
            Err(rustls::Error::InvalidCertificate(_)) => Err(ClientCertificateError::Certificate),
            Err(_) => Err(ClientCertificateError::Key),
        }
    }

    pub(crate) fn parse(
        &self,
    ) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), ClientCertificateError> {
        let chain = CertificateDer::pem_slice_iter(&self.chain).collect::<Result<Vec<_>, _>>();
        let chain =
            chain.ok().filter(|chain| !chain.is_empty()).ok_or(ClientCertificateError::Certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|_| ClientCertificateError::Key)?;
        Ok((chain, key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_taken_only_if_it_fits_together() {
        let make = || {
            let made = rcgen::generate_simple_self_signed(["node".to_owned()]).unwrap();
            (made.cert.pem().into_bytes(), made.signing_key.serialize_pem().into_bytes())
        };
        let ((chain, key), (other, _)) = (make(), make());
        let new = |chain: &[u8], key: &[u8]| {
            ClientCertificate::new(chain.to_vec(), Zeroizing::new(key.to_vec())).map(drop)
        };
        assert_eq!(new(&chain, &key), Ok(()));
        assert_eq!(new(&[chain.clone(), other.clone()].concat(), &key), Ok(()), "with an issuer");
        assert_eq!(new(&other, &key), Err(ClientCertificateError::Mismatch));
        assert_eq!(new(&key, &key), Err(ClientCertificateError::Certificate));
        assert_eq!(new(&chain, &chain), Err(ClientCertificateError::Key));
        let encrypted = String::from_utf8(key).unwrap().replace("PRIVATE", "ENCRYPTED PRIVATE");
        assert_eq!(new(&chain, encrypted.as_bytes()), Err(ClientCertificateError::Key));
    }
}
