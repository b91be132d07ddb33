//! The URL and the certificates that the server is reached with. Both may change while connections are open: a
//! password that is rotated, another user, a renewed certificate.

use super::{
    PATIENCE,
    connect::{connector, parse_url, servers},
};
use crate::{certificates::Certificates, home::Home};
use arc_swap::{ArcSwap, ArcSwapOption};
use countersign_core::{error::chain, ports::error::StoreError};
use deadpool_postgres::Connect;
use std::{future::Future, pin::Pin, sync::Arc, time::Instant};
use tokio::{task::JoinHandle, time::timeout};
use tokio_postgres::{Client, Config, Error};
use tokio_postgres_rustls::MakeRustlsConnect;
use zeroize::Zeroizing;

/// One way to open connections.
#[derive(Clone)]
pub(super) struct Way {
    pub config: Config,
    pub tls: MakeRustlsConnect,
    url: Zeroizing<String>,
    certificates: Certificates,
    /// Connections that are older were opened with another one.
    pub since: Instant,
}

impl Way {
    fn new(url: &str, certificates: Certificates) -> Result<Self, StoreError> {
        let mut config = parse_url(url)?;
        let tls = connector(&mut config, &certificates)?;
        Ok(Self { config, tls, url: Zeroizing::new(url.to_owned()), certificates, since: Instant::now() })
    }
}

/// Opens the connections of the pool, all in one runtime, whoever asks for them.
#[derive(Clone)]
pub(super) struct Access {
    current: Arc<ArcSwap<Way>>,
    /// One that no connection was opened with yet. The current one stays in use until then: the file of a
    /// password may change before the server knows the password.
    next: Arc<ArcSwapOption<Way>>,
    home: Home,
}

impl Access {
    pub fn new(url: &str, certificates: Certificates) -> Result<Self, StoreError> {
        let current = Arc::new(ArcSwap::from_pointee(Way::new(url, certificates)?));
        Ok(Self { current, next: Arc::default(), home: Home::here() })
    }

    pub fn current(&self) -> Arc<Way> {
        self.current.load_full()
    }

    /// Uses this way from now on, once a connection was opened with it; whether it is a new one. The servers
    /// must be the same: others may hold another installation.
    pub async fn change(&self, url: &str, certificates: &Certificates) -> Result<bool, StoreError> {
        self.next.store(None);
        let current = self.current();
        if *current.url == url && current.certificates == *certificates {
            return Ok(false);
        }
        let next = Arc::new(Way::new(url, certificates.clone())?);
        if servers(&next.config) != servers(&current.config) {
            return Err(StoreError::unavailable(
                "it names other servers or another database, which takes a restart",
            ));
        }
        self.next.store(Some(Arc::clone(&next)));
        let opened = timeout(PATIENCE, self.open(&next)).await.map_err(StoreError::unavailable)?;
        drop(opened.map_err(StoreError::unavailable)?);
        self.promote(&next);
        Ok(true)
    }

    fn promote(&self, next: &Way) {
        self.current.store(Arc::new(Way { since: Instant::now(), ..next.clone() }));
        self.next.store(None);
    }

    async fn open(&self, way: &Way) -> Result<(Client, JoinHandle<()>), Error> {
        let (config, tls) = (way.config.clone(), way.tls.clone());
        let (client, connection) = self.home.run(async move { config.connect(tls).await }).await?;
        let driving = self.home.spawn(async move {
            if let Err(error) = connection.await {
                tracing::warn!(error = %chain(&error), "A connection to the database broke");
            }
        });
        Ok((client, driving))
    }
}

impl Connect for Access {
    fn connect(
        &self,
        _: &Config,
    ) -> Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), Error>> + Send + '_>> {
        Box::pin(async move {
            let opened = self.open(&self.current()).await;
            // The server may know the next password already, and the one before no more.
            let Some(next) = self.next.load_full().filter(|_| opened.is_err()) else { return opened };
            let opened = self.open(&next).await?;
            self.promote(&next);
            Ok(opened)
        })
    }
}
