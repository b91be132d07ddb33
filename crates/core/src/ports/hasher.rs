//! Hashing of passwords. Each hash takes tens of milliseconds of a processor, so their number is bounded.

use crate::people::password::{Password, PasswordText, Verified};
use async_trait::async_trait;
use std::net::IpAddr;

/// Who asks for a hash. Half of the places are kept for known devices of the person that they name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lane {
    /// The network of the caller: an IPv4 address or a /64.
    pub network: IpAddr,
    /// Whether the browser is a device of the person.
    pub known: bool,
}

/// All places are taken. The caller may try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are compared at present")]
pub struct Crowded;

#[async_trait]
pub trait Hasher: Send + Sync {
    /// Compares a password with a stored hash. Without one it takes as long, and the answer is `No`.
    async fn verify(
        &self,
        lane: Lane,
        password: Password,
        stored: Option<PasswordText>,
    ) -> Result<Verified, Crowded>;

    /// Hashes a password that is none of the former ones; `None` if it is one of them.
    async fn hash(
        &self,
        lane: Lane,
        password: Password,
        former: Vec<PasswordText>,
    ) -> Result<Option<PasswordText>, Crowded>;
}
