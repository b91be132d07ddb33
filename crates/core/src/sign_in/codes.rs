//! The codes that go to persons: for signing in, for proof, and to confirm a number. They are ordinary live
//! verifications of the tenants [`PORTAL`](crate::tenant::PORTAL) and
//! [`PORTAL_ENROL`](crate::tenant::PORTAL_ENROL), which only the server itself starts.
//!
//! The caller stores the id of a verification with the attempt that asked for it. A code counts for that id alone,
//! so a code of one attempt completes no other.

use crate::{
    access::actor::Actor,
    acts::{
        check::{CheckError, Submitted, check_code as check},
        resend::{ResendError, resend_taking},
        start::{
            request::{StartError, StartRequest},
            start_verification,
        },
        view::Verification,
        ways::{is_shut, portal_has_route},
    },
    code::Code,
    context::Context,
    id::{PersonId, RecordKey, TenantId, VerificationId},
    keyring::KeyRing,
    locale::Locale,
    management::system_tenants::VALID_FOR,
    message::binding::Origin,
    mode::Mode,
    people::waits::{WaitCount, WaitRule},
    phone::{Country, PhoneNumber},
    ports::people::waits::Waits,
    sign_in::purpose::{CODE_LENGTH, Purpose, words},
    tenant::{PORTAL, PORTAL_ENROL},
    time::Timestamp,
    verification::{outcome::CheckOutcome, status::Status},
};
use rand::CryptoRng;
use std::{error::Error, net::IpAddr, time::Duration};

/// The numbers that a person may try to confirm in a day. The day begins with the first of them.
const ENROL_NUMBERS: u16 = 3;
/// The codes for signing in as a person from browsers that are not the person's, in ten minutes and in a day. A thief
/// of the password causes them. The rest of the number's limit is left for the person's own browsers and proofs.
const UNKNOWN_BROWSERS: [(&str, u16, Duration); 2] =
    [("codes-10m", 3, Duration::from_secs(600)), ("codes-24h", 8, DAY)];
/// The messages to unconfirmed numbers of a person in a day.
const ENROL_MESSAGES: u16 = 6;
const DAY: Duration = Duration::from_secs(86_400);

/// A code that shall go to a person.
#[derive(Clone, Copy, Debug)]
pub struct NewCode<'a> {
    pub to: &'a PhoneNumber,
    pub purpose: Purpose<'a>,
    pub language: &'a Locale,
    /// The host of the portal. Browsers fill in a code only there.
    pub origin: Option<&'a Origin>,
    /// The person, if it never finished a sign-in in this browser.
    pub stranger: Option<PersonId>,
    /// The address of the person's browser. It counts as the end user's address.
    pub caller: Option<IpAddr>,
}

/// A verification after a message was queued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub verification: VerificationId,
    pub expires_at: Timestamp,
    /// When another message may be asked for; `None` if none is left.
    pub resend_at: Option<Timestamp>,
}

/// The outcome of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum CodeCheck {
    /// The code is right. A verification has this outcome once.
    Right,
    /// The code is wrong, or the text cannot be a code.
    Wrong {
        /// The tries that are left.
        left: u8,
    },
    /// The verification is over. The person needs a new one.
    Ended(CodeEnd),
}

/// Why a verification is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeEnd {
    /// The code was used.
    Used,
    Expired,
    /// The wrong codes have used up all tries.
    Exhausted,
    /// No provider accepted the message.
    NotSent,
}

/// Why no code was sent or compared.
#[derive(Debug, thiserror::Error)]
pub enum CodeError {
    /// The operator has set up no route that serves the number, so no code can be sent.
    #[error("no route for the codes of the portal")]
    NoRoute,
    /// The operator does not send codes to the number's country.
    #[error("the country is not allowed")]
    CountryNotAllowed(Option<Country>),
    /// A limit refuses it for this long.
    #[error("refused by a limit")]
    Limited(Duration),
    /// The verification has used up its messages.
    #[error("all messages are used")]
    NoSendsLeft,
    /// The verification is over.
    #[error("the verification is over")]
    Ended(CodeEnd),
    /// No provider takes messages now, or a store did not answer. A recovery code still works.
    #[error("codes are unavailable")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
}

impl CodeError {
    fn unavailable(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable(error.into())
    }
}

