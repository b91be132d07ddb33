//! Erases a deleted tenant, a limited number of rows at a time. The erasure may be interrupted at any point,
//! and several nodes may work on it at once.

use super::{
    SqlDirectory,
    audit::{ERASE_ANCHOR, ERASE_CHAIN_HEAD, ERASE_ENTRIES},
    audit_log::FORGET_ENTRIES,
    change::{note_change, take_number},
    stranger::{ERASE_SESSIONS, ERASE_SIGN_INS, ERASE_SIGN_INS_OF_STRANGERS, OF_STRANGERS},
    tenant::{read_tenant, tenant},
};
use crate::sql::{
    Batch,
    Kind::{Int, Text},
    Row, Sql, Statement, Value,
};
use countersign_core::{
    access::change::Change,
    audit::{entry::Draft, state::of_tenant},
    id::TenantId,
    ports::error::StoreError,
    tenant::{OPERATOR, Tenant},
    time::Timestamp,
};

pub(super) const LIST_DELETED: Statement = Statement {
    table: "tenants",
    text: "SELECT id, name, created_at, version, disabled_at, deleted_at, erasing
        FROM tenants WHERE deleted_at <= $1 ORDER BY id LIMIT $2",
    params: &[Int, Int],
};

pub(super) async fn list_deleted(sql: &Sql, until: Timestamp, limit: u16) -> Result<Vec<Tenant>, StoreError> {
    let rows = sql.query(&LIST_DELETED, vec![until.micros().into(), i64::from(limit).into()]).await?;
    rows.iter().map(read_tenant).collect()
}

/// Begins the erasure, unless the tenant was enabled again.
pub(super) const BEGIN_ERASURE: Statement = Statement {
    table: "tenants",
    text: "UPDATE tenants SET erasing = 1, version = version + 1
        WHERE id = $1 AND deleted_at <= $2 AND disabled_at IS NOT NULL AND erasing = 0",
    params: &[Text, Int],
};

pub(super) const IS_ERASING: Statement = Statement {
    table: "tenants",
    text: "SELECT id FROM tenants WHERE id = $1 AND erasing = 1",
    params: &[Text],
};

async fn is_erasing(sql: &Sql, tenant: TenantId) -> Result<bool, StoreError> {
    Ok(!sql.query(&IS_ERASING, vec![tenant.to_string().into()]).await?.is_empty())
}

pub(super) const ERASE_KEYS: Statement = Statement {
    table: "keys",
    text: "DELETE FROM keys WHERE id IN (SELECT id FROM keys WHERE tenant_id = $1 ORDER BY id LIMIT $2)
        RETURNING id",
    params: &[Text, Int],
};

pub(super) const ERASE_PROFILES: Statement = Statement {
    table: "profiles",
    text: "DELETE FROM profiles WHERE id IN
            (SELECT id FROM profiles WHERE tenant_id = $1 ORDER BY id LIMIT $2)
        RETURNING id",
    params: &[Text, Int],
};

pub(super) const ERASE_RESOURCES: Statement = Statement {
    table: "resources",
    text: "DELETE FROM resources WHERE id IN
            (SELECT id FROM resources WHERE tenant_id = $1 ORDER BY id LIMIT $2)
        RETURNING id",
    params: &[Text, Int],
};

pub(super) const ERASE_REVIEW_NUMBERS: Statement = Statement {
    table: "review_numbers",
    text: "DELETE FROM review_numbers WHERE id IN
            (SELECT id FROM review_numbers WHERE tenant_id = $1 ORDER BY id LIMIT $2)
        RETURNING id",
    params: &[Text, Int],
};

pub(super) const ERASE_SETTINGS: Statement = Statement {
    table: "settings",
    text: "DELETE FROM settings WHERE tenant_id = $1 AND name IN
            (SELECT name FROM settings WHERE tenant_id = $1 ORDER BY name LIMIT $2)
        RETURNING name",
    params: &[Text, Int],
};

pub(super) const ERASE_ANSWERS: Statement = Statement {
    table: "idempotency",
    text: "DELETE FROM idempotency WHERE tenant_id = $1 AND slot IN
            (SELECT slot FROM idempotency WHERE tenant_id = $1 ORDER BY slot LIMIT $2)
        RETURNING tenant_id",
    params: &[Text, Int],
};

pub(super) const ERASE_USES: Statement = Statement {
    table: "key_addresses",
    text: "DELETE FROM key_addresses WHERE tenant_id = $1 AND (key_id, address) IN
            (SELECT key_id, address FROM key_addresses WHERE tenant_id = $1
                ORDER BY key_id, address LIMIT $2)
        RETURNING key_id",
    params: &[Text, Int],
};

pub(super) const ERASE_APPLIED: Statement = Statement {
    table: "applied",
    text: "DELETE FROM applied WHERE tenant_id = $1 AND (source, kind, entity_id) IN
            (SELECT source, kind, entity_id FROM applied WHERE tenant_id = $1
                ORDER BY source, kind, entity_id LIMIT $2)
        RETURNING entity_id",
    params: &[Text, Int],
};

