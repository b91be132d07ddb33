//! The addresses that used each key.

use super::SqlDirectory;
use crate::sql::{
    Batch,
    Kind::{Int, Text},
    Row, Sql, Statement, Value,
};
use async_trait::async_trait;
use countersign_core::{
    access::usage::{AddressUse, MOST_ADDRESSES, UsePage},
    id::{KeyId, TenantId},
    ports::{directory::uses::Uses, error::StoreError},
    time::Timestamp,
};
use std::collections::{BTreeMap, BTreeSet};

/// The number of uses that one transaction records. It locks their rows until it ends.
const NOTED_AT_ONCE: usize = 100;

/// Adds to the counts of a row and returns the sums. If the sums equal the counts that it
/// added, the row is new.
pub(super) const NOTE_USE: Statement = Statement {
    table: "key_addresses",
    text: "INSERT INTO key_addresses (tenant_id, key_id, address, uses, refused, first_used_at,
            last_used_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (tenant_id, key_id, address) DO UPDATE SET
            uses = key_addresses.uses + excluded.uses,
            refused = key_addresses.refused + excluded.refused,
            last_used_at = CASE WHEN excluded.last_used_at > key_addresses.last_used_at
                THEN excluded.last_used_at ELSE key_addresses.last_used_at END
        RETURNING key_id, uses, refused",
    params: &[Text, Text, Text, Int, Int, Int, Int],
};

/// Deletes all but the $3 addresses used last. $4 is more than the number of addresses that a key can have
/// beyond them.
pub(super) const TRIM_USES: Statement = Statement {
    table: "key_addresses",
    text: "DELETE FROM key_addresses WHERE tenant_id = $1 AND key_id = $2 AND address IN (
            SELECT address FROM key_addresses WHERE tenant_id = $1 AND key_id = $2
            ORDER BY last_used_at DESC, address DESC LIMIT $4 OFFSET $3)",
    params: &[Text, Text, Int, Int],
};

fn values(one: &AddressUse) -> Vec<Value> {
    vec![
        one.tenant.to_string().into(),
        one.key.to_string().into(),
        one.address.to_string().into(),
        count(one.uses).into(),
        count(one.refused).into(),
        one.first_used_at.micros().into(),
        one.last_used_at.micros().into(),
    ]
}

fn count(uses: u64) -> i64 {
    i64::try_from(uses).unwrap_or(i64::MAX)
}

fn read_use(row: &Row) -> Result<AddressUse, StoreError> {
    let count = |index| u64::try_from(row.int(index)?).map_err(|_| row.corrupt());
    Ok(AddressUse {
        key: row.parsed(0, |text| text.parse().ok())?,
        tenant: row.parsed(1, |text| text.parse().ok())?,
        address: row.parsed(2, |text| text.parse().ok())?,
        uses: count(3)?,
        refused: count(4)?,
        first_used_at: Timestamp::from_micros(row.int(5)?),
        last_used_at: Timestamp::from_micros(row.int(6)?),
    })
}

pub(super) const LIST_USES: Statement = Statement {
    table: "key_addresses",
    text: "SELECT key_id, tenant_id, address, uses, refused, first_used_at, last_used_at
        FROM key_addresses WHERE tenant_id = $1 AND (last_used_at, key_id, address) < ($2, $3, $4)
        ORDER BY last_used_at DESC, key_id DESC, address DESC LIMIT $5",
    params: &[Text, Int, Text, Text, Int],
};

pub(super) const LIST_USES_OF_KEY: Statement = Statement {
    table: "key_addresses",
    text: "SELECT key_id, tenant_id, address, uses, refused, first_used_at, last_used_at
        FROM key_addresses
        WHERE tenant_id = $1 AND (last_used_at, key_id, address) < ($2, $3, $4) AND key_id = $6
        ORDER BY last_used_at DESC, key_id DESC, address DESC LIMIT $5",
    params: &[Text, Int, Text, Text, Int, Text],
};

pub(super) const FORGET_USES: Statement = Statement {
    table: "key_addresses",
    text: "DELETE FROM key_addresses WHERE last_used_at < $1",
    params: &[Int],
};

