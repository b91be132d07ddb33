//! Management of senders: create, list, change, delete.

use crate::{
    access::{actor::Actor, change::Change},
    acts::shares,
    context::Replica,
    delivery::sender::Sender,
    id::SenderId,
    management::resources::{Made, ResourceError, create, delete, list, made_before, read, update},
    message::sender_text::SenderText,
    phone::Country,
    tenant::resource::{Resource, ResourceKind},
    verification::idempotency::Once,
};
use rand::CryptoRng;
use std::collections::BTreeSet;

fn sender_of(resource: &Resource) -> Result<Sender, ResourceError> {
    Sender::read(resource).ok_or(ResourceError::Unreadable)
}

/// The senders of the tenant in the actor's share, oldest first.
pub async fn list_senders(replica: &Replica, actor: &Actor) -> Result<Vec<Sender>, ResourceError> {
    let shared = shares::senders(replica, actor)?;
    let found = list(replica, actor.tenant, ResourceKind::Sender).await?;
    let mut senders = found.iter().map(sender_of).collect::<Result<Vec<_>, _>>()?;
    senders.retain(|sender| shared.admits(&sender.id));
    Ok(senders)
}

/// Refuses a change of a sender outside of the actor's share, as if there were none. A sender serves each
/// profile, so an actor with a list of profiles changes none.
fn judge(replica: &Replica, actor: &Actor, id: SenderId) -> Result<(), ResourceError> {
    actor.profiles.demand(None)?;
    let shared = shares::senders(replica, actor)?.admits(&id);
    if shared { Ok(()) } else { Err(ResourceError::NotFound(ResourceKind::Sender)) }
}

/// Creates a sender for some countries, or for all countries that no other sender names.
pub async fn create_sender(
    replica: &Replica,
    actor: &Actor,
    (text, countries): (SenderText, BTreeSet<Country>),
    once: Option<&Once>,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<Made<Sender>, ResourceError> {
    let tenant = actor.live_tenant()?;
    // An actor with a list of senders could not use the new one.
    actor.profiles.demand(None)?;
    shares::senders(replica, actor)?.demand(None)?;
    let place = (tenant, ResourceKind::Sender, text.as_str());
    if let Some(first) = made_before(replica, place, once, by.at).await? {
        return Ok(Made { value: sender_of(&first)?, before: true });
    }
    let sender = Sender { id: SenderId::new(by.at, rng), text, countries, created_at: by.at };
    match create(replica, &sender.resource(tenant, by.at), &[], once, by).await? {
        Some(first) => Ok(Made { value: sender_of(&first)?, before: true }),
        None => Ok(Made::now(sender)),
    }
}

/// Gives a sender other countries. It keeps its place among the senders of the tenant.
pub async fn update_sender(
    replica: &Replica,
    actor: &Actor,
    id: SenderId,
    countries: BTreeSet<Country>,
    by: &Change,
) -> Result<Sender, ResourceError> {
    let tenant = actor.live_tenant()?;
    judge(replica, actor, id)?;
    let old = read(replica, tenant, ResourceKind::Sender, *id.bytes()).await?;
    let sender = Sender { countries, ..sender_of(&old)? };
    let resource = Resource { version: old.version + 1, ..sender.resource(tenant, by.at) };
    update(replica, &resource, &[], by).await?;
    Ok(sender)
}

pub async fn delete_sender(
    replica: &Replica,
    actor: &Actor,
    id: SenderId,
    by: &Change,
) -> Result<(), ResourceError> {
    let tenant = actor.live_tenant()?;
    judge(replica, actor, id)?;
    delete(replica, tenant, (ResourceKind::Sender, *id.bytes()), &[], by).await
}
