//! Operations on one phone number.

use crate::{
    access::caller::{Authed, SettingsWrite},
    http::values::number,
};
use actix_web::{
    post,
    web::{Data, Json},
};
use countersign_core::{management::settings, mode::Mode, phone::PhoneNumber};
use countersign_web::{State, body::Body, problem::Problem, request, request::required};
use serde::Serialize;
use utoipa::ToSchema;

request! {
    /// Names a number.
    pub struct NumberBody(mode: Mode) {
        /// The number with its country code.
        #[schema(pattern = r"^\s*(\+|00)[0-9 .()/-]{4,30}$", max_length = 32, example = "+48500500500")]
        to: PhoneNumber as String = required(|value| number(value, mode)),
    }
}

/// The result of clearing a number.
#[derive(Serialize, ToSchema)]
pub struct ClearedNumber {
    /// The number of wrong codes in a row that the server had counted.
    #[schema(minimum = 0, example = 12)]
    wrong_codes: u16,
}

/// Clears the wrong codes of a number.
///
/// This ends the wait that follows wrong codes in a row (`guess_limit`), for all
/// profiles of the tenant in the key's mode. Use it when you know that the person
/// on the phone is who they say.
#[utoipa::path(
    tag = "settings",
    request_body = NumberBody,
    responses(
        (status = 200, description = "Cleared.", body = ClearedNumber),
        (status = 400, description = "`invalid_request`, `invalid_phone_number` or `number_cannot_receive_sms`."),
        (status = 503, description = "`codes_unavailable` or `directory_unavailable`."),
    ),
    security(("key" = ["settings:write"]))
)]
#[post("/numbers/clear")]
pub async fn clear_number(
    caller: Authed<SettingsWrite>,
    state: Data<State>,
    body: Body,
) -> Result<Json<ClearedNumber>, Problem> {
    let NumberBody { to } = body.0.read(|fields| NumberBody::read(fields, caller.mode))?;
    let by = caller.change(state.clock.now());
    let wrong_codes = settings::clear_number(&state.context, &caller, &to, &by).await?;
    Ok(Json(ClearedNumber { wrong_codes }))
}
