//! A `submit_sm` on its way from a sender to the wire.

use super::parts::Part;
use crate::provider::SendError;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tokio::{sync::oneshot, time::Instant};
use zeroize::Zeroizing;

/// The id that the SMSC gave, or why it took nothing.
pub(super) type Answer = Result<Option<String>, SendError>;

/// A `submit_sm` that is to be written.
pub(super) struct Job {
    pub(super) body: Zeroizing<Vec<u8>>,
    pub(super) part: Option<Part>,
    /// Set by whoever decides: the session before it writes, or the sender that gives up.
    pub(super) claimed: Arc<AtomicBool>,
    pub(super) reply: oneshot::Sender<Answer>,
}

impl Job {
    /// False where nobody waits for it any more.
    pub(super) fn claim(&self) -> bool {
        !self.reply.is_closed() && !self.claimed.swap(true, Ordering::AcqRel)
    }

    /// It was not written.
    pub(super) fn refuse(self, error: SendError) {
        // Nobody waits for it any more: then nothing was promised.
        let _ = self.reply.send(Err(error));
    }
}

/// A `submit_sm` that was written, wholly or in part.
pub(super) struct InFlight {
    pub(super) part: Option<Part>,
    pub(super) reply: oneshot::Sender<Answer>,
    pub(super) until: Instant,
}
