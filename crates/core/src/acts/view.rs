//! A verification as its tenant sees it. It never contains the code.

use crate::{
    context::Context,
    history::query::PastVerification,
    id::{ProfileId, RecordKey, VerificationId},
    mode::Mode,
    phone::PhoneNumber,
    tenant::profile::ProfileName,
    time::Timestamp,
    verification::{
        contact::{Contact, Metadata},
        idempotency::Progress,
        record::Record,
        status::{Delivery, Status},
    },
};

/// A verification as its tenant sees it.
#[derive(Clone, Debug)]
pub struct Verification {
    pub id: VerificationId,
    pub mode: Mode,
    /// The profile's name at the start.
    pub profile: ProfileName,
    /// The profile's id. Another profile may have that name now.
    pub profile_id: ProfileId,
    pub status: Status,
    /// The phone number; `None` after an erasure.
    pub to: Option<PhoneNumber>,
    pub created_at: Timestamp,
    /// When the codes expire.
    pub expires_at: Timestamp,
    /// When the next resend is allowed; `None` if no message is left or the verification has ended.
    pub resend_at: Option<Timestamp>,
    /// The tries that are left.
    pub attempts_left: u8,
    /// The messages that are left.
    pub sends_left: u8,
    /// The delivery state of the newest message.
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

    /// Makes the view from the history. It has no cooldown, because nobody can resend any more.
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
    /// The view of a verification whose phone number was erased.
    pub(super) fn erased(context: &Context, key: RecordKey, record: &Record, now: Timestamp) -> Self {
        let view = context.snapshot.tenant(key.tenant);
        let known = view.iter().flat_map(|view| view.profiles.values());
        let profile = known.into_iter().find(|profile| profile.id == record.profile);
        let profile = profile.map(|profile| profile.name.clone()).unwrap_or_default();
        let contact = Contact { profile, to: PhoneNumber::from_e164(""), metadata: Metadata::default() };
        Self { to: None, ..Self::new(key, record, now, contact) }
    }

    /// The view after an operation that a repeated request asks for again.
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
