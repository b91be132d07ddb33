//! Invitations.

use crate::{
    access::change::Change,
    id::{InvitationId, TenantId},
    people::{invitation::Invitation, notice::SealedNotice, person::EmailMark},
    ports::{directory::members::Acting, error::StoreError},
    time::Timestamp,
    verification::idempotency::Once,
};
use async_trait::async_trait;

/// A new invitation, and what its transaction stores beside it.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    pub invitation: &'a Invitation,
    /// The mail with the link. `None` if the caller hands the link over.
    pub mail: Option<&'a SealedNotice>,
    /// The Idempotency-Key of the request.
    pub once: Option<&'a Once>,
}

impl<'a> From<&'a Invitation> for Offer<'a> {
    /// An invitation alone.
    fn from(invitation: &'a Invitation) -> Self {
        Self { invitation, mail: None, once: None }
    }
}

/// Invitations that were neither accepted nor withdrawn. If the rights of the author or the invitation have
/// changed since the caller read them, a change returns `Moved`.
#[async_trait]
pub trait Invitations: Send + Sync {
    /// Creates an invitation. Returns `Full` if the tenant or a subuser made too many in a day, and otherwise
    /// `Conflict` if the address has one already or belongs to a member. It costs as much for the address of a
    /// person of another tenant as for an unknown one: the time must not tell them apart. It also returns
    /// `Conflict` if another request with the same Idempotency-Key came first.
    async fn create_invitation(
        &self,
        offer: Offer<'_>,
        acting: Option<Acting>,
        by: &Change,
    ) -> Result<(), StoreError>;

    async fn invitation(
        &self,
        tenant: TenantId,
        invitation: InvitationId,
    ) -> Result<Option<Invitation>, StoreError>;

    /// Whether any tenant has an open invitation of this address whose link is good at `now`.
    async fn is_invited(&self, email: EmailMark, now: Timestamp) -> Result<bool, StoreError>;

    /// The invitations of the tenant before `before`, newest first.
    async fn list_invitations(
        &self,
        tenant: TenantId,
        before: Option<InvitationId>,
        limit: u16,
    ) -> Result<Vec<Invitation>, StoreError>;

    /// Replaces the link of an invitation. `mail` is the mail with the new link, if it is mailed.
    async fn renew_invitation(
        &self,
        (former, invitation): (&Invitation, &Invitation),
        mail: Option<&SealedNotice>,
        acting: Option<Acting>,
        by: &Change,
    ) -> Result<(), StoreError>;

    /// The open invitations of all tenants after `after` whose address another version of the seal key sealed,
    /// sorted by id.
    async fn invitations_not_sealed_with(
        &self,
        version: u8,
        after: Option<InvitationId>,
        limit: u16,
    ) -> Result<Vec<Invitation>, StoreError>;

    /// The number of open invitations whose address this version sealed.
    async fn count_invitations_sealed_with(&self, version: u8) -> Result<u64, StoreError>;

    /// Replaces the sealed address of an invitation by the same address under another key. Nothing else changes,
    /// so it has no entry in the audit log. Returns whether the invitation still had the former content.
    async fn reseal_invitation(&self, former: &Invitation, sealed: &[u8]) -> Result<bool, StoreError>;

    /// Ends an invitation that its author or another member withdraws.
    async fn withdraw_invitation(
        &self,
        invitation: &Invitation,
        acting: Option<Acting>,
        by: &Change,
    ) -> Result<(), StoreError>;

    /// Deletes the invitations of all tenants that expired before this time. Nobody accepted or withdrew them, so
    /// their addresses are kept for no purpose.
    async fn forget_invitations(&self, before: Timestamp) -> Result<(), StoreError>;
}
