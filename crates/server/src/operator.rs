//! The operator port: metrics and health, nothing else. It is plain HTTP without keys by design, so its
//! answers must not reveal anything about a tenant.

use crate::{application::ApiProbe, telemetry};
use actix_web::{Handler, HttpResponse, Resource, Responder, http::header, web};
use countersign_core::context::Context;
use std::time::{Duration, Instant};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// The longest time for a check. A caller that waits longer counts it as failed, too.
const PATIENCE: Duration = Duration::from_secs(2);

/// The parts that the port reports on.
pub(crate) struct Operator {
    pub context: Context,
    /// The probe of the API port; a worker has none.
    pub api: Option<ApiProbe>,
    /// When this is cancelled, the process takes no new work.
    pub stop: CancellationToken,
}

/// Registers the three paths of the port.
pub(crate) fn configure(operator: web::Data<Operator>) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config| {
        config
            .app_data(operator)
            .service(page("/metrics", show_metrics))
            .service(page("/health/live", check_liveness))
            .service(page("/health/ready", check_readiness));
    }
}

/// A resource that allows only GET.
fn page<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args, Output: Responder + 'static>,
    Args: actix_web::FromRequest + 'static,
{
    web::resource(path).route(web::get().to(handler)).default_service(web::to(refuse_method))
}

async fn refuse_method() -> HttpResponse {
    HttpResponse::MethodNotAllowed().insert_header((header::ALLOW, "GET, HEAD")).finish()
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
        match find_unready(&operator).await {
            None => (HttpResponse::Ok(), "ready\n"),
            Some(word) => (HttpResponse::ServiceUnavailable(), word),
        }
    };
    let mut status = status;
    status.content_type("text/plain").body(word)
}

/// The first part that does not answer in time, if any.
async fn find_unready(operator: &Operator) -> Option<&'static str> {
    let api = async {
        match &operator.api {
            Some(api) => timeout(PATIENCE, api.ask()).await.is_ok_and(|asked| asked.is_ok()),
            None => true,
        }
    };
    let (codes, api) = tokio::join!(timeout(PATIENCE, operator.context.codes.ping()), api);
    match codes {
        Err(_) => return Some("no answer in 2 s\n"),
        Ok(Err(_)) => return Some("codes unavailable\n"),
        Ok(Ok(_)) => {}
    }
    if !operator.context.snapshot.is_fresh(Instant::now()) {
        return Some("directory unavailable\n");
    }
    (!api).then_some("API unavailable\n")
}
