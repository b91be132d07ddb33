//! The changes since a number, for the copies in memory.

use super::{
    SqlDirectory, answer,
    change::READ_HEAD,
    key::{presented_key, read_key},
    member_keys::member_keys,
    members::{self, read_member},
    profile::{list_profiles, read_profile},
    resource::{ALL_RESOURCES, list_resources, read_resource},
    review::{ALL_REVIEW_NUMBERS, list_review_numbers, read_review_number},
    setting,
    tenant::{self, read_tenant},
};
use crate::sql::{
    Kind::{Int, Text},
    Row, Sql, Statement, Value,
};
use async_trait::async_trait;
use countersign_core::{
    access::key::Key,
    id::{KeyId, MemberId, TenantId},
    ports::{directory::changes::Changes, error::StoreError},
    snapshot::{news::News, view::TenantView},
    tenant::resource::Resource,
    time::Timestamp,
    verification::idempotency::Once,
};
use std::collections::{BTreeSet, HashMap};

/// The number of rows that one query of a whole copy reads.
const PAGE: i64 = 1_000;
/// The maximum number of changes on one page. The changed entities are read one by one, and the page must be
/// finished well within the time-out of a refresh.
const CHANGES: i64 = 200;

pub(super) const READ_CHANGES: Statement = Statement {
    table: "changes",
    text: "SELECT n, tenant_id, kind, entity_id FROM changes WHERE n > $1 ORDER BY n LIMIT $2",
    params: &[Int, Int],
};

pub(super) const FORGET_CHANGES: Statement =
    Statement { table: "changes", text: "DELETE FROM changes WHERE at < $1", params: &[Int] };

/// Reads the changed entities after the list of changes, so their state is that of the list or newer.
async fn since(sql: &Sql, changes: &[Row], head: i64) -> Result<News, StoreError> {
    let (mut keys, mut tenants, mut members) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut up_to = 0;
    for row in changes {
        up_to = row.int(0)?;
        let tenant = row.parsed(1, |text| text.parse::<TenantId>().ok())?;
        match row.text(2)? {
            "key" => drop(keys.insert(row.parsed(3, |text| text.parse::<KeyId>().ok())?)),
            "member" => drop(members.insert((tenant, row.parsed(3, |text| text.parse::<MemberId>().ok())?))),
            // No copy contains invitations. An erased tenant is disabled, and its last change says that it is gone.
            "invitation" | "erasure" => {}
            _ => drop(tenants.insert(tenant)),
        }
    }
    let mut news = News { up_to, more: up_to < head, ..News::default() };
    news.narrowed = members.iter().map(|(_, id)| *id).collect();
    for (tenant, id) in &members {
        for row in &member_keys(sql, *tenant, *id).await? {
            let id = row.parsed(0, |text| text.parse().ok())?;
            keys.remove(&id);
            note_key(&mut news, id, lenient(read_key(row))?.map(Some));
        }
    }
    for id in keys {
        let key = lenient(presented_key(sql, id).await)?;
        note_key(&mut news, id, key);
    }
    // Members are read after their keys. In the other order, the copy could have a key's version from after a
    // narrowing, and the member from before it; no notice would end this version.
    let read = news.keys.iter().filter_map(|(_, key)| key.as_ref());
    members.extend(read.filter_map(|key| Some((key.tenant, key.member?))));
    for (tenant, id) in members {
        news.members.push((id, lenient(members::member(sql, tenant, id).await)?.flatten()));
    }
    for id in tenants {
        let tenant = lenient(tenant_view(sql, id).await)?;
        if let Some(None) = tenant {
            news.erased.push(id);
        }
        news.tenants.push((id, tenant.flatten()));
    }
    Ok(news)
}

/// Adds a key to the news: `None` if it cannot be read.
fn note_key(news: &mut News, id: KeyId, key: Option<Option<Key>>) {
    if key.is_none() {
        news.unreadable.push(id);
    }
    news.keys.push((id, key.flatten()));
}

