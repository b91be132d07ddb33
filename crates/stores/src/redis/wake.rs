//! Wakes workers on other nodes when a message is queued here, and is woken by other nodes.

use super::{
    arrivals::Arrivals,
    keys,
    link::cluster_client,
    node::Node,
    store::Store,
    tags::partition_of,
    url::{RedisUrl, Setup},
};
use countersign_core::ports::{error::StoreError, nodes::Share};
use futures_util::StreamExt as _;
use std::{
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{task::AbortHandle, time::sleep};

/// The pause before listening to the channels again. The workers' polls find messages that are missed
/// meanwhile.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Wake {
    store: Arc<Store>,
    arrivals: Arc<Arrivals>,
    /// The partitions whose messages this process's worker sends.
    share: Share,
    listener: Mutex<Option<AbortHandle>>,
}

impl Wake {
    pub fn new(store: Arc<Store>, arrivals: Arc<Arrivals>) -> Self {
        Self { store, arrivals, share: Share::default(), listener: Mutex::default() }
    }

    /// The command by which a script wakes another node's worker; empty if the worker is in this process.
    pub fn command_for(&self, partition: u16) -> &'static [u8] {
        match self.store.link.way().url.setup {
            _ if self.share.get().contains(&partition) => b"",
            Setup::Cluster => b"SPUBLISH",
            // With one server, the plain command reaches every listener.
            _ => b"PUBLISH",
        }
    }

    /// From now on, a worker of this process sends the messages of these partitions.
    pub fn follow(&self, share: Range<u16>) {
        if self.share.get() == share {
            return;
        }
        self.share.set(share.clone());
        let mut listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(former) = listener.take() {
            former.abort();
        }
        if !share.is_empty() {
            let task = tokio::spawn(listen(Arc::clone(&self.store), share, Arc::clone(&self.arrivals)));
            *listener = Some(task.abort_handle());
        }
    }
}

impl Drop for Wake {
    fn drop(&mut self) {
        self.follow(0..0);
    }
}

async fn listen(store: Arc<Store>, share: Range<u16>, arrivals: Arc<Arrivals>) {
    loop {
        let url = store.link.way().url.clone();
        if let Err(error) = listen_once(&url, share.clone(), &arrivals).await {
            tracing::debug!(%error, "Workers are woken by their polls alone for a moment");
        }
        sleep(PAUSE).await;
    }
}

async fn listen_once(url: &RedisUrl, share: Range<u16>, arrivals: &Arrivals) -> Result<(), StoreError> {
    let channels: Vec<Vec<u8>> = share.map(keys::wake).collect();
    if url.setup == Setup::Cluster {
        let (sender, mut wakes) = tokio::sync::mpsc::unbounded_channel();
        let client = cluster_client(url, Some(sender)).map_err(StoreError::unavailable)?;
        let mut connection = client.get_async_connection().await.map_err(StoreError::unavailable)?;
        for channel in &channels {
            connection.ssubscribe(channel).await.map_err(StoreError::unavailable)?;
        }
        while let Some(push) = wakes.recv().await {
            if push.kind == redis::PushKind::SMessage
                && let Some(redis::Value::BulkString(channel)) = push.data.first()
            {
                note(channel, arrivals);
            }
        }
        return Ok(());
    }
    // A connection of its own, because it can do nothing else while it listens.
    let client = async { Node::new(url)?.client().await }.await.map_err(StoreError::unavailable)?;
    let mut listening = client.get_async_pubsub().await.map_err(StoreError::unavailable)?;
    listening.subscribe(&channels).await.map_err(StoreError::unavailable)?;
    let mut messages = listening.into_on_message();
    while let Some(message) = messages.next().await {
        note(message.get_channel_name().as_bytes(), arrivals);
    }
    Ok(())
}

fn note(channel: &[u8], arrivals: &Arrivals) {
    let tag = std::str::from_utf8(channel).ok().and_then(|channel| channel.strip_suffix('w'));
    if let Some(partition) = tag.and_then(partition_of) {
        arrivals.note(partition);
    }
}
