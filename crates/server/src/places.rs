//! The countries of addresses, from a MaxMind file. The server takes over a changed file without a restart.

use arc_swap::ArcSwapOption;
use countersign_core::{error::chain, phone::Country, ports::places::Places};
use maxminddb::{MaxMindDbError, Reader, path};
use std::{
    fs::{File, Metadata},
    io::{self, Read as _},
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// The time between two looks at the file.
const LOOK: Duration = Duration::from_secs(5);
/// The file is kept in memory. The largest one by MaxMind has some 100 MB.
const MAX_FILE_BYTES: u64 = 512 * 1024 * 1024;

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlacesError {
    #[error("{} cannot be read", file.display())]
    Read { file: PathBuf, source: io::Error },
    #[error("{} is not a MaxMind file", file.display())]
    Content { file: PathBuf, source: MaxMindDbError },
}

/// What tells two versions of a file apart. A file that was replaced by another has another number.
#[derive(PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    number: u64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self { modified: metadata.modified().ok(), length: metadata.len(), number: metadata.ino() }
    }
}

#[derive(PartialEq, Eq)]
enum Found {
    Nothing,
    File(Stamp),
}

/// The countries by the newest file that can be used. Without a file no address has a country.
#[derive(Default)]
pub(crate) struct MaxMind {
    file: Option<PathBuf>,
    reader: ArcSwapOption<Reader<Vec<u8>>>,
    /// What the last look found, usable or not.
    seen: Mutex<Option<Found>>,
}

impl Places for MaxMind {
    fn country(&self, address: IpAddr) -> Option<Country> {
        let reader = self.reader.load();
        let found = reader.as_ref()?.lookup(address.to_canonical()).ok()?;
        let text: &str = found.decode_path(&path!["country", "iso_code"]).ok()??;
        Country::from_bytes(text.as_bytes().try_into().ok()?)
    }
}

impl MaxMind {
    /// Reads the file, if one is configured. A file that cannot be used is only warned of: codes are more
    /// important than countries.
    pub fn open(file: Option<PathBuf>) -> Self {
        let places = Self { file, ..Self::default() };
        places.look();
        places
    }

    /// Returns why the file cannot be used.
    pub fn judge(file: &Path) -> Result<(), PlacesError> {
        read(file).map(drop)
    }

    /// Takes over the file if it changed.
    fn look(&self) {
        let Some(file) = &self.file else { return };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let metadata = std::fs::metadata(file);
        let found = metadata.map_or(Found::Nothing, |metadata| Found::File(Stamp::of(&metadata)));
        if seen.as_ref() == Some(&found) {
            return;
        }
        *seen = Some(found);
        match read(file) {
            Ok(reader) => {
                let built = reader.metadata().build_epoch;
                self.reader.store(Some(Arc::new(reader)));
                tracing::info!(file = %file.display(), built, "The countries of addresses are read");
            }
            Err(error) => tracing::warn!(
                setting = "portal.countries",
                error = chain(&error),
                "The countries of addresses cannot be read; what was read before stays"
            ),
        }
    }

    /// Looks at the file until `stop` is set. Without a file it only waits: the end of a background task ends the server.
    pub async fn follow(self: Arc<Self>, stop: CancellationToken) {
        if self.file.is_none() {
            return stop.cancelled().await;
        }
        let mut tick = interval(LOOK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let places = Arc::clone(&self);
            let look = async {
                tick.tick().await;
                tokio::task::spawn_blocking(move || places.look()).await
            };
            tokio::select! {
                () = stop.cancelled() => return,
                looked = look => if looked.is_err() { return },
            }
        }
    }
}

fn read(file: &Path) -> Result<Reader<Vec<u8>>, PlacesError> {
    let unreadable = |source| PlacesError::Read { file: file.to_owned(), source };
    let mut bytes = Vec::new();
    let opened = File::open(file).map_err(unreadable)?;
    opened.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(unreadable(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 512 MiB")));
    }
    Reader::from_source(bytes).map_err(|source| PlacesError::Content { file: file.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with the Python package mmdb-writer 0.2.7. It has PL for 203.0.113.0/24, DE for 2001:db8::/32, a
    /// registered country for 198.51.100.0/24, and a country that is no code for 192.0.2.0/24.
    const FILE: &[u8] = include_bytes!("places/test.mmdb");

    fn country(places: &MaxMind, address: &str) -> Option<String> {
        places.country(address.parse().unwrap()).map(|country| country.as_str().to_owned())
    }

    #[test]
    fn an_address_has_the_country_of_its_network() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("c.mmdb");
        std::fs::write(&file, FILE).unwrap();
        let places = MaxMind::open(Some(file));
        for (address, expected) in [
            ("203.0.113.7", Some("PL")),
            ("::ffff:203.0.113.7", Some("PL")),
            ("2001:db8::1", Some("DE")),
            ("127.0.0.1", None),
            ("2001:db9::1", None),
            ("198.51.100.1", None),
            ("192.0.2.1", None),
        ] {
            assert_eq!(country(&places, address).as_deref(), expected, "{address}");
        }
    }

    #[test]
    fn without_a_file_no_address_has_a_country() {
        assert_eq!(country(&MaxMind::open(None), "203.0.113.7"), None);
        assert_eq!(country(&MaxMind::open(Some("/nowhere".into())), "203.0.113.7"), None);
        let told = chain(&MaxMind::judge(Path::new("/nowhere")).unwrap_err());
        assert!(told.starts_with("/nowhere cannot be read: "), "{told}");
    }

    #[test]
    fn a_changed_file_is_taken_over_and_a_broken_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("c.mmdb");
        let places = MaxMind::open(Some(file.clone()));
        let replace = |bytes: &[u8]| {
            let draft = folder.path().join("draft");
            std::fs::write(&draft, bytes).unwrap();
            std::fs::rename(draft, &file).unwrap();
            places.look();
        };
        replace(FILE);
        assert_eq!(country(&places, "203.0.113.7").as_deref(), Some("PL"));
        let text = FILE.windows(2).position(|pair| pair == b"PL").unwrap();
        let mut other = FILE.to_vec();
        other[text..text + 2].copy_from_slice(b"CZ");
        replace(&other);
        assert_eq!(country(&places, "203.0.113.7").as_deref(), Some("CZ"));
        replace(&FILE[..FILE.len() / 2]);
        assert_eq!(country(&places, "203.0.113.7").as_deref(), Some("CZ"));
        let told = MaxMind::judge(&file).unwrap_err().to_string();
        assert!(told.ends_with("c.mmdb is not a MaxMind file"), "{told}");
        std::fs::remove_file(&file).unwrap();
        places.look();
        assert_eq!(country(&places, "203.0.113.7").as_deref(), Some("CZ"));
        replace(FILE);
        assert_eq!(country(&places, "203.0.113.7").as_deref(), Some("PL"));
    }
}
