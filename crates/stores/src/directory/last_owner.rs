//! A tenant that has an owner keeps one.

use super::SqlDirectory;
use crate::sql::{Batch, Kind::Text, Statement};
use countersign_core::{id::TenantId, ports::error::StoreError};

/// Returns one row if the tenant has an enabled owner who can sign in.
pub(super) const HAS_OWNER: Statement = Statement {
    table: "members",
    text: "SELECT id FROM members WHERE tenant_id = $1 AND role = 'owner' AND disabled = 0
            AND EXISTS (SELECT 1 FROM people WHERE people.id = members.person_id AND people.password IS NOT NULL)
        LIMIT 1",
    params: &[Text],
};

impl SqlDirectory {
    /// Returns whether the tenant has an enabled owner with a password. It is read after the head of the tenant's chain, and
    /// each change of members moves the head: so a batch that commits found the same answer.
    pub(super) async fn has_owner(&self, tenant: TenantId) -> Result<bool, StoreError> {
        Ok(!self.sql.query(&HAS_OWNER, vec![tenant.to_string().into()]).await?.is_empty())
    }
}

/// Adds the statement that a tenant with an owner must not lose the last one.
pub(super) fn owned(batch: Batch, tenant: TenantId, had_owner: bool) -> Batch {
    if had_owner { batch.run_owned(&HAS_OWNER, vec![tenant.to_string().into()]) } else { batch }
}
