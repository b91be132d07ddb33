//! Allowlists: the addresses from which keys may be used, from which they were used, and from which members may use
//! the portal.

mod json;
mod read;

pub use json::{Allowlist, AllowlistEntry, entries};
pub use read::{NewEntry, ReplaceAllowlist, allowlist};

use crate::access::caller::{Authed, SettingsRead, SettingsWrite};
use actix_web::{
    HttpRequest, get, put,
    web::{Data, Json},
};
use countersign_core::{access::usage, management::allowlists};
use countersign_web::{
    State,
    body::{Body, Query, refuse_query},
    problem::Problem,
};
use json::UsePage;

/// Reads the addresses from which the tenant's keys work.
///
/// An empty list admits every address. A key may also have its own list. Then
/// both lists must admit the caller.
#[utoipa::path(
    tag = "allowlists",
    responses((status = 200, description = "The list.", body = Allowlist)),
    security(("key" = ["settings:read"]))
)]
#[get("/allowlists/api")]
pub async fn read_api_allowlist(
    caller: Authed<SettingsRead>,
    request: HttpRequest,
    state: Data<State>,
) -> Result<Json<Allowlist>, Problem> {
    refuse_query(&request)?;
    Ok(Json(Allowlist::new(&allowlists::read_api_allowlist(&state.context, &caller).await?)))
}

/// Replaces the addresses from which the tenant's keys work.
///
/// The new list applies to every operation at once, and on all nodes within two
/// seconds. The server refuses a list that does not admit the address of this
/// call, unless `confirm` is true.
#[utoipa::path(
    tag = "allowlists",
    request_body = ReplaceAllowlist,
    responses(
        (status = 200, description = "The list as it is now.", body = Allowlist),
        (status = 403, description = "`insufficient_scope`: the caller lacks `settings:write` or is a test key."),
        (status = 409, description = "`conflict`: the list does not admit your own address; send `confirm: \
            true` if you want this."),
    ),
    security(("key" = ["settings:write"]))
)]
#[put("/allowlists/api")]
pub async fn replace_api_allowlist(
    caller: Authed<SettingsWrite>,
    state: Data<State>,
    body: Body,
) -> Result<Json<Allowlist>, Problem> {
    let ReplaceAllowlist { entries: list, confirm } = body.0.read(ReplaceAllowlist::read)?;
    let (confirmed, now) = (confirm.unwrap_or(false), state.clock.now());
    let list =
        allowlists::replace_api_allowlist(&state.context, &caller, list, confirmed, &caller.change(now))
            .await?;
    Ok(Json(Allowlist::new(&list)))
}

/// Lists which address used which key, newest use first.
///
/// You can build an allowlist from these uses. `allowed` says whether the present
/// lists admit the address. A use appears within a few seconds. The server keeps
/// it for 90 days after the last use, and at most 1,000 addresses for each key.
#[utoipa::path(
    tag = "allowlists",
    params(
        ("key" = Option<String>, Query, description = "Lists only uses of this key.",
            pattern = "^key_[0-7][0-9a-hjkmnp-tv-z]{25}$"),
        ("limit" = Option<u8>, Query, description = "The number of uses on a page.", minimum = 1, maximum = 100, example = 20),
        ("cursor" = Option<String>, Query, description = "The `next_cursor` of the previous page.",
            pattern = r"^[0-9]{1,18}\.key_[0-7][0-9a-hjkmnp-tv-z]{25}\.([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-f:]{2,39})$"),
    ),
    responses((status = 200, description = "A page of uses.", body = UsePage)),
    security(("key" = ["settings:read"]))
)]
#[get("/allowlists/api/usage")]
pub async fn list_address_uses(
    caller: Authed<SettingsRead>,
    state: Data<State>,
    query: Query,
) -> Result<Json<UsePage>, Problem> {
    let page = read::usage_page(query.0)?;
    let one_more = usage::UsePage { limit: page.limit + 1, ..page };
    let found = allowlists::list_address_uses(&state.context, &caller, one_more).await?;
    Ok(Json(UsePage::new(found, page.limit)))
}

/// Reads the addresses from which the tenant's members may use the portal.
///
/// An empty list admits every address. Keys only read this list: an owner changes
/// it in the portal, and the operator of the server can change it.
#[utoipa::path(
    tag = "allowlists",
    responses((status = 200, description = "The list.", body = Allowlist)),
    security(("key" = ["settings:read"]))
)]
#[get("/allowlists/portal")]
pub async fn read_portal_allowlist(
    caller: Authed<SettingsRead>,
    request: HttpRequest,
    state: Data<State>,
) -> Result<Json<Allowlist>, Problem> {
    refuse_query(&request)?;
    Ok(Json(Allowlist::new(&allowlists::read_portal_allowlist(&state.context, caller.tenant).await?)))
}
