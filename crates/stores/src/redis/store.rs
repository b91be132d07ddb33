//! The parts that all operations share: the connections to the servers, and the forms of arguments.

use super::{
    keys,
    link::{Call, Link},
    reply::{ReadReply, Reply, bytes_or_nil},
    script::{self, Script},
};
use countersign_core::{
    id::RecordKey,
    ports::{clock::Clock, codes::acts::Seen, error::StoreError},
    verification::record::Record,
};
use futures_util::future::select_ok;
use redis::Value;
use std::{sync::Arc, time::Duration};

/// The servers, and the settings of the installation.
pub(super) struct Store {
    pub link: Link,
    pub partitions: u16,
    clock: Option<Arc<dyn Clock>>,
}

impl Store {
    pub fn new(link: Link, partitions: u16, clock: Option<Arc<dyn Clock>>) -> Self {
        Self { link, partitions, clock }
    }

    /// Claims the store for the installation with this identity, if no node has done so. A node with another
    /// key ring or another number of partitions is refused, because it could read nothing here.
    pub async fn claim_installation(&self, identity: &[u8]) -> Result<(), StoreError> {
        let mine = [&self.partitions.to_be_bytes(), identity].concat();
        let mut command = redis::cmd("SET");
        command.arg(keys::installation()).arg(&mine).arg("NX").arg("GET");
        let found = self.link.send(&command).await.map_err(StoreError::unavailable)?;
        self.judge_installation(bytes_or_nil(found)?, Some(identity)).map(drop)
    }

    /// Whether an installation has claimed the store. It claims nothing.
    pub async fn find_installation(&self, identity: Option<&[u8]>) -> Result<bool, StoreError> {
        let mut command = redis::cmd("GET");
        command.arg(keys::installation());
        let found = self.link.send(&command).await.map_err(StoreError::unavailable)?;
        self.judge_installation(bytes_or_nil(found)?, identity)
    }

    fn judge_installation(
        &self,
        found: Option<Vec<u8>>,
        identity: Option<&[u8]>,
    ) -> Result<bool, StoreError> {
        let Some(found) = found else { return Ok(false) };
        let Some((partitions, theirs)) = found.split_first_chunk() else {
            return Err(StoreError::unavailable("the codes store belongs to another program"));
        };
        let (partitions, ours) = (u16::from_be_bytes(*partitions), self.partitions);
        if identity.is_some_and(|identity| identity != theirs) {
            return Err(StoreError::unavailable(
                "the codes store belongs to an installation with another key ring: give this node a copy of that one, \
                 or another store",
            ));
        }
        if partitions != ours {
            let text = format!(
                "the codes store belongs to an installation with {partitions} partitions, not {ours}"
            );
            return Err(StoreError::unavailable(text));
        }
        Ok(true)
    }

    /// Runs a script. The time comes before its other arguments.
    pub async fn run(&self, script: &Script, keys: &[&[u8]], args: &[&[u8]]) -> Result<Value, StoreError> {
        self.link.run(&Call { script, now: &self.now(), keys, args }).await
    }

    /// The record of a verification that has not expired.
    pub async fn read(&self, key: RecordKey) -> Result<Option<Seen<()>>, StoreError> {
        let reply = Reply::new(self.run(&script::READ, &[&keys::verification(key)], &[]).await?)?;
        if reply.kind::<ReadReply>()? == ReadReply::Missing {
            return Ok(None);
        }
        Ok(Some(Seen { outcome: (), record: unpack(key, reply.bytes(2)?)?, now: reply.time(1)? }))
    }

    /// Checks that a master accepts writes. Two masters are asked, because if one is down, the phone numbers
    /// of the others can still be served.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let probe = async |partition| {
            let mut command = redis::cmd("SET");
            command.arg(keys::probe(partition)).arg("").arg("PX").arg(60_000);
            self.link.send(&command).await
        };
        // Ask both at once, so that a hanging server does not use up the other's time.
        let first = select_ok([Box::pin(probe(0)), Box::pin(probe(1))]).await;
        first.map(drop).map_err(StoreError::unavailable)
    }

    /// The time as an argument of scripts. It is empty where they use the server's own clock.
    pub fn now(&self) -> Vec<u8> {
        self.clock.as_ref().map_or_else(Vec::new, |clock| text(clock.now().millis()))
    }
}

/// A number as an argument.
pub(super) fn text(number: impl ToString) -> Vec<u8> {
    number.to_string().into_bytes()
}

/// A duration as an argument, in milliseconds.
pub(super) fn millis(duration: Duration) -> Vec<u8> {
    text(duration.as_millis())
}

/// Reads a packed record from a script's reply.
pub(super) fn unpack(key: RecordKey, packed: &[u8]) -> Result<Record, StoreError> {
    Record::unpack(packed).map_err(|error| StoreError::unreadable("verifications", key.id, error))
}