/// Makes a verification and queues its message.
pub async fn send_code(
    context: &Context,
    waits: &dyn Waits,
    new: &NewCode<'_>,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Sent, CodeError> {
    if !portal_has_route(context) {
        return Err(CodeError::NoRoute);
    }
    let actor = Actor::system(new.purpose.tenant());
    if is_shut(context, actor.tenant, new.to) {
        return Err(CodeError::unavailable("the breakers of all accounts are open"));
    }
    let counted = match (new.purpose, new.stranger) {
        (Purpose::Enrol { person }, _) => count_enrolment(context, waits, (person, new.to), now).await?,
        (_, Some(person)) => {
            let counted = of_unknown_browsers(&context.keyring, person);
            count(waits, &counted, now).await?;
            counted
        }
        (_, None) => Vec::new(),
    };
    let (text, origin) = words(&new.purpose, new.language, new.origin);
    let request = StartRequest {
        code_length: Some(CODE_LENGTH),
        expires_in: Some(VALID_FOR),
        origin,
        text: Some(text),
        end_user_ip: new.caller,
        ..StartRequest::plain(new.to.clone())
    };
    match start_verification(context, &actor, request, None, now, rng).await {
        Ok(made) => Ok(sent(&made.verification)),
        Err(error) => {
            let error = CodeError::from(error);
            if !counted.is_empty() && !matches!(error, CodeError::Unavailable(_)) {
                waits.give_back(&counted, now).await.map_err(CodeError::unavailable)?;
            }
            Err(error)
        }
    }
}

/// Sends another message for the same verification. It has the same code, and the tries go on.
pub async fn resend_code(
    context: &Context,
    waits: &dyn Waits,
    purpose: &Purpose<'_>,
    verification: VerificationId,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Sent, CodeError> {
    let actor = Actor::system(purpose.tenant());
    let counted = match purpose {
        Purpose::Enrol { person } => vec![of_messages(&context.keyring, *person)],
        Purpose::SignIn { .. } | Purpose::Proof { .. } => Vec::new(),
    };
    count(waits, &counted, now).await?;
    match resend_taking(context, &actor, verification, (None, &[]), now, rng).await {
        Ok(resent) => Ok(sent(&resent.verification)),
        Err(error) => {
            let error = CodeError::from(error);
            if !counted.is_empty() && !matches!(error, CodeError::Unavailable(_)) {
                waits.give_back(&counted, now).await.map_err(CodeError::unavailable)?;
            }
            Err(error)
        }
    }
}

/// When another message may be asked for, if not at once. `None` if the store does not answer, too: the page shows
/// the button, and its answer says why no message can be sent.
pub async fn resend_from(
    context: &Context,
    tenant: TenantId,
    verification: Option<VerificationId>,
    now: Timestamp,
) -> Option<Timestamp> {
    let key = RecordKey { tenant, mode: Mode::Live, id: verification? };
    let record = context.codes.read(key).await.ok()??.record;
    let is_open = record.status(now) == Status::Pending && record.sends_left() > 0;
    (is_open && record.resend_at > now).then_some(record.resend_at)
}

/// Compares a text that the person typed with the code of this verification.
pub async fn check_code(
    context: &Context,
    purpose: &Purpose<'_>,
    verification: VerificationId,
    typed: &str,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<CodeCheck, CodeError> {
    let actor = Actor::system(purpose.tenant());
    // A text that cannot be a code uses up no try, but the answer still says how many are left.
    let code = Code::parse(typed).unwrap_or_else(Code::impossible);
    let checked = check(context, &actor, verification, Submitted::plain(&code), now, rng).await;
    let checked = match checked {
        Ok(checked) => checked,
        Err(CheckError::NotFound) => return Ok(CodeCheck::Ended(CodeEnd::Expired)),
        Err(error) => return Err(CodeError::unavailable(error)),
    };
    Ok(match checked.outcome {
        CheckOutcome::Approved => CodeCheck::Right,
        CheckOutcome::Wrong | CheckOutcome::InvalidCode => CodeCheck::Wrong { left: checked.attempts_left },
        CheckOutcome::Exhausted => CodeCheck::Ended(CodeEnd::Exhausted),
        CheckOutcome::AlreadyApproved => CodeCheck::Ended(CodeEnd::Used),
        CheckOutcome::Ended(status) => CodeCheck::Ended(status.into()),
        CheckOutcome::TransactionMismatch => CodeCheck::Ended(CodeEnd::Used),
        CheckOutcome::GuessLimit(wait) => return Err(CodeError::Limited(wait.wait)),
        CheckOutcome::UnknownKeyVersion => {
            return Err(CodeError::unavailable("this node lacks the key version of the code"));
        }
    })
}

fn sent(verification: &Verification) -> Sent {
    let Verification { id, expires_at, resend_at, .. } = *verification;
    Sent { verification: id, expires_at, resend_at }
}

impl From<Status> for CodeEnd {
    fn from(status: Status) -> Self {
        match status {
            Status::Approved | Status::Canceled => Self::Used,
            Status::Pending | Status::Expired => Self::Expired,
            Status::Exhausted => Self::Exhausted,
            Status::Failed => Self::NotSent,
        }
    }
}

impl From<StartError> for CodeError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::NoRoute => Self::NoRoute,
            StartError::CountryNotAllowed(country) => Self::CountryNotAllowed(country),
            StartError::Limited(hit) => Self::Limited(hit.retry_after),
            error => Self::unavailable(error),
        }
    }
}

