//! Attempts to sign in.

use crate::{
    id::{DeviceId, PersonId, SignInId, TenantId},
    people::{notice::SealedNotice, session::SignIn},
    ports::error::StoreError,
    time::Timestamp,
};
use async_trait::async_trait;

#[async_trait]
pub trait Activity: Send + Sync {
    /// Notes an attempt that is not finished. Guesses with a wrong password are added up: the store keeps five
    /// rows of an hour for each pair of typed address and network, and then counts in one row.
    /// With `mail`, the notice is stored too, unless the person's device got one since that time.
    async fn note_sign_in(
        &self,
        sign_in: &SignIn,
        mail: Option<(&SealedNotice, Option<(DeviceId, Timestamp)>)>,
    ) -> Result<(), StoreError>;

    /// The attempts for a person, newest first.
    async fn list_sign_ins(
        &self,
        person: PersonId,
        before: Option<SignInId>,
        limit: u16,
    ) -> Result<Vec<SignIn>, StoreError>;

    /// The attempts of a person in one tenant, newest first.
    async fn list_tenant_sign_ins(
        &self,
        tenant: TenantId,
        person: PersonId,
        before: Option<SignInId>,
        limit: u16,
    ) -> Result<Vec<SignIn>, StoreError>;

    /// Deletes up to `limit` attempts before `before`.
    async fn forget_sign_ins(&self, before: Timestamp, limit: u16) -> Result<u64, StoreError>;
}
