//! The members' pools of message parts. Each pool is in a slot of its own, as each outer limit is.

use super::{
    keys,
    reply::{Reply, TakeReply, bytes_or_nil},
    script,
    store::{Store, text},
};
use countersign_core::{
    people::pool::{Month, PoolCount, PoolTake},
    ports::error::StoreError,
    tenant::limits::{LimitHit, LimitState},
};

/// The last argument of the script.
const TAKE: &[u8] = b"";
const LOOK: &[u8] = b"look";
const GIVE: &[u8] = b"give";

/// The answer of a pool to one message.
pub(super) struct Asked<'a> {
    take: &'a PoolTake,
    admitted: bool,
    /// The count after the take, or the one that refused.
    count: PoolCount,
}

impl<'a> Asked<'a> {
    /// Takes the parts of the message, or only looks whether they fit.
    pub async fn ask(store: &Store, take: &'a PoolTake, look: bool) -> Result<Self, StoreError> {
        let (kind, count) = run(store, take, take.month(), if look { LOOK } else { TAKE }).await?;
        Ok(Self { take, admitted: kind == TakeReply::Admitted, count })
    }

    /// Gives back what a refused message took. A server that does not answer keeps it as taken.
    pub async fn give_back(&self, store: &Store) {
        if !self.admitted {
            return;
        }
        if let Err(error) = run(store, self.take, self.count.month, GIVE).await {
            tracing::debug!(error = %error, "What a refused act took from a pool was not given back");
        }
    }

    pub fn refusal(&self) -> Option<LimitHit> {
        (!self.admitted).then(|| self.take.refusal(self.count))
    }

    pub fn state(&self) -> LimitState {
        self.take.state(self.count)
    }

    /// Whether this message was refused, or was the last that fits.
    pub fn may_refuse_next(&self) -> bool {
        !self.admitted || self.count.used >= self.take.pool
    }
}

async fn run(
    store: &Store,
    take: &PoolTake,
    month: Month,
    way: &[u8],
) -> Result<(TakeReply, PoolCount), StoreError> {
    let key = keys::pool(store.partitions, &take.key);
    let args = [text(month.number()), text(take.parts), text(take.pool)];
    let [month, parts, pool] = &args;
    let reply = Reply::new(store.run(&script::POOL, &[&key], &[month, parts, pool, way]).await?)?;
    let count = PoolCount { month: Month::from_number(reply.small(1)?), used: reply.small(2)? };
    Ok((reply.kind()?, count))
}

/// Reads the count of a pool.
pub(super) async fn count(store: &Store, key: &[u8; 16]) -> Result<Option<PoolCount>, StoreError> {
    let mut command = redis::cmd("GET");
    command.arg(keys::pool(store.partitions, key));
    let found = store.link.send(&command).await.map_err(StoreError::unavailable)?;
    let Some(found) = bytes_or_nil(found)? else { return Ok(None) };
    let count = std::str::from_utf8(&found).ok().and_then(|text| {
        let (month, used) = text.split_once(' ')?;
        Some(PoolCount { month: Month::from_number(month.parse().ok()?), used: used.parse().ok()? })
    });
    let unreadable = || StoreError::unavailable("the count of a pool is not one that this release reads");
    count.ok_or_else(unreadable).map(Some)
}
