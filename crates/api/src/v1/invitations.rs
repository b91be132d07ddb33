//! Invitations: make, list, read, send again, withdraw. The link is in no answer.

mod json;
mod read;

use crate::{
    access::caller::{Authed, MembersWrite, SettingsRead},
    http::{created::made, id::Id, values::page},
    v1::shares::{Names, find_shares},
};
use actix_web::{
    HttpRequest, HttpResponse, delete, get, post,
    web::{Data, Json},
};
use countersign_core::{
    access::actor::Actor,
    id::InvitationId,
    management::{
        invitations::{self, Handover},
        resources::Made,
    },
    people::invitation,
};
use countersign_web::{
    State,
    body::{Body, NoBody, Query},
    problem::Problem,
    rng,
};
use json::{Invitation, InvitationPage};
use read::CreateInvitation;

async fn shown(
    state: &State,
    caller: &Actor,
    found: &[invitation::Invitation],
) -> Result<Vec<Invitation>, Problem> {
    let context = &state.context;
    let names = Names::of_shares(context, caller, found.iter().map(|one| &one.limits.shares)).await?;
    let show = |one: &invitation::Invitation| {
        Invitation::new(one, one.open(&context.keyring).as_ref(), &names, state.notices.is_some())
    };
    Ok(found.iter().map(show).collect())
}

async fn one(state: &State, caller: &Actor, found: &invitation::Invitation) -> Result<Invitation, Problem> {
    let names = Names::of_shares(&state.context, caller, std::iter::once(&found.limits.shares)).await?;
    let email = found.open(&state.context.keyring);
    Ok(Invitation::new(found, email.as_ref(), &names, state.notices.is_some()))
}

/// The link goes out by mail, if a mail server is configured. Else the operator prints it.
fn handover(state: &State) -> Handover {
    if state.notices.is_some() { Handover::Mail } else { Handover::Caller }
}

/// Invites somebody to become a member.
///
/// The answer contains no link, and it is the same whether or not somebody with
/// this address has an account. The link goes out by mail (`delivery` is `mail`);
/// without a mail server the operator prints one with `countersign member link`
/// and hands it over. It is good for 48 hours. When it is accepted, the caller
/// must still have what it grants.
#[utoipa::path(
    tag = "members",
    request_body = CreateInvitation,
    responses(
        (status = 201, description = "Made.", body = Invitation,
            headers(("Location" = String, description = "The path of the invitation."))),
        (status = 403, description = "`insufficient_scope`: the caller lacks `members:write`, or does not have \
            itself what it would grant; `detail` says what."),
        (status = 409, description = "`conflict`: the address belongs to a member or has an invitation, or the \
            tenant made 100 invitations in 24 hours. Or an earlier request with the same Idempotency-Key made the \
            invitation, which was accepted or withdrawn since."),
        (status = 422, description = "`idempotency_mismatch`: the Idempotency-Key was used for another request."),
    ),
    security(("key" = ["members:write"]))
)]
#[post("/invitations")]
pub async fn create_invitation(
    caller: Authed<MembersWrite>,
    request: HttpRequest,
    state: Data<State>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let Body(fields, once) = body;
    let mut asked = fields.read(CreateInvitation::read)?;
    let shares = find_shares(&state.context, &caller, asked.shares.take()).await?;
    let (email, limits) = asked.offer(shares);
    let by = caller.change(state.clock.now());
    let sent = (handover(&state), once.as_ref());
    let Made { value, before } =
        invitations::invite_once(&state.context, &caller, (&email, &limits), sent, &by, &mut rng()).await?;
    Ok(made(&request, &value.id.to_string(), before, one(&state, &caller, &value).await?))
}