impl From<ResendError> for CodeError {
    fn from(error: ResendError) -> Self {
        match error {
            ResendError::NoRoute => Self::NoRoute,
            ResendError::TooSoon(wait) => Self::Limited(wait),
            ResendError::Limited(hit) => Self::Limited(hit.retry_after),
            ResendError::SendsExhausted => Self::NoSendsLeft,
            ResendError::Ended(status) => Self::Ended(status.into()),
            ResendError::NotFound => Self::Ended(CodeEnd::Expired),
            error => Self::unavailable(error),
        }
    }
}

fn of_unknown_browsers(keyring: &KeyRing, person: PersonId) -> Vec<WaitCount> {
    let of = |(name, most, length)| WaitCount {
        key: keyring.hash(name, PORTAL, &[person.bytes()]),
        rule: WaitRule::Window { most, length },
    };
    UNKNOWN_BROWSERS.map(of).to_vec()
}

fn of_messages(keyring: &KeyRing, person: PersonId) -> WaitCount {
    let key = keyring.hash("enrol-messages", PORTAL_ENROL, &[person.bytes()]);
    WaitCount { key, rule: WaitRule::Window { most: ENROL_MESSAGES, length: DAY } }
}

/// Counts a message to a number that the person has not confirmed. A number counts once in a day. Returns what a
/// refused start gives back.
async fn count_enrolment(
    context: &Context,
    waits: &dyn Waits,
    (person, to): (PersonId, &PhoneNumber),
    now: Timestamp,
) -> Result<Vec<WaitCount>, CodeError> {
    let keyring = &context.keyring;
    let number = keyring.fingerprint(PORTAL_ENROL, to);
    let this = WaitCount {
        key: keyring.hash("enrol-number", PORTAL_ENROL, &[person.bytes(), &number.0]),
        rule: WaitRule::Window { most: 1, length: DAY },
    };
    let numbers = WaitCount {
        key: keyring.hash("enrol-numbers", PORTAL_ENROL, &[person.bytes()]),
        rule: WaitRule::Window { most: ENROL_NUMBERS, length: DAY },
    };
    let messages = of_messages(keyring, person);
    let all = vec![this, numbers, messages];
    // All three in one step, so that several requests at once cannot name more numbers than one after the other.
    match waits.count_try(&all, now).await.map_err(CodeError::unavailable)? {
        Ok(()) => return Ok(all),
        // The number was counted before, and no other count refuses it for longer.
        Err(waiting) if waiting.count == this => {}
        Err(waiting) => return Err(CodeError::Limited(waiting.until.since(now))),
    }
    count(waits, &[messages], now).await?;
    Ok(vec![messages])
}

async fn count(waits: &dyn Waits, counts: &[WaitCount], now: Timestamp) -> Result<(), CodeError> {
    if counts.is_empty() {
        return Ok(());
    }
    match waits.count_try(counts, now).await.map_err(CodeError::unavailable)? {
        Ok(()) => Ok(()),
        Err(waiting) => Err(CodeError::Limited(waiting.until.since(now))),
    }
}
