//! Start: a code is drawn, sealed, counted and queued in one act.

use crate::{
    Caller, Context,
    code::{Alphabet, Code, CodeShape},
    id::{EventId, MessageId, VerificationId},
    key::Mode,
    keyring::{Place, Sealed},
    limits::LimitHit,
    phone::PhoneNumber,
    ports::{NewVerification, StartOutcome, StoreError},
    profile::{Policy, Profile, ProfileName},
    read::{Contact, Metadata, Verification},
    testmode::{Magic, RATE_LIMIT_WAIT},
    text::{AppHash, CodeText, Origin, RETRIEVER_BYTES},
    time::Timestamp,
    verification::{Delivery, Record, RecordKey, Status},
};
use rand::CryptoRng;
use std::time::Duration;

/// What a client asks for; parsed, so each value is within its bounds.
#[derive(Clone, Debug)]
pub struct StartRequest {
    /// The number, read by the rules of the caller's mode.
    pub to: PhoneNumber,
    /// The profile whose policy applies.
    pub profile: ProfileName,
    /// Overrides the policy's length.
    pub code_length: Option<u8>,
    /// Overrides the policy's life.
    pub expires_in: Option<Duration>,
    /// Binds the code to a site.
    pub origin: Option<Origin>,
    /// Names the Android app that may read the message.
    pub app_hash: Option<AppHash>,
    /// The client's own notes.
    pub metadata: Metadata,
}

/// Why no verification was made.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The tenant has no profile of that name.
    #[error("no such profile")]
    UnknownProfile,
    /// The message would not fit into what the app hash allows.
    #[error("the message is longer than an Android app can read")]
    TextTooLong,
    /// The number is blocked.
    #[error("the number is blocked")]
    NumberBlocked,
    /// A limit refused.
    #[error("limit {} refused", .0.name)]
    Limited(LimitHit),
    /// No provider is configured.
    #[error("no route")]
    NoRoute,
    /// Too many events wait for the history.
    #[error("the events that wait for the history fill their budget")]
    HistoryBacklog,
    /// The codes store did not answer.
    #[error("codes store")]
    Codes(#[source] StoreError),
    /// The directory did not answer.
    #[error("directory")]
    Directory(#[source] StoreError),
}

/// Makes a verification and queues its message.
pub async fn start_verification(
    context: &Context,
    caller: &Caller,
    request: StartRequest,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Verification, StartError> {
    if caller.mode == Mode::Live && !context.live_route {
        return Err(StartError::NoRoute);
    }
    let profile = context.directory.profile(caller.tenant, &request.profile).await;
    let profile = profile.map_err(StartError::Directory)?.ok_or(StartError::UnknownProfile)?;
    let magic = magic(caller.mode, &request.to);
    match magic {
        Some(Magic::Blocked) => return Err(StartError::NumberBlocked),
        Some(Magic::RateLimited) => {
            let hit = LimitHit { name: "test_number", scope: "number", retry_after: RATE_LIMIT_WAIT };
            return Err(StartError::Limited(hit));
        }
        _ => {}
    }
    if request.app_hash.is_some() {
        check_length(context, caller, &request, &profile.policy).await?;
    }
    let new = new_verification(context, caller, &request, &profile, magic, now, rng);
    let key = new.key;
    match context.codes.start(new).await.map_err(StartError::Codes)? {
        StartOutcome::Started(record) => {
            let contact = Contact { profile: profile.name, to: request.to, metadata: request.metadata };
            Ok(Verification::new(key, &record, record.created_at, contact))
        }
        StartOutcome::Limited(hit) => Err(StartError::Limited(hit)),
        StartOutcome::HistoryBacklog => Err(StartError::HistoryBacklog),
    }
}

fn magic(mode: Mode, to: &PhoneNumber) -> Option<Magic> {
    if mode == Mode::Test { Magic::of(to) } else { None }
}

/// A message with an app hash must be short enough for the phone to hand it over.
async fn check_length(
    context: &Context,
    caller: &Caller,
    request: &StartRequest,
    policy: &Policy,
) -> Result<(), StartError> {
    let tenant = context.directory.tenant(caller.tenant).await.map_err(StartError::Directory)?;
    let length = request.code_length.unwrap_or(policy.code_length);
    let text = CodeText {
        code: Code::for_tests(length),
        origin: request.origin.clone(),
        app_hash: request.app_hash.clone(),
    };
    let fits = tenant.is_none_or(|tenant| text.compose(&tenant.name).len() <= RETRIEVER_BYTES);
    if fits { Ok(()) } else { Err(StartError::TextTooLong) }
}

fn new_verification(
    context: &Context,
    caller: &Caller,
    request: &StartRequest,
    profile: &Profile,
    magic: Option<Magic>,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> NewVerification {
    let Context { keyring, partitions, .. } = context;
    let (tenant, mode) = (caller.tenant, caller.mode);
    let number = keyring.fingerprint(tenant, &request.to);
    let partition = number.partition(*partitions);
    let id = VerificationId::new(now, partition, rng);
    let policy = &profile.policy;
    let mut shape =
        CodeShape { length: request.code_length.unwrap_or(policy.code_length), alphabet: policy.alphabet };
    let code = match mode {
        Mode::Live => Code::generate(shape, rng),
        Mode::Test => {
            shape.alphabet = Alphabet::Digits;
            Code::for_tests(shape.length)
        }
    };
    let mac = keyring.code_mac(mode, tenant, id, &code);
    let place = |kind| Place { kind, tenant, id: *id.bytes(), number };
    let contact =
        Contact { profile: profile.name.clone(), to: request.to.clone(), metadata: request.metadata.clone() };
    let text = CodeText { code, origin: request.origin.clone(), app_hash: request.app_hash.clone() };
    let record = Record {
        stored_status: Status::Pending,
        profile: profile.id,
        number,
        created_at: now,
        expires_at: now,
        resend_at: now,
        checks: 0,
        max_checks: policy.max_checks,
        sends: 1,
        max_sends: policy.max_sends,
        resend: policy.resend,
        shape,
        mac,
        previous_mac: None,
        delivery: Delivery::Queued,
        accepted: false,
        expires_at_check: magic == Some(Magic::Expired),
        message: MessageId::new(now, partition, rng),
        contact: keyring.seal(&place(Sealed::Contact), &contact.pack(), rng),
        code: keyring.seal(&place(Sealed::Code), &text.pack(), rng),
    };
    NewVerification {
        key: RecordKey { tenant, mode, id },
        record,
        starter: caller.key,
        country: request.to.country(),
        expires_in: request.expires_in.unwrap_or(policy.expires_in),
        event: EventId::new(now, partition, rng),
    }
}
