//! A claim in one partition: one run of claim.lua.

use super::{
    keys,
    member::{self, Member},
    reply::Reply,
    script,
    store::{Store, millis, text, unpack},
};
use countersign_core::{
    delivery::places::{Places, Room},
    id::{MessageId, TenantId},
    ports::{codes::outbox::Claim, error::StoreError},
};
use std::time::Duration;

/// The maximum number of messages that one script returns, so that it does not delay other operations.
const MOST_CLAIMS: usize = 100;

/// The result of a claim in one partition.
pub(super) struct Found {
    /// Whether more may be due there.
    pub more: bool,
    pub claims: Vec<Claim>,
    /// The tenants whose messages were left because they have no free slot.
    pub left: Vec<TenantId>,
}

/// Claims from one partition, beginning after the tenant whose message was taken last.
pub(super) async fn claim(
    store: &Store,
    partition: u16,
    lease: Duration,
    places: &Places,
    after: Option<TenantId>,
) -> Result<Found, StoreError> {
    let names = [keys::due(partition), keys::events(partition), keys::line(partition), keys::none(partition)];
    let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
    let [lease, most] = [millis(lease), text(places.most.min(MOST_CLAIMS))];
    let (slow, rooms) = (text(places.slow()), pack_rooms(places));
    let after: &[u8] = after.as_ref().map_or(&[], |tenant| tenant.bytes());
    let args: [&[u8]; 5] = [&lease, &most, &slow, &rooms, after];
    let mut reply = Reply::new(store.run(&script::CLAIM, &names, &args).await?)?;
    let more = reply.number(0)? == 1;
    let (unreadable, tenants) = (reply.part(2)?, reply.part(3)?);
    for place in 0..unreadable.len() {
        let message = <[u8; 16]>::try_from(unreadable.bytes(place)?).map(MessageId::from_bytes);
        tracing::error!(message.id = ?message.ok(), "A message waits: its record cannot be read");
    }
    let tenant = |place| Ok(tenants.bytes(place)?.first_chunk().copied().map(TenantId::from_bytes));
    let left: Vec<_> = (0..tenants.len()).map(tenant).collect::<Result<_, StoreError>>()?;
    let left = left.into_iter().flatten().collect();
    let found = reply.part(1)?;
    let mut claims = Vec::with_capacity(found.len() / 2);
    for place in (0..found.len()).step_by(2) {
        let Member { phase, attempt, key, message } = member::unpack(found.bytes(place)?)?;
        let Some(phase) = phase else {
            tracing::error!(message.id = %message, "A message waits for what this release does not know");
            continue;
        };
        let record = match unpack(key, found.bytes(place + 1)?) {
            Ok(record) => record,
            // One unreadable record must not delay the messages of others.
            Err(error) => {
                tracing::error!(message.id = %message, error = %error, "A message waits: its record cannot be read");
                continue;
            }
        };
        claims.push(Claim { key, message, attempt: attempt.into(), phase, record });
    }
    Ok(Found { more, claims, left })
}

/// Packs `[tenant, 16][places, 2][1 if slow]` for each room.
pub(super) fn pack_rooms(places: &Places) -> Vec<u8> {
    let pack = |room: &Room| {
        let most = u16::try_from(room.most).unwrap_or(u16::MAX).to_be_bytes();
        [room.tenant.bytes().as_slice(), &most, &[room.slow.into()]].concat()
    };
    places.rooms().iter().flat_map(pack).collect()
}
