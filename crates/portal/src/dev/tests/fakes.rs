//! Stores with just the data that the page reads.

use async_trait::async_trait;
use countersign_core::{
    id::RecordKey,
    ports::{
        codes::Codes,
        directory::Directory,
        error::StoreError,
        history::History,
        inbox::{Inbox, InboxMessage},
    },
    verification::event::Event,
};
use std::sync::Mutex;
use tokio::sync::Notify;

/// An inbox in memory.
#[derive(Default)]
pub struct MemoryInbox {
    messages: Mutex<Vec<InboxMessage>>,
    arrived: Notify,
}

#[async_trait]
impl Inbox for MemoryInbox {
    async fn put(&self, message: &InboxMessage) -> Result<(), StoreError> {
        self.messages.lock().unwrap().insert(0, message.clone());
        self.arrived.notify_waiters();
        Ok(())
    }

    async fn list(&self, to: Option<&str>, limit: u16) -> Result<Vec<InboxMessage>, StoreError> {
        let messages = self.messages.lock().unwrap();
        let chosen = messages.iter().filter(|message| to.is_none_or(|to| message.to == to));
        Ok(chosen.take(limit.into()).cloned().collect())
    }

    async fn arrived(&self) {
        self.arrived.notified().await;
    }
}

/// A codes store that has one timeline and nothing else.
#[derive(Default)]
pub struct OneTimeline(pub Mutex<Option<(RecordKey, Vec<Event>)>>);

#[async_trait]
impl Codes for OneTimeline {
    async fn timeline(&self, key: RecordKey) -> Result<Vec<Event>, StoreError> {
        let known = self.0.lock().unwrap().clone();
        Ok(known.filter(|(known, _)| *known == key).map(|(_, events)| events).unwrap_or_default())
    }
}

/// A directory that the page never asks.
pub struct NoDirectory;

impl Directory for NoDirectory {}

/// An empty history.
pub struct NoHistory;

#[async_trait]
impl History for NoHistory {
    async fn timeline(&self, _: RecordKey) -> Result<Vec<Event>, StoreError> {
        Ok(Vec::new())
    }
}
