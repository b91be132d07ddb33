//! The switch of the provider `console`: how the simulated provider behaves.

use super::state::DevPage;
use actix_web::{HttpRequest, HttpResponse, web};
use countersign_core::ports::inbox::ConsoleMode;
use countersign_web::{
    body::read,
    fields::{Fields, text},
    problem::{Fault, Problem},
};
use serde_json::json;

fn answer(mode: ConsoleMode) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "mode": mode.as_str() }))
}

/// `GET /dev/provider`
pub(crate) async fn read_provider(page: web::Data<DevPage>) -> HttpResponse {
    answer(page.switch.get())
}

/// `POST /dev/provider` with `{"mode": "working"}`.
pub(crate) async fn set_provider(
    page: web::Data<DevPage>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let mut fields = Fields::from_json(&read(&request, payload.into_inner()).await?)?;
    let mode = fields.required("mode", |value| {
        ConsoleMode::parse(&text(value)?).ok_or(Fault::format("must be working, down, slow or undelivering"))
    });
    let mode = fields.finish(mode)?;
    page.switch.set(mode);
    tracing::info!(provider.name = "console", outcome = mode.as_str(), "the dev page switched the provider");
    Ok(answer(mode))
}

/// The label of a mode on the page.
pub(crate) const fn label(mode: ConsoleMode) -> &'static str {
    match mode {
        ConsoleMode::Working => "Working",
        ConsoleMode::Down => "Down",
        ConsoleMode::Slow => "Slow",
        ConsoleMode::Undelivering => "Undelivering",
    }
}

/// Describes a mode in one sentence.
pub(crate) const fn sentence(mode: ConsoleMode) -> &'static str {
    match mode {
        ConsoleMode::Working => "Takes each message at once and reports that the phone has it.",
        ConsoleMode::Down => "Refuses every connection, so messages wait and are tried again.",
        ConsoleMode::Slow => "Takes each message only after 5 seconds.",
        ConsoleMode::Undelivering => "Takes each message, then reports that the phone did not get it.",
    }
}
