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
/// Each start makes a new verification with its own code and tries, also if the
/// number has one already. With a test key the server sends nothing, and the code
/// is 123456.
#[utoipa::path(
    tag = "verifications",
    request_body = StartVerification,
    responses(
        (status = 201, description = "The verification was made and its message is queued. `to` is the \
            whole number.", body = Verification,
            headers(("Location" = String, description = "The path of the verification."))),
        (status = 400, description = "`invalid_request`, `invalid_phone_number` or `number_cannot_receive_sms`."),
        (status = 403, description = "`insufficient_scope`, `number_blocked`, `country_not_allowed`, \
            `outside_hours` or `message_too_long`."),
        (status = 429, description = "`rate_limited` or `pool_exhausted`: `limit` names the one that refused."),
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
/// The right code answers `approved` once; later checks answer 409
/// `already_approved`. A wrong code answers `pending`, and the last wrong code
/// `exhausted`. If the verification has ended, the answer is its state, and the
/// server does not compare the code. A check must name the same transaction as
/// the start. If it does not, the answer is `canceled` with a `reason`, and the
/// code no longer works. Act on the answer of your own check, never on a later
/// read.
#[utoipa::path(
    tag = "verifications",
    params(("id" = String, Path, description = "The verification.", pattern = "^ver_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    request_body = CheckCode,
    responses(
        (status = 200, description = "The result of the check.", body = CheckAnswer),
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
/// Use this if you do not store the id. It checks the newest pending verification
/// of this profile and number. If none is pending, it answers the state of the
/// newest one.
#[utoipa::path(
    tag = "verifications",
    request_body = CheckByNumber,
    responses(
        (status = 200, description = "The result of the check.", body = CheckAnswer),
        (status = 400, description = "`invalid_request`, `invalid_phone_number`, `number_cannot_receive_sms`, \
            or `invalid_code`: no try was used."),
        (status = 404, description = "`not_found`: there is no verification of this number."),
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
/// The profile decides whether the message contains the same code or a new one.
/// `expires_at` does not change.
#[utoipa::path(
    tag = "verifications",
    params(("id" = String, Path, description = "The verification.", pattern = "^ver_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses(
        (status = 200, description = "Another message is queued. `to` is the whole number.", body = Verification),
        (status = 400, description = "`invalid_request`: this operation takes no body or `{}`."),
        (status = 403, description = "`insufficient_scope`, `outside_hours` or `message_too_long`."),
        (status = 409, description = "`verification_ended`."),
        (status = 413, description = "`payload_too_large`."),
        (status = 415, description = "`unsupported_media_type`."),
        (status = 429, description = "`resend_too_soon`, `sends_exhausted`, `rate_limited` or `pool_exhausted`."),
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
    let by = caller.change(state.clock.now());
    let resent = resend::resend_verification(&state.context, &caller, id.0, body.0, &by, &mut rng()).await?;
    let mut response = HttpResponse::Ok();
    if resent.replayed {
        response.insert_header(REPLAYED);
    }
    Ok(response.json(Verification::whole(resent.verification)))
}

/// Cancels a verification. Its code no longer works.
///
/// You can cancel a verification again.
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
    let by = caller.change(state.clock.now());
    let canceled = cancel::cancel_verification(&state.context, &caller, id.0, &by, &mut rng()).await?;
    Ok(Json(Verification::as_seen_by(&caller, canceled)))
}

/// Reads a verification.
///
/// The answer never contains the code. `to` is masked without the scope
/// `numbers:read`. You can also read past verifications, for as long as the
/// server keeps them.
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
