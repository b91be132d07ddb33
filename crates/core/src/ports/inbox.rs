//! The parts that only `dev` has: the virtual phone's messages, and the switch of its provider.

use crate::{
    id::{MessageId, VerificationId},
    ports::error::StoreError,
    time::Timestamp,
};
use async_trait::async_trait;
use std::sync::atomic::{AtomicU8, Ordering};

/// A message on the virtual phone of `dev`, as its page and `/dev/messages` show it.
#[derive(Clone, PartialEq, Eq)]
pub struct InboxMessage {
    pub id: MessageId,
    pub verification: VerificationId,
    /// The whole phone number.
    pub to: String,
    pub from: String,
    pub text: String,
    pub code: String,
    /// When it arrived.
    pub at: Timestamp,
}

impl std::fmt::Debug for InboxMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "InboxMessage({})", self.id)
    }
}

/// The messages of the virtual phone: the newest 10,000, sealed in the data folder.
#[async_trait]
pub trait Inbox: Send + Sync {
    /// Stores a message. When this returns, the message is safe from a crash. A message that exists already
    /// is stored once.
    async fn put(&self, message: &InboxMessage) -> Result<(), StoreError>;

    /// The newest messages first; only those of one phone number (E.164) if given.
    async fn list(&self, to: Option<&str>, limit: u16) -> Result<Vec<InboxMessage>, StoreError>;

    /// Resolves when a message is stored after the call began.
    async fn arrived(&self);
}

/// The behaviour of the provider `console` of `dev`. The page of `dev` sets it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConsoleMode {
    /// Accepts messages and reports delivery at once.
    #[default]
    Working,
    /// Refuses the connection.
    Down,
    /// Accepts messages after 5 s.
    Slow,
    /// Accepts messages, and then reports that the phone did not get them.
    Undelivering,
}

impl ConsoleMode {
    /// Every mode, in the order of the page.
    pub const ALL: [Self; 4] = [Self::Working, Self::Down, Self::Slow, Self::Undelivering];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Down => "down",
            Self::Slow => "slow",
            Self::Undelivering => "undelivering",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text)
    }
}

/// The switch between the page of `dev` and the provider `console`.
#[derive(Debug, Default)]
pub struct ConsoleSwitch(AtomicU8);

impl ConsoleSwitch {
    pub fn get(&self) -> ConsoleMode {
        let index = usize::from(self.0.load(Ordering::Relaxed));
        ConsoleMode::ALL.get(index).copied().unwrap_or_default()
    }

    pub fn set(&self, mode: ConsoleMode) {
        self.0.store(mode as u8, Ordering::Relaxed);
    }
}
