//! Browsers, and the persons who signed in there.

use crate::{
    access::{change::Change, key::HashedSecret},
    id::{DeviceId, PersonId},
    people::session::{Device, OwnDevice},
    ports::error::StoreError,
    time::Timestamp,
};
use async_trait::async_trait;

#[async_trait]
pub trait Devices: Send + Sync {
    /// The browser with this cookie, if it was seen since `since`.
    async fn device(&self, secret: HashedSecret, since: Timestamp) -> Result<Option<Device>, StoreError>;

    /// The browser of a person: `None` if the person never finished a sign-in there.
    async fn own_device(&self, person: PersonId, device: DeviceId) -> Result<Option<OwnDevice>, StoreError>;

    /// The browsers of a person, last seen first; at most `limit`.
    async fn list_devices(&self, person: PersonId, limit: u16) -> Result<Vec<OwnDevice>, StoreError>;

    /// Trusts a browser of the person, or stops that. Returns whether the person has it.
    async fn trust_device(
        &self,
        person: PersonId,
        device: DeviceId,
        trusted: bool,
        by: &Change,
    ) -> Result<bool, StoreError>;

    /// Forgets a browser, and ends the person's sessions there. Returns whether the person had it.
    async fn forget_device(
        &self,
        person: PersonId,
        device: DeviceId,
        by: &Change,
    ) -> Result<bool, StoreError>;

    /// Deletes up to `limit` browsers that were not seen since `before`.
    async fn forget_devices(&self, before: Timestamp, limit: u16) -> Result<u64, StoreError>;
}
