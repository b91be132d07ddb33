//! The connection to one server. It is opened again when it breaks, and leads to the new master
//! after a failover.

use super::{
    link::{CALL_TIMEOUT, CONNECT_TIMEOUT, IN_FLIGHT, PAUSE},
    url::{RedisUrl, Setup},
};
use crate::home::Home;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, RedisError, RedisResult, ServerErrorKind, TlsMode, Value,
    aio::MultiplexedConnection,
    sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType},
};
use std::sync::{Mutex, PoisonError};
use tokio::{
    sync::Mutex as AsyncMutex,
    time::{Instant, timeout},
};

/// Makes a client of one server, with the TLS settings of the URL.
pub(super) fn client(url: &RedisUrl, info: redis::ConnectionInfo) -> RedisResult<Client> {
    match url.certificates.for_redis() {
        Some(certificates) => Client::build_with_tls(info, certificates),
        None => Client::open(info),
    }
}

/// A connection to one server. After a failover it may be another server.
pub(super) struct Node {
    source: Source,
    home: Home,
    open: Mutex<Option<MultiplexedConnection>>,
    /// Locked while one task opens a connection. The value is the time of the last failed attempt.
    opening: AsyncMutex<Option<Instant>>,
}

/// The way to find the server.
enum Source {
    Fixed(Box<Client>),
    Sentinel(Box<AsyncMutex<SentinelClient>>),
}

impl Node {
    pub fn new(url: &RedisUrl) -> RedisResult<Self> {
        let source = match &url.setup {
            Setup::Sentinel(name) => Source::Sentinel(Box::new(AsyncMutex::new(sentinel(url, name)?))),
            _ => Source::Fixed(Box::new(client(url, url.first())?)),
        };
        Ok(Self { source, home: Home::here(), open: Mutex::default(), opening: AsyncMutex::default() })
    }

    /// A client of the present server.
    pub async fn client(&self) -> RedisResult<Client> {
        match &self.source {
            Source::Fixed(client) => Ok(client.as_ref().clone()),
            Source::Sentinel(sentinel) => {
                let mut sentinel = sentinel.lock().await;
                let found = timeout(CONNECT_TIMEOUT, sentinel.async_get_client()).await;
                found.unwrap_or_else(|_| {
                    Err(RedisError::from((ErrorKind::MasterNameNotFoundBySentinel, "no sentinel answers")))
                })
            }
        }
    }

    fn opened(&self) -> Option<MultiplexedConnection> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub async fn connection(&self) -> RedisResult<MultiplexedConnection> {
        if let Some(connection) = self.opened() {
            return Ok(connection);
        }
        let mut failed = self.opening.lock().await;
        if let Some(connection) = self.opened() {
            return Ok(connection);
        }
        // Many tasks wait here while a server is down. One attempt in a while serves them all.
        if failed.is_some_and(|at| at.elapsed() < PAUSE) {
            return Err(RedisError::from((ErrorKind::Io, "the server was not reached a moment ago")));
        }
        match connect(&self.home, self.client().await).await {
            Ok(connection) => {
                *failed = None;
                *self.open.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection.clone());
                Ok(connection)
            }
            Err(error) => {
                *failed = Some(Instant::now());
                Err(error)
            }
        }
    }

    pub async fn send(&self, command: &Cmd) -> RedisResult<Value> {
        let mut connection = self.connection().await?;
        let sent = command.query_async(&mut connection).await;
        if let Err(error) = &sent
            && (error.is_io_error() || error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly))
        {
            // The connection is broken or silent, or the server is not the master any more.
            *self.open.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        sent
    }
}

/// Opens a connection whose time-out is at least that of a call.
pub(super) async fn connect(home: &Home, client: RedisResult<Client>) -> RedisResult<MultiplexedConnection> {
    let client = client?;
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(CALL_TIMEOUT))
        .set_concurrency_limit(IN_FLIGHT);
    home.run(async move { client.get_multiplexed_async_connection_with_config(&config).await }).await
}

fn sentinel(url: &RedisUrl, name: &str) -> RedisResult<SentinelClient> {
    let addresses = url.nodes.iter().map(|node| node.addr().clone());
    let mut builder = SentinelClientBuilder::new(addresses, name, SentinelServerType::Master)?;
    let first = url.first();
    if let Some(user) = first.redis_settings().username() {
        builder = builder.set_client_to_redis_username(user);
    }
    if let Some(password) = first.redis_settings().password() {
        builder = builder.set_client_to_redis_password(password);
    }
    if let Some(password) = &url.sentinel_password {
        builder = builder.set_client_to_sentinel_password(password.as_str());
    }
    if url.tls {
        builder = builder
            .set_client_to_redis_tls_mode(TlsMode::Secure)
            .set_client_to_sentinel_tls_mode(TlsMode::Secure);
    }
    if let Some(certificates) = url.certificates.for_redis() {
        builder = builder
            .set_client_to_redis_certificates(certificates.clone())
            .set_client_to_sentinel_certificates(certificates);
    }
    builder.build()
}
