//! Keys.

use super::SqlDirectory;
use super::{
    answer::answer_once,
    change::{note_change, take_number},
    members::begin,
    told::{self, told_webhooks},
};
use crate::{
    people::notices::insert_notice,
    sql::{
        Batch,
        Kind::{Bytes, Int, Text},
        Row, Sql, Statement, Value,
    },
};
use async_trait::async_trait;
use countersign_core::ports::directory::keys::Keys;
use countersign_core::{
    access::{
        allowlist::Allowlist,
        change::Change,
        key::{HashedSecret, Key, MOST_KEYS, MOST_KEYS_OF_MEMBER},
        scope::Scope,
        share::Share,
    },
    audit::{entry::Draft, state::of_key},
    id::{KeyId, MemberId, TenantId},
    mode::Mode,
    people::notice::SealedNotice,
    ports::{
        directory::{
            keys::{Judged, KeyChange, Rotation},
            members::Acting,
        },
        error::StoreError,
    },
    time::Timestamp,
    verification::idempotency::Once,
    webhook::event::WebhookEvent,
};

pub(super) fn read_key(row: &Row) -> Result<Key, StoreError> {
    let hash = row.bytes(5)?.try_into().map_err(|_| row.corrupt())?;
    Ok(Key {
        id: row.parsed(0, |text| text.parse().ok())?,
        tenant: row.parsed(1, |text| text.parse().ok())?,
        mode: row.parsed(2, Mode::parse)?,
        name: row.text(3)?.to_owned(),
        // Unknown scopes of a newer release are skipped, so the key works without them.
        scopes: row.text(4)?.split_whitespace().filter_map(Scope::parse).collect(),
        secret_hash: HashedSecret::from_bytes(hash),
        disabled: row.flag(6)?,
        expires_at: row.optional_int(7)?.map(Timestamp::from_micros),
        created_at: Timestamp::from_micros(row.int(8)?),
        last_used_at: row.optional_int(9)?.map(Timestamp::from_micros),
        version: row.int(10)?,
        allowlist: row.parsed(11, Allowlist::parse)?,
        replaced_by: row.optional_text(12)?.map(str::parse).transpose().map_err(|_| row.corrupt())?,
        member: row.optional_text(13)?.map(str::parse).transpose().map_err(|_| row.corrupt())?,
        made_by: row.optional_text(14)?.map(str::parse).transpose().map_err(|_| row.corrupt())?,
        profiles: match row.optional_text(15)? {
            None => Share::all(),
            Some(text) => Share::parse(text).ok_or_else(|| row.corrupt())?,
        },
    })
}

/// The only query without a tenant: it finds the tenant of a caller.
pub(super) const SELECT_PRESENTED_KEY: Statement = Statement {
    table: "keys",
    text: "SELECT id, tenant_id, mode, name, scopes, secret_hash, disabled, expires_at, created_at,
            last_used_at, version, allowlist, replaced_by, member, made_by, profiles
        FROM keys WHERE id = $1",
    params: &[Text],
};

pub(super) async fn presented_key(sql: &Sql, key: KeyId) -> Result<Option<Key>, StoreError> {
    let rows = sql.query(&SELECT_PRESENTED_KEY, vec![key.to_string().into()]).await?;
    rows.first().map(read_key).transpose()
}

/// The rotation of a leaked key may exceed the maximum by this many: it must not wait until another key is
/// deleted.
const FOR_ROTATION: u32 = 100;
/// The same for the keys of a member.
const FOR_ROTATION_OF_MEMBER: u32 = 10;
/// The maximum number of keys of removed members. They do nothing until an owner moves them, and they do not count
/// among the others.
const MOST_DEAD: u32 = 10_000;

pub(super) const INSERT_KEY: Statement = Statement {
    table: "keys",
    text: "INSERT INTO keys (tenant_id, id, mode, name, scopes, secret_hash, disabled, expires_at,
            created_at, last_used_at, version, allowlist, replaced_by, member, made_by, profiles)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    params: &[Text, Text, Text, Text, Text, Bytes, Int, Int, Int, Int, Int, Text, Text, Text, Text, Text],
};

