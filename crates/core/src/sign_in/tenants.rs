//! The tenants that a person may enter.

use crate::{
    id::PersonId, people::member::Member, ports::error::StoreError, sign_in::Entrance,
    snapshot::view::TenantView,
};
use std::sync::Arc;

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

/// The tenants that a person may enter, sorted by name.
pub async fn tenants(entrance: &Entrance, person: PersonId) -> Result<Vec<OpenTenant>, StoreError> {
    let memberships = entrance.context.directory.memberships(person).await?;
    let mut open: Vec<_> = memberships.into_iter().filter_map(|member| opened(entrance, member)).collect();
    open.sort_by_cached_key(|open| (open.view.tenant.name.as_str().to_lowercase(), open.view.tenant.id));
    Ok(open)
}