/// Lists the invitations that were neither accepted nor deleted, newest first.
#[utoipa::path(
    tag = "members",
    params(
        ("limit" = Option<u8>, Query, description = "The number of invitations on a page.", minimum = 1, maximum = 100, example = 20),
        ("cursor" = Option<String>, Query, description = "The `next_cursor` of the previous page.",
            pattern = "^inv_[0-7][0-9a-hjkmnp-tv-z]{25}$"),
    ),
    responses((status = 200, description = "A page of invitations.", body = InvitationPage)),
    security(("key" = ["settings:read"]))
)]
#[get("/invitations")]
pub async fn list_invitations(
    caller: Authed<SettingsRead>,
    state: Data<State>,
    query: Query,
) -> Result<Json<InvitationPage>, Problem> {
    let page = page(query.0)?;
    let mut found =
        invitations::list_invitations(&state.context, &caller, page.beyond, page.limit + 1).await?;
    let more = found.len() > usize::from(page.limit);
    found.truncate(page.limit.into());
    let next_cursor = found.last().filter(|_| more).map(|last| last.id.to_string());
    Ok(Json(InvitationPage { data: shown(&state, &caller, &found).await?, next_cursor }))
}

/// Reads an invitation.
#[utoipa::path(
    tag = "members",
    params(("id" = String, Path, description = "The invitation.", pattern = "^inv_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses((status = 200, description = "The invitation.", body = Invitation)),
    security(("key" = ["settings:read"]))
)]
#[get("/invitations/{id}")]
pub async fn read_invitation(
    caller: Authed<SettingsRead>,
    id: Id<InvitationId>,
    state: Data<State>,
) -> Result<Json<Invitation>, Problem> {
    let found = invitations::read_invitation(&state.context, &caller, id.0).await?;
    Ok(Json(one(&state, &caller, &found).await?))
}

/// Sends an invitation again: another link, which is good for 48 hours.
///
/// The former link is void, and the caller is the author from then on. Without a
/// mail server the operator must print a link afterwards. An invitation is sent
/// at most 5 times; each printed link counts.
#[utoipa::path(
    tag = "members",
    params(("id" = String, Path, description = "The invitation.", pattern = "^inv_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses(
        (status = 200, description = "The invitation as it is now.", body = Invitation),
        (status = 400, description = "`invalid_request`: this operation takes no body or `{}`."),
        (status = 403, description = "`insufficient_scope`: the caller lacks `members:write`, or does not have \
            itself what the invitation grants; `detail` says what."),
        (status = 409, description = "`conflict`: it was sent 5 times."),
        (status = 413, description = "`payload_too_large`."),
        (status = 415, description = "`unsupported_media_type`."),
    ),
    security(("key" = ["members:write"]))
)]
#[post("/invitations/{id}/resend")]
pub async fn resend_invitation(
    caller: Authed<MembersWrite>,
    id: Id<InvitationId>,
    state: Data<State>,
    _body: NoBody,
) -> Result<Json<Invitation>, Problem> {
    let by = caller.change(state.clock.now());
    let way = handover(&state);
    let (sent, _) = invitations::send_again(&state.context, &caller, id.0, way, &by, &mut rng()).await?;
    Ok(Json(one(&state, &caller, &sent).await?))
}

/// Withdraws an invitation. Its link is void from then on.
#[utoipa::path(
    tag = "members",
    params(("id" = String, Path, description = "The invitation.", pattern = "^inv_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses(
        (status = 204, description = "Withdrawn."),
        (status = 400, description = "`invalid_request`: this operation takes no body or `{}`."),
        (status = 403, description = "`insufficient_scope`: the caller lacks `members:write`, or does not have \
            itself what the invitation grants; `detail` says what."),
        (status = 413, description = "`payload_too_large`."),
        (status = 415, description = "`unsupported_media_type`."),
    ),
    security(("key" = ["members:write"]))
)]
#[delete("/invitations/{id}")]
pub async fn delete_invitation(
    caller: Authed<MembersWrite>,
    id: Id<InvitationId>,
    state: Data<State>,
    _body: NoBody,
) -> Result<HttpResponse, Problem> {
    let by = caller.change(state.clock.now());
    invitations::withdraw(&state.context, &caller, id.0, &by).await?;
    Ok(HttpResponse::NoContent().finish())
}
