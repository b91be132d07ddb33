//! The settings that name certificates.

use super::{CertificateFiles, Reader, TlsFiles};
use std::path::{Path, PathBuf};

/// A path, relative to `base`; `None` where it is empty.
pub(super) fn read_path(reader: &mut Reader, base: &Path, key: &str) -> Option<Option<PathBuf>> {
    reader.text(key, "", |text| Ok((!text.is_empty()).then(|| base.join(text))))
}

/// Reads the names of both files, or of neither. The files themselves are read later: not every command has
/// the right to.
pub(super) fn read_pair(
    reader: &mut Reader,
    base: &Path,
    [certificate_key, key_key]: [&str; 2],
) -> Option<Option<TlsFiles>> {
    let (certificate, key) = (read_path(reader, base, certificate_key)?, read_path(reader, base, key_key)?);
    let missing = match (certificate, key) {
        (Some(certificate), Some(key)) => return Some(Some(TlsFiles { certificate, key })),
        (None, None) => return Some(None),
        (None, Some(_)) => certificate_key,
        (Some(_), None) => key_key,
    };
    reader.problem(missing, "must be set too: a certificate and its key go together");
    None
}

/// The certificates of the section of a store.
pub(super) fn read_certificates(reader: &mut Reader, base: &Path, section: &str) -> Option<CertificateFiles> {
    let authority = read_path(reader, base, &format!("{section}.ca_file"));
    let pair = ["client_certificate", "client_key"].map(|name| format!("{section}.{name}"));
    let client = read_pair(reader, base, pair.each_ref().map(String::as_str));
    Some(CertificateFiles { authority: authority?, client: client? })
}

impl CertificateFiles {
    /// Notes each setting that has no use.
    pub(super) fn refuse(&self, reader: &mut Reader, section: &str, why: &str) {
        if self.authority.is_some() {
            reader.problem(&format!("{section}.ca_file"), why);
        }
        self.refuse_client(reader, section, why);
    }

    pub(super) fn refuse_client(&self, reader: &mut Reader, section: &str, why: &str) {
        if self.client.is_some() {
            reader.problem(&format!("{section}.client_certificate"), why);
        }
    }
}
