//! The timeline of a verification.

use crate::{
    acts::history::HistoryError, context::Context, history::fold::order, id::RecordKey,
    verification::event::Event,
};

/// The events of a verification, oldest first: those in the history, and those that are still only in the
/// codes store.
pub async fn read_timeline(context: &Context, key: RecordKey) -> Result<Vec<Event>, HistoryError> {
    // Read the codes store first: an event that is recorded in between is then in both lists, and not in
    // neither.
    let fresh = context.codes.timeline(key).await.map_err(HistoryError::Codes)?;
    let recorded = context.history.timeline(key).await.map_err(HistoryError::Database)?;
    let events = join_timeline(recorded, fresh);
    if events.is_empty() { Err(HistoryError::NotFound) } else { Ok(events) }
}

/// Joins the recorded events with those in the codes store, each once and in order.
pub fn join_timeline(mut events: Vec<Event>, fresh: Vec<Event>) -> Vec<Event> {
    for event in fresh {
        if !events.iter().any(|known| known.id == event.id) {
            events.push(event);
        }
    }
    events.sort_by_key(|event| (event.at, order(&event.kind), event.id));
    events
}