/// Returns one row unless the tenant has too many keys. The keys of removed members have a maximum of their own. No
/// other writer can add a key before this transaction commits.
pub(super) const COUNT_KEYS: Statement = Statement {
    table: "change_head",
    text: "SELECT n FROM change_head WHERE only_row = 1
        AND (SELECT count(*) FROM keys WHERE tenant_id = $1 AND (member IS NULL
            OR EXISTS (SELECT 1 FROM members WHERE tenant_id = $1 AND members.id = keys.member))) <= $2
        AND (SELECT count(*) FROM keys WHERE tenant_id = $1) <= $3",
    params: &[Text, Int, Int],
};

/// Returns one row unless the member has too many keys.
pub(super) const COUNT_MEMBER_KEYS: Statement = Statement {
    table: "change_head",
    text: "SELECT n FROM change_head WHERE only_row = 1
        AND (SELECT count(*) FROM keys WHERE tenant_id = $1 AND member = $2) <= $3",
    params: &[Text, Text, Int],
};

/// Adds the statement that the member has at most so many keys, and some more for a rotation.
pub(super) fn count_member_keys(
    batch: Batch,
    tenant: TenantId,
    member: MemberId,
    for_rotation: bool,
) -> Batch {
    let most = MOST_KEYS_OF_MEMBER + if for_rotation { FOR_ROTATION_OF_MEMBER } else { 0 };
    let values = vec![tenant.to_string().into(), member.to_string().into(), i64::from(most).into()];
    batch.run_within(("keys of a member", most), &COUNT_MEMBER_KEYS, values)
}

/// Returns one row if the member has the version that was read.
pub(super) const SAME_MEMBER: Statement = Statement {
    table: "members",
    text: "SELECT id FROM members WHERE tenant_id = $1 AND id = $2 AND version = $3",
    params: &[Text, Text, Int],
};

/// Begins the batch of a change of a key, as [`begin`] does, and checks that the member whose key it is has not
/// changed either: a promotion would give the author the key of an owner.
fn begin_judged(tenant: TenantId, judged: Option<Judged>) -> Batch {
    let batch = begin(tenant, judged.map(|judged| judged.acting));
    let Some((id, version)) = judged.and_then(|judged| judged.of) else { return batch };
    batch.run_unmoved(&SAME_MEMBER, vec![tenant.to_string().into(), id.to_string().into(), version.into()])
}

/// Refuses a key that has changed since it was judged.
fn unmoved(stored: &Key, judged: Option<Judged>) -> Result<(), StoreError> {
    match judged {
        Some(judged) if judged.version != stored.version => Err(StoreError::Moved),
        _ => Ok(()),
    }
}

/// The stored form of the profiles: NULL for all, as in rows from before there were shares.
fn stored_profiles(key: &Key) -> Value {
    key.profiles.listed().map(|_| key.profiles.to_string()).into()
}

/// Adds the statements that insert the key and record the change under the number that was taken.
fn insert_key(batch: Batch, key: &Key, for_rotation: bool, by: &Change) -> Batch {
    let most = MOST_KEYS + if for_rotation { FOR_ROTATION } else { 0 };
    let values = vec![
        key.tenant.to_string().into(),
        key.id.to_string().into(),
        key.mode.as_str().into(),
        key.name.as_str().into(),
        key.scopes.to_string().into(),
        key.secret_hash.bytes().as_slice().into(),
        key.disabled.into(),
        key.expires_at.map(Timestamp::micros).into(),
        key.created_at.micros().into(),
        key.last_used_at.map(Timestamp::micros).into(),
        key.version.into(),
        key.allowlist.to_string().into(),
        key.replaced_by.map(|id| id.to_string()).into(),
        key.member.map(|id| id.to_string()).into(),
        key.made_by.map(|id| id.to_string()).into(),
        stored_profiles(key),
    ];
    let dead = i64::from(most + MOST_DEAD);
    let count = vec![key.tenant.to_string().into(), i64::from(most).into(), dead.into()];
    let mut batch = batch.run_touching(1, &INSERT_KEY, values).run_within(("keys", most), &COUNT_KEYS, count);
    if let Some(member) = key.member {
        batch = count_member_keys(batch, key.tenant, member, for_rotation);
    }
    note_change(batch, key.tenant, "key", key.id, by)
}

