//! The switch of the provider `console`: how the pretended provider behaves.

use crate::{body::read_body, page::DevPage, problem::problem};
use actix_web::{HttpResponse, http::StatusCode, web};
use countersign_core::ports::inbox::ConsoleMode;
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModeBody {
    mode: String,
}

fn answer(mode: ConsoleMode) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "mode": mode.as_str() }))
}

/// `GET /dev/provider`
pub(crate) async fn read_provider(page: web::Data<DevPage>) -> HttpResponse {
    answer(page.switch.get())
}

/// `POST /dev/provider` with `{"mode": "working"}`.
pub(crate) async fn set_provider(page: web::Data<DevPage>, payload: web::Payload) -> HttpResponse {
    let body = match read_body(payload).await {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    let body = serde_json::from_slice::<ModeBody>(&body).ok();
    let Some(mode) = body.and_then(|body| ConsoleMode::parse(&body.mode)) else {
        let detail = "The body must be {\"mode\": ...} with working, down, slow or undelivering.";
        return problem(StatusCode::BAD_REQUEST, "invalid_request", detail);
    };
    page.switch.set(mode);
    tracing::info!(provider.name = "console", outcome = mode.as_str(), "the dev page switched the provider");
    answer(mode)
}

/// What a mode is called on the page.
pub(crate) const fn label(mode: ConsoleMode) -> &'static str {
    match mode {
        ConsoleMode::Working => "Working",
        ConsoleMode::Down => "Down",
        ConsoleMode::Slow => "Slow",
        ConsoleMode::Undelivering => "Undelivering",
    }
}

/// What a mode does, in one sentence.
pub(crate) const fn sentence(mode: ConsoleMode) -> &'static str {
    match mode {
        ConsoleMode::Working => "Takes each message at once and reports that the phone has it.",
        ConsoleMode::Down => "Refuses every connection, so messages wait and are tried again.",
        ConsoleMode::Slow => "Takes each message only after 5 seconds.",
        ConsoleMode::Undelivering => "Takes each message, then reports that the phone did not get it.",
    }
}
