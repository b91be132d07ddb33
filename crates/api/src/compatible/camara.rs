//! One Time Password SMS of CAMARA, version 1.1.1: an open standard of telecoms. Each start is a verification
//! with the caller's own text, and ends the one before: see [`countersign_core::acts::families`].

mod body;
mod refusal;

pub use refusal::CamaraError;

use crate::{
    access::caller::{Authed, CompatCamara},
    http::values::number,
};
use actix_web::{HttpRequest, HttpResponse, post, web::Data};
use body::{Body, correlator};
use countersign_core::{
    acts::{
        check::{self, Submitted},
        families::{Family, FamilyStart, start_in_family},
        start::request::StartRequest,
    },
    code::Code,
    id::VerificationId,
    message::caller_text::CallerText,
    mode::Mode,
    phone::PhoneNumber,
    verification::{outcome::CheckOutcome, status::Status},
};
use countersign_web::{
    State,
    fields::text,
    form::Form,
    notes::note,
    problem::{Fault, Problem, ProblemCode, codes_unavailable, guess_limit},
    ratelimit, request,
    request::required,
    rng,
};
use refusal::{Own, refuse, refuse_check};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

/// The bounds of the standard.
const MAX_MESSAGE: usize = 160;
const MAX_ID: usize = 36;
const MAX_CODE: usize = 10;
const PLACEHOLDER: &str = "{{code}}";

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(send_code).service(validate_code);
}

/// The form of refusals on these paths.
pub const FORM: Form = Form {
    segments: &["one-time-password-sms"],
    refuse: |problem, _| refuse(problem),
    echo: correlator,
    no_store: true,
    schema: "CamaraError",
    content_type: "application/json",
    words: Some(|code| code.title().to_owned()),
    ..Form::PROBLEM
};

request! {
    /// A code to send.
    pub struct SendCode(mode: Mode) {
        /// The number, in the form of E.164 with its `+`.
        #[schema(rename = "phoneNumber", pattern = r"^\+[1-9][0-9]{4,14}$", example = "+48500500500")]
        phone_number: PhoneNumber as String = |fields, _| fields.required("phoneNumber", |value| e164(value, mode)),
        /// The whole message. It contains `{{code}}` once, for the code.
        #[schema(
            pattern = r".*\{\{code\}\}.*",
            max_length = 160,
            example = "{{code}} is your code for Cool App"
        )]
        message: CallerText as String = required(words),
    }
}

/// A code that was sent.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SentCode {
    /// The id of the verification.
    #[schema(max_length = 36, example = "ver_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    authentication_id: String,
}

request! {
    /// A code to check.
    pub struct ValidateCode {
        /// The id that `send-code` answered.
        #[schema(rename = "authenticationId", max_length = 36, example = "ver_01jz0w8e9c4t6yv2k5n3m7p8qr")]
        authentication_id: Option<VerificationId> as String = |fields, _| {
            let id = within(MAX_ID, "must have 1 to 36 characters");
            fields.required("authenticationId", id).map(|id| id.parse().ok())
        },
        /// The code.
        #[schema(max_length = 10, example = "123456")]
        code: Option<Code> as String = |fields, field| {
            let code = within(MAX_CODE, "must have 1 to 10 characters");
            fields.required(field, code).map(|code| Code::parse(&code))
        },
    }
}

/// Sends a code with the caller's own text.
///
/// Each call makes a new verification, and ends the previous one of the number.
/// With a test key the server sends nothing, and the code is 123456.
#[utoipa::path(
    tag = "camara",
    params(("x-correlator" = Option<String>, Header, description = "The answer repeats it.", pattern = "^[a-zA-Z0-9_:;./<>{}-]{0,256}$")),
    request_body = SendCode,
    responses(
        (status = 200, description = "The verification was made and its message is queued.", body = SentCode,
            headers(("x-correlator" = String, description = "The value of the request, if it had one."))),
        (status = 400, description = "`INVALID_ARGUMENT`."),
        (status = 403, description = "`PERMISSION_DENIED`, or of this API: `MAX_OTP_CODES_EXCEEDED` (with \
            Retry-After), `PHONE_NUMBER_NOT_ALLOWED`, `PHONE_NUMBER_BLOCKED`."),
        (status = 429, description = "`TOO_MANY_REQUESTS`: a limit that is not of the number, or the \
            pool of the key's member."),
        (status = 503, description = "`UNAVAILABLE`."),
    ),
    security(("key" = ["compat:camara"]))
)]
#[post("/send-code")]
pub async fn send_code(
    caller: Authed<CompatCamara>,
    request: HttpRequest,
    state: Data<State>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let asked = body.0.read(|fields| SendCode::read(fields, caller.mode))?;
    let asked = StartRequest { text: Some(asked.message), ..StartRequest::plain(asked.phone_number) };
    let now = state.clock.now();
    let made = start_in_family(&state.context, &caller, Family::Camara, asked, now, &mut rng()).await?;
    let made = match made {
        FamilyStart::Started(made) | FamilyStart::Resent(made) => made,
        FamilyStart::TooSoon(wait) | FamilyStart::SendsExhausted(wait) => {
            let detail = "Too many codes are requested for this number at this moment.";
            return Err(Problem::new(ProblemCode::ResendTooSoon, detail).retry_after(wait));
        }
    };
    let verification = made.verification;
    note(&request, verification.id, verification.status.as_str());
    let mut response = HttpResponse::Ok().json(SentCode { authentication_id: verification.id.to_string() });
    ratelimit::set_headers(response.headers_mut(), &made.limits);
    Ok(response)
}

