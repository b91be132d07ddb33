//! What only `dev` has: the virtual phone's memory and the switch of its provider.

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
    /// The message.
    pub id: MessageId,
    /// Its verification.
    pub verification: VerificationId,
    /// The whole number; `dev` only.
    pub to: String,
    /// The sender's name.
    pub from: String,
    /// The whole text.
    pub text: String,
    /// The code in it.
    pub code: String,
    /// When it arrived.
    pub at: Timestamp,
}

impl std::fmt::Debug for InboxMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "InboxMessage({})", self.id)
    }
}

/// The virtual phone's memory: the newest 10,000 messages, sealed in the data folder.
#[async_trait]
pub trait Inbox: Send + Sync {
    /// Keeps a message; once it answers, the message outlives a crash. A
    /// message that is there already is kept once.
    async fn put(&self, message: &InboxMessage) -> Result<(), StoreError>;

    /// Messages, newest first; of one number if given (E.164).
    async fn list(&self, to: Option<&str>, limit: u16) -> Result<Vec<InboxMessage>, StoreError>;

    /// Resolves when a message was put after the call began.
    async fn arrived(&self);
}

/// How the provider `console` of `dev` behaves; the page of `dev` turns it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConsoleMode {
    /// Accepts and reports delivery at once.
    #[default]
    Working,
    /// Refuses the connection.
    Down,
    /// Accepts after 5 s.
    Slow,
    /// Accepts, then reports that the phone did not get it.
    Undelivering,
}

impl ConsoleMode {
    /// Every mode, in the order of the page.
    pub const ALL: [Self; 4] = [Self::Working, Self::Down, Self::Slow, Self::Undelivering];

    /// The text form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Down => "down",
            Self::Slow => "slow",
            Self::Undelivering => "undelivering",
        }
    }

    /// The mode with this text form.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text)
    }
}

/// The switch between the page of `dev` and the provider `console`.
#[derive(Debug, Default)]
pub struct ConsoleSwitch(AtomicU8);

impl ConsoleSwitch {
    /// The mode that is set.
    pub fn get(&self) -> ConsoleMode {
        let index = usize::from(self.0.load(Ordering::Relaxed));
        ConsoleMode::ALL.get(index).copied().unwrap_or_default()
    }

    /// Sets the mode.
    pub fn set(&self, mode: ConsoleMode) {
        self.0.store(mode as u8, Ordering::Relaxed);
    }
}
