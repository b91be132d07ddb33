//! The way to the servers: one shared connection to each, opened anew when it
//! breaks, and every call within its time. Password, user and certificates
//! may change meanwhile.

use super::{
    node::Node,
    script::Script,
    url::{RedisUrl, Setup},
};
use arc_swap::ArcSwap;
use countersign_core::ports::error::StoreError;
use redis::{
    Cmd, ErrorKind, RedisError, RedisResult, ServerErrorKind, TlsMode, Value, cluster::ClusterClient,
    cluster_async::ClusterConnection,
};
use std::{sync::Arc, time::Duration};
use tokio::time::{sleep, timeout};

/// The longest time for opening a connection.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// The longest time for a call with all its redirections and repeats, and also for one answer. So a slow call
/// is never sent again while it may still be running.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_secs(2);
/// The maximum number of calls in progress on one connection. Further calls wait; their [`CALL_TIMEOUT`] runs
/// meanwhile.
pub(super) const IN_FLIGHT: usize = 2_048;
/// The pause between two attempts to reach a server that is down, and before a repeat.
pub(super) const PAUSE: Duration = Duration::from_millis(50);

/// The connections through which scripts run.
pub(super) struct Link {
    way: ArcSwap<Way>,
}

/// The connections to the servers of one URL.
pub(super) struct Way {
    pub url: RedisUrl,
    pub connections: Connections,
}

pub(super) enum Connections {
    /// A Cluster. The client library itself finds the server of each slot.
    Cluster(ClusterConnection),
    /// A single server, or the master that Sentinels name.
    Node(Node),
}

impl Way {
    async fn open(url: &RedisUrl) -> Result<Self, StoreError> {
        let url = url.clone();
        if url.setup == Setup::Cluster {
            let client = cluster_client(&url, None).map_err(StoreError::unavailable)?;
            let connection = timeout(CALL_TIMEOUT * 2, client.get_async_connection()).await;
            let connection = connection.map_err(StoreError::unavailable)?;
            let connection = connection.map_err(StoreError::unavailable)?;
            return Ok(Self { url, connections: Connections::Cluster(connection) });
        }
        let node = Node::new(&url).map_err(StoreError::unavailable)?;
        node.connection().await.map_err(StoreError::unavailable)?;
        Ok(Self { url, connections: Connections::Node(node) })
    }
}

impl Link {
    pub async fn open(url: &RedisUrl) -> Result<Self, StoreError> {
        Ok(Self { way: ArcSwap::from_pointee(Way::open(url).await?) })
    }

    /// As it is now. What is under way on one of before ends there.
    pub fn way(&self) -> Arc<Way> {
        self.way.load_full()
    }

    /// Reaches the same servers by this URL from now on, once they answer so; whether it is another one.
    pub async fn change(&self, url: &RedisUrl) -> Result<bool, StoreError> {
        let current = self.way();
        if current.url.is(url) {
            return Ok(false);
        }
        if !current.url.leads_to(url) {
            return Err(StoreError::unavailable("it names other servers, which takes a restart"));
        }
        self.way.store(Arc::new(Way::open(url).await?));
        Ok(true)
    }

    /// Runs a script. All keys are of one partition.
    pub async fn run(&self, call: &Call<'_>) -> Result<Value, StoreError> {
        let mut sent = self.send(&call.by_hash()).await;
        if is_unknown_script(&sent) {
            sent = self.send(&call.whole()).await;
        }
        sent.map_err(store_error)
    }

    /// Sends a command to the server of its first key. A command that was certainly not carried out is sent
    /// again, until the time for a call is over.
    pub async fn send(&self, command: &Cmd) -> RedisResult<Value> {
        let call = async {
            loop {
                let sent = self.try_send(command).await;
                if !sent.as_ref().is_err_and(is_not_now) {
                    return sent;
                }
                sleep(PAUSE).await;
            }
        };
        timeout(CALL_TIMEOUT, call).await.unwrap_or_else(|_| {
            Err(RedisError::from((ErrorKind::Io, "no answer within the time for a call")))
        })
    }

    async fn try_send(&self, command: &Cmd) -> RedisResult<Value> {
        match &self.way().connections {
            Connections::Cluster(connection) => command.query_async(&mut connection.clone()).await,
            Connections::Node(node) => node.send(command).await,
        }
    }
}

/// A call of a script.
pub(super) struct Call<'a> {
    pub script: &'a Script,
    /// The first argument of every script: the time. If it is empty, the script takes the time of the server's
    /// clock.
    pub now: &'a [u8],
    pub keys: &'a [&'a [u8]],
    pub args: &'a [&'a [u8]],
}

impl Call<'_> {
    /// The command for a server that knows the script.
    pub fn by_hash(&self) -> Cmd {
        self.command("EVALSHA", self.script.hash())
    }

    /// The command for a server that does not know the script. The server remembers the script from then on.
    pub fn whole(&self) -> Cmd {
        self.command("EVAL", self.script.text())
    }

    fn command(&self, verb: &str, script: &str) -> Cmd {
        let mut command = redis::cmd(verb);
        command.arg(script).arg(self.keys.len());
        for part in self.keys.iter().chain([&self.now]).chain(self.args) {
            command.arg(*part);
        }
        command
    }
}

pub(super) fn is_unknown_script(sent: &RedisResult<Value>) -> bool {
    sent.as_ref().is_err_and(|error| error.kind() == ErrorKind::Server(ServerErrorKind::NoScript))
}

/// Returns whether the server refused the command before carrying it out, and may accept it soon.
pub(super) fn is_not_now(error: &RedisError) -> bool {
    use ServerErrorKind::{BusyLoading, ClusterDown, MasterDown, ReadOnly, TryAgain};
    let kinds = [BusyLoading, ClusterDown, MasterDown, ReadOnly, TryAgain];
    // The password was changed a moment ago, and its file is read once a second.
    error.kind() == ErrorKind::AuthenticationFailed
        || kinds.into_iter().any(|kind| error.kind() == ErrorKind::Server(kind))
}

/// Recognises the error of a script for a value that is damaged or from a newer release.
pub(super) fn store_error(error: RedisError) -> StoreError {
    if error.code() != Some("CSFORMAT") {
        return StoreError::unavailable(error);
    }
    let detail = error.detail().unwrap_or_default();
    let known = ["numbers", "provider_messages"].into_iter().find(|table| detail.starts_with(table));
    let table = known.unwrap_or("verifications");
    let format = detail.split(' ').nth(1).unwrap_or("of no format");
    StoreError::Corrupt { table, id: format!("record format {format} is not one that this release reads") }
}

pub(super) fn cluster_client(
    url: &RedisUrl,
    wakes: Option<tokio::sync::mpsc::UnboundedSender<redis::PushInfo>>,
) -> RedisResult<ClusterClient> {
    let mut builder = ClusterClient::builder(url.nodes.clone())
        .connection_timeout(CONNECT_TIMEOUT)
        .response_timeout(CALL_TIMEOUT)
        .overall_response_timeout(Some(CALL_TIMEOUT))
        .connection_concurrency_limit(IN_FLIGHT)
        .retries(8)
        .min_retry_wait(20)
        .max_retry_wait(200);
    if url.tls {
        builder = builder.tls(TlsMode::Secure);
    }
    if let Some(certificates) = url.certificates.for_redis() {
        builder = builder.certs(certificates);
    }
    if let Some(wakes) = wakes {
        builder = builder.use_protocol(redis::ProtocolVersion::RESP3).push_sender(wakes);
    }
    builder.build()
}
