//! Health, and the documentation of the API.

use super::docs::in_slices;
use actix_web::{
    HttpRequest, HttpResponse, get,
    http::header,
    web::{self, Bytes},
};
use countersign_core::ports::error::StoreError;
use countersign_web::{
    State,
    problem::{self, Problem},
};
use serde::Serialize;
use std::{
    future::Future,
    time::{Duration, Instant},
};
use utoipa::ToSchema;

/// The longest time for a store to answer a probe.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// Returns the OpenAPI document as it is served. It is app data.
pub struct Document(pub fn() -> Bytes);

/// The answer of a probe.
#[derive(Serialize, ToSchema)]
pub struct Health {
    /// Always `ok`; a failure is a problem.
    #[schema(value_type = String, pattern = "^ok$", example = "ok")]
    status: &'static str,
}

fn healthy() -> HttpResponse {
    HttpResponse::Ok().json(Health { status: "ok" })
}

/// Says whether the process answers.
///
/// This asks no store. An orchestrator restarts the process when this fails, and
/// a restart does not heal a store.
#[utoipa::path(
    tag = "system",
    responses((status = 200, description = "The process answers.", body = Health))
)]
#[get("/health/live")]
pub async fn read_liveness() -> HttpResponse {
    healthy()
}

/// Says whether the node can serve.
///
/// A load balancer takes the node out while this fails. If the node cannot reach
/// the directory, it still serves starts and checks as long as other nodes tell
/// it which keys ended.
#[utoipa::path(
    tag = "system",
    responses(
        (status = 200, description = "The node serves starts and checks.", body = Health),
        (status = 503, description = "`codes_unavailable` or `directory_unavailable`."),
    )
)]
#[get("/health/ready")]
pub async fn read_readiness(state: web::Data<State>) -> Result<HttpResponse, Problem> {
    probe(state.context.codes.ping()).await.map_err(problem::codes)?;
    if !state.context.snapshot.is_fresh(Instant::now()) {
        return Err(problem::directory(StoreError::unavailable("the directory was not read for 2 s")));
    }
    Ok(healthy())
}

async fn probe<T>(answer: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    tokio::time::timeout(PROBE_TIMEOUT, answer).await.map_err(StoreError::unavailable)?
}

/// Gives this document.
#[utoipa::path(
    tag = "system",
    responses((status = 200, description = "The OpenAPI document.", body = Object, content_type = "application/json"))
)]
#[get("/openapi.json")]
pub async fn read_openapi(request: HttpRequest) -> HttpResponse {
    let document = request.app_data::<Document>().map(|document| (document.0)());
    HttpResponse::Ok().content_type("application/json").body(in_slices(document.unwrap_or_default()))
}

/// Leads to the documentation for people.
#[utoipa::path(
    tag = "system",
    responses((
        status = 308,
        description = "The page is one slash further.",
        headers(("Location" = String, description = "The page."))
    ))
)]
#[get("/docs")]
pub async fn read_docs() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "/docs/")).finish()
}
