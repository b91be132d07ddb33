//! API keys.

use crate::{
    access::{allowlist::Allowlist, change::Change, key::Key, share::Share},
    id::{KeyId, MemberId, ProfileId, TenantId},
    people::notice::SealedNotice,
    ports::{directory::members::Acting, error::StoreError},
    time::Timestamp,
    verification::idempotency::Once,
};
use async_trait::async_trait;

/// The part of a key that its owner may change. Each `None` leaves the value as it is.
#[derive(Clone, Debug, Default)]
pub struct KeyChange {
    /// A new name.
    pub name: Option<String>,
    /// Disable or enable.
    pub disabled: Option<bool>,
    /// A new expiry time; `Some(None)` removes the expiry.
    pub expires_at: Option<Option<Timestamp>>,
    /// A new list of addresses from which it may be used.
    pub allowlist: Option<Allowlist>,
    /// The profiles that it reaches from now on.
    pub profiles: Option<Share<ProfileId>>,
}

impl KeyChange {
    /// Whether it disables the key, or makes it expire at once.
    pub fn ends(&self, now: Timestamp) -> bool {
        self.disabled == Some(true) || self.expires_at.flatten().is_some_and(|expiry| expiry <= now)
    }

    /// The key after the change. If something changes, its version is the next one.
    pub fn apply(&self, old: Key) -> Key {
        let Self { name, disabled, expires_at, allowlist, profiles } = self;
        let new = Key {
            name: name.as_ref().unwrap_or(&old.name).clone(),
            disabled: disabled.unwrap_or(old.disabled),
            expires_at: expires_at.unwrap_or(old.expires_at),
            allowlist: allowlist.as_ref().unwrap_or(&old.allowlist).clone(),
            profiles: profiles.as_ref().unwrap_or(&old.profiles).clone(),
            ..old
        };
        Key { version: old.version + 1, ..new }
    }
}

/// The replacement of one key by another.
#[derive(Clone, Debug)]
pub struct Rotation {
    pub new: Key,
    /// The key of the same tenant that it replaces.
    pub old: KeyId,
    /// The version of the old key from which the new one was made.
    pub version: i64,
    /// When the old key ends.
    pub ends_at: Timestamp,
}

/// The rows by which the change of a key was judged, as the caller read them. The change is made only if each is
/// still the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The rows of the author.
    pub acting: Acting,
    /// The version of the key.
    pub version: i64,
    /// The member whose key it is, with its version, if the author is another one.
    pub of: Option<(MemberId, i64)>,
}

/// Keys. If the rights of the author or the key have changed since the caller read them, a change returns `Moved`;
/// the caller reads and judges again. Nothing bounds the operator and the server, so they name no rows.
#[async_trait]
pub trait Keys: Send + Sync {
    /// The key with this id, of any tenant: it finds the caller of a request.
    async fn presented_key(&self, key: KeyId) -> Result<Option<Key>, StoreError>;

    /// Creates a key. Returns `Conflict` if the id exists, or if this tenant used the Idempotency-Key: the
    /// key's own, or the operator's. The notices report the key.
    async fn create_key(
        &self,
        key: &Key,
        once: Option<(TenantId, &Once)>,
        acting: Option<Acting>,
        notices: &[SealedNotice],
        by: &Change,
    ) -> Result<(), StoreError>;

    /// Creates the new key and ends the old one. Returns `Conflict` if the old key has changed since it was
    /// read, if the new id exists, or if the Idempotency-Key was used.
    async fn rotate_key(
        &self,
        rotation: &Rotation,
        once: Option<&Once>,
        judged: Option<Judged>,
        by: &Change,
    ) -> Result<(), StoreError>;

    /// A key of the tenant.
    async fn key(&self, tenant: TenantId, key: KeyId) -> Result<Option<Key>, StoreError>;

    /// The keys of the tenant before `before`, newest first.
    async fn list_keys(
        &self,
        tenant: TenantId,
        before: Option<KeyId>,
        limit: u16,
    ) -> Result<Vec<Key>, StoreError>;

    /// Changes a key and returns its new state.
    async fn update_key(
        &self,
        tenant: TenantId,
        key: KeyId,
        change: KeyChange,
        judged: Option<Judged>,
        by: &Change,
    ) -> Result<Option<Key>, StoreError>;

    /// Deletes a key. Returns whether it existed.
    async fn delete_key(
        &self,
        tenant: TenantId,
        key: KeyId,
        judged: Option<Judged>,
        by: &Change,
    ) -> Result<bool, StoreError>;
}
