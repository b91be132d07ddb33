//! Hashing of passwords. Each hash takes tens of milliseconds of a processor, so their number is bounded.

use crate::{
    id::PersonId,
    people::password::{Password, PasswordText, Verified},
};
use async_trait::async_trait;
use std::net::IpAddr;

/// Who asks for a hash: one of each lane runs, and one waits. Half of the places are kept for known devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// A browser that is no device of the person, by the network of the caller: an IPv4 address or a /64.
    Stranger(IpAddr),
    /// The devices of this person, whatever their networks: colleagues behind one address do not wait for each other.
    Known(PersonId),
}

impl Lane {
    pub fn is_known(self) -> bool {
        matches!(self, Self::Known(_))
    }
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
