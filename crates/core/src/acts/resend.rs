//! Resend: another message for the same verification, by its policy.

use crate::{
    access::actor::Actor,
    acts::{
        read::{ReadError, view},
        view::Verification,
        ways::has_way,
    },
    code::{Code, payment::Transaction},
    context::Context,
    id::{EventId, MessageId, RecordKey, VerificationId},
    keyring::{KeyRing, OpenError, Place, Sealed},
    message::text::CodeText,
    mode::Mode,
    ports::{codes::acts::Seen, error::StoreError},
    tenant::{
        limits::{LimitHit, Take},
        profile::ResendPolicy,
    },
    time::Timestamp,
    verification::{
        contact::Contact,
        idempotency::{Answer, IdempotencyError, Once, Outcome, Replay},
        outcome::ResendOutcome,
        record::Record,
        request::{NewCode, Resend},
        status::Status,
    },
};
use rand::CryptoRng;
use std::time::Duration;

/// Why no message was queued.
#[derive(Debug, thiserror::Error)]
pub enum ResendError {
    /// No such verification of this tenant in this mode, or its record is gone.
    #[error("no such verification")]
    NotFound,
    /// The cooldown runs for this long.
    #[error("asked for too soon")]
    TooSoon(Duration),
    /// All sends are used.
    #[error("all sends are used")]
    SendsExhausted,
    /// It is over.
    #[error("the verification is over")]
    Ended(Status),
    /// A limit refused.
    #[error("limit {} refused", .0.name)]
    Limited(LimitHit),
    /// No provider is configured.
    #[error("no route")]
    NoRoute,
    /// The code cannot be read back.
    #[error("sealed code")]
    Open(#[from] OpenError),
    /// Its Idempotency-Key stands in the way.
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    /// The codes store did not answer.
    #[error("codes store")]
    Codes(#[source] StoreError),
    /// The verification cannot be shown.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// A verification after a resend, carried out now or by the first of equal requests.
#[derive(Clone, Debug)]
pub struct Resent {
    /// The verification as it was then.
    pub verification: Verification,
    /// Whether an earlier request did it.
    pub replayed: bool,
    /// Its record after it, or as a repeat finds it.
    pub(crate) record: Record,
}

/// Whether another message of a verification could go out.
fn has_way_for(context: &Context, key: RecordKey, record: &Record) -> Result<bool, ResendError> {
    if context.live_route {
        return Ok(true);
    }
    let tenant = context.tenant_view(key.tenant).map_err(ResendError::Codes)?;
    let contact = Contact::open(&context.keyring, key, record).map_err(ReadError::from)?;
    Ok(has_way(context, &tenant, &contact.to))
}

/// Queues another message and gives the verification as it is then.
pub async fn resend_verification(
    context: &Context,
    actor: &Actor,
    id: VerificationId,
    once: Option<Once>,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Resent, ResendError> {
    resend_taking(context, actor, id, (once, &[]), now, rng).await
}

/// The same, where limits count the message too.
pub(crate) async fn resend_taking(
    context: &Context,
    actor: &Actor,
    id: VerificationId,
    (once, takes): (Option<Once>, &[Take]),
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Resent, ResendError> {
    let key = RecordKey { tenant: actor.tenant, mode: actor.mode, id };
    // Each turn means that another resend went through meanwhile, so its cooldown now runs.
    loop {
        let seen = context.codes.read(key).await.map_err(ResendError::Codes)?.ok_or(ResendError::NotFound)?;
        if seen.record.contact.is_empty() {
            return Err(ResendError::Ended(seen.record.status(seen.now)));
        }
        if actor.mode == Mode::Live && !has_way_for(context, key, &seen.record)? {
            return Err(ResendError::NoRoute);
        }
        let resend = Resend {
            sends_seen: seen.record.sends,
            new_code: new_code(context, key, &seen, rng)?,
            message: MessageId::new(now, id.partition(), rng),
            takes: takes.to_vec(),
        };
        let event = EventId::new(now, id.partition(), rng);
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

/// The code that replaces the one before, where the policy wants one. Test
/// mode keeps its one known code whatever the policy.
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

/// The code of a pending verification and the lines around it, for the message.
pub fn open_code_text(keyring: &KeyRing, key: RecordKey, record: &Record) -> Result<CodeText, OpenError> {
    let packed = keyring.open(&code_place(key, record), &record.code)?;
    CodeText::unpack(&packed).ok_or(OpenError { version: record.code.first().copied().unwrap_or(0) })
}
