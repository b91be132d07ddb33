//! Read: a verification as its tenant sees it. Never the code.

use crate::{
    Caller, Context,
    access::key::Mode,
    acts::history::{HistoryError, read_past},
    history::query::PastVerification,
    id::{ProfileId, VerificationId},
    keyring::{Fingerprint, KeyRing, Place, Sealed},
    pack::{Reader, Writer},
    phone::PhoneNumber,
    ports::codes::StoreError,
    tenant::profile::ProfileName,
    time::Timestamp,
    verification::{
        idempotency::Progress,
        record::{Delivery, Record, RecordKey, Status},
    },
};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// The client's own notes on a verification: at most 10 keys and 512 bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata(BTreeMap<String, String>);

impl Metadata {
    /// Most keys.
    pub const MAX_KEYS: usize = 10;
    /// Most bytes of all keys and values together.
    pub const MAX_BYTES: usize = 512;

    /// `None` when there are too many keys or bytes, or an empty key.
    pub fn new(map: BTreeMap<String, String>) -> Option<Self> {
        let bytes: usize = map.iter().map(|(key, value)| key.len() + value.len()).sum();
        let fits = map.len() <= Self::MAX_KEYS && bytes <= Self::MAX_BYTES;
        (fits && !map.contains_key("")).then_some(Self(map))
    }

