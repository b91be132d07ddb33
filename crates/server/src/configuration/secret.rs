//! A configured value that must never be shown.

use std::{
    io::{self, Read as _},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// A file that holds one secret is small; more than this is another file.
const MAX_BYTES: u64 = 16 * 1024;
/// A bundle of all public authorities is a quarter of this.
const MAX_PEM: u64 = 1024 * 1024;

/// Reads certificates or a key (PEM) from a file.
pub fn read_pem(file: &Path) -> io::Result<Vec<u8>> {
    let mut pem = Vec::new();
    std::fs::File::open(file)?.take(MAX_PEM + 1).read_to_end(&mut pem)?;
    if pem.len() as u64 > MAX_PEM {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 1 MiB"));
    }
    Ok(pem)
}

/// A password, or a URL that may hold one.
#[derive(Clone)]
pub struct Secret {
    text: Zeroizing<String>,
    /// Where it was read from. It may stand there anew while the program runs.
    file: Option<PathBuf>,
}

impl Secret {
    pub fn new(text: &str) -> Self {
        Self { text: Zeroizing::new(text.to_owned()), file: None }
    }

    /// Reads it from a file, without the white space around it.
    pub fn read(file: &Path) -> io::Result<Self> {
        let mut text = Zeroizing::new(String::new());
        std::fs::File::open(file)?.take(MAX_BYTES + 1).read_to_string(&mut text)?;
        if text.len() as u64 > MAX_BYTES {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 16 KiB"));
        }
        let text = Zeroizing::new(text.trim().to_owned());
        Ok(Self { text, file: Some(file.to_owned()) })
    }

    /// The value itself, only for the purpose for which it was configured.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// What stands in its file now; itself where there is none.
    pub fn read_again(&self) -> io::Result<Self> {
        self.file.as_deref().map_or_else(|| Ok(self.clone()), Self::read)
    }

    /// Its file, if it came from one.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}
