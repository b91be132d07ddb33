//! The contact of a verification: the phone number, the profile's name and the client's notes. Its record
//! contains them sealed.

use crate::{
    id::{RecordKey, VerificationId},
    keyring::{Fingerprint, KeyRing, Place, Sealed},
    pack::{Reader, Writer},
    phone::PhoneNumber,
    tenant::profile::ProfileName,
    verification::record::Record,
};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// The notes of a client on a verification: at most 10 keys and 512 bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata(BTreeMap<String, String>);

impl Metadata {
    /// The maximum number of keys.
    pub const MAX_KEYS: usize = 10;
    /// The maximum size of all keys and values together, in bytes.
    pub const MAX_BYTES: usize = 512;

    /// Returns `None` if there are too many keys or bytes, or an empty key.
    pub fn new(map: BTreeMap<String, String>) -> Option<Self> {
        let bytes: usize = map.iter().map(|(key, value)| key.len() + value.len()).sum();
        let fits = map.len() <= Self::MAX_KEYS && bytes <= Self::MAX_BYTES;
        (fits && !map.contains_key("")).then_some(Self(map))
    }

    pub fn as_map(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

/// The contact of a verification cannot be opened with the keys of this node.
#[derive(Debug, thiserror::Error)]
#[error("{0} cannot be opened with the keys of this node")]
pub struct UnreadableContact(pub VerificationId);

/// The contact of a verification. Its record contains the contact, so that reading a verification needs no
/// other store and works while the directory is down.
#[derive(Clone, Debug)]
pub struct Contact {
    /// The profile's name when the verification started.
    pub profile: ProfileName,
    pub to: PhoneNumber,
    /// The client's notes.
    pub metadata: Metadata,
}

impl Contact {
    pub(crate) fn pack(&self) -> Zeroizing<Vec<u8>> {
        // The name `default` is stored as an empty text, because most verifications have it.
        let profile = Some(self.profile.as_str()).filter(|name| *name != ProfileName::DEFAULT);
        let mut writer = Writer::default()
            .byte(1)
            .blob(profile.unwrap_or_default().as_bytes())
            .blob(self.to.e164().as_bytes());
        for (key, value) in self.metadata.as_map() {
            writer = writer.blob(key.as_bytes()).blob(value.as_bytes());
        }
        Zeroizing::new(writer.finish())
    }

    fn unpack(packed: &[u8]) -> Option<Self> {
        let mut reader = Reader(packed);
        if reader.byte()? != 1 {
            return None;
        }
        let profile = reader.text()?;
        let profile = if profile.is_empty() { ProfileName::default() } else { ProfileName::parse(&profile)? };
        let to = PhoneNumber::from_e164(&reader.text()?);
        let mut metadata = BTreeMap::new();
        while !reader.is_done() {
            metadata.insert(reader.text()?, reader.text()?);
        }
        Some(Self { profile, to, metadata: Metadata(metadata) })
    }

    /// Opens the contact in a record.
    pub fn open(keyring: &KeyRing, key: RecordKey, record: &Record) -> Result<Self, UnreadableContact> {
        Self::open_sealed(keyring, key, record.number, &record.contact)
    }

    /// Opens a contact that was sealed for this verification and phone number.
    pub fn open_sealed(
        keyring: &KeyRing,
        key: RecordKey,
        number: Fingerprint,
        sealed: &[u8],
    ) -> Result<Self, UnreadableContact> {
        let place = Place { kind: Sealed::Contact, tenant: key.tenant, id: *key.id.bytes(), number };
        let packed = keyring.open(&place, sealed).map_err(|_| UnreadableContact(key.id))?;
        Self::unpack(&packed).ok_or(UnreadableContact(key.id))
    }
}
