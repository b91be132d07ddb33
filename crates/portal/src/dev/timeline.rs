//! The timeline of a verification of the demo tenant, in sentences.

use super::state::{DevPage, unavailable};
use actix_web::web;
use countersign_core::{
    access::actor::Actor,
    acts::history::{HistoryError, timeline},
    id::VerificationId,
    verification::event::Event,
};
use countersign_web::problem::Problem;
use serde::Serialize;

#[derive(Serialize)]
pub(crate) struct Line {
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
pub(crate) async fn read_timeline(
    page: web::Data<DevPage>,
    id: web::Path<String>,
) -> Result<web::Json<Vec<Line>>, Problem> {
    let missing = || Problem::not_found("There is no such verification.");
    let id = id.parse::<VerificationId>().map_err(|_| missing())?;
    let actor = Actor::operator(page.tenant.id);
    let events = timeline::read_timeline(&page.context, &actor, id).await.map_err(|error| match error {
        HistoryError::Database(error) => unavailable("history", error),
        HistoryError::Codes(error) => unavailable("codes store", error),
        _ => missing(),
    })?;
    Ok(web::Json(events.iter().map(Line::from).collect()))
}
