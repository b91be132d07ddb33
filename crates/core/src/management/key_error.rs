//! Why an act on keys was refused.

use crate::{
    access::scope::Scopes, id::KeyId, ports::error::StoreError, time::Timestamp,
    verification::idempotency::IdempotencyError,
};
use std::net::IpAddr;

/// Why a key was not created, read or changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The tenant has no such key, or the caller's mode may not change it.
    #[error("no such key")]
    NotFound,
    /// No key of this tenant may hold all of these scopes: `operator` belongs to the operator's own keys.
    #[error("keys of this tenant cannot hold all of {0}")]
    NotOfTenant(Scopes),
    /// The caller lacks these scopes.
    #[error("a key cannot grant or govern more than it holds")]
    BeyondOwnScopes(Scopes),
    /// The key is of another member, or would be of the company, and the caller is no owner who covers it.
    #[error("a member governs only keys of its own, unless it is an owner")]
    NotOwn,
    /// The key would reach profiles that the caller does not reach.
    #[error("a key cannot make or change a key to reach more profiles")]
    BeyondOwnProfiles,
    /// The key would expire later than the caller's own, which expires at this time.
    #[error("a key cannot make or change a key to outlast it")]
    BeyondOwnExpiry(Timestamp),
    /// The key would be accepted from addresses from which the caller's own is refused.
    #[error("a key cannot make or change a key to be of use where it is refused")]
    BeyondOwnAllowlist,
    /// The caller would remove its own address from the list of the key that it uses.
    #[error("the list would lock its author out")]
    LockOut(IpAddr),
    /// A disabled or expired key cannot be rotated.
    #[error("the key is not in use")]
    NotInUse,
    /// The key has already been replaced by this one.
    #[error("the key was rotated before")]
    Replaced(KeyId),
    /// The Idempotency-Key was used before.
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    /// A test key tried to create a live one.
    #[error("a test key makes only test keys")]
    LiveByTest,
    /// The caller tried to disable, expire or delete the key that it uses.
    #[error("a key cannot disable, end or delete itself")]
    OwnKey,
    /// The directory did not answer.
    #[error("directory")]
    Directory(#[from] StoreError),
}
