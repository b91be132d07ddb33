//! The timeline of a verification.

use crate::{
    access::actor::Actor,
    acts::history::HistoryError,
    context::Context,
    history::fold::order,
    id::{RecordKey, VerificationId},
    tenant::system::Part,
    verification::event::{Event, EventKind},
};

/// The events of a verification, oldest first: those in the history, and those that are still only in the
/// codes store.
pub async fn read_timeline(
    context: &Context,
    actor: &Actor,
    id: VerificationId,
) -> Result<Vec<Event>, HistoryError> {
    context.permit(actor.tenant, Part::verifications(actor)).map_err(HistoryError::Database)?;
    let key = RecordKey { tenant: actor.tenant, mode: actor.mode, id };
    // Read the codes store first: an event that is recorded in between is then in both lists, and not in
    // neither.
    let fresh = context.codes.timeline(key).await.map_err(HistoryError::Codes)?;
    let recorded = context.history.timeline(key).await.map_err(HistoryError::Database)?;
    let events = join_timeline(recorded, fresh);
    if events.is_empty() || !reaches(actor, &events) { Err(HistoryError::NotFound) } else { Ok(events) }
}

/// Returns whether the actor reaches the profile of the verification. The first event names it.
fn reaches(actor: &Actor, events: &[Event]) -> bool {
    let profile = events.iter().find_map(|event| match &event.kind {
        EventKind::Started(started) => Some(started.profile),
        _ => None,
    });
    actor.profiles.demand(profile.as_ref()).is_ok()
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
