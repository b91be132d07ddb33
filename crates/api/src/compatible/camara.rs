//! One Time Password SMS of CAMARA, version 1.1.1: an open standard of telecoms.
//! What it starts is a verification with the caller's words, which ends the one before:
//! see [`countersign_core::acts::families`].

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
    verification::{outcome::CheckOutcome, status::Status},
};
use countersign_web::{
    State,
    fields::{Fields, text},
    form::Form,
    notes::note,
    problem::{Fault, Problem, ProblemCode, codes_unavailable, guess_limit},
    ratelimit, rng,
};
use refusal::{Own, refuse, refuse_check};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

/// The standard's own bounds.
const MAX_MESSAGE: usize = 160;
const MAX_ID: usize = 36;
const MAX_CODE: usize = 10;
const PLACEHOLDER: &str = "{{code}}";

/// Both operations.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(send_code).service(validate_code);
}

/// How its paths refuse.
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

/// A code to be sent.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the document is made from it; `Fields` reads the body")]
pub struct SendCode {
    /// The number, in the form of E.164 with its `+`.
    #[schema(rename = "phoneNumber", pattern = r"^\+[1-9][0-9]{4,14}$", example = "+48500500500")]
    phone_number: String,
    /// The whole message; `{{code}}` stands in it once, for the code.
    #[schema(
        pattern = r".*\{\{code\}\}.*",
        max_length = 160,
        example = "{{code}} is your code for Cool App"
    )]
    message: String,
}

/// A code that was sent.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SentCode {
    /// Names the verification.
    #[schema(max_length = 36, example = "ver_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    authentication_id: String,
}

/// A code that was typed.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the document is made from it; `Fields` reads the body")]
pub struct ValidateCode {
    /// What `send-code` answered.
    #[schema(rename = "authenticationId", max_length = 36, example = "ver_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    authentication_id: String,
    /// The code.
    #[schema(max_length = 10, example = "123456")]
    code: String,
}

/// Sends a code with words of the caller's own.
///
/// Always makes a new verification, and voids the number's one before. With a test key nothing is
/// sent and the code is 123456.
#[utoipa::path(
    tag = "camara",
    params(("x-correlator" = Option<String>, Header, description = "Sent back.", pattern = "^[a-zA-Z0-9_:;./<>{}-]{0,256}$")),
    request_body = SendCode,
    responses(
        (status = 200, description = "Made, and its message queued.", body = SentCode,
            headers(("x-correlator" = String, description = "As it was sent, if it was."))),
        (status = 400, description = "`INVALID_ARGUMENT`."),
        (status = 403, description = "`PERMISSION_DENIED`, or of this API: `MAX_OTP_CODES_EXCEEDED` (with \
            Retry-After), `PHONE_NUMBER_NOT_ALLOWED`, `PHONE_NUMBER_BLOCKED`."),
        (status = 429, description = "`TOO_MANY_REQUESTS`: a limit that is not of the number."),
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
    let asked = send_request(body.0, caller.mode)?;
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

fn send_request(mut fields: Fields, mode: Mode) -> Result<StartRequest, Problem> {
    let to = fields.required("phoneNumber", |value| {
        let digits = value.as_str().and_then(|text| text.strip_prefix('+')).unwrap_or_default();
        let plain = digits.bytes().all(|b| b.is_ascii_digit()) && (5..=15).contains(&digits.len());
        if plain { number(value, mode) } else { Err(Fault::format("must be + and 5 to 15 digits")) }
    });
    let words = fields.required("message", |value| {
        let words = CallerText::parse(&text(value)?, PLACEHOLDER, MAX_MESSAGE);
        words.map_err(|error| Fault::new("invalid_format", error.to_string()))
    });
    let request =
        to.zip(words).map(|(to, words)| StartRequest { text: Some(words), ..StartRequest::plain(to) });
    fields.finish(request)
}

/// Checks a code.
///
/// 204 is said once; everything else is a refusal.
#[utoipa::path(
    tag = "camara",
    params(("x-correlator" = Option<String>, Header, description = "Sent back.", pattern = "^[a-zA-Z0-9_:;./<>{}-]{0,256}$")),
    request_body = ValidateCode,
    responses(
        (status = 204, description = "The right code.",
            headers(("x-correlator" = String, description = "As it was sent, if it was."))),
        (status = 400, description = "`INVALID_ARGUMENT`, or of this API: `INVALID_OTP` (a wrong code), \
            `VERIFICATION_FAILED` (the last try was wrong, or all were used), `VERIFICATION_EXPIRED` (it is over)."),
        (status = 403, description = "`PERMISSION_DENIED`."),
        (status = 404, description = "`NOT_FOUND`: there is no such authenticationId, or no longer."),
        (status = 429, description = "`TOO_MANY_REQUESTS`: too many wrong codes in a row for the number; no try was used."),
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
    let (id, code) = validate_request(body.0)?;
    let id = id.ok_or_else(|| Problem::not_found("There is no such authenticationId."))?;
    // It says what became of the verification, if anything; else that the code is not the one.
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

/// Id and code; of a text that can be none of ours there is nothing to ask a store.
fn validate_request(mut fields: Fields) -> Result<(Option<VerificationId>, Option<Code>), Problem> {
    let within = |max: usize, message: &'static str| {
        move |value| {
            let text = text(value)?;
            let fits = (1..=max).contains(&text.chars().count());
            if fits { Ok(text) } else { Err(Fault::new("too_long", message)) }
        }
    };
    let id = fields.required("authenticationId", within(MAX_ID, "must have 1 to 36 characters"));
    let code = fields.required("code", within(MAX_CODE, "must have 1 to 10 characters"));
    let read = |(id, code): (String, String)| (id.parse().ok(), Code::parse(&code));
    fields.finish(id.zip(code).map(read))
}
