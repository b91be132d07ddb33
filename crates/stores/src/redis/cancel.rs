//! A cancel: one run of cancel.lua.

use super::{
    keys,
    reply::{CancelReply, Reply},
    script,
    store::{Store, unpack},
};
use countersign_core::{
    id::RecordKey,
    ports::{codes::acts::Seen, error::StoreError},
    verification::{event::ActEvent, outcome::CancelOutcome},
};

pub(super) async fn cancel(
    store: &Store,
    key: RecordKey,
    event: ActEvent,
) -> Result<Option<Seen<CancelOutcome>>, StoreError> {
    let names = [keys::verification(key), keys::events(key.id.partition())];
    let value = store.run(&script::CANCEL, &[&names[0], &names[1]], &[&event.pack()]).await?;
    let reply = Reply::new(value)?;
    let kind = reply.kind()?;
    if kind == CancelReply::Missing {
        return Ok(None);
    }
    let (now, record) = (reply.time(1)?, unpack(key, reply.bytes(2)?)?);
    let outcome = match kind {
        CancelReply::Canceled => CancelOutcome::Canceled,
        _ => CancelOutcome::Ended(record.status(now)),
    };
    Ok(Some(Seen { outcome, record, now }))
}
