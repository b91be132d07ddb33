//! What happened to one verification.

use crate::{
    acts::history::HistoryError, context::Context, history::fold::order, id::RecordKey,
    verification::event::Event,
};

/// What happened to a verification, oldest first: what is recorded, and what
/// the codes store still holds.
pub async fn read_timeline(context: &Context, key: RecordKey) -> Result<Vec<Event>, HistoryError> {
    // The codes first: what is recorded meanwhile is then in both, not in neither.
    let fresh = context.codes.timeline(key).await.map_err(HistoryError::Codes)?;
    let recorded = context.history.timeline(key).await.map_err(HistoryError::Database)?;
    let events = join_timeline(recorded, fresh);
    if events.is_empty() { Err(HistoryError::NotFound) } else { Ok(events) }
}

/// What is recorded, and what the codes store still holds, each once and in order.
pub fn join_timeline(mut events: Vec<Event>, fresh: Vec<Event>) -> Vec<Event> {
    for event in fresh {
        if !events.iter().any(|known| known.id == event.id) {
            events.push(event);
        }
    }
    events.sort_by_key(|event| (event.at, order(&event.kind), event.id));
    events
}
