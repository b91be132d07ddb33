//! Entering a tenant.

use crate::{
    id::TenantId,
    people::{
        invitation::LinkSecret,
        session::{SignIn, SignInOutcome},
    },
    ports::error::StoreError,
    sign_in::{
        Entrance, Visitor,
        attempt::attempt,
        tenants::opened,
        visit::{Visit, lengths},
    },
    time::Timestamp,
};
use rand::CryptoRng;
use std::net::IpAddr;

/// Why a person did not enter a tenant.
#[derive(Debug, thiserror::Error)]
pub enum EnterError {
    /// The person is no enabled member of an enabled tenant with this id.
    #[error("no such tenant")]
    NotFound,
    /// The tenant's portal list does not contain this address.
    #[error("the portal list does not contain the address")]
    Refused { address: IpAddr },
    /// The tenant allows only shorter sessions than this one is already. The person signs in again.
    #[error("the session is too old for the tenant")]
    TooOld,
    /// The session has ended or got another secret meanwhile.
    #[error("the session has changed")]
    Moved,
    #[error("people")]
    Unavailable(#[source] StoreError),
}

impl From<StoreError> for EnterError {
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::Moved) { Self::Moved } else { Self::Unavailable(error) }
    }
}

/// Enters a tenant. Returns the session's new secret. What else the tenant demands, such as a second factor, the
/// next [`visit`](super::visit::visit) names.
pub async fn enter(
    entrance: &Entrance,
    visitor: &Visitor,
    visit: &Visit,
    tenant: TenantId,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<LinkSecret, EnterError> {
    let (session, account) = (&visit.session, &visit.account);
    let member = entrance.context.directory.membership(tenant, session.person).await?;
    let open = member.and_then(|member| opened(entrance, member)).ok_or(EnterError::NotFound)?;
    let noted = |outcome, rng: &mut _| SignIn {
        tenant: Some(tenant),
        person: Some(session.person),
        device: Some(session.device),
        ..attempt(entrance, visitor, account.person.email, outcome, now, rng)
    };
    let address = visitor.address;
    if !open.view.settings.portal_allowlist.allows(address) {
        entrance.people.note_sign_in(&noted(SignInOutcome::RefusedByList, rng), None).await?;
        return Err(EnterError::Refused { address });
    }
    let (_, total) = lengths(account, open.view.settings.security.rules(tenant));
    if session.signed_in_at + total <= now {
        return Err(EnterError::TooOld);
    }
    let secret = LinkSecret::generate(rng);
    // A session that is there already only gets another secret.
    let is_new = session.tenant != Some(tenant);
    let done = is_new.then(|| noted(SignInOutcome::Done, rng));
    entrance.people.enter_tenant(session, tenant, secret.hash(), done.as_ref()).await?;
    Ok(secret)
}
