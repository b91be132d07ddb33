//! A cancel: one run of cancel.lua.

use super::{
    keys,
    reply::Reply,
    script,
    store::{Store, unpack},
};
use countersign_core::{
    id::{EventId, RecordKey},
    ports::{codes::acts::Seen, error::StoreError},
    verification::outcome::CancelOutcome,
};

pub(super) async fn cancel(
    store: &Store,
    key: RecordKey,
    event: EventId,
) -> Result<Option<Seen<CancelOutcome>>, StoreError> {
    let names = [keys::verification(key), keys::events(key.id.partition())];
    let value = store.run(&script::CANCEL, &[&names[0], &names[1]], &[event.bytes()]).await?;
    let reply = Reply::new(value)?;
    if reply.number(0)? == 0 {
        return Ok(None);
    }
    let (now, record) = (reply.time(1)?, unpack(key, reply.bytes(2)?)?);
    let outcome = match reply.number(0)? {
        1 => CancelOutcome::Canceled,
        _ => CancelOutcome::Ended(record.status(now)),
    };
    Ok(Some(Seen { outcome, record, now }))
}
