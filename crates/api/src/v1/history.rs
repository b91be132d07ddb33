//! Past verifications: list, search, timeline, erasure.

mod json;
mod read;

use crate::{
    access::caller::{Authed, SettingsWrite, VerificationsRead},
    http::id::Id,
};
use actix_web::{
    get, post,
    web::{Data, Json},
};
use countersign_core::{
    acts::history::{erase, list, timeline},
    id::VerificationId,
};
use countersign_web::{
    State,
    body::{Body, Query},
    fields::PAGE,
    problem::Problem,
};
use json::{ErasedNumber, Timeline, VerificationPage};
use read::{EraseNumber, SearchVerifications};

/// Lists verifications, newest first.
///
/// A new verification appears a moment after its start. `to` is masked without
/// the scope `numbers:read`.
#[utoipa::path(
    tag = "verifications",
    params(
        ("status" = Option<String>, Query, description = "Lists only verifications in this state.",
            pattern = "^(pending|approved|canceled|expired|exhausted|failed)$", example = "approved"),
        ("profile" = Option<String>, Query, description = "Counts only this profile.",
            pattern = "^[a-z0-9-]{1,32}$", example = "default"),
        ("created_after" = Option<String>, Query, description = "Lists only verifications that were made at \
            this time or later.", format = DateTime),
        ("created_before" = Option<String>, Query, description = "Lists only verifications that were made before this time.", format = DateTime),
        ("limit" = Option<u8>, Query, description = "The number of verifications on a page.", minimum = 1, maximum = 100, example = 20),
        ("cursor" = Option<String>, Query, description = "The `next_cursor` of the previous page.",
            pattern = "^ver_[0-7][0-9a-hjkmnp-tv-z]{25}$"),
    ),
    responses((status = 200, description = "A page of verifications.", body = VerificationPage)),
    security(("key" = ["verifications:read"]))
)]
#[get("/verifications")]
pub async fn list_verifications(
    caller: Authed<VerificationsRead>,
    state: Data<State>,
    query: Query,
) -> Result<Json<VerificationPage>, Problem> {
    let mut asked = read::list_request(query.0)?;
    let limit = asked.limit;
    asked.limit += 1;
    let found = list::list_verifications(&state.context, &caller, asked, state.clock.now()).await?;
    Ok(Json(VerificationPage::new(&caller, found, limit)))
}

/// Lists the verifications of a number, newest first.
///
/// This is a POST, so that no number is part of a URL.
#[utoipa::path(
    tag = "verifications",
    request_body = SearchVerifications,
    responses(
        (status = 200, description = "A page of verifications.", body = VerificationPage),
        (status = 400, description = "`invalid_request`, `invalid_phone_number` or `number_cannot_receive_sms`."),
    ),
    security(("key" = ["verifications:read"]))
)]
#[post("/verifications/search")]
pub async fn search_verifications(
    caller: Authed<VerificationsRead>,
    state: Data<State>,
    body: Body,
) -> Result<Json<VerificationPage>, Problem> {
    let asked = body.0.read(|fields| SearchVerifications::read(fields, caller.mode))?;
    let SearchVerifications { to, cursor, limit } = asked;
    let limit = limit.map_or(PAGE, |limit| limit as u16);
    let (page, now) = ((cursor, limit + 1), state.clock.now());
    let found = list::search_verifications(&state.context, &caller, &to, page, now).await?;
    Ok(Json(VerificationPage::new(&caller, found, limit)))
}

/// Lists the events of a verification, oldest first.
#[utoipa::path(
    tag = "verifications",
    params(("id" = String, Path, description = "The verification.", pattern = "^ver_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses(
        (status = 200, description = "Its events.", body = Timeline),
        (status = 503, description = "`codes_unavailable` or `directory_unavailable`."),
    ),
    security(("key" = ["verifications:read"]))
)]
#[get("/verifications/{id}/timeline")]
pub async fn read_timeline(
    caller: Authed<VerificationsRead>,
    id: Id<VerificationId>,
    state: Data<State>,
) -> Result<Json<Timeline>, Problem> {
    Ok(Json(timeline::read_timeline(&state.context, &caller, id.0).await?.into()))
}

/// Erases a number.
///
/// This ends the live verifications of the number. It removes number and metadata
/// from all past verifications, and keeps the rest of them. The counts of the
/// limits for this number stay until they expire.
#[utoipa::path(
    tag = "numbers",
    request_body = EraseNumber,
    responses(
        (status = 200, description = "The number is erased. The answer is the same if the server had stored \
            nothing of it.", body = ErasedNumber),
        (status = 400, description = "`invalid_request`, `invalid_phone_number` or `number_cannot_receive_sms`."),
        (status = 503, description = "`codes_unavailable` or `directory_unavailable`: try again until it succeeds."),
    ),
    security(("key" = ["settings:write"]))
)]
#[post("/numbers/erase")]
pub async fn erase_number(
    caller: Authed<SettingsWrite>,
    state: Data<State>,
    body: Body,
) -> Result<Json<ErasedNumber>, Problem> {
    let EraseNumber { to } = body.0.read(|fields| EraseNumber::read(fields, caller.mode))?;
    let erased = erase::erase_number(&state.context, &caller, &to, &caller.change(state.clock.now())).await?;
    Ok(Json(erased.into()))
}