/// The number of keys that one transaction updates. It locks their rows until it ends.
const TOUCHED_AT_ONCE: usize = 100;

pub(super) const TOUCH_KEY: Statement = Statement {
    table: "keys",
    text: "UPDATE keys SET last_used_at = $3
        WHERE tenant_id = $1 AND id = $2 AND (last_used_at IS NULL OR last_used_at < $3)",
    params: &[Text, Text, Int],
};

async fn touch_keys(sql: &Sql, uses: &[(TenantId, KeyId, Timestamp)]) -> Result<(), StoreError> {
    // Each key occurs once, with its latest use. The keys are sorted, so that two nodes lock the rows in the
    // same order and cannot block each other.
    let mut latest = BTreeMap::new();
    for (tenant, key, at) in uses {
        let newest = latest.entry((*tenant, *key)).or_insert(*at);
        *newest = (*newest).max(*at);
    }
    let latest: Vec<_> = latest.into_iter().collect();
    for chunk in latest.chunks(TOUCHED_AT_ONCE) {
        let batch = chunk.iter().fold(Batch::default(), |batch, ((tenant, key), at)| {
            let values = vec![tenant.to_string().into(), key.to_string().into(), at.micros().into()];
            batch.run(&TOUCH_KEY, values)
        });
        sql.batch(batch).await?;
    }
    Ok(())
}

#[async_trait]
impl Uses for SqlDirectory {
    async fn touch_keys(&self, uses: &[(TenantId, KeyId, Timestamp)]) -> Result<(), StoreError> {
        touch_keys(&self.sql, uses).await
    }

    async fn note_address_uses(&self, uses: &[AddressUse]) -> Result<(), StoreError> {
        let mut uses: Vec<_> = uses.iter().collect();
        // The uses are sorted, so that two nodes lock the rows in the same order and cannot block each other.
        uses.sort_unstable_by_key(|one| (one.tenant, one.key, one.address));
        for chunk in uses.chunks(NOTED_AT_ONCE) {
            let noted = chunk.iter().fold(Batch::default(), |batch, one| batch.run(&NOTE_USE, values(one)));
            let rows = self.sql.batch(noted).await?;
            let mut grown = BTreeSet::new();
            for (one, rows) in chunk.iter().zip(&rows) {
                let row = rows.first().ok_or(StoreError::Conflict)?;
                if (row.int(1)?, row.int(2)?) == (count(one.uses), count(one.refused)) {
                    grown.insert((one.tenant, one.key));
                }
            }
            let trim = grown.iter().fold(Batch::default(), |batch, (tenant, key)| {
                let keep = i64::from(MOST_ADDRESSES);
                let ids: Vec<Value> = vec![tenant.to_string().into(), key.to_string().into()];
                batch.run(
                    &TRIM_USES,
                    ids.into_iter().chain([keep.into(), i64::from(i32::MAX).into()]).collect(),
                )
            });
            if !grown.is_empty() {
                self.sql.batch(trim).await?;
            }
        }
        Ok(())
    }

    async fn list_address_uses(
        &self,
        tenant: TenantId,
        page: UsePage,
    ) -> Result<Vec<AddressUse>, StoreError> {
        // A tilde sorts after every character of an id or an address.
        let (at, key, address) = match page.after {
            Some(last) => (last.last_used_at.micros(), last.key.to_string(), last.address.to_string()),
            None => (i64::MAX, format!("{}~", KeyId::PREFIX), "~".to_owned()),
        };
        let mut values = vec![
            tenant.to_string().into(),
            at.into(),
            key.into(),
            address.into(),
            i64::from(page.limit).into(),
        ];
        let statement = match page.key {
            Some(key) => {
                values.push(key.to_string().into());
                &LIST_USES_OF_KEY
            }
            None => &LIST_USES,
        };
        self.sql.query(statement, values).await?.iter().map(read_use).collect()
    }

    async fn forget_address_uses(&self, before: Timestamp) -> Result<(), StoreError> {
        self.sql.execute(&FORGET_USES, vec![before.micros().into()]).await
    }
}
