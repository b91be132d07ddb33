//! Resend: sends another message for the same verification, by its resend policy.

use crate::{
    access::{actor::Actor, change::Change, share::NotShared},
    acts::{
        read::{ReadError, view},
        recorded::{Unrecorded, recorded_in_person},
        sending::{Sending, SendingError},
        shares::{ShareError, judge_resend},
        view::Verification,
        ways::has_way,
    },
    code::{Code, payment::Transaction},
    context::Context,
    id::{EventId, MessageId, RecordKey, VerificationId},
    keyring::{KeyRing, OpenError, Place, Sealed},
    message::text::CodeText,
    mode::Mode,
    people::pool::PoolTake,
    phone::PhoneNumber,
    ports::{codes::acts::Seen, error::StoreError},
    tenant::system::Part,
    tenant::{
        limits::{LimitHit, Take},
        profile::ResendPolicy,
    },
    time::Timestamp,
    verification::{
        contact::Contact,
        event::ActEvent,
        idempotency::{Answer, IdempotencyError, Once, Outcome, Replay},
        outcome::ResendOutcome,
        record::Record,
        request::{NewCode, Resend},
        status::Status,
    },
};
use rand::CryptoRng;
use serde_json::json;
use std::time::Duration;

/// Why no message was queued.
#[derive(Debug, thiserror::Error)]
pub enum ResendError {
    /// The tenant has no such verification in this mode, or its record has expired.
    #[error("no such verification")]
    NotFound,
    /// The cooldown runs for this long.
    #[error("asked for too soon")]
    TooSoon(Duration),
    /// The verification has used up its messages.
    #[error("all sends are used")]
    SendsExhausted,
    /// The verification has ended.
    #[error("the verification is over")]
    Ended(Status),
    /// A limit refused the resend.
    #[error("limit {} refused", .0.name)]
    Limited(LimitHit),
    /// A limit of the member refused the resend.
    #[error(transparent)]
    Sending(#[from] SendingError),
    /// There is no delivery route for the phone number.
    #[error("no route")]
    NoRoute,
    /// The message would use something outside of the actor's shares.
    #[error(transparent)]
    NotShared(#[from] NotShared),
    /// The sealed code cannot be opened.
    #[error("sealed code")]
    Open(#[from] OpenError),
    /// The Idempotency-Key was used before.
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    /// The codes store did not answer.
    #[error("codes store")]
    Codes(#[source] StoreError),
    /// The directory did not answer, or the audit entry could not be written. No message was queued.
    #[error("directory")]
    Directory(#[source] StoreError),
    /// The verification cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl From<ShareError> for ResendError {
    fn from(error: ShareError) -> Self {
        match error {
            ShareError::NotShared(error) => error.into(),
            ShareError::Directory(error) => Self::Codes(error),
        }
    }
}

/// A verification after a resend. The resend was carried out now, or by an earlier request with the same
/// Idempotency-Key.
#[derive(Clone, Debug)]
pub struct Resent {
    /// The verification after that resend.
    pub verification: Verification,
    /// Whether an earlier request carried it out.
    pub replayed: bool,
    /// The record after the resend, or as the repeat found it.
    pub(crate) record: Record,
}

/// Returns whether another message of a verification has a delivery route.
fn has_way_for(context: &Context, key: RecordKey, record: &Record) -> Result<bool, ResendError> {
    if context.live_route {
        return Ok(true);
    }
    let contact = Contact::open(&context.keyring, key, record).map_err(ReadError::from)?;
    has_way(context, key.tenant, &contact.to).map_err(ResendError::Directory)
}

/// Refuses the message if the member's limits do. Returns what it takes from the member's pool.
fn pool_take(
    context: &Context,
    sending: &Sending<'_>,
    key: RecordKey,
    Seen { record, now, .. }: &Seen<()>,
) -> Result<Option<PoolTake>, ResendError> {
    // The store refuses a resend for a verification that is over.
    if record.review || record.status(*now) != Status::Pending {
        return Ok(None);
    }
    sending.check_hours()?;
    if !sending.counts_parts() {
        return Ok(None);
    }
    let view = context.tenant_view(key.tenant).map_err(ResendError::Directory)?;
    // A new code has the length of the one before, so the parts are the same.
    let text = open_code_text(&context.keyring, key, record)?;
    let message = text.compose_anyhow(&view, record.expires_at.since(*now));
    Ok(message.map(|message| sending.take(&message)).transpose()?.flatten())
}

/// The choices for the text of a pending verification, and its phone number.
fn open_message(
    context: &Context,
    key: RecordKey,
    record: &Record,
) -> Result<(CodeText, PhoneNumber), ResendError> {
    let text = open_code_text(&context.keyring, key, record)?;
    let contact = Contact::open(&context.keyring, key, record).map_err(ReadError::from)?;
    Ok((text, contact.to))
}

/// Queues another message, and returns the verification after it. If a member or the operator asks for it in
/// person, the audit log has it.
pub async fn resend_verification(
    context: &Context,
    actor: &Actor,
    id: VerificationId,
    once: Option<Once>,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<Resent, ResendError> {
    context.permit(actor.tenant, Part::verifications(actor)).map_err(ResendError::Directory)?;
    let object = id.to_string();
    let act = async {
        let resent = resend_taking(context, actor, id, (once, &[]), by.at, rng).await?;
        let sends = json!({ "sends": resent.record.sends, "replayed": resent.replayed });
        Ok((resent, sends))
    };
    let named = ("verification.resend", object.as_str());
    recorded_in_person(context, actor.tenant, named, by, act).await.map_err(|error| match error {
        Unrecorded::NotBegun(error) => ResendError::Directory(error),
        Unrecorded::Failed(error) => error,
    })
}

/// Like `resend_verification`, but limits also count the message.
pub(crate) async fn resend_taking(
    context: &Context,
    actor: &Actor,
    id: VerificationId,
    (once, takes): (Option<Once>, &[Take]),
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Resent, ResendError> {
    let key = RecordKey { tenant: actor.tenant, mode: actor.mode, id };
    let sending = Sending::of(context, actor, now).map_err(ResendError::Directory)?;
    // Each further round means that another resend succeeded in the meantime, so its cooldown now runs.
    loop {
        let seen = context.codes.read(key).await.map_err(ResendError::Codes)?.ok_or(ResendError::NotFound)?;
        if !actor.profiles.admits(&seen.record.profile) {
            return Err(ResendError::NotFound);
        }
        if seen.record.contact.is_empty() {
            return Err(ResendError::Ended(seen.record.status(seen.now)));
        }
        if actor.mode == Mode::Live && !has_way_for(context, key, &seen.record)? {
            return Err(ResendError::NoRoute);
        }
        // An ended verification has no code left to open, and gets no message.
        if seen.record.status(seen.now) == Status::Pending {
            judge_resend(context, actor, || open_message(context, key, &seen.record))?;
        }
        let resend = Resend {
            sends_seen: seen.record.sends,
            new_code: new_code(context, key, &seen, rng)?,
            message: MessageId::new(now, id.partition(), rng),
            takes: takes.to_vec(),
            pool: sending.as_ref().map_or(Ok(None), |sending| pool_take(context, sending, key, &seen))?,
        };
        let event = ActEvent { id: EventId::new(now, id.partition(), rng), who: actor.who };
        let answer = context.codes.resend(key, resend, event, once.clone()).await;
        let seen = match answer.map_err(ResendError::Codes)? {
            Answer::Fresh(seen) => seen.ok_or(ResendError::NotFound)?,
            Answer::Replay(replay) => return replayed(context, key, &seen, replay),
        };
        return match seen.outcome {
            ResendOutcome::Queued => {
                let verification = view(context, key, &seen.record, seen.now)?;
                Ok(Resent { verification, replayed: false, record: seen.record })
            }
            ResendOutcome::TooSoon(wait) => Err(ResendError::TooSoon(wait)),
            ResendOutcome::SendsExhausted => Err(ResendError::SendsExhausted),
            ResendOutcome::Ended(status) => Err(ResendError::Ended(status)),
            ResendOutcome::Limited(hit) => Err(ResendError::Limited(hit)),
            ResendOutcome::PoolExhausted(hit) => Err(SendingError::PoolExhausted(hit).into()),
            ResendOutcome::Changed => continue,
        };
    }
}

fn replayed(
    context: &Context,
    key: RecordKey,
    seen: &Seen<()>,
    replay: Replay,
) -> Result<Resent, ResendError> {
    match replay {
        Replay::Outcome(Outcome::Resent(progress)) => {
            let contact = Contact::open(&context.keyring, key, &seen.record).map_err(ReadError::from)?;
            let verification = Verification::replayed(key.mode, &progress, seen.record.profile, contact);
            Ok(Resent { verification, replayed: true, record: seen.record.clone() })
        }
        Replay::Outcome(_) | Replay::Mismatch => Err(IdempotencyError::Mismatch.into()),
    }
}

/// Draws the code that replaces the previous one, if the policy wants one. In test mode the one known code
/// always stays.
fn new_code(
    context: &Context,
    key: RecordKey,
    seen: &Seen<()>,
    rng: &mut impl CryptoRng,
) -> Result<Option<NewCode>, OpenError> {
    let Seen { record, now, .. } = seen;
    let same = record.resend == ResendPolicy::Same || key.mode == Mode::Test || record.review;
    if same || record.status(*now) != Status::Pending {
        return Ok(None);
    }
    let mut text = open_code_text(&context.keyring, key, record)?;
    text.code = Code::generate(record.shape, rng);
    let payment = text.transaction.as_ref().map(Transaction::digest);
    let mac = context.keyring.code_mac(key, payment.as_ref(), &text.code);
    let sealed = context.keyring.seal(&code_place(key, record), &text.pack(), rng);
    Ok(Some(NewCode { mac, sealed }))
}

fn code_place(key: RecordKey, record: &Record) -> Place {
    Place { kind: Sealed::Code, tenant: key.tenant, id: *key.id.bytes(), number: record.number }
}

/// Opens the code of a pending verification with the choices for its text, for the message.
pub fn open_code_text(keyring: &KeyRing, key: RecordKey, record: &Record) -> Result<CodeText, OpenError> {
    let packed = keyring.open(&code_place(key, record), &record.code)?;
    CodeText::unpack(&packed).ok_or(OpenError { version: record.code.first().copied().unwrap_or(0) })
}
