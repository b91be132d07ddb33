//! Senders: make, list, delete.

use crate::{
    access::caller::{Authed, SettingsRead, SettingsWrite, Within},
    http::{
        created::made,
        id::Id,
        values::{CountryCode, countries, sender},
    },
};
use actix_web::{
    HttpRequest, HttpResponse, delete, get, post,
    web::{Data, Json},
};
use countersign_core::{
    delivery::sender, id::SenderId, management::senders, message::sender_text::SenderText, phone::Country,
};
use countersign_web::{
    State,
    body::{Body, NoBody, Query},
    problem::Problem,
    request,
    request::required,
    rng,
};
use serde::Serialize;
use std::collections::BTreeSet;
use utoipa::ToSchema;

request! {
    /// Makes a sender.
    pub struct CreateSender {
        /// A number, a short code, or a name: 1 to 11 letters, digits, spaces and `. _ & -`, at least one of
        /// them a letter. Agree with your provider on the senders that it accepts.
        #[schema(
            pattern = r"^(\+[1-9][0-9]{6,14}|[0-9]{3,8}|(?=.*[A-Za-z])[A-Za-z0-9._&-]([A-Za-z0-9 ._&-]{0,9}[A-Za-z0-9._&-])?)$",
            example = "Acme"
        )]
        sender: SenderText as String = required(sender),
        /// The sender is for numbers of these countries. When absent or empty, it is for all countries that
        /// no other sender names.
        #[schema(max_items = 300)]
        countries: Option<BTreeSet<Country>> as Option<Vec<CountryCode>> = |fields, _| Some(countries(fields)),
    }
}

/// A sender of messages.
#[derive(Serialize, ToSchema)]
pub struct Sender {
    /// Its id.
    #[schema(pattern = "^snd_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "snd_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    id: String,
    /// The number, short code or name.
    #[schema(example = "Acme")]
    sender: String,
    /// The sender is for numbers of these countries; an empty list: for all countries that no other sender
    /// names.
    #[schema(max_items = 300, value_type = Vec<CountryCode>)]
    countries: Vec<String>,
    /// When it was made.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    created_at: String,
}

impl From<&sender::Sender> for Sender {
    fn from(sender: &sender::Sender) -> Self {
        Self {
            id: sender.id.to_string(),
            sender: sender.text.as_str().to_owned(),
            countries: sender.countries.iter().map(Country::as_str).map(str::to_owned).collect(),
            created_at: sender.created_at.to_string(),
        }
    }
}

/// The senders of the tenant.
#[derive(Serialize, ToSchema)]
pub struct SenderList {
    /// Oldest first. Of several senders for the same numbers the server uses the first.
    #[schema(max_items = 100)]
    data: Vec<Sender>,
}

/// Makes a sender.
///
/// The server uses the first of these senders that exists: the one in the
/// settings of the account, the one that the start names, the one of the route,
/// your first sender for the country of the number, your first sender for all
/// countries, the name of your company.
#[utoipa::path(
    tag = "delivery",
    request_body = CreateSender,
    responses(
        (status = 201, description = "Made.", body = Sender,
            headers(("Location" = String, description = "The path of the sender."))),
        (status = 409, description = "`conflict`: you have this sender, or 100 already."),
        (status = 422, description = "`idempotency_mismatch`: the Idempotency-Key was used for another request."),
    ),
    security(("key" = ["settings:write"]))
)]
#[post("/senders")]
pub async fn create_sender(
    caller: Authed<Within<SettingsWrite>>,
    request: HttpRequest,
    state: Data<State>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let Body(fields, once) = body;
    let CreateSender { sender, countries } = fields.read(CreateSender::read)?;
    let (asked, now) = ((sender, countries.unwrap_or_default()), state.clock.now());
    let sender = senders::create_sender(
        &state.context,
        &caller,
        asked,
        once.as_ref(),
        &caller.change(now),
        &mut rng(),
    )
    .await?;
    let id = sender.value.id.to_string();
    Ok(made(&request, &id, sender.before, Sender::from(&sender.value)))
}

/// Lists the senders.
#[utoipa::path(
    tag = "delivery",
    responses((status = 200, description = "The senders.", body = SenderList)),
    security(("key" = ["settings:read"]))
)]
#[get("/senders")]
pub async fn list_senders(
    caller: Authed<Within<SettingsRead>>,
    state: Data<State>,
    query: Query,
) -> Result<Json<SenderList>, Problem> {
    query.0.finish(Some(()))?;
    let found = senders::list_senders(&state.context, &caller).await?;
    Ok(Json(SenderList { data: found.iter().map(Sender::from).collect() }))
}

/// Deletes a sender.
///
/// Verifications that named it keep it for their messages.
#[utoipa::path(
    tag = "delivery",
    params(("id" = String, Path, description = "The sender.", pattern = "^snd_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses(
        (status = 204, description = "Deleted."),
        (status = 400, description = "`invalid_request`: this operation takes no body or `{}`."),
        (status = 413, description = "`payload_too_large`."),
        (status = 415, description = "`unsupported_media_type`."),
    ),
    security(("key" = ["settings:write"]))
)]
#[delete("/senders/{id}")]
pub async fn delete_sender(
    caller: Authed<Within<SettingsWrite>>,
    id: Id<SenderId>,
    state: Data<State>,
    _body: NoBody,
) -> Result<HttpResponse, Problem> {
    senders::delete_sender(&state.context, &caller, id.0, &caller.change(state.clock.now())).await?;
    Ok(HttpResponse::NoContent().finish())
}
