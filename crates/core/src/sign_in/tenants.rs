//! The tenants that a person may enter.

use crate::{
    id::{PersonId, TenantId},
    people::{member::Member, person::EmailMark},
    ports::error::StoreError,
    sign_in::Entrance,
    snapshot::view::TenantView,
    time::Timestamp,
};
use std::{net::IpAddr, sync::Arc};

/// A tenant that a person may enter, and its member there.
#[derive(Clone, Debug)]
pub struct OpenTenant {
    pub view: Arc<TenantView>,
    pub member: Member,
}

/// A tenant that is enabled, for an enabled member of it.
pub(super) fn opened(entrance: &Entrance, member: Member) -> Option<OpenTenant> {
    let snapshot = &entrance.context.snapshot;
    let view = snapshot.tenant(member.tenant).filter(|_| !snapshot.is_disabled(member.tenant))?;
    (!member.disabled && view.tenant.disabled_at.is_none()).then_some(OpenTenant { view, member })
}

/// The tenant that a person enters with its sign-in: its only one, if the tenant's portal list contains the address.
pub(super) fn only_tenant(open: &[OpenTenant], address: IpAddr) -> Option<TenantId> {
    let [OpenTenant { view, member }] = open else { return None };
    view.settings.portal_allowlist.allows(address).then_some(member.tenant)
}

/// Whether a person signs in at all: it may enter a tenant, or accept an invitation. The invitation is looked up in
/// any case, so that the time tells nobody whether the person may enter a tenant.
pub(super) async fn has_way_in(
    entrance: &Entrance,
    open: &[OpenTenant],
    email: EmailMark,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let is_invited = entrance.context.directory.is_invited(email, now).await?;
    Ok(is_invited || !open.is_empty())
}

/// The tenants that a person may enter, sorted by name.
pub async fn tenants(entrance: &Entrance, person: PersonId) -> Result<Vec<OpenTenant>, StoreError> {
    let memberships = entrance.context.directory.memberships(person).await?;
    let mut open: Vec<_> = memberships.into_iter().filter_map(|member| opened(entrance, member)).collect();
    open.sort_by_cached_key(|open| (open.view.tenant.name.as_str().to_lowercase(), open.view.tenant.id));
    Ok(open)
}
