//! Review numbers: create, list, delete.

use crate::{
    access::caller::{Authed, SettingsRead, SettingsWrite},
    http::{id::Id, time::parse_time, values::number},
};
use actix_web::{
    HttpResponse, delete, get, post,
    web::{Data, Json},
};
use countersign_core::{
    access::scope::Scope,
    id::ReviewNumberId,
    management::reviews,
    mode::Mode,
    phone::PhoneNumber,
    tenant::review::{self, LONGEST},
    time::Timestamp,
};
use countersign_web::{
    State,
    body::{Body, NoBody, Query},
    fields::text,
    problem::Problem,
    request,
    request::{optional, required},
    rng,
};
use serde::Serialize;
use utoipa::ToSchema;

request! {
    /// Makes a review number.
    pub struct CreateReviewNumber {
        /// The number with its country code.
        #[schema(pattern = r"^\s*(\+|00)[0-9 .()/-]{4,30}$", max_length = 32, example = "+48500500500")]
        // Review numbers exist only for live keys: with a test key the caller knows every code.
        to: PhoneNumber as String = required(|value| number(value, Mode::Live)),
        /// When the number becomes an ordinary one again: within 30 days; in 30 days when absent.
        #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
        ends_at: Option<Timestamp> as Option<String> = optional(|value| parse_time(&text(value)?)),
    }
}

/// A number that has a known code and gets no messages.
#[derive(Serialize, ToSchema)]
pub struct ReviewNumber {
    /// Its id.
    #[schema(pattern = "^rev_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "rev_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    id: String,
    /// The number, masked without the scope `numbers:read`; null if it cannot be read.
    #[schema(required = true, example = "+48******500")]
    to: Option<String>,
    /// When the number becomes an ordinary one again.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    ends_at: String,
    /// When it was made.
    #[schema(format = DateTime, example = "2026-01-01T12:00:00.000Z")]
    created_at: String,
    /// The code. No later answer shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "493817")]
    code: Option<String>,
}

/// The review numbers of the tenant.
#[derive(Serialize, ToSchema)]
pub struct ReviewNumberList {
    /// Oldest first.
    data: Vec<ReviewNumber>,
}

fn body(review: &review::ReviewNumber, to: Option<String>, code: Option<String>) -> ReviewNumber {
    ReviewNumber {
        id: review.id.to_string(),
        to,
        ends_at: review.ends_at.to_string(),
        created_at: review.created_at.to_string(),
        code,
    }
}

/// Makes a number a review number.
///
/// A review number is for people who review your app and do not have that phone.
/// A start for it sends nothing. The country list and the send limits do not
/// apply; 15 starts in 10 minutes are allowed instead. Its code is the one in
/// this answer, and no later answer shows it again. The number becomes an
/// ordinary one at `ends_at`.
#[utoipa::path(
    tag = "settings",
    request_body = CreateReviewNumber,
    responses(
        (status = 201, description = "Made; `code` is shown this once.", body = ReviewNumber),
        (status = 400, description = "`invalid_request`, `invalid_phone_number` or `number_cannot_receive_sms`."),
        (status = 409, description = "`conflict`: the number is a review number already, or the tenant has \
            20. `secret_already_shown`: the Idempotency-Key was used for this request."),
        (status = 422, description = "`idempotency_mismatch`: the Idempotency-Key was used for another request."),
    ),
    security(("key" = ["settings:write"]))
)]
#[post("/review-numbers")]
pub async fn create_review_number(
    caller: Authed<SettingsWrite>,
    state: Data<State>,
    body_of: Body,
) -> Result<HttpResponse, Problem> {
    let Body(fields, once) = body_of;
    let CreateReviewNumber { to, ends_at } = fields.read(CreateReviewNumber::read)?;
    let now = state.clock.now();
    let ends_at = ends_at.unwrap_or(now + LONGEST);
    let made = reviews::create_review_number(
        &state.context,
        &caller,
        &to,
        (ends_at, once),
        &caller.change(now),
        &mut rng(),
    )
    .await?;
    let (review, code) = made;
    let (to, code) = (Some(to.e164().to_owned()), Some(code.expose().to_owned()));
    Ok(HttpResponse::Created().json(body(&review, to, code)))
}

/// Lists the review numbers, without their codes.
#[utoipa::path(
    tag = "settings",
    responses((status = 200, description = "The review numbers.", body = ReviewNumberList)),
    security(("key" = ["settings:read"]))
)]
#[get("/review-numbers")]
pub async fn list_review_numbers(
    caller: Authed<SettingsRead>,
    state: Data<State>,
    query: Query,
) -> Result<Json<ReviewNumberList>, Problem> {
    query.0.finish(Some(()))?;
    let found = reviews::list_review_numbers(&state.context, &caller).await?;
    let whole = caller.grants.contains(Scope::NumbersRead);
    let one = |review: &review::ReviewNumber| {
        let to = review.open(&state.context.keyring).map(|(to, _)| to);
        body(review, to.map(|to| if whole { to.e164().to_owned() } else { to.masked() }), None)
    };
    Ok(Json(ReviewNumberList { data: found.iter().map(one).collect() }))
}

/// Makes a review number an ordinary one again.
#[utoipa::path(
    tag = "settings",
    params(("id" = String, Path, description = "The review number.", pattern = "^rev_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses(
        (status = 204, description = "Deleted."),
        (status = 400, description = "`invalid_request`: this operation takes no body or `{}`."),
        (status = 413, description = "`payload_too_large`."),
        (status = 415, description = "`unsupported_media_type`."),
    ),
    security(("key" = ["settings:write"]))
)]
#[delete("/review-numbers/{id}")]
pub async fn delete_review_number(
    caller: Authed<SettingsWrite>,
    id: Id<ReviewNumberId>,
    state: Data<State>,
    _body: NoBody,
) -> Result<HttpResponse, Problem> {
    reviews::delete_review_number(&state.context, &caller, id.0, &caller.change(state.clock.now())).await?;
    Ok(HttpResponse::NoContent().finish())
}
