//! Verifications: start, check, resend, cancel, read. Each handler reads the request, makes one call into
//! core, and maps the answer.

pub mod json;
mod read;
mod schema;

use crate::{
    access::caller::{Authed, VerificationsCheck, VerificationsRead, VerificationsStart},
    http::id::Id,
};
use actix_web::{
    HttpRequest, HttpResponse, get,
    http::header::LOCATION,
    post,
    web::{Data, Json},
};
use countersign_core::{
    acts::{
        cancel,
        check::{self, Checked, Submitted},
        read as reading, resend, start,
    },
    id::VerificationId,
};
use countersign_web::{
    State,
    body::{Body, NoBody},
    idempotency::REPLAYED,
    notes::note,
    problem::Problem,
    ratelimit, rng,
};
use json::{CheckAnswer, Verification};
use read::{CheckByNumber, CheckCode, StartVerification};

/// Starts a verification: draws a code and sends it.
///
/// Always makes a new one with its own code and tries, also for a number that
/// has one already. With a test key nothing is sent and the code is 123456.
#[utoipa::path(
    tag = "verifications",
    request_body = StartVerification,
    responses(
        (status = 201, description = "Made, and its message queued; `to` is whole.", body = Verification,
            headers(("Location" = String, description = "The path of the verification."))),
        (status = 400, description = "`invalid_request`, `invalid_phone_number` or `number_cannot_receive_sms`."),
        (status = 403, description = "`insufficient_scope`, `number_blocked` or `country_not_allowed`."),
        (status = 429, description = "`rate_limited`: `limit` names the one that refused."),
        (status = 503, description = "`no_route`, `history_backlog`, `codes_unavailable` or `directory_unavailable`."),
    ),
    security(("key" = ["verifications:start"]))
)]
#[post("/verifications")]
pub async fn start_verification(
    caller: Authed<VerificationsStart>,
    request: HttpRequest,
    state: Data<State>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let Body(fields, once) = body;
    let asked = fields.read(|fields| StartVerification::read(fields, caller.mode))?.into();
    let now = state.clock.now();
    let made = start::start_verification(&state.context, &caller, asked, once, now, &mut rng()).await?;
    let verification = made.verification;
    note(&request, verification.id, verification.status.as_str());
    let location = format!("{}/{}", request.path(), verification.id);
    let mut response = HttpResponse::Created();
    if made.replayed {
        response.insert_header(REPLAYED);
    }
    let mut response = response.insert_header((LOCATION, location)).json(Verification::whole(verification));
    ratelimit::set_headers(response.headers_mut(), &made.limits);
    Ok(response)
}

/// Checks a code.
///
/// The right code answers `approved`, once: afterwards 409 `already_approved`.
/// A wrong one answers `pending`, the last wrong one `exhausted`. One that is
/// over answers its state, and nothing is evaluated. One that was started for a
/// transaction must be checked for the same: else it answers `canceled` with
/// `reason`, and its code is void. Act on the answer of your own check, never
/// on a later read.
#[utoipa::path(
    tag = "verifications",
    params(("id" = String, Path, description = "The verification.", pattern = "^ver_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    request_body = CheckCode,
    responses(
        (status = 200, description = "What the check found.", body = CheckAnswer),
        (status = 400, description = "`invalid_request`, or `invalid_code`: no try was used."),
        (status = 409, description = "`already_approved`."),
        (status = 429, description = "`guess_limit`: too many wrong codes in a row; no try was used."),
        (status = 503, description = "`codes_unavailable` or `directory_unavailable`; no try was used."),
    ),
    security(("key" = ["verifications:check"]))
)]
#[post("/verifications/{id}/check")]
pub async fn check_code(
    caller: Authed<VerificationsCheck>,
    request: HttpRequest,
    id: Id<VerificationId>,
    state: Data<State>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let Body(fields, once) = body;
    let CheckCode { code, transaction } = fields.read(CheckCode::read)?;
    let submitted = Submitted { code: &code, transaction: transaction.as_ref(), once };
    let now = state.clock.now();
    let checked = check::check_code(&state.context, &caller, id.0, submitted, now, &mut rng()).await?;
    answer_check(&request, &checked)
}

