//! Names to addresses, through the policy: what was looked up and judged is
//! what is connected to, so a name cannot change its meaning in between.

use super::address::AddressPolicy;
use std::{io, net::IpAddr, sync::Arc};
use tokio::net::lookup_host;

/// More addresses of one name than that are not tried.
const MOST_ADDRESSES: usize = 16;

/// Whoever knows the addresses of a name.
#[async_trait::async_trait]
pub trait Resolver: Send + Sync {
    /// All addresses, the preferred one first.
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

/// Why a name has no address to call.
#[derive(Debug, thiserror::Error)]
pub(super) enum LookupError {
    #[error("the address is not allowed")]
    Blocked,
    #[error("the name cannot be resolved")]
    Failed(#[source] io::Error),
}

/// A resolver that gives only addresses which may be called.
#[derive(Clone)]
pub(super) struct Guard {
    pub(super) policy: Arc<AddressPolicy>,
    pub(super) resolver: Arc<dyn Resolver>,
}

impl Guard {
    /// The addresses of a name, or of an address written out, that may be called with TLS or `plain`; never none.
    pub(super) async fn lookup(&self, host: &str, plain: bool) -> Result<Vec<IpAddr>, LookupError> {
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

/// The address that a host is written as, in brackets if it is IPv6.
pub(super) fn literal(host: &str) -> Option<IpAddr> {
    host.trim_matches(['[', ']']).parse().ok()
}
