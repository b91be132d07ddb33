//! The API that is compatible with SMSAPI's authenticator. A phone number has one live verification here: see
//! [`countersign_core::acts::families`].

mod acts;
mod below_api;
mod body;
mod json;
mod multipart;

pub use json::SmsapiError;

use crate::access::caller::{Authed, CompatSmsapi};
use actix_web::{
    HttpRequest, HttpResponse, get, post,
    web::{Data, Json},
};
use acts::{answer_ping, create, verify};
use body::{CreateCode, SmsapiFields, VerifyCode};
use countersign_web::{State, form::Form, problem::Problem};
use json::{CodeAnswer, Ping, refuse};
use utoipa_actix_web::service_config::ServiceConfig;

/// The form of refusals on these paths.
pub const FORM: Form = Form {
    segments: &["mfa", "ping", "api"],
    refuse: |problem, _| refuse(problem),
    no_store: true,
    schema: "SmsapiError",
    content_type: "application/json",
    words: Some(|code| code.title().to_owned()),
    ..Form::PROBLEM
};

/// The operations below `/mfa`.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(create_code).service(verify_code);
}

/// The operations below `/api`, with their whole paths.
pub fn routes_below_api(config: &mut ServiceConfig<'_>) {
    config.service(below_api::create_code).service(below_api::verify_code).service(below_api::ping);
}

/// Sends a code.
///
/// A number has one live verification. A second call sends its message again,
/// once the cooldown is over. A call with another `content` or `from` replaces
/// it.
#[utoipa::path(
    tag = "smsapi",
    request_body(content(
        (CreateCode = "application/json"),
        (CreateCode = "application/x-www-form-urlencoded"),
        (CreateCode = "multipart/form-data"),
    )),
    responses(
        (status = 201, description = "The message is queued, for the first time or again.", body = CodeAnswer),
        (status = 400, description = "A field is wrong: `errors` lists all of them."),
        (status = 403, description = "The key may not do this, the number is blocked, or its country is not allowed; \
            or the hours or the message parts of the key's member do not allow it."),
        (status = 429, description = "Too soon after the last message, all messages used, a limit, or the pool of \
            the key's member."),
        (status = 503, description = "No provider can send the message, or a store does not answer."),
    ),
    security(("key" = ["compat:smsapi"]))
)]
#[post("/codes")]
pub async fn create_code(
    caller: Authed<CompatSmsapi>,
    request: HttpRequest,
    state: Data<State>,
    fields: SmsapiFields,
) -> Result<HttpResponse, Problem> {
    create(&caller, &request, &state, fields).await
}

/// Checks a code for a number.
#[utoipa::path(
    tag = "smsapi",
    request_body(content(
        (VerifyCode = "application/json"),
        (VerifyCode = "application/x-www-form-urlencoded"),
        (VerifyCode = "multipart/form-data"),
    )),
    responses(
        (status = 204, description = "The code is right. This answer comes once."),
        (status = 400, description = "A field is wrong, or the text does not have the form of a code. No \
            try was used."),
        (status = 404, description = "A wrong code, all tries used, or no code was sent to this number."),
        (status = 408, description = "The code has expired."),
        (status = 429, description = "Too many wrong codes in a row for the number; no try was used."),
        (status = 503, description = "A store does not answer; no try was used."),
    ),
    security(("key" = ["compat:smsapi"]))
)]
#[post("/codes/verifications")]
pub async fn verify_code(
    caller: Authed<CompatSmsapi>,
    request: HttpRequest,
    state: Data<State>,
    fields: SmsapiFields,
) -> Result<HttpResponse, Problem> {
    verify(&caller, &request, &state, fields).await
}

/// Says whether the server accepts the key.
#[utoipa::path(
    tag = "smsapi",
    responses(
        (status = 200, description = "Whether the server accepts the key.", body = Ping),
        (status = 429, description = "Too many keys that are not accepted came from this address."),
        (status = 503, description = "The directory does not answer."),
    ),
)]
#[get("")]
pub async fn ping(request: HttpRequest) -> Result<Json<Ping>, Problem> {
    answer_ping(&request)
}