/// Checks a code.
///
/// 204 means the right code, and comes once. Every other answer is a refusal.
#[utoipa::path(
    tag = "camara",
    params(("x-correlator" = Option<String>, Header, description = "The answer repeats it.", pattern = "^[a-zA-Z0-9_:;./<>{}-]{0,256}$")),
    request_body = ValidateCode,
    responses(
        (status = 204, description = "The code is right.",
            headers(("x-correlator" = String, description = "The value of the request, if it had one."))),
        (status = 400, description = "`INVALID_ARGUMENT`, or of this API: `INVALID_OTP` (a wrong code), \
            `VERIFICATION_FAILED` (the last try was wrong, or all were used), `VERIFICATION_EXPIRED` (it is over)."),
        (status = 403, description = "`PERMISSION_DENIED`."),
        (status = 404, description = "`NOT_FOUND`: there is no such authenticationId, or it has ended."),
        (status = 429, description = "`TOO_MANY_REQUESTS`: too many wrong codes in a row for the number; no \
            try was used."),
        (status = 503, description = "`UNAVAILABLE`; no try was used."),
    ),
    security(("key" = ["compat:camara"]))
)]
#[post("/validate-code")]
pub async fn validate_code(
    caller: Authed<CompatCamara>,
    request: HttpRequest,
    state: Data<State>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    // If the text cannot be an id of ours, no store needs to be asked.
    let ValidateCode { authentication_id, code } = body.0.read(ValidateCode::read)?;
    let id = authentication_id.ok_or_else(|| Problem::not_found("There is no such authenticationId."))?;
    // The check then gives the state of the verification, or that the code is wrong.
    let code = code.unwrap_or_else(Code::impossible);
    let now = state.clock.now();
    let checked =
        check::check_code(&state.context, &caller, id, Submitted::plain(&code), now, &mut rng()).await?;
    let (own, outcome) = match checked.outcome {
        CheckOutcome::Approved => {
            note(&request, checked.id, Status::Approved.as_str());
            return Ok(HttpResponse::NoContent().finish());
        }
        CheckOutcome::Wrong => (Own::InvalidOtp, "wrong"),
        CheckOutcome::InvalidCode => (Own::InvalidOtp, "invalid_code"),
        CheckOutcome::Exhausted | CheckOutcome::Ended(Status::Exhausted) => {
            (Own::VerificationFailed, Status::Exhausted.as_str())
        }
        CheckOutcome::AlreadyApproved => (Own::VerificationExpired, "already_approved"),
        CheckOutcome::Ended(status) => (Own::VerificationExpired, status.as_str()),
        CheckOutcome::TransactionMismatch => (Own::VerificationExpired, "transaction_mismatch"),
        CheckOutcome::GuessLimit(wait) => return Err(guess_limit(wait)),
        CheckOutcome::UnknownKeyVersion => return Err(codes_unavailable()),
    };
    note(&request, checked.id, outcome);
    Ok(refuse_check(own))
}

fn e164(value: Value, mode: Mode) -> Result<PhoneNumber, Fault> {
    let digits = value.as_str().and_then(|text| text.strip_prefix('+')).unwrap_or_default();
    let plain = digits.bytes().all(|b| b.is_ascii_digit()) && (5..=15).contains(&digits.len());
    if plain { number(value, mode) } else { Err(Fault::format("must be + and 5 to 15 digits")) }
}

fn words(value: Value) -> Result<CallerText, Fault> {
    let words = CallerText::parse(&text(value)?, PLACEHOLDER, MAX_MESSAGE);
    words.map_err(|error| Fault::new("invalid_format", error.to_string()))
}

fn within(max: usize, message: &'static str) -> impl FnOnce(Value) -> Result<String, Fault> {
    move |value| {
        let text = text(value)?;
        let fits = (1..=max).contains(&text.chars().count());
        if fits { Ok(text) } else { Err(Fault::new("too_long", message)) }
    }
}