    /// The notes.
    pub fn as_map(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

/// Who and what a verification is about, as sealed in its record: what its
/// tenant is shown needs no other store, so it is shown while the directory is away.
#[derive(Clone, Debug)]
pub struct Contact {
    /// The name of its profile at the start.
    pub profile: ProfileName,
    /// The number.
    pub to: PhoneNumber,
    /// The client's notes.
    pub metadata: Metadata,
}

impl Contact {
    pub(crate) fn pack(&self) -> Zeroizing<Vec<u8>> {
        // Most are of the default profile, whose name then costs nothing.
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

    /// Opens the contact of a record.
    pub fn open(context: &Context, key: RecordKey, record: &Record) -> Result<Self, ReadError> {
        Self::open_sealed(&context.keyring, key, record.number, &record.contact)
    }

    /// Opens the contact that the history keeps; `None` after it was erased.
    pub fn open_past(
        context: &Context,
        key: RecordKey,
        past: &PastVerification,
    ) -> Result<Option<Self>, ReadError> {
        let kept = past.number.zip(past.contact.as_deref());
        kept.map(|(number, sealed)| Self::open_sealed(&context.keyring, key, number, sealed)).transpose()
    }

    /// Opens a contact that was sealed for this verification and number.
    pub fn open_sealed(
        keyring: &KeyRing,
        key: RecordKey,
        number: Fingerprint,
        sealed: &[u8],
    ) -> Result<Self, ReadError> {
        let place = Place { kind: Sealed::Contact, tenant: key.tenant, id: *key.id.bytes(), number };
        let packed = keyring.open(&place, sealed).map_err(|_| ReadError::Unreadable(key.id))?;
        Self::unpack(&packed).ok_or(ReadError::Unreadable(key.id))
    }
}

/// A verification as its tenant sees it.
#[derive(Clone, Debug)]
pub struct Verification {
    /// Its id.
    pub id: VerificationId,
    /// Live or test.
    pub mode: Mode,
    /// The profile it was started for.
    pub profile: ProfileName,
    /// Its id: another profile may have its name by now.
    pub profile_id: ProfileId,
    /// Where it stands.
    pub status: Status,
    /// The number; `None` after it was erased.
    pub to: Option<PhoneNumber>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its codes end.
    pub expires_at: Timestamp,
    /// When a resend is next allowed; `None` when none is left or it is over.
    pub resend_at: Option<Timestamp>,
    /// Tries that are left.
    pub attempts_left: u8,
    /// Sends that are left.
    pub sends_left: u8,
    /// How far the newest message got.
    pub delivery: Delivery,
    /// The client's notes.
    pub metadata: Metadata,
}

impl Verification {
    pub(crate) fn new(key: RecordKey, record: &Record, now: Timestamp, contact: Contact) -> Self {
        let status = record.status(now);
        let resendable = status == Status::Pending && record.sends_left() > 0;
        Self {
            id: key.id,
            mode: key.mode,
            profile: contact.profile,
            profile_id: record.profile,
            status,
            to: Some(contact.to),
            created_at: record.created_at,
            expires_at: record.expires_at,
            resend_at: resendable.then_some(record.resend_at),
            attempts_left: record.attempts_left(),
            sends_left: record.sends_left(),
            delivery: record.delivery,
            metadata: contact.metadata,
        }
    }

    /// From the history, which knows no cooldowns: nobody resends by it.
    pub(crate) fn past(
        key: RecordKey,
        past: PastVerification,
        now: Timestamp,
        (profile, contact): (ProfileName, Option<Contact>),
    ) -> Self {
        let status = match past.status {
            Status::Pending if now >= past.expires_at => Status::Expired,
            recorded => recorded,
        };
        let (to, metadata) = contact.map(|contact| (contact.to, contact.metadata)).unzip();
        Self {
            id: key.id,
            mode: key.mode,
            profile,
            profile_id: past.profile,
            status,
            to,
            created_at: past.started_at,
            expires_at: past.expires_at,
            resend_at: None,
            attempts_left: past.max_checks.saturating_sub(past.checks),
            sends_left: past.max_sends.saturating_sub(past.sends),
            delivery: past.delivery,
            metadata: metadata.unwrap_or_default(),
        }
    }
}

impl Verification {
    /// The verification of a number that was erased.
    fn erased(context: &Context, key: RecordKey, record: &Record, now: Timestamp) -> Self {
        let view = context.snapshot.tenant(key.tenant);
        let known = view.iter().flat_map(|view| view.profiles.values());
        let profile = known.into_iter().find(|profile| profile.id == record.profile);
        let profile = profile.map(|profile| profile.name.clone()).unwrap_or_default();
        let contact = Contact { profile, to: PhoneNumber::from_e164(""), metadata: Metadata::default() };
        Self { to: None, ..Self::new(key, record, now, contact) }
    }

    /// The verification as it stood after an act that a repeated request asks for again.
    pub(crate) fn replayed(mode: Mode, progress: &Progress, profile_id: ProfileId, contact: Contact) -> Self {
        let Progress { id, created_at, expires_at, resend_at, attempts_left, sends_left } = *progress;
        Self {
            id,
            mode,
            profile: contact.profile,
            profile_id,
            status: Status::Pending,
            to: Some(contact.to),
            created_at,
            expires_at,
            resend_at: (sends_left > 0).then_some(resend_at),
            attempts_left,
            sends_left,
            delivery: Delivery::Queued,
            metadata: contact.metadata,
        }
    }
}

/// Why a verification cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// No such verification of this tenant in this mode, or its record is gone.
    #[error("no such verification")]
    NotFound,
    /// Its sealed values do not open with the keys of this node.
    #[error("{0} cannot be opened with the keys of this node")]
    Unreadable(VerificationId),
    /// The codes store did not answer.
    #[error("codes store")]
    Codes(#[source] StoreError),
    /// Its record is gone, and the history did not answer.
    #[error(transparent)]
    History(HistoryError),
}

/// Reads a verification: its record while it stands, then the history.
pub async fn read_verification(
    context: &Context,
    caller: &Caller,
    id: VerificationId,
    now: Timestamp,
) -> Result<Verification, ReadError> {
    let key = RecordKey { tenant: caller.tenant, mode: caller.mode, id };
    match context.codes.read(key).await.map_err(ReadError::Codes)? {
        Some(seen) => view(context, key, &seen.record, seen.now),
        None => {
            let past = read_past(context, key, now).await.map_err(ReadError::History)?;
            past.ok_or(ReadError::NotFound)
        }
    }
}

/// The tenant's view of a record.
pub(crate) fn view(
    context: &Context,
    key: RecordKey,
    record: &Record,
    now: Timestamp,
) -> Result<Verification, ReadError> {
    if record.contact.is_empty() {
        return Ok(Verification::erased(context, key, record, now));
    }
    let contact = Contact::open(context, key, record)?;
    Ok(Verification::new(key, record, now, contact))
}
