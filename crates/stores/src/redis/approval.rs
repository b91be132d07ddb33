//! Approvals that a number of replicas must have before the server answers them.
//!
//! WAIT waits for the writes of its own connection, and blocks that connection. So the script and its WAIT
//! use a connection that nothing else uses meanwhile.

use super::{
    check::is_approval,
    link::{CALL_TIMEOUT, Call, Connections, is_not_now, is_unknown_script, store_error},
    node::{client, connect},
    script::Script,
    store::Store,
    tags::{slot, tag},
    url::RedisUrl,
};
use crate::home::Home;
use countersign_core::ports::error::StoreError;
use redis::{
    ConnectionAddr, ConnectionInfo, ErrorKind, RedisError, RedisResult, ServerErrorKind, Value,
    aio::MultiplexedConnection,
};
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::Semaphore,
    time::{sleep, timeout},
};

/// How long an approval waits for its replicas.
const WAIT: Duration = Duration::from_millis(100);
/// The maximum number of connections kept for later checks.
const MOST_IDLE: usize = 64;
/// The pause before a repeat, while a master moves.
const PAUSE: Duration = Duration::from_millis(50);

pub(super) struct Approvals {
    home: Home,
    replicas: u32,
    /// Limits the checks in progress; others wait within their own time.
    places: Semaphore,
    /// The masters, each with its last slot. They are forgotten when one does not answer.
    masters: Mutex<Vec<(u16, ConnectionInfo)>>,
    idle: Mutex<Vec<(ConnectionAddr, MultiplexedConnection)>>,
}

/// The last slot of a cluster. A single server has all slots.
const LAST_SLOT: u16 = 16_383;

impl Approvals {
    pub fn new(replicas: u32) -> Self {
        let places = Semaphore::new(MOST_IDLE);
        let (masters, idle) = (Mutex::default(), Mutex::default());
        Self { home: Home::here(), replicas, places, masters, idle }
    }

