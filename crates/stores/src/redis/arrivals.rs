//! The partitions in which a message was queued since a worker of this process last claimed from them.

use std::{
    ops::Range,
    sync::atomic::{AtomicU64, Ordering},
};
use tokio::sync::Notify;

/// The partitions in which a message may have become due.
#[derive(Default)]
pub(super) struct Arrivals {
    /// One bit for each of the up to 1,024 partitions.
    bits: [AtomicU64; 16],
    notify: Notify,
}

impl Arrivals {
    /// Records that a message was queued in a partition.
    pub fn note(&self, partition: u16) {
        if let Some(word) = self.bits.get(usize::from(partition / 64)) {
            word.fetch_or(1 << (partition % 64), Ordering::AcqRel);
        }
        self.notify.notify_one();
    }

    /// Returns the recorded partitions of a range, and resets them.
    pub fn take(&self, partitions: Range<u16>) -> Vec<u16> {
        let mut taken = Vec::new();
        for partition in partitions {
            let Some(word) = self.bits.get(usize::from(partition / 64)) else { break };
            let bit = 1 << (partition % 64);
            if word.load(Ordering::Acquire) & bit != 0 && word.fetch_and(!bit, Ordering::AcqRel) & bit != 0 {
                taken.push(partition);
            }
        }
        taken
    }

    /// Waits until a partition is recorded.
    pub async fn wait(&self) {
        self.notify.notified().await;
    }
}
