//! Members: list, read, change, remove.

pub mod json;
pub mod read;

use crate::{
    access::caller::{Authed, MembersWrite, SettingsRead},
    http::{id::Id, values::page},
    v1::shares::{Names, find_shares},
};
use actix_web::{
    HttpResponse, delete, get, patch,
    web::{Data, Json},
};
use countersign_core::{
    access::actor::Actor, acts::sending::read_pool, id::MemberId, management::members, people::member,
};
use countersign_web::{
    State,
    body::{MergePatch, NoBody, Query},
    problem::{self, Problem},
    rng,
};
use json::{Member, MemberPage, MemberPool};
use read::UpdateMember;

/// The members with the names of their persons and of the things that they share.
async fn shown(state: &State, caller: &Actor, members: &[member::Member]) -> Result<Vec<Member>, Problem> {
    let context = &state.context;
    let names = Names::of_shares(context, caller, members.iter().map(|one| &one.limits.shares)).await?;
    let people = members::identify_all(context, &context.keyring, caller.tenant, members).await?;
    let standings = members::standings(context, caller.tenant, members).await?;
    let known = |one: &member::Member| (people.get(&one.person), standings.get(&one.person));
    Ok(members.iter().map(|one| Member::new(one, known(one), &names)).collect())
}

async fn one(state: &State, caller: &Actor, member: member::Member) -> Result<Json<Member>, Problem> {
    let mut shown = shown(state, caller, std::slice::from_ref(&member)).await?;
    shown.pop().map(Json).ok_or_else(|| Problem::not_found("There is no such member."))
}

/// Lists the members, newest first.
#[utoipa::path(
    tag = "members",
    params(
        ("limit" = Option<u8>, Query, description = "The number of members on a page.", minimum = 1, maximum = 100, example = 20),
        ("cursor" = Option<String>, Query, description = "The `next_cursor` of the previous page.",
            pattern = "^mem_[0-7][0-9a-hjkmnp-tv-z]{25}$"),
    ),
    responses((status = 200, description = "A page of members.", body = MemberPage)),
    security(("key" = ["settings:read"]))
)]
#[get("/members")]
pub async fn list_members(
    caller: Authed<SettingsRead>,
    state: Data<State>,
    query: Query,
) -> Result<Json<MemberPage>, Problem> {
    let page = page(query.0)?;
    let mut found = members::list_members(&state.context, &caller, page.beyond, page.limit + 1).await?;
    let more = found.len() > usize::from(page.limit);
    found.truncate(page.limit.into());
    let next_cursor = found.last().filter(|_| more).map(|last| last.id.to_string());
    Ok(Json(MemberPage { data: shown(&state, &caller, &found).await?, next_cursor }))
}

/// Reads a member.
#[utoipa::path(
    tag = "members",
    params(("id" = String, Path, description = "The member.", pattern = "^mem_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses((status = 200, description = "The member.", body = Member)),
    security(("key" = ["settings:read"]))
)]
#[get("/members/{id}")]
pub async fn read_member(
    caller: Authed<SettingsRead>,
    id: Id<MemberId>,
    state: Data<State>,
) -> Result<Json<Member>, Problem> {
    let member = members::read_member(&state.context, &caller, id.0).await?;
    one(&state, &caller, member).await
}

/// Reads how far a member's pool is used.
#[utoipa::path(
    tag = "members",
    params(("id" = String, Path, description = "The member.", pattern = "^mem_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses((status = 200, description = "The pool of the present month.", body = MemberPool)),
    security(("key" = ["settings:read"]))
)]
#[get("/members/{id}/pool")]
pub async fn read_member_pool(
    caller: Authed<SettingsRead>,
    id: Id<MemberId>,
    state: Data<State>,
) -> Result<Json<MemberPool>, Problem> {
    let member = members::read_member(&state.context, &caller, id.0).await?;
    let used = read_pool(&state.context, &member, state.clock.now()).await.map_err(problem::codes)?;
    Ok(Json(MemberPool::new(used)))
}

/// Changes a member: its role, its permissions, its limits, or whether it is
/// disabled.
///
/// The body is a merge patch: absent fields stay. The caller grants and changes
/// only what it has itself, and never its own membership. Only an owner or the
/// operator makes or changes an owner. Within two seconds every server refuses
/// what the member's keys may no longer do.
#[utoipa::path(
    tag = "members",
    params(("id" = String, Path, description = "The member.", pattern = "^mem_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    request_body(content(
        (UpdateMember = "application/merge-patch+json"),
        (UpdateMember = "application/json"),
    )),
    responses(
        (status = 200, description = "The member as it is now.", body = Member),
        (status = 403, description = "`insufficient_scope`: the caller lacks `members:write`, or does not have \
            itself what the member has or would get; `detail` says what."),
        (status = 409, description = "`conflict`: the tenant would be left without an owner."),
    ),
    security(("key" = ["members:write"]))
)]
#[patch("/members/{id}")]
pub async fn update_member(
    caller: Authed<MembersWrite>,
    id: Id<MemberId>,
    state: Data<State>,
    body: MergePatch,
) -> Result<Json<Member>, Problem> {
    let mut asked = body.0.read(UpdateMember::read)?;
    let shares = find_shares(&state.context, &caller, asked.shares.take()).await?;
    let change = asked.change(shares);
    let by = caller.change(state.clock.now());
    let member = members::update_member(&state.context, &caller, id.0, &change, &by, &mut rng()).await?;
    one(&state, &caller, member).await
}

/// Removes a member from the tenant.
///
/// From then on the server refuses the member's keys. They stay until they are
/// deleted, so that an owner can move them to another member. The person keeps
/// memberships of other tenants.
#[utoipa::path(
    tag = "members",
    params(("id" = String, Path, description = "The member.", pattern = "^mem_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses(
        (status = 204, description = "Removed."),
        (status = 400, description = "`invalid_request`: this operation takes no body or `{}`."),
        (status = 403, description = "`insufficient_scope`: the caller lacks `members:write`, or does not have \
            itself what the member has; `detail` says what."),
        (status = 409, description = "`conflict`: the tenant would be left without an owner."),
        (status = 413, description = "`payload_too_large`."),
        (status = 415, description = "`unsupported_media_type`."),
    ),
    security(("key" = ["members:write"]))
)]
#[delete("/members/{id}")]
pub async fn delete_member(
    caller: Authed<MembersWrite>,
    id: Id<MemberId>,
    state: Data<State>,
    _body: NoBody,
) -> Result<HttpResponse, Problem> {
    let by = caller.change(state.clock.now());
    members::remove_member(&state.context, &caller, id.0, &by).await?;
    Ok(HttpResponse::NoContent().finish())
}