    /// Runs a check. An approval is returned only when enough replicas have it. Otherwise the result is an
    /// error, and the caller does not know the outcome.
    pub async fn run(
        &self,
        store: &Store,
        script: &Script,
        partition: u16,
        keys: &[&[u8]],
        args: &[&[u8]],
    ) -> Result<Value, StoreError> {
        let call = Call { script, now: &store.now(), keys, args };
        let attempt = async {
            let _place = self.places.acquire().await.map_err(StoreError::unavailable)?;
            let mut asked = None;
            loop {
                let visits = asked.is_some();
                let (address, mut connection) = match self.connect(store, partition, asked.take()).await {
                    Ok(connected) => connected,
                    Err(error) => {
                        tracing::debug!(%error, "A master does not answer; it may have moved");
                        self.forget_masters();
                        sleep(PAUSE).await;
                        continue;
                    }
                };
                let mut sent = call.by_hash().query_async(&mut connection).await;
                if is_unknown_script(&sent) {
                    // ASKING covers only one command, and EVALSHA used it up: send ASKING again.
                    if visits {
                        let _ = redis::cmd("ASKING").exec_async(&mut connection).await;
                    }
                    sent = call.whole().query_async(&mut connection).await;
                }
                match sent {
                    Ok(value) => return self.confirm(address, connection, value).await,
                    // The slot is moving to another master, which already has this phone number.
                    Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::Ask) => {
                        asked = error.redirect_node().and_then(|(address, _)| {
                            let (host, port) = address.rsplit_once(':')?;
                            Some(address_of(&store.link.way().url, host.to_owned(), port.parse().ok()?))
                        });
                    }
                    // It is safe to send the check again: a check that was evaluated gets its first answer.
                    Err(error)
                        if is_not_now(&error) || error.redirect_node().is_some() || error.is_io_error() =>
                    {
                        self.forget_masters();
                        sleep(PAUSE).await;
                    }
                    Err(error) => return Err(store_error(error)),
                }
            }
        };
        timeout(CALL_TIMEOUT, attempt).await.map_err(StoreError::unavailable)?
    }

    async fn confirm(
        &self,
        address: ConnectionAddr,
        mut connection: MultiplexedConnection,
        value: Value,
    ) -> Result<Value, StoreError> {
        if is_approval(&value) {
            let mut wait = redis::cmd("WAIT");
            wait.arg(self.replicas).arg(WAIT.as_millis() as u64);
            let reached: u32 = wait.query_async(&mut connection).await.map_err(StoreError::unavailable)?;
            if reached < self.replicas {
                return Err(StoreError::unavailable(format!(
                    "an approval reached {reached} of {} replicas in {} ms",
                    self.replicas,
                    WAIT.as_millis()
                )));
            }
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MOST_IDLE {
            idle.push((address, connection));
        }
        Ok(value)
    }

    async fn connect(
        &self,
        store: &Store,
        partition: u16,
        asked: Option<ConnectionAddr>,
    ) -> RedisResult<(ConnectionAddr, MultiplexedConnection)> {
        if let Some(address) = asked {
            let url = &store.link.way().url;
            let mut connection = self.open(url, url.first().set_addr(address.clone())).await?;
            redis::cmd("ASKING").exec_async(&mut connection).await?;
            return Ok((address, connection));
        }
        let info = self.master_of(store, slot(&tag(partition))).await?;
        let address = info.addr().clone();
        let idle = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            let place = idle.iter().rposition(|(known, _)| *known == address);
            place.map(|place| idle.swap_remove(place).1)
        };
        if let Some(connection) = idle {
            return Ok((address, connection));
        }
        Ok((address, self.open(&store.link.way().url, info).await?))
    }

    async fn open(&self, url: &RedisUrl, info: ConnectionInfo) -> RedisResult<MultiplexedConnection> {
        connect(&self.home, client(url, info)).await
    }

    /// Also how to reach them: the URL holds a password.
    pub fn forget_masters(&self) {
        self.masters.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    async fn master_of(&self, store: &Store, slot: u16) -> RedisResult<ConnectionInfo> {
        let known = |masters: &[(u16, ConnectionInfo)]| {
            masters.iter().find(|(last, _)| slot <= *last).map(|(_, info)| info.clone())
        };
        let found = known(&self.masters.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(info) = found {
            return Ok(info);
        }
        let masters = match &store.link.way().connections {
            Connections::Node(node) => vec![(LAST_SLOT, node.client().await?.get_connection_info().clone())],
            Connections::Cluster(_) => self.ask_masters(store).await?,
        };
        let info = known(&masters);
        *self.masters.lock().unwrap_or_else(PoisonError::into_inner) = masters;
        info.ok_or_else(|| RedisError::from((ErrorKind::Client, "no master has the slot")))
    }

    async fn ask_masters(&self, store: &Store) -> RedisResult<Vec<(u16, ConnectionInfo)>> {
        type Range = (u16, u16, (Option<String>, u16));
        let url = store.link.way().url.clone();
        let mut command = redis::cmd("CLUSTER");
        let value = store.link.send(command.arg("SLOTS")).await?;
        let unexpected =
            || RedisError::from((ErrorKind::UnexpectedReturnType, "the cluster's slots cannot be read"));
        let Value::Array(ranges) = value else { return Err(unexpected()) };
        let mut masters = Vec::new();
        for range in ranges {
            let Value::Array(parts) = range else { return Err(unexpected()) };
            let parts: Vec<Value> = parts.into_iter().take(3).map(without_extras).collect();
            let (_, last, (host, port)): Range =
                redis::from_redis_value(Value::Array(parts)).map_err(|_| unexpected())?;
            let address = address_of(&url, host.unwrap_or_default(), port);
            masters.push((last, url.first().set_addr(address)));
        }
        masters.sort_by_key(|(last, _)| *last);
        Ok(masters)
    }
}

/// Of a server of the cluster.
fn address_of(url: &RedisUrl, host: String, port: u16) -> ConnectionAddr {
    // A node that does not know its own name is the one that was asked.
    let asked = match url.first().addr() {
        ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } => host.clone(),
        _ => String::new(),
    };
    let host = if host.is_empty() { asked } else { host };
    if url.tls {
        return ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None };
    }
    ConnectionAddr::Tcp(host, port)
}

/// Keeps only address and port of a node.
fn without_extras(value: Value) -> Value {
    match value {
        Value::Array(parts) => Value::Array(parts.into_iter().take(2).collect()),
        other => other,
    }
}
