//! The operations, for both of their addresses.

use super::{
    body::{self, CreateCode, SmsapiFields, VerifyCode},
    json::{CodeAnswer, Ping, SmsapiError},
};
use crate::access::caller::{Refusal, caller_of, refused};
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web::Json};
use countersign_core::{
    access::{actor::Actor, scope::Scope},
    acts::{
        check::{CheckError, Checked, Submitted},
        families::{Family, FamilyError, FamilyStart, InFamily, check_in_family, start_in_family},
        start::request::{StartError, StartRequest},
    },
    code::Code,
    id::{RecordKey, VerificationId},
    tenant::profile::ProfileName,
    verification::{outcome::CheckOutcome, status::Status},
};
use countersign_web::{
    State,
    notes::note,
    problem::{Problem, ProblemCode, codes, codes_unavailable, directory, guess_limit},
    ratelimit, rng,
};
use std::time::Duration;

/// The longest time for which a code is valid, as at SMSAPI. A profile may have a shorter one.
const LIFE: Duration = Duration::from_secs(180);

pub async fn create(
    caller: &Actor,
    request: &HttpRequest,
    state: &State,
    SmsapiFields(fields): SmsapiFields,
) -> Result<HttpResponse, Problem> {
    let asked = fields.read(|fields| CreateCode::read(fields, caller.mode))?;
    let (sender, from) = asked.from.unzip();
    let view = state.context.tenant_view(caller.tenant).map_err(directory)?;
    let profile = view.profiles.get(&ProfileName::default());
    let life = profile.map_or(LIFE, |profile| profile.policy.expires_in.min(LIFE));
    let start = StartRequest {
        expires_in: Some(life),
        text: asked.content,
        sender,
        ..StartRequest::plain(asked.phone_number)
    };
    let now = state.clock.now();
    let made = start_in_family(&state.context, caller, Family::Smsapi, start, now, &mut rng()).await;
    match made.map_err(of_start)? {
        FamilyStart::Started(made) | FamilyStart::Resent(made) => {
            answer_code(caller, request, state, &made, from)
        }
        FamilyStart::TooSoon(wait) => {
            let detail = "The cooldown since the last message to this number still runs.";
            Err(Problem::new(ProblemCode::ResendTooSoon, detail).retry_after(wait))
        }
        FamilyStart::SendsExhausted(wait) => {
            let detail = "All messages of the code of this number are used; wait until it expires.";
            Err(Problem::new(ProblemCode::SendsExhausted, detail).retry_after(wait))
        }
    }
}

/// The problem for a failed start. The fields have other names here.
fn of_start(error: FamilyError) -> Problem {
    match error {
        FamilyError::Start(StartError::UnknownSender) => {
            Problem::field(ProblemCode::InvalidRequest, "from", "not_found", body::UNKNOWN_SENDER)
        }
        error => error.into(),
    }
}

fn answer_code(
    caller: &Actor,
    request: &HttpRequest,
    state: &State,
    made: &InFamily,
    from: Option<String>,
) -> Result<HttpResponse, Problem> {
    let verification = &made.verification;
    note(request, verification.id, verification.status.as_str());
    let code = if caller.grants.contains(Scope::CodesReveal) {
        Some(made.code(&state.context).map_err(FamilyError::from)?)
    } else {
        None
    };
    let number = verification.to.as_ref().map(|to| to.e164().trim_start_matches('+').to_owned());
    let answer = CodeAnswer {
        id: verification.id.to_string(),
        code: code.map(|code| code.expose().to_owned()),
        phone_number: number.unwrap_or_default(),
        from,
    };
    let mut response = HttpResponse::Created().json(answer);
    ratelimit::set_headers(response.headers_mut(), &made.limits);
    Ok(response)
}

pub async fn verify(
    caller: &Actor,
    request: &HttpRequest,
    state: &State,
    SmsapiFields(fields): SmsapiFields,
) -> Result<HttpResponse, Problem> {
    let read = fields.read(|fields| VerifyCode::read(fields, caller.mode))?;
    let VerifyCode { phone_number: to, code, format: () } = read;
    let expected = fits_profile(caller, state, &code)?;
    let (place, submitted, now) =
        ((&to, &ProfileName::default()), Submitted::plain(&code), state.clock.now());
    let checked =
        check_in_family(&state.context, caller, Family::Smsapi, place, submitted, now, &mut rng()).await;
    let Checked { id, outcome, .. } = match checked {
        Err(CheckError::NotFound) if expected => return Ok(not_found()),
        Err(CheckError::NotFound) => return Err(body::invalid_format()),
        checked => checked?,
    };
    let over = matches!(outcome, CheckOutcome::AlreadyApproved | CheckOutcome::Ended(_));
    if over && !expected && !fits_record(caller, state, id, &code).await? {
        return Err(body::invalid_format());
    }
    let (answer, outcome) = match outcome {
        CheckOutcome::InvalidCode => return Err(body::invalid_format()),
        CheckOutcome::Approved => (HttpResponse::NoContent().finish(), Status::Approved.as_str()),
        CheckOutcome::Ended(Status::Expired) => {
            let expired = SmsapiError::new("The code has expired", "expired");
            (HttpResponse::build(StatusCode::REQUEST_TIMEOUT).json(expired), Status::Expired.as_str())
        }
        CheckOutcome::Wrong => (not_found(), "wrong"),
        CheckOutcome::Exhausted => (not_found(), Status::Exhausted.as_str()),
        CheckOutcome::AlreadyApproved => (not_found(), "already_approved"),
        CheckOutcome::Ended(status) => (not_found(), status.as_str()),
        CheckOutcome::TransactionMismatch => (not_found(), "transaction_mismatch"),
        CheckOutcome::GuessLimit(wait) => return Err(guess_limit(wait)),
        CheckOutcome::UnknownKeyVersion => return Err(codes_unavailable()),
    };
    note(request, id, outcome);
    Ok(answer)
}

/// Returns whether the code has the form of a code that would be sent now. This decides if there is no live
/// verification.
fn fits_profile(caller: &Actor, state: &State, code: &Code) -> Result<bool, Problem> {
    let view = state.context.tenant_view(caller.tenant).map_err(directory)?;
    let profile = view.profiles.get(&ProfileName::default());
    Ok(profile.is_none_or(|profile| code.fits(profile.policy.code_shape(caller.mode))))
}

/// Returns whether the typed code has the form of this verification's code. The profile is not enough: it may
/// have changed since, and review numbers have codes of another form.
async fn fits_record(
    caller: &Actor,
    state: &State,
    id: VerificationId,
    code: &Code,
) -> Result<bool, Problem> {
    let key = RecordKey { tenant: caller.tenant, mode: caller.mode, id };
    let seen = state.context.codes.read(key).await.map_err(codes)?;
    Ok(seen.is_some_and(|seen| code.fits(seen.record.shape())))
}

fn not_found() -> HttpResponse {
    HttpResponse::NotFound().json(SmsapiError::new("Not found", "not_found"))
}

pub fn answer_ping(request: &HttpRequest) -> Result<Json<Ping>, Problem> {
    let authorized = match caller_of(request) {
        Ok(_) => true,
        Err(refusal @ (Refusal::TooMany(_) | Refusal::Directory(_))) => return Err(refused(refusal)),
        Err(_) => false,
    };
    Ok(Json(Ping { authorized, unavailable: Vec::new() }))
}
