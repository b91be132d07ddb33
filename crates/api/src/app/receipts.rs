//! Receipts of providers. Each account has a URL that only its provider knows.
//!
//! This is not an operation of the API: each provider calls it in its own form. So it appears in no document,
//! and its answers are not problems.

use crate::app::strays::{Stray, Strays};
use actix_web::{
    HttpMessage as _, HttpRequest, HttpResponse, Resource, ResponseError as _,
    http::header::{ALLOW, CONTENT_TYPE},
    web::{self, Data, Payload},
};
use countersign_core::{
    access::address::CallerAddress,
    acts::receipts::{Taken, is_path_secret, take_report},
    delivery::account::ProviderAccount,
    error::chain,
    id::{ProviderId, TenantId},
    ports::gateways::{ReceiptCall, ReceiptRefusal},
};
use countersign_web::{State, body, head::is_head};
use std::sync::Arc;

/// The maximum number of reports accepted from one request.
const MOST: usize = 1_000;

/// The URL that providers call.
pub fn resource() -> Resource {
    web::resource("/receipts/{tenant}/{account}/{secret}")
        .route(web::get().to(take))
        .route(web::post().to(take))
        .default_service(web::to(refuse_method))
}

async fn refuse_method() -> HttpResponse {
    HttpResponse::MethodNotAllowed().insert_header((ALLOW, "GET, HEAD, POST")).finish()
}

async fn take(
    state: Data<State>,
    strays: Data<Strays>,
    request: HttpRequest,
    path: web::Path<(String, String, String)>,
    payload: Payload,
) -> HttpResponse {
    let (tenant, account, secret) = path.into_inner();
    // Check the secret first: a caller without it can send no body.
    let Some(account) = find(&state, &tenant, &account, &secret) else {
        return HttpResponse::NotFound().finish();
    };
    if is_head(&request) {
        // HEAD must change nothing, and a report is a change.
        return HttpResponse::Ok().content_type("text/plain; charset=utf-8").finish();
    }
    let body = match body::read(&request, payload.into_inner()).await {
        Ok(body) => body,
        Err(problem) => return HttpResponse::build(problem.status_code()).finish(),
    };
    let Some(call) = read(&state, &request, body) else { return HttpResponse::BadRequest().finish() };
    let (reports, answer) = match state.context.gateways.read_receipts(&account, &call) {
        Ok(read) => read,
        Err(refusal) => {
            strays.tell(&account, refusal.into());
            return match refusal {
                ReceiptRefusal::Unsupported => HttpResponse::NotFound(),
                ReceiptRefusal::Forged => HttpResponse::Forbidden(),
                ReceiptRefusal::Unreadable => HttpResponse::BadRequest(),
            }
            .finish();
        }
    };
    for report in reports.into_iter().take(MOST) {
        match take_report(&*state.context.codes, &account, report, false).await {
            Ok(Taken::Noted(delivery)) => {
                metrics::counter!("countersign_receipts_total", "delivery" => delivery.as_str()).increment(1);
            }
            Ok(Taken::Nothing | Taken::Parked) => {}
            Ok(Taken::Unknown) => strays.tell(&account, Stray::Unmatched),
            // The provider will report it again.
            Err(error) => {
                tracing::error!(error = %chain(&error), "a receipt cannot be noted");
                return HttpResponse::ServiceUnavailable().insert_header(("Retry-After", "5")).finish();
            }
        }
    }
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(answer)
}

/// The account of a path, if the secret is right.
fn find(state: &State, tenant: &str, account: &str, secret: &str) -> Option<Arc<ProviderAccount>> {
    let (tenant, id): (TenantId, ProviderId) = (tenant.parse().ok()?, account.parse().ok()?);
    let view = state.context.snapshot.tenant(tenant)?;
    let account = view.providers.iter().find(|account| account.id == id)?;
    let is_secret = is_path_secret(&state.context.keyring, account, secret, state.clock.now());
    is_secret.then(|| Arc::clone(account))
}

fn read(state: &State, request: &HttpRequest, body: Vec<u8>) -> Option<ReceiptCall> {
    let query = web::Query::<Vec<(String, String)>>::from_query(request.query_string()).ok()?;
    let headers = request
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let base = state.public_url.clone().unwrap_or_else(|| {
        let info = request.connection_info();
        let scheme = if state.secure { "https" } else { info.scheme() };
        format!("{scheme}://{}", info.host())
    });
    Some(ReceiptCall {
        url: format!("{base}{}", request.uri()),
        method: request.method().to_string(),
        headers: headers.collect(),
        query: query.into_inner(),
        content_type: content_type
            .unwrap_or_default()
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned(),
        body,
        peer: request.extensions().get::<CallerAddress>()?.0,
    })
}