/// Checks a code by number.
///
/// For clients that keep no id: checks the newest pending verification of the
/// profile for the number, else answers the state of the newest one.
#[utoipa::path(
    tag = "verifications",
    request_body = CheckByNumber,
    responses(
        (status = 200, description = "What the check found.", body = CheckAnswer),
        (status = 400, description = "`invalid_request`, `invalid_phone_number`, `number_cannot_receive_sms`, \
            or `invalid_code`: no try was used."),
        (status = 404, description = "`not_found`: no verification stands for this number."),
        (status = 409, description = "`already_approved`."),
        (status = 429, description = "`guess_limit`: too many wrong codes in a row; no try was used."),
        (status = 503, description = "`codes_unavailable` or `directory_unavailable`; no try was used."),
    ),
    security(("key" = ["verifications:check"]))
)]
#[post("/checks")]
pub async fn check_code_by_number(
    caller: Authed<VerificationsCheck>,
    request: HttpRequest,
    state: Data<State>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let Body(fields, once) = body;
    let asked = fields.read(|fields| CheckByNumber::read(fields, caller.mode))?;
    let (now, mut rng) = (state.clock.now(), rng());
    let (to, profile) = (&asked.to, &asked.profile.unwrap_or_default());
    let submitted = Submitted { code: &asked.code, transaction: asked.transaction.as_ref(), once };
    let checked =
        check::check_code_by_number(&state.context, &caller, to, profile, submitted, now, &mut rng).await?;
    answer_check(&request, &checked)
}

fn answer_check(request: &HttpRequest, checked: &Checked) -> Result<HttpResponse, Problem> {
    let answer = CheckAnswer::of(checked)?;
    note(request, checked.id, answer.outcome());
    let mut response = HttpResponse::Ok();
    if checked.replayed {
        response.insert_header(REPLAYED);
    }
    Ok(response.json(answer))
}

/// Sends another message for the same verification.
///
/// The profile decides whether it carries the same code or a new one.
/// `expires_at` stays.
#[utoipa::path(
    tag = "verifications",
    params(("id" = String, Path, description = "The verification.", pattern = "^ver_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses(
        (status = 200, description = "Another message is queued; `to` is whole.", body = Verification),
        (status = 400, description = "`invalid_request`: this operation takes no body or `{}`."),
        (status = 409, description = "`verification_ended`."),
        (status = 413, description = "`payload_too_large`."),
        (status = 415, description = "`unsupported_media_type`."),
        (status = 429, description = "`resend_too_soon`, `sends_exhausted` or `rate_limited`."),
        (status = 503, description = "`no_route`, `codes_unavailable` or `directory_unavailable`."),
    ),
    security(("key" = ["verifications:start"]))
)]
#[post("/verifications/{id}/resend")]
pub async fn resend_verification(
    caller: Authed<VerificationsStart>,
    id: Id<VerificationId>,
    state: Data<State>,
    body: NoBody,
) -> Result<HttpResponse, Problem> {
    let now = state.clock.now();
    let resent = resend::resend_verification(&state.context, &caller, id.0, body.0, now, &mut rng()).await?;
    let mut response = HttpResponse::Ok();
    if resent.replayed {
        response.insert_header(REPLAYED);
    }
    Ok(response.json(Verification::whole(resent.verification)))
}

/// Cancels a verification; its code is void from then on.
///
/// Canceling a canceled one again succeeds.
#[utoipa::path(
    tag = "verifications",
    params(("id" = String, Path, description = "The verification.", pattern = "^ver_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses(
        (status = 200, description = "Canceled; `to` is masked without `numbers:read`.", body = Verification),
        (status = 400, description = "`invalid_request`: this operation takes no body or `{}`."),
        (status = 409, description = "`verification_ended`."),
        (status = 413, description = "`payload_too_large`."),
        (status = 415, description = "`unsupported_media_type`."),
        (status = 503, description = "`codes_unavailable` or `directory_unavailable`."),
    ),
    security(("key" = ["verifications:start"]))
)]
#[post("/verifications/{id}/cancel")]
pub async fn cancel_verification(
    caller: Authed<VerificationsStart>,
    id: Id<VerificationId>,
    state: Data<State>,
    _body: NoBody,
) -> Result<Json<Verification>, Problem> {
    let now = state.clock.now();
    let canceled = cancel::cancel_verification(&state.context, &caller, id.0, now, &mut rng()).await?;
    Ok(Json(Verification::as_seen_by(&caller, canceled)))
}

/// Reads a verification.
///
/// Never the code; `to` is masked without the scope `numbers:read`. Past ones
/// are read too, for as long as the server keeps them.
#[utoipa::path(
    tag = "verifications",
    params(("id" = String, Path, description = "The verification.", pattern = "^ver_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses(
        (status = 200, description = "The verification.", body = Verification),
        (status = 503, description = "`codes_unavailable` or `directory_unavailable`."),
    ),
    security(("key" = ["verifications:read"]))
)]
#[get("/verifications/{id}")]
pub async fn read_verification(
    caller: Authed<VerificationsRead>,
    id: Id<VerificationId>,
    state: Data<State>,
) -> Result<Json<Verification>, Problem> {
    let found = reading::read_verification(&state.context, &caller, id.0, state.clock.now()).await?;
    Ok(Json(Verification::as_seen_by(&caller, found)))
}
