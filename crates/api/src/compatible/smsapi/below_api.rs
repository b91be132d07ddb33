//! The same operations at their other address, below `/api`. The OpenAPI document names each operation only
//! once.

use super::{
    acts::{answer_ping, create, verify},
    body::{CreateCode, SmsapiFields, VerifyCode},
    json::{CodeAnswer, Ping},
};
use crate::access::caller::{Authed, CompatSmsapi};
use actix_web::{
    HttpRequest, HttpResponse, get, post,
    web::{Data, Json},
};
use countersign_web::{State, problem::Problem};

/// Sends a code, like `POST /mfa/codes`.
#[utoipa::path(
    tag = "smsapi",
    operation_id = "create_code_below_api",
    request_body(content(
        (CreateCode = "application/json"),
        (CreateCode = "application/x-www-form-urlencoded"),
        (CreateCode = "multipart/form-data"),
    )),
    responses((status = 201, description = "The message is queued, for the first time or again.", body = CodeAnswer)),
    security(("key" = ["compat:smsapi"]))
)]
#[post("/mfa/codes")]
pub async fn create_code(
    caller: Authed<CompatSmsapi>,
    request: HttpRequest,
    state: Data<State>,
    fields: SmsapiFields,
) -> Result<HttpResponse, Problem> {
    create(&caller, &request, &state, fields).await
}

/// Checks a code, like `POST /mfa/codes/verifications`.
#[utoipa::path(
    tag = "smsapi",
    operation_id = "verify_code_below_api",
    request_body(content(
        (VerifyCode = "application/json"),
        (VerifyCode = "application/x-www-form-urlencoded"),
        (VerifyCode = "multipart/form-data"),
    )),
    responses(
        (status = 204, description = "The code is right. This answer comes once."),
        (status = 404, description = "A wrong code, all tries used, or no code was sent to this number."),
        (status = 408, description = "The code has expired."),
        (status = 503, description = "A store does not answer; no try was used."),
    ),
    security(("key" = ["compat:smsapi"]))
)]
#[post("/mfa/codes/verifications")]
pub async fn verify_code(
    caller: Authed<CompatSmsapi>,
    request: HttpRequest,
    state: Data<State>,
    fields: SmsapiFields,
) -> Result<HttpResponse, Problem> {
    verify(&caller, &request, &state, fields).await
}

/// Says whether the server accepts the key, like `GET /ping`.
#[utoipa::path(
    tag = "smsapi",
    operation_id = "ping_below_api",
    responses(
        (status = 200, description = "Whether the server accepts the key.", body = Ping),
        (status = 429, description = "Too many keys that are not accepted came from this address."),
        (status = 503, description = "The directory does not answer."),
    ),
)]
#[get("/ping")]
pub async fn ping(request: HttpRequest) -> Result<Json<Ping>, Problem> {
    answer_ping(&request)
}
