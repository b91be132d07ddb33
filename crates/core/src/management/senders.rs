//! Senders: make, list, delete.

use crate::{
    access::actor::Actor,
    context::Replica,
    delivery::sender::Sender,
    id::SenderId,
    management::resources::{Made, ResourceError, create, delete, list, made_before},
    message::sender_text::SenderText,
    phone::Country,
    tenant::resource::{Resource, ResourceKind},
    time::Timestamp,
    verification::idempotency::Once,
};
use rand::CryptoRng;
use std::collections::BTreeSet;

fn sender_of(resource: &Resource) -> Result<Sender, ResourceError> {
    Sender::read(resource).ok_or(ResourceError::Unreadable)
}

/// The senders of the tenant, oldest first.
pub async fn list_senders(replica: &Replica, actor: &Actor) -> Result<Vec<Sender>, ResourceError> {
    list(replica, actor.tenant, ResourceKind::Sender).await?.iter().map(sender_of).collect()
}

/// Makes a sender for some countries, or for all that no other names.
pub async fn create_sender(
    replica: &Replica,
    actor: &Actor,
    (text, countries): (SenderText, BTreeSet<Country>),
    once: Option<&Once>,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Made<Sender>, ResourceError> {
    let tenant = actor.live_tenant()?;
    let place = (tenant, ResourceKind::Sender, text.as_str());
    if let Some(first) = made_before(replica, place, once, now).await? {
        return Ok(Made { value: sender_of(&first)?, before: true });
    }
    let sender = Sender { id: SenderId::new(now, rng), text, countries, created_at: now };
    match create(replica, &sender.resource(tenant, now), &[], once).await? {
        Some(first) => Ok(Made { value: sender_of(&first)?, before: true }),
        None => Ok(Made::now(sender)),
    }
}

/// Deletes a sender.
pub async fn delete_sender(
    replica: &Replica,
    actor: &Actor,
    id: SenderId,
    now: Timestamp,
) -> Result<(), ResourceError> {
    delete(replica, actor.live_tenant()?, (ResourceKind::Sender, *id.bytes()), &[], now).await
}
