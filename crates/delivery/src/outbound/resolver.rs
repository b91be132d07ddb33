//! Resolves names to addresses that the policy admits. The client connects to exactly the addresses judged
//! here, so a name cannot change its meaning between check and connection.

use super::{address::AddressPolicy, error::note_unreached};
use std::{io, net::IpAddr, sync::Arc};
use tokio::net::lookup_host;

/// The maximum number of addresses of one name that are tried.
const MOST_ADDRESSES: usize = 16;

/// A resolver of names.
#[async_trait::async_trait]
pub trait Resolver: Send + Sync {
    /// All addresses of the host, the preferred one first.
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The resolver of this machine.
pub(super) struct System;

#[async_trait::async_trait]
impl Resolver for System {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        Ok(lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// The reasons why a name has no address that may be called.
#[derive(Debug, thiserror::Error)]
pub(super) enum LookupError {
    #[error("the address is not allowed")]
    Blocked,
    #[error("the name cannot be resolved")]
    Failed(#[source] io::Error),
}

/// A resolver that returns only addresses which the policy admits.
#[derive(Clone)]
pub(super) struct Guard {
    pub(super) policy: Arc<AddressPolicy>,
    pub(super) resolver: Arc<dyn Resolver>,
}

impl Guard {
    /// The addresses of a name, or of an address written out, that may be called with TLS or `plain`; never none.
    pub(super) async fn lookup(&self, host: &str, plain: bool) -> Result<Vec<IpAddr>, LookupError> {
        let judged = self.judge(host, plain).await;
        judged.inspect_err(|error| note_unreached(host, error))
    }

    async fn judge(&self, host: &str, plain: bool) -> Result<Vec<IpAddr>, LookupError> {
        let addresses = match literal(host) {
            Some(address) => vec![address],
            None => self.resolver.resolve(host).await.map_err(LookupError::Failed)?,
        };
        if addresses.is_empty() {
            return Err(LookupError::Failed(io::ErrorKind::NotFound.into()));
        }
        let admitted = addresses.into_iter().filter(|address| self.policy.admits(*address, plain));
        let admitted: Vec<_> = admitted.take(MOST_ADDRESSES).collect();
        if admitted.is_empty() { Err(LookupError::Blocked) } else { Ok(admitted) }
    }
}

/// The IP address that a host consists of, in brackets for IPv6.
pub(super) fn literal(host: &str) -> Option<IpAddr> {
    host.trim_matches(['[', ']']).parse().ok()
}