/// Turns an unreadable row into `None`: it is not served, and does not prevent others from being served.
fn lenient<T>(outcome: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error @ StoreError::Corrupt { .. }) => {
            tracing::error!(error = %error, "A stored value cannot be read, so what it belongs to is not served");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

async fn tenant_view(sql: &Sql, id: TenantId) -> Result<Option<TenantView>, StoreError> {
    let Some(tenant) = tenant::tenant(sql, id).await? else { return Ok(None) };
    let profiles = list_profiles(sql, id).await?;
    let profiles = profiles.into_iter().map(|profile| (profile.name.clone(), profile)).collect();
    let settings = setting::settings(sql, id).await?;
    let mut view = TenantView { profiles, settings, ..TenantView::new(tenant) };
    view.reviews = list_review_numbers(sql, id).await?;
    for resource in list_resources(sql, id).await? {
        take(&mut view, resource)?;
    }
    Ok(Some(view))
}

fn take(view: &mut TenantView, resource: Resource) -> Result<(), StoreError> {
    let id = resource.id_text();
    view.take(resource).map_err(|_| StoreError::Corrupt { table: "resources", id })
}

pub(super) const ALL_KEYS: Statement = Statement {
    table: "keys",
    text: "SELECT id, tenant_id, mode, name, scopes, secret_hash, disabled, expires_at, created_at,
            last_used_at, version, allowlist, replaced_by, member, made_by, profiles
        FROM keys WHERE id > $1 ORDER BY id LIMIT $2",
    params: &[Text, Int],
};

pub(super) const ALL_MEMBERS: Statement = Statement {
    table: "members",
    text: "SELECT id, tenant_id, person_id, disabled, version, created_at, role, permissions, zone, hours,
            senders, templates, profiles, subject_groups, pool, most_parts
        FROM members WHERE id > $1 ORDER BY id LIMIT $2",
    params: &[Text, Int],
};

pub(super) const ALL_PROFILES: Statement = Statement {
    table: "profiles",
    text: "SELECT id, tenant_id, name, code_length, code_alphabet, expires_in_s, max_checks,
            max_sends, resend_policy, created_at, limits, display_name, limit_notes
        FROM profiles WHERE id > $1 ORDER BY id LIMIT $2",
    params: &[Text, Int],
};

pub(super) const ALL_SETTINGS: Statement = Statement {
    table: "settings",
    text: "SELECT tenant_id, name, value FROM settings
        WHERE (tenant_id, name) > ($1, $2) ORDER BY tenant_id, name LIMIT $3",
    params: &[Text, Text, Int],
};

/// Reads every row of a table, page by page, in the order of the id in the first column.
async fn all(sql: &Sql, statement: &'static Statement) -> Result<Vec<Row>, StoreError> {
    let mut rows: Vec<Row> = Vec::new();
    loop {
        let after = rows.last().map_or(Ok(""), |row| row.text(0))?.to_owned();
        let page = sql.query(statement, vec![after.into(), PAGE.into()]).await?;
        let full = page.len() as i64 == PAGE;
        rows.extend(page);
        if !full {
            return Ok(rows);
        }
    }
}

async fn all_settings(sql: &Sql) -> Result<Vec<Row>, StoreError> {
    let mut rows: Vec<Row> = Vec::new();
    loop {
        let after: Vec<Value> = match rows.last() {
            Some(row) => vec![row.text(0)?.into(), row.text(1)?.into()],
            None => vec!["".into(), "".into()],
        };
        let page = sql.query(&ALL_SETTINGS, after.into_iter().chain([PAGE.into()]).collect()).await?;
        let full = page.len() as i64 == PAGE;
        rows.extend(page);
        if !full {
            return Ok(rows);
        }
    }
}

/// Reads the whole directory. The change number was read before, so changes made meanwhile are read again
/// later.
async fn whole(sql: &Sql, head: i64) -> Result<News, StoreError> {
    let mut tenants = HashMap::new();
    for row in &all(sql, &tenant::LIST_TENANTS).await? {
        if let Some(tenant) = lenient(read_tenant(row))? {
            tenants.insert(tenant.id.to_string(), TenantView::new(tenant));
        }
    }
    for row in &all(sql, &ALL_PROFILES).await? {
        if let (Some(profile), Some(view)) = (lenient(read_profile(row))?, tenants.get_mut(row.text(1)?)) {
            view.profiles.insert(profile.name.clone(), profile);
        }
    }
    for row in &all(sql, &ALL_REVIEW_NUMBERS).await? {
        if let (Some(review), Some(view)) = (lenient(read_review_number(row))?, tenants.get_mut(row.text(1)?))
        {
            view.reviews.push(review);
        }
    }
    for row in &all_settings(sql).await? {
        let id = row.text(0)?;
        let read = tenants.get_mut(id).map(|view| setting::take(&mut view.settings, row));
        if lenient(read.unwrap_or(Ok(())))?.is_none() {
            // Drop a tenant with an unreadable row: it must not be served as if it had no such setting.
            tenants.remove(id);
        }
    }
    for row in &all(sql, &ALL_RESOURCES).await? {
        let id = row.text(1)?;
        let read = |view: &mut TenantView| read_resource(row)?.map_or(Ok(()), |one| take(view, one));
        if lenient(tenants.get_mut(id).map_or(Ok(()), read))?.is_none() {
            tenants.remove(id);
        }
    }
    let mut news = News { up_to: head, whole: true, ..News::default() };
    for row in &all(sql, &ALL_KEYS).await? {
        if let Some(key) = lenient(read_key(row))? {
            news.keys.push((key.id, Some(key)));
        }
    }
    for row in &all(sql, &ALL_MEMBERS).await? {
        if let Some(member) = lenient(read_member(row))? {
            news.members.push((member.id, Some(member)));
        }
    }
    news.tenants = tenants.into_values().map(|view| (view.tenant.id, Some(view))).collect();
    Ok(news)
}

#[async_trait]
impl Changes for SqlDirectory {
    async fn news(&self, after: i64) -> Result<Option<News>, StoreError> {
        let head = self.sql.query(&READ_HEAD, Vec::new()).await?;
        let head =
            head.first().ok_or(StoreError::Corrupt { table: "change_head", id: "1".to_owned() })?.int(0)?;
        // The copy was never filled: no change has the number 0.
        if after == 0 {
            return whole(&self.sql, head).await.map(Some);
        }
        if head == after {
            return Ok(None);
        }
        let changes = self.sql.query(&READ_CHANGES, vec![after.into(), CHANGES.into()]).await?;
        match changes.first().map(|row| row.int(0)).transpose()? {
            // The next change is in the list, so no change between has been deleted from it.
            Some(first) if first == after + 1 => since(&self.sql, &changes, head).await.map(Some),
            _ => whole(&self.sql, head).await.map(Some),
        }
    }

    async fn forget_changes(&self, before: Timestamp) -> Result<(), StoreError> {
        self.sql.execute(&FORGET_CHANGES, vec![before.micros().into()]).await
    }

    async fn answered(
        &self,
        tenant: TenantId,
        once: &Once,
        since: Timestamp,
    ) -> Result<Option<[u8; 16]>, StoreError> {
        answer::answered(&self.sql, tenant, once, since).await
    }

    async fn forget_answered(&self, before: Timestamp) -> Result<(), StoreError> {
        answer::forget_answered(&self.sql, before).await
    }
}
