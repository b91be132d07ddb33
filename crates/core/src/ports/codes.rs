//! The codes store, in its parts. Each method is one atomic act: one transaction or one script.

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

/// A whole codes store: live verifications, the limits of numbers, the outbox and the newest
/// events. What needs only a part of it asks for that trait alone.
#[async_trait]
pub trait Codes: Verifications + Outbox + EventLog + Peers {
    /// Answers if acts are carried out.
    async fn ping(&self) -> Result<(), StoreError>;
}
