//! A configured value that must never be shown.

use super::password::insert_password;
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
    /// The files may change while the program runs.
    source: Source,
}

#[derive(Clone)]
enum Source {
    /// The configuration itself.
    Inline,
    /// A file that holds a whole secret, such as a URL.
    File(PathBuf),
    /// A file that holds only a password.
    PasswordFile(PathBuf),
    /// A URL without a password, and the file that holds the password.
    Joined(Box<Secret>, PathBuf),
}

impl Secret {
    pub fn new(text: &str) -> Self {
        Self { text: Zeroizing::new(text.to_owned()), source: Source::Inline }
    }

    /// Reads it from a file, without the white space around it.
    pub fn read(file: &Path) -> io::Result<Self> {
        let text = Zeroizing::new(read_text(file)?.trim().to_owned());
        Ok(Self { text, source: Source::File(file.to_owned()) })
    }

    /// Reads a password from a file. Only the line break at the end of the file is no part of it.
    pub fn read_password(file: &Path) -> io::Result<Self> {
        let text = read_text(file)?;
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let password = line.strip_suffix('\r').unwrap_or(line);
        if password.is_empty() {
            return Err(told(file, "it is empty"));
        }
        let text = Zeroizing::new(password.to_owned());
        Ok(Self { text, source: Source::PasswordFile(file.to_owned()) })
    }

    /// This URL with the password from a file.
    pub fn with_password(self, file: PathBuf) -> io::Result<Self> {
        let password = Self::read_password(&file)?;
        let text = insert_password(&self.text, password.expose())?;
        Ok(Self { text, source: Source::Joined(Box::new(self), file) })
    }

    /// The value itself, only for the purpose for which it was configured.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Reads its files again. A secret without a file stays the same.
    pub fn read_again(&self) -> io::Result<Self> {
        match &self.source {
            Source::Inline => Ok(self.clone()),
            Source::File(file) => Self::read(file),
            Source::PasswordFile(file) => Self::read_password(file),
            Source::Joined(url, file) => url.read_again()?.with_password(file.clone()),
        }
    }

    /// Whether a part of it came from a file.
    pub fn is_in_file(&self) -> bool {
        !matches!(self.source, Source::Inline)
    }
}

/// Reads a small file. The error names the file.
fn read_text(file: &Path) -> io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    let read = std::fs::File::open(file).and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text));
    read.map_err(|error| told(file, &error.to_string()))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(told(file, "it is larger than 16 KiB"));
    }
    Ok(text)
}

fn told(file: &Path, problem: &str) -> io::Error {
    io::Error::other(format!("{} cannot be read: {problem}", file.display()))
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}
