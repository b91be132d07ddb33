//! The audit log: list and export.

mod json;
mod read;

use crate::access::caller::{AuditRead, Authed};
use actix_web::{
    HttpResponse, get,
    web::{Bytes, Data, Json},
};
use countersign_core::{
    access::actor::Actor,
    management::audit::{Export, list_entries},
    mode::Mode,
    ports::error::StoreError,
};
use countersign_web::{
    State,
    body::Query,
    problem::{self, Problem, ProblemCode},
};
use futures_util::stream::try_unfold;
use json::AuditPage;
pub use json::line as audit_line;

/// Entries show what live keys and webhooks are, such as the URLs of webhooks.
fn refuse_test(caller: &Actor) -> Result<(), Problem> {
    match caller.mode {
        Mode::Live => Ok(()),
        Mode::Test => Err(Problem::new(
            ProblemCode::InsufficientScope,
            "It shows what live keys did, so a test key does not read it; use a live key.",
        )),
    }
}

/// Lists the entries of the audit log, newest first.
#[utoipa::path(
    tag = "audit",
    params(
        ("actor" = Option<String>, Query, description = "By this author: the id of a key, `operator` or `system`.",
            pattern = "^[a-z0-9_]{1,64}$", example = "key_01jz0w8e9c4t6yv2k5n3m7p8qr"),
        ("object" = Option<String>, Query, description = "About this object: its id or its name.",
            pattern = "^[ -~]{1,256}$", example = "limit:number"),
        ("action" = Option<String>, Query, description = "This act, such as `key.create`, or the acts of a kind, such as `key`.",
            pattern = "^[a-z_]+(\\.[a-z_]+)*$", max_length = 64, example = "key"),
        ("from" = Option<String>, Query, description = "From then on.", format = DateTime),
        ("until" = Option<String>, Query, description = "Before then.", format = DateTime),
        ("limit" = Option<u8>, Query, description = "Entries on a page.", minimum = 1, maximum = 100, example = 20),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before.",
            pattern = "^[1-9][0-9]{0,15}$"),
    ),
    responses((status = 200, description = "A page of entries.", body = AuditPage)),
    security(("key" = ["audit:read"]))
)]
#[get("/audit")]
pub async fn list_audit(
    caller: Authed<AuditRead>,
    state: Data<State>,
    query: Query,
) -> Result<Json<AuditPage>, Problem> {
    refuse_test(&caller)?;
    let asked = read::list_request(query.0)?;
    let directory = &*state.context.directory;
    let found = list_entries(directory, &caller, &asked.filter, asked.before, asked.limit + 1).await;
    Ok(Json(AuditPage::new(found.map_err(problem::directory)?, asked.limit)))
}

/// Exports the audit log, oldest entry first: one line of JSON for each.
///
/// Each line has the form of an entry of the list. From the first entry at or
/// after `from` to the last before `until` none is left out, so that the hashes
/// can be computed again. An answer that ends early has no last chunk.
#[utoipa::path(
    tag = "audit",
    params(
        ("from" = Option<String>, Query, description = "From the first entry at or after this time.", format = DateTime),
        ("until" = Option<String>, Query, description = "To the last entry before this time.", format = DateTime),
    ),
    responses((status = 200, description = "The entries, a line each.", body = String,
        content_type = "application/x-ndjson")),
    security(("key" = ["audit:read"]))
)]
#[get("/audit/export")]
pub async fn export_audit(
    caller: Authed<AuditRead>,
    state: Data<State>,
    query: Query,
) -> Result<HttpResponse, Problem> {
    refuse_test(&caller)?;
    let (from, until) = read::export_request(query.0)?;
    let begun = Export::begin(&*state.context.directory, caller.tenant, from, until).await;
    let pages = (begun.map_err(problem::directory)?, state);
    let lines = try_unfold(pages, |(mut export, state)| async move {
        let page = export.next_page(&*state.context.directory).await?;
        let lines: String = page.into_iter().map(audit_line).collect();
        Ok::<_, StoreError>((!lines.is_empty()).then(|| (Bytes::from(lines), (export, state))))
    });
    Ok(HttpResponse::Ok().content_type("application/x-ndjson").streaming(Box::pin(lines)))
}
