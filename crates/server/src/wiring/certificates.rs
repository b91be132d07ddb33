//! Reads the files of certificates.

use crate::configuration::{CertificateFiles, TlsFiles, read_pem};
use anyhow::{Context as _, anyhow};
use countersign_stores::certificates::{Certificates, ClientCertificate, ClientCertificateError};
use std::path::Path;
use zeroize::Zeroizing;

/// The authority (PEM) in a file that a setting names.
pub(crate) fn read_authority(setting: &str, file: Option<&Path>) -> anyhow::Result<Option<Vec<u8>>> {
    let read =
        |file: &Path| read_pem(file).with_context(|| format!("{setting}: {} cannot be read", file.display()));
    file.map(read).transpose()
}

/// The certificates in the files of a section of the settings.
pub(crate) fn read_certificates(section: &str, files: &CertificateFiles) -> anyhow::Result<Certificates> {
    let read = |name: &str, file: &Path| {
        let unreadable = || format!("{section}.{name}: {} cannot be read", file.display());
        read_pem(file).with_context(unreadable)
    };
    let authority = read_authority(&format!("{section}.ca_file"), files.authority.as_deref())?;
    let client = files.client.as_ref().map(|TlsFiles { certificate, key }| {
        let chain = read("client_certificate", certificate)?;
        let client = ClientCertificate::new(chain, Zeroizing::new(read("client_key", key)?));
        client.map_err(|error| {
            let (name, file) = match error {
                ClientCertificateError::Certificate => ("client_certificate", certificate),
                ClientCertificateError::Key | ClientCertificateError::Mismatch => ("client_key", key),
            };
            anyhow!("{section}.{name}: {} {error}", file.display())
        })
    });
    Ok(Certificates { authority, client: client.transpose()? })
}

/// Names the setting, if a server refused the client certificate or its absence. `text` is the whole error.
pub(super) fn explain_refusal(section: &str, text: &str) -> Option<String> {
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if says(&["fatal alert: CertificateRequired", "requires a valid client certificate"]) {
        return Some(format!("set {section}.client_certificate and {section}.client_key"));
    }
    let judgements = [
        "fatal alert: UnknownCA",
        "fatal alert: BadCertificate",
        "fatal alert: CertificateUnknown",
        "fatal alert: CertificateExpired",
        "certificate authentication failed",
    ];
    says(&judgements).then(|| format!("the server does not accept {section}.client_certificate"))
}
