//! The codes store, divided into traits. Each method is atomic: one transaction or one script.

pub mod acts;
pub mod events;
pub mod outbox;
pub mod peers;
pub mod refusal;
pub mod verifications;

use crate::ports::{
    codes::{events::EventLog, outbox::Outbox, peers::Peers, verifications::Verifications},
    error::StoreError,
};
use async_trait::async_trait;

/// A whole codes store: live verifications, the limits of phone numbers, the outbox and the newest events.
/// Code that uses only a part takes that trait alone.
#[async_trait]
pub trait Codes: Verifications + Outbox + EventLog + Peers {
    /// Answers if the store can carry operations out.
    async fn ping(&self) -> Result<(), StoreError>;
}