/// Deletes the persons who are members of no other tenant. The next statement deletes the memberships.
pub(super) const ERASE_PEOPLE: Statement = Statement {
    table: "people",
    text: "DELETE FROM people WHERE id IN
            (SELECT person_id FROM members WHERE tenant_id = $1 ORDER BY id LIMIT $2)
            AND NOT EXISTS (SELECT 1 FROM members
                WHERE members.person_id = people.id AND members.tenant_id <> $1)
        RETURNING id",
    params: &[Text, Int],
};

pub(super) const ERASE_MEMBERS: Statement = Statement {
    table: "members",
    text: "DELETE FROM members WHERE id IN
            (SELECT id FROM members WHERE tenant_id = $1 ORDER BY id LIMIT $2)
        RETURNING id",
    params: &[Text, Int],
};

pub(super) const ERASE_INVITATIONS: Statement = Statement {
    table: "invitations",
    text: "DELETE FROM invitations WHERE id IN
            (SELECT id FROM invitations WHERE tenant_id = $1 ORDER BY id LIMIT $2)
        RETURNING id",
    params: &[Text, Int],
};

pub(super) const ERASE_TENANT: Statement = Statement {
    table: "tenants",
    text: "DELETE FROM tenants WHERE id = $1 AND erasing = 1",
    params: &[Text],
};

/// The rows of which one person may have many. Only when none is left, the persons go.
const FIRST: [&Statement; 3] = [&ERASE_SIGN_INS_OF_STRANGERS, &ERASE_SIGN_INS, &ERASE_SESSIONS];

const OF_A_TENANT: [&Statement; 11] = [
    &ERASE_MEMBERS,
    &ERASE_INVITATIONS,
    &ERASE_KEYS,
    &ERASE_PROFILES,
    &ERASE_RESOURCES,
    &ERASE_REVIEW_NUMBERS,
    &ERASE_SETTINGS,
    &ERASE_ANSWERS,
    &ERASE_USES,
    &ERASE_APPLIED,
    &ERASE_ENTRIES,
];

impl SqlDirectory {
    pub(super) async fn begin(
        &self,
        id: TenantId,
        until: Timestamp,
        by: &Change,
    ) -> Result<bool, StoreError> {
        let chains = [id, OPERATOR];
        let begun = self.audited_in(&chains, |mut chains| async move {
            let old = tenant(&self.sql, id).await?.ok_or(StoreError::Conflict)?;
            let new = Tenant { erasing: true, ..old.clone() };
            let draft = Draft::updated("tenant.erase", id, of_tenant(&old), of_tenant(&new));
            let values = vec![id.to_string().into(), until.micros().into()];
            let batch = chains.append(take_number(Batch::default()), &draft, by);
            let batch = batch.run_touching(1, &BEGIN_ERASURE, values);
            self.sql.batch(note_change(batch, id, "tenant", id, by)).await
        });
        match begun.await {
            Err(StoreError::Conflict) => is_erasing(&self.sql, id).await,
            outcome => outcome.map(|_| true),
        }
    }

    /// The copies in memory do not follow the deletions. They already refuse the tenant's keys. The last change, which says that the tenant does not exist, removes it from
    /// them. Its entry is in the operator's chain, because the tenant's chain is erased too.
    pub(super) async fn erase(&self, id: TenantId, limit: u16, by: &Change) -> Result<bool, StoreError> {
        if !is_erasing(&self.sql, id).await? {
            return Ok(true);
        }
        let of = || -> Vec<Value> { vec![id.to_string().into(), i64::from(limit).into()] };
        // Two erasures at once could each leave a person to the other, who is a member of both tenants. The number
        // makes them wait for each other.
        let held = note_change(take_number(Batch::default()), id, "erasure", id, by);
        let full = |rows: Vec<Vec<Row>>| rows.iter().any(|rows| rows.len() >= usize::from(limit));
        let batch = FIRST.iter().fold(Batch::default(), |batch, statement| batch.run(statement, of()));
        if full(self.sql.batch(batch).await?) {
            return Ok(false);
        }
        let batch = held.run(&ERASE_PEOPLE, of());
        let rest = OF_STRANGERS.iter().chain(&OF_A_TENANT);
        let batch = rest.fold(batch, |batch, statement| batch.run(statement, of()));
        if full(self.sql.batch(batch).await?) {
            return Ok(false);
        }
        let erased = self.audited_in(&[OPERATOR], |mut chains| async move {
            let old = tenant(&self.sql, id).await?.ok_or(StoreError::Conflict)?;
            let draft = Draft::deleted("tenant.delete", id, of_tenant(&old));
            let only = || vec![id.to_string().into()];
            let batch = chains
                .append(take_number(Batch::default()), &draft, by)
                .run(&FORGET_ENTRIES, vec![id.to_string().into(), i64::MAX.into()])
                .run(&ERASE_CHAIN_HEAD, only())
                .run(&ERASE_ANCHOR, only())
                .run_touching(1, &ERASE_TENANT, only());
            self.sql.batch(note_change(batch, id, "tenant", id, by)).await
        });
        match erased.await {
            // A row was added in the meantime, or another node was first. The next call finds out which.
            Err(StoreError::Conflict) => Ok(false),
            outcome => outcome.map(|_| true),
        }
    }
}
