//! Senders: make, list, delete.

use super::{ResourceError, create, delete, list};
use crate::{
    Caller, Context,
    id::SenderId,
    idempotency::Once,
    phone::Country,
    resource::ResourceKind,
    sender::{Sender, SenderText},
    time::Timestamp,
};
use rand::CryptoRng;
use std::collections::BTreeSet;

/// The senders of the tenant, oldest first.
pub async fn list_senders(context: &Context, caller: &Caller) -> Result<Vec<Sender>, ResourceError> {
    let found = list(context, caller.tenant, ResourceKind::Sender).await?;
    found.iter().map(|resource| Sender::read(resource).ok_or(ResourceError::Unreadable)).collect()
}

/// Makes a sender for some countries, or for all that no other names.
pub async fn create_sender(
    context: &Context,
    caller: &Caller,
    (text, countries): (SenderText, BTreeSet<Country>),
    once: Option<&Once>,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Sender, ResourceError> {
    caller.refuse_test()?;
    let sender = Sender { id: SenderId::new(now, rng), text, countries, created_at: now };
    create(context, &sender.resource(caller.tenant, now), once).await?;
    Ok(sender)
}

/// Deletes a sender.
pub async fn delete_sender(
    context: &Context,
    caller: &Caller,
    id: SenderId,
    now: Timestamp,
) -> Result<(), ResourceError> {
    delete(context, caller, ResourceKind::Sender, *id.bytes(), now).await
}