pub(super) const RETIRE_KEY: Statement = Statement {
    table: "keys",
    text: "UPDATE keys SET expires_at = $4, replaced_by = $5, version = version + 1
        WHERE tenant_id = $1 AND id = $2 AND version = $3",
    params: &[Text, Text, Int, Int, Text],
};

pub(super) const SELECT_KEY: Statement = Statement {
    table: "keys",
    text: "SELECT id, tenant_id, mode, name, scopes, secret_hash, disabled, expires_at, created_at,
            last_used_at, version, allowlist, replaced_by, member, made_by, profiles
        FROM keys WHERE tenant_id = $1 AND id = $2",
    params: &[Text, Text],
};

pub(super) async fn key(sql: &Sql, tenant: TenantId, key: KeyId) -> Result<Option<Key>, StoreError> {
    let rows = sql.query(&SELECT_KEY, vec![tenant.to_string().into(), key.to_string().into()]).await?;
    rows.first().map(read_key).transpose()
}

pub(super) const LIST_KEYS: Statement = Statement {
    table: "keys",
    text: "SELECT id, tenant_id, mode, name, scopes, secret_hash, disabled, expires_at, created_at,
            last_used_at, version, allowlist, replaced_by, member, made_by, profiles
        FROM keys WHERE tenant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
    params: &[Text, Text, Int],
};

pub(super) const UPDATE_KEY: Statement = Statement {
    table: "keys",
    text: "UPDATE keys SET name = $4, disabled = $5, expires_at = $6, allowlist = $7,
            profiles = $8, version = version + 1
        WHERE tenant_id = $1 AND id = $2 AND version = $3",
    params: &[Text, Text, Int, Text, Int, Int, Text, Text],
};

pub(super) const DELETE_KEY: Statement = Statement {
    table: "keys",
    text: "DELETE FROM keys WHERE tenant_id = $1 AND id = $2",
    params: &[Text, Text],
};

#[async_trait]
impl Keys for SqlDirectory {
    async fn presented_key(&self, key: KeyId) -> Result<Option<Key>, StoreError> {
        presented_key(&self.sql, key).await
    }

    async fn create_key(
        &self,
        key: &Key,
        once: Option<(TenantId, &Once)>,
        acting: Option<Acting>,
        notices: &[SealedNotice],
        by: &Change,
    ) -> Result<(), StoreError> {
        let webhooks = &told_webhooks(&self.sql, key.tenant).await?;
        let (asking, once) = once.unzip();
        let asking = asking.unwrap_or(key.tenant);
        let draft = &Draft::created("key.create", key.id, of_key(key));
        self.audited(key.tenant, by, |mut chains| async move {
            let batch = chains.append(begin(key.tenant, acting), draft, by);
            let batch = insert_key(batch, key, false, by);
            let batch = told::tell_key(batch, webhooks, WebhookEvent::KeyCreated, key, key.created_at);
            let batch = notices.iter().fold(batch, insert_notice);
            self.sql.batch(answer_once(batch, asking, once, key.created_at)).await.map(drop)
        })
        .await
    }

    async fn rotate_key(
        &self,
        rotation: &Rotation,
        once: Option<&Once>,
        judged: Option<Judged>,
        by: &Change,
    ) -> Result<(), StoreError> {
        let Rotation { new, old, version, ends_at } = rotation;
        let (tenant, now) = (new.tenant, new.created_at);
        let webhooks = &told_webhooks(&self.sql, tenant).await?;
        self.audited(tenant, by, |mut chains| async move {
            let former = key(&self.sql, tenant, *old).await?.ok_or(StoreError::Conflict)?;
            let retired = Key {
                version: version + 1,
                expires_at: Some(*ends_at),
                replaced_by: Some(new.id),
                ..former.clone()
            };
            let created = Draft::created("key.create", new.id, of_key(new));
            let rotated = Draft::updated("key.rotate", old, of_key(&former), of_key(&retired));
            let batch = chains.append(begin_judged(tenant, judged), &created, by);
            let batch = chains.append(batch, &rotated, by);
            let batch = insert_key(batch, new, true, by);
            let retire = vec![
                tenant.to_string().into(),
                old.to_string().into(),
                (*version).into(),
                ends_at.micros().into(),
                new.id.to_string().into(),
            ];
            let batch = take_number(batch).run_touching(1, &RETIRE_KEY, retire);
            let batch = note_change(batch, tenant, "key", old, by);
            let batch = told::tell_key(batch, webhooks, WebhookEvent::KeyCreated, new, now);
            let batch = told::tell_key(batch, webhooks, WebhookEvent::KeyRotated, &retired, now);
            self.sql.batch(answer_once(batch, tenant, once, now)).await.map(drop)
        })
        .await
    }

