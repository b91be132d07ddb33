//! Management of the security settings of a tenant.

use crate::{
    access::{actor::Actor, change::Change},
    acts::ways::has_route,
    context::{Management, Replica},
    id::TenantId,
    management::owners::{OwnersOnly, refuse_all_but_owners, revise},
    ports::error::StoreError,
    snapshot::view::TenantView,
    tenant::{
        OPERATOR, PORTAL,
        security::{IdleBeyondTotal, SecurityChange, SecurityRules},
        settings::{Setting, Settings},
    },
};

/// Why the security settings were not changed.
#[derive(Debug, thiserror::Error)]
pub enum SecurityError {
    #[error(transparent)]
    OwnersOnly(#[from] OwnersOnly),
    #[error(transparent)]
    IdleBeyondTotal(#[from] IdleBeyondTotal),
    /// Members cannot be required to sign in with a code, because its messages would go nowhere.
    #[error("the tenant `portal` has no route for the codes for signing in")]
    NoPortalRoute,
    #[error("directory")]
    Directory(#[from] StoreError),
}

/// Reads the rules that hold for a tenant.
pub async fn read_security(replica: &Replica, tenant: TenantId) -> Result<SecurityRules, SecurityError> {
    Ok(replica.directory.settings(tenant).await?.security.rules(tenant))
}

/// Judges a change without making it.
pub async fn judge_security(
    management: &Management,
    actor: &Actor,
    change: &SecurityChange,
) -> Result<(), SecurityError> {
    refuse_all_but_owners::<SecurityError>(management, actor).await?;
    if let Some(Some(_)) = change.require_2fa {
        refuse_without_codes(management).await?;
    }
    let present = management.directory.settings(actor.tenant).await?.security;
    Ok(present.with(change).check(actor.tenant)?)
}

/// Changes the security settings, for an owner or the operator.
pub async fn change_security(
    management: &Management,
    actor: &Actor,
    change: &SecurityChange,
    by: &Change,
) -> Result<SecurityRules, SecurityError> {
    judge_security(management, actor, change).await?;
    let revised = revise(management, actor.tenant, by, |settings: &Settings| {
        let was = settings.security.clone();
        let security = was.with(change);
        security.check(actor.tenant)?;
        let rules = security.rules(actor.tenant);
        Ok((rules, (Setting::Security(was), Setting::Security(security))))
    });
    revised.await
}

/// Refuses if the server could not send a member the code for signing in. Like `portal_has_route`, but for a
/// command, whose copy of the directory is empty.
pub async fn refuse_without_codes(management: &Management) -> Result<(), SecurityError> {
    let (portal, operator) =
        (stored_view(management, PORTAL).await?, stored_view(management, OPERATOR).await?);
    let is_served = portal.is_some_and(|portal| has_route(&portal, operator.as_ref()));
    if is_served || management.live_route { Ok(()) } else { Err(SecurityError::NoPortalRoute) }
}

/// A tenant with its routes and accounts, from the directory: the copy of a command is empty.
async fn stored_view(replica: &Replica, tenant: TenantId) -> Result<Option<TenantView>, StoreError> {
    let Some(found) = replica.directory.tenant(tenant).await? else { return Ok(None) };
    let mut view = TenantView::new(found);
    for resource in replica.directory.list_resources(tenant).await? {
        // This release sends nothing through a route or an account that it cannot read.
        let _ = view.take(resource);
    }
    Ok(Some(view))
}
