//! The timeline of a verification of the demo tenant, in words.

use crate::{
    page::DevPage,
    problem::{problem, unavailable},
};
use actix_web::{HttpResponse, http::StatusCode, web};
use countersign_core::{
    acts::history::{HistoryError, timeline},
    id::{RecordKey, VerificationId},
    mode::Mode,
    verification::event::Event,
};
use serde::Serialize;

#[derive(Serialize)]
struct Line {
    at: String,
    kind: &'static str,
    sentence: String,
}

impl From<&Event> for Line {
    fn from(event: &Event) -> Self {
        Self { at: event.at.to_string(), kind: event.kind.name(), sentence: event.kind.sentence() }
    }
}

/// `GET /dev/timeline/{id}`: oldest first.
pub(crate) async fn read_timeline(page: web::Data<DevPage>, id: web::Path<String>) -> HttpResponse {
    let missing = || problem(StatusCode::NOT_FOUND, "not_found", "There is no such verification.");
    let Ok(id) = id.parse::<VerificationId>() else { return missing() };
    let key = RecordKey { tenant: page.tenant.id, mode: Mode::Live, id };
    match timeline::read_timeline(&page.context, key).await {
        Ok(events) => HttpResponse::Ok().json(events.iter().map(Line::from).collect::<Vec<_>>()),
        Err(HistoryError::Database(error)) => unavailable("history", &error),
        Err(HistoryError::Codes(error)) => unavailable("codes store", &error),
        Err(_) => missing(),
    }
}
