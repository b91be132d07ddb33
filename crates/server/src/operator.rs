//! The operator port: metrics and health, nothing else. Plain HTTP and no
//! keys by design, so nothing here may say anything about a tenant.

use crate::telemetry;
use actix_web::{HttpResponse, http::header, web};
use countersign_core::Context;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// A probe that waits longer than this counts as failed at its asker's too.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the port reports on.
pub(crate) struct Operator {
    pub context: Context,
    /// Once it is cancelled, the process takes no new work.
    pub stop: CancellationToken,
}

/// Registers the port's three paths.
pub(crate) fn configure(operator: web::Data<Operator>) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config| {
        config
            .app_data(operator)
            .route("/metrics", web::get().to(show_metrics))
            .route("/health/live", web::get().to(check_liveness))
            .route("/health/ready", web::get().to(check_readiness));
    }
}

async fn show_metrics() -> HttpResponse {
    let text = telemetry::metrics_handle().render();
    HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "text/plain; version=0.0.4")).body(text)
}

async fn check_liveness() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body("live\n")
}

async fn check_readiness(operator: web::Data<Operator>) -> HttpResponse {
    let (status, word) = if operator.stop.is_cancelled() {
        (HttpResponse::ServiceUnavailable(), "stopping\n")
    } else {
        match tokio::time::timeout(PATIENCE, find_unready(&operator.context)).await {
            Ok(None) => (HttpResponse::Ok(), "ready\n"),
            Ok(Some(word)) => (HttpResponse::ServiceUnavailable(), word),
            Err(_) => (HttpResponse::ServiceUnavailable(), "no answer in 2 s\n"),
        }
    };
    let mut status = status;
    status.content_type("text/plain").body(word)
}

/// The first thing that does not answer.
async fn find_unready(context: &Context) -> Option<&'static str> {
    if context.codes.ping().await.is_err() {
        return Some("codes unavailable\n");
    }
    (!context.snapshot.is_fresh(Instant::now())).then_some("directory unavailable\n")
}