    async fn key(&self, tenant: TenantId, key: KeyId) -> Result<Option<Key>, StoreError> {
        self::key(&self.sql, tenant, key).await
    }

    async fn list_keys(
        &self,
        tenant: TenantId,
        before: Option<KeyId>,
        limit: u16,
    ) -> Result<Vec<Key>, StoreError> {
        // A tilde sorts after every character of an id.
        let before = before.map_or_else(|| format!("{}~", KeyId::PREFIX), |id| id.to_string());
        let values = vec![tenant.to_string().into(), before.into(), i64::from(limit).into()];
        self.sql.query(&LIST_KEYS, values).await?.iter().map(read_key).collect()
    }

    async fn update_key(
        &self,
        tenant: TenantId,
        id: KeyId,
        change: KeyChange,
        judged: Option<Judged>,
        by: &Change,
    ) -> Result<Option<Key>, StoreError> {
        let webhooks = &told_webhooks(&self.sql, tenant).await?;
        let change = &change;
        self.audited_until(tenant, (by, change.ends(by.at)), |mut chains| async move {
            let Some(old) = key(&self.sql, tenant, id).await? else { return Ok(None) };
            unmoved(&old, judged)?;
            let new = change.apply(old.clone());
            if of_key(&new) == of_key(&old) {
                return Ok(Some(old));
            }
            let draft = Draft::updated("key.update", id, of_key(&old), of_key(&new));
            let values = vec![
                tenant.to_string().into(),
                id.to_string().into(),
                old.version.into(),
                new.name.as_str().into(),
                new.disabled.into(),
                new.expires_at.map(Timestamp::micros).into(),
                new.allowlist.to_string().into(),
                stored_profiles(&new),
            ];
            let batch = chains.append(begin_judged(tenant, judged), &draft, by);
            let batch = batch.run_unmoved(&UPDATE_KEY, values);
            let batch = note_change(batch, tenant, "key", id, by);
            let told = match (old.disabled, new.disabled) {
                (false, true) => WebhookEvent::KeyDisabled,
                (true, false) => WebhookEvent::KeyEnabled,
                _ => WebhookEvent::KeyUpdated,
            };
            self.sql.batch(told::tell_key(batch, webhooks, told, &new, by.at)).await?;
            Ok(Some(new))
        })
        .await
    }

    async fn delete_key(
        &self,
        tenant: TenantId,
        id: KeyId,
        judged: Option<Judged>,
        by: &Change,
    ) -> Result<bool, StoreError> {
        let webhooks = &told_webhooks(&self.sql, tenant).await?;
        self.audited_until(tenant, (by, true), |mut chains| async move {
            let Some(old) = key(&self.sql, tenant, id).await? else { return Ok(false) };
            unmoved(&old, judged)?;
            let draft = Draft::deleted("key.delete", id, of_key(&old));
            let values = vec![tenant.to_string().into(), id.to_string().into()];
            let batch = chains.append(begin_judged(tenant, judged), &draft, by);
            let batch = batch.run_unmoved(&DELETE_KEY, values);
            let batch = note_change(batch, tenant, "key", id, by);
            self.sql.batch(told::tell_key(batch, webhooks, WebhookEvent::KeyDeleted, &old, by.at)).await?;
            Ok(true)
        })
        .await
    }
}
