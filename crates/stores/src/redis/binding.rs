//! The Idempotency-Key of a request, and what an equal request did before.

use super::{
    keys,
    reply::{SlotReply, bytes_or_nil, kind},
    script,
    store::Store,
};
use countersign_core::{
    id::EventId,
    ports::error::StoreError,
    verification::idempotency::{Answer, Once, Replay},
};
use std::time::Duration;
use tokio::time::sleep;

/// How often, and in which distance, a refused request looks for the outcome of an equal request.
const EQUAL_LOOKS: usize = 10;
const EQUAL_PAUSE: Duration = Duration::from_millis(20);

/// To which request an Idempotency-Key was bound when a request came with it.
pub(super) enum Binding {
    /// The request has no Idempotency-Key.
    None,
    /// To none. It is bound to this request now.
    New,
    /// To an equal request.
    Same,
    /// To another request.
    Other,
}

impl Store {
    /// Binds an Idempotency-Key to its request. The id of the event of this call tells it from
    /// equal requests.
    pub async fn bind(&self, once: Option<&Once>, event: EventId) -> Result<Binding, StoreError> {
        let Some(once) = once else { return Ok(Binding::None) };
        let key = keys::slot(self.partitions, &once.slot);
        let args: [&[u8]; 3] = [&once.request, &event.bytes()[8..], b""];
        Ok(match kind(self.run(&script::SLOT, &[&key], &args).await?)? {
            SlotReply::Bound => Binding::New,
            SlotReply::Same => Binding::Same,
            SlotReply::Other => Binding::Other,
        })
    }

    /// Frees the Idempotency-Key of a request that changed nothing, unless an equal request came
    /// after it. If this call fails, the key stays bound: the same request may still be repeated.
    pub async fn unbind(&self, once: Option<&Once>, event: EventId) {
        let Some(once) = once else { return };
        let key = keys::slot(self.partitions, &once.slot);
        let args: [&[u8]; 3] = [&once.request, &event.bytes()[8..], b"1"];
        if let Err(error) = self.run(&script::SLOT, &[&key], &args).await {
            tracing::debug!(error = %error, "An Idempotency-Key was not freed");
        }
    }

    /// What an equal request did. It may be under way, so this looks several times.
    pub async fn find_equal(
        &self,
        partition: u16,
        once: &Once,
        binding: &Binding,
    ) -> Result<Option<Replay>, StoreError> {
        for _ in 0..EQUAL_LOOKS {
            let found = self.replay(partition, once).await?;
            if found.is_some() || matches!(binding, Binding::New) {
                return Ok(found);
            }
            sleep(EQUAL_PAUSE).await;
        }
        Ok(None)
    }

    /// What the request with this Idempotency-Key did, if one was carried out. The partition is that of the
    /// phone number.
    pub async fn replay(&self, partition: u16, once: &Once) -> Result<Option<Replay>, StoreError> {
        let key = keys::outcome(partition, &once.slot);
        let found = bytes_or_nil(self.run(&script::OUTCOME, &[&key], &[]).await?)?;
        found.map(|packed| unpack_outcome(once, &packed)).transpose()
    }
}

/// The answer of an act whose script found the outcome of an equal request.
pub(super) fn replayed<T>(once: Option<&Once>, packed: &[u8]) -> Result<Answer<T>, StoreError> {
    let once = once.ok_or_else(|| StoreError::unavailable("a repeat without an Idempotency-Key"))?;
    unpack_outcome(once, packed).map(Answer::Replay)
}

fn unpack_outcome(once: &Once, packed: &[u8]) -> Result<Replay, StoreError> {
    once.replay(packed).map_err(|error| StoreError::unreadable("outcomes", "of a request", error))
}
