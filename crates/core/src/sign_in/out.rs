//! Signing out of one session.

use crate::{
    ports::error::StoreError,
    sign_in::{Entrance, Visitor, visit::Visit},
    time::Timestamp,
};

/// Ends the session of a visit.
pub async fn sign_out(
    entrance: &Entrance,
    visitor: &Visitor,
    visit: &Visit,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (person, id) = (visit.session.person, visit.session.id);
    entrance.people.end_session(person, id, None, &visitor.change(now)).await.map(drop)
}
