//! Sessions of persons.

use crate::{
    access::{change::Change, key::HashedSecret},
    id::{PersonId, SessionId, TenantId},
    people::{
        account::Account,
        link::Link,
        notice::SealedNotice,
        recovery::RecoveryMark,
        session::{Device, Session, SignIn},
        waits::WaitCount,
    },
    ports::error::StoreError,
    time::Timestamp,
};
use async_trait::async_trait;
use std::net::IpAddr;

/// A sign-in that is finished.
#[derive(Clone, Copy, Debug)]
pub struct Finished<'a> {
    pub session: &'a Session,
    /// The browser. If it is new, the store inserts it.
    pub device: &'a Device,
    /// The half-way sign-in that ends with it.
    pub half: Option<HashedSecret>,
    /// The recovery code that is used up.
    pub recovery: Option<RecoveryMark>,
    /// The session that this browser had before, which ends.
    pub former: Option<HashedSecret>,
    pub sign_in: &'a SignIn,
    pub notices: &'a [SealedNotice],
    /// The mail on this attempt, with the link that it contains.
    pub mail: Option<(&'a Link, &'a SealedNotice)>,
    /// Whether the person gets, or has just got, a mail on this attempt. The store notes it for the browser.
    pub mailed: bool,
    /// The count of wrong passwords in this browser, which begins again.
    pub tries: &'a WaitCount,
}

/// A form that came after the session had ended, kept for the same person and tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LateForm {
    pub person: PersonId,
    pub tenant: Option<TenantId>,
    /// The path and the fields, sealed.
    pub sealed: Vec<u8>,
    pub expires_at: Timestamp,
}

#[async_trait]
pub trait Sessions: Send + Sync {
    /// Begins a session. The person must have the session's epoch and a password, the half-way sign-in and the
    /// recovery code must be there; else the error is `Moved` and nothing is written. The device belongs to the
    /// person from then on. Each tenant of the person gets an entry in its audit log. The error is `Full`, and
    /// nothing is written, if the person got too many links of the mail's kind in the last hour.
    async fn finish_sign_in(&self, finished: Finished<'_>, by: &Change) -> Result<(), StoreError>;

    /// The session with this secret, whatever its epoch, and its person. One query.
    async fn session(&self, secret: HashedSecret) -> Result<Option<(Session, Account)>, StoreError>;

    /// Notes a request in a session.
    async fn touch_session(
        &self,
        session: SessionId,
        now: Timestamp,
        address: IpAddr,
    ) -> Result<(), StoreError>;

    /// Notes the tenant that the person enters, with an entry of the activity. The session gets a new secret.
    async fn enter_tenant(
        &self,
        session: &Session,
        tenant: TenantId,
        secret: HashedSecret,
        sign_in: Option<&SignIn>,
    ) -> Result<(), StoreError>;

    /// Replaces the secret of a session. Returns `Moved` if the session is gone or has another secret already.
    async fn renew_session(&self, session: &Session, secret: HashedSecret) -> Result<(), StoreError>;

    /// Sets the message that the next page shows.
    async fn set_flash(&self, session: SessionId, flash: Option<&[u8]>) -> Result<(), StoreError>;

    /// The sessions of a person under its present epoch, last seen first.
    async fn list_sessions(&self, person: PersonId) -> Result<Vec<Session>, StoreError>;

    /// The sessions of all persons that are in this tenant, last seen first; at most `limit`.
    async fn list_tenant_sessions(
        &self,
        tenant: TenantId,
        person: Option<PersonId>,
        limit: u16,
    ) -> Result<Vec<Session>, StoreError>;

    /// Ends one session, with an entry in the audit logs of the person's tenants. With `in_tenant`, only a session
    /// that is in that tenant ends, and only that tenant has the entry. Returns whether there was one.
    async fn end_session(
        &self,
        person: PersonId,
        session: SessionId,
        in_tenant: Option<TenantId>,
        by: &Change,
    ) -> Result<bool, StoreError>;

    /// Ends the sessions of a person that are in this tenant. Returns their number.
    async fn end_tenant_sessions(
        &self,
        person: PersonId,
        tenant: TenantId,
        by: &Change,
    ) -> Result<u64, StoreError>;

    /// Keeps a form that came late; the person's former one goes.
    async fn keep_form(&self, form: &LateForm) -> Result<(), StoreError>;

    /// Takes the form that was kept for this person and tenant, if it is not too old.
    async fn take_form(
        &self,
        person: PersonId,
        tenant: Option<TenantId>,
        now: Timestamp,
    ) -> Result<Option<LateForm>, StoreError>;

    /// Deletes up to `limit` of what nobody can use any more: sessions that were not seen since `seen_before`, half
    /// sign-ins, proofs, links and forms that expired before `now`. Returns the number of rows.
    async fn forget_sessions(
        &self,
        seen_before: Timestamp,
        now: Timestamp,
        limit: u16,
    ) -> Result<u64, StoreError>;
}
