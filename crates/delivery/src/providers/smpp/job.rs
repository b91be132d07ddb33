//! A `submit_sm` on its way from a sending task to the connection.

use super::parts::Part;
use crate::provider::SendError;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tokio::{sync::oneshot, time::Instant};
use zeroize::Zeroizing;

/// The id from the SMSC, or why it accepted nothing.
pub(super) type Answer = Result<Option<String>, SendError>;

/// A `submit_sm` that waits to be written.
pub(super) struct Job {
    pub(super) body: Zeroizing<Vec<u8>>,
    pub(super) part: Option<Part>,
    /// Set once, by the side that decides: the session before it writes, or the sending task when it gives
    /// up.
    pub(super) claimed: Arc<AtomicBool>,
    pub(super) reply: oneshot::Sender<Answer>,
}

impl Job {
    /// Decides to write. Returns false if the sending task has given up.
    pub(super) fn claim(&self) -> bool {
        !self.reply.is_closed() && !self.claimed.swap(true, Ordering::AcqRel)
    }

    /// Answers the sending task that the `submit_sm` was not written.
    pub(super) fn refuse(self, error: SendError) {
        // If the sending task has given up, nobody needs the answer.
        let _ = self.reply.send(Err(error));
    }
}

/// A `submit_sm` of which at least a part was written.
pub(super) struct InFlight {
    pub(super) part: Option<Part>,
    pub(super) reply: oneshot::Sender<Answer>,
    pub(super) until: Instant,
}
