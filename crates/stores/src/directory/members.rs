//! Members of tenants, and the keys of members.

use super::{
    SqlDirectory,
    change::{note_change, take_number},
    invitations::end_invitation,
    key::{count_member_keys, read_key},
    last_owner::owned,
    limits::{limits_values, read_limits, unknown_scope},
    member_keys::{MOVE_KEY, ends, member_keys, raise_keys},
    people::{DELETE_STRANGER, insert_person, shut_out},
    stranger::{delete_rows_of_stranger, end_tenant_sessions},
    told::{self, told_webhooks},
};
use crate::{
    people::notices::insert_notice,
    sql::{
        Batch,
        Kind::{Int, Text},
        Row, Sql, Statement, Value,
    },
};
use async_trait::async_trait;
use countersign_core::{
    access::{actor::Who, change::Change, key::Key},
    audit::{
        entry::Draft,
        state::{of_invitation, of_key, of_member},
    },
    id::{MemberId, PersonId, TenantId},
    people::{
        member::{CHANGES_IN, MOST_CHANGES, MOST_MEMBERS, Member},
        notice::SealedNotice,
    },
    ports::{
        directory::members::{Acting, Joining, Members},
        error::StoreError,
    },
    snapshot::ends::KeyEnd,
    time::Timestamp,
    webhook::event::WebhookEvent,
};

pub(crate) fn read_member(row: &Row) -> Result<Member, StoreError> {
    Ok(Member {
        id: row.parsed(0, |text| text.parse().ok())?,
        tenant: row.parsed(1, |text| text.parse().ok())?,
        person: row.parsed(2, |text| text.parse().ok())?,
        disabled: row.flag(3)?,
        version: row.int(4)?,
        created_at: Timestamp::from_micros(row.int(5)?),
        limits: read_limits(row, 6)?,
    })
}

pub(super) const SELECT_MEMBER: Statement = Statement {
    table: "members",
    text: "SELECT id, tenant_id, person_id, disabled, version, created_at, role, permissions, zone, hours,
            senders, templates, profiles, subject_groups, pool, most_parts
        FROM members WHERE tenant_id = $1 AND id = $2",
    params: &[Text, Text],
};

pub(super) async fn member(sql: &Sql, tenant: TenantId, id: MemberId) -> Result<Option<Member>, StoreError> {
    let rows = sql.query(&SELECT_MEMBER, vec![tenant.to_string().into(), id.to_string().into()]).await?;
    rows.first().map(read_member).transpose()
}

pub(super) const SELECT_MEMBERSHIP: Statement = Statement {
    table: "members",
    text: "SELECT id, tenant_id, person_id, disabled, version, created_at, role, permissions, zone, hours,
            senders, templates, profiles, subject_groups, pool, most_parts
        FROM members WHERE tenant_id = $1 AND person_id = $2",
    params: &[Text, Text],
};

pub(super) const LIST_MEMBERS: Statement = Statement {
    table: "members",
    text: "SELECT id, tenant_id, person_id, disabled, version, created_at, role, permissions, zone, hours,
            senders, templates, profiles, subject_groups, pool, most_parts
        FROM members WHERE tenant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
    params: &[Text, Text, Int],
};

/// Returns one row if the member is enabled and as it was read.
pub(super) const STANDING_MEMBER: Statement = Statement {
    table: "members",
    text: "SELECT id FROM members WHERE tenant_id = $1 AND id = $2 AND version = $3 AND disabled = 0",
    params: &[Text, Text, Int],
};

/// Returns one row if the key is enabled and as it was read.
pub(super) const STANDING_KEY: Statement = Statement {
    table: "keys",
    text: "SELECT id FROM keys WHERE tenant_id = $1 AND id = $2 AND version = $3 AND disabled = 0",
    params: &[Text, Text, Int],
};

/// Begins the batch of a change of members: takes the number, so that such batches come one after the other, and
/// then checks that the author still has the rights by which the change was judged.
pub(super) fn begin(tenant: TenantId, acting: Option<Acting>) -> Batch {
    let batch = take_number(Batch::default());
    let values = |id: String, version: i64| vec![tenant.to_string().into(), id.into(), version.into()];
    match acting {
        None => batch,
        Some(Acting::Member(id, version)) => {
            batch.run_unmoved(&STANDING_MEMBER, values(id.to_string(), version))
        }
        Some(Acting::Key(id, version)) => batch.run_unmoved(&STANDING_KEY, values(id.to_string(), version)),
        Some(Acting::KeyOf((key, of_key), (member, of_member))) => batch
            .run_unmoved(&STANDING_KEY, values(key.to_string(), of_key))
            .run_unmoved(&STANDING_MEMBER, values(member.to_string(), of_member)),
    }
}

pub(super) const INSERT_MEMBER: Statement = Statement {
    table: "members",
    text: "INSERT INTO members (id, tenant_id, person_id, disabled, version, created_at, role, permissions,
            zone, hours, senders, templates, profiles, subject_groups, pool, most_parts)
        SELECT $1, $2, people.id, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16
        FROM people WHERE people.id = $3",
    params: &[Text, Text, Text, Int, Int, Int, Text, Text, Text, Text, Text, Text, Text, Text, Int, Int],
};

/// Returns one row unless the tenant has too many.
pub(super) const COUNT_MEMBERS: Statement = Statement {
    table: "change_head",
    text: "SELECT n FROM change_head WHERE only_row = 1
        AND (SELECT count(*) FROM members WHERE tenant_id = $1) <= $2",
    params: &[Text, Int],
};

pub(super) const UPDATE_MEMBER: Statement = Statement {
    table: "members",
    text:
        "UPDATE members SET disabled = $4, role = $5, permissions = $6, zone = $7, hours = $8, senders = $9,
            templates = $10, profiles = $11, subject_groups = $12, pool = $13, most_parts = $14,
            version = version + 1
        WHERE tenant_id = $1 AND id = $2 AND version = $3",
    params: &[Text, Text, Int, Int, Text, Text, Text, Text, Text, Text, Text, Text, Int, Int],
};

pub(super) const DELETE_MEMBER: Statement = Statement {
    table: "members",
    text: "DELETE FROM members WHERE tenant_id = $1 AND id = $2 AND version = $3",
    params: &[Text, Text, Int],
};

/// Returns one row unless the members of the tenant were changed too often since this time.
pub(super) const COUNT_MEMBER_CHANGES: Statement = Statement {
    table: "change_head",
    text: "SELECT n FROM change_head WHERE only_row = 1
        AND (SELECT count(*) FROM audit WHERE tenant_id = $1 AND at > $2 AND action = 'member.update') <= $3",
    params: &[Text, Int, Int],
};

/// Returns one row if the member is enabled.
pub(super) const ENABLED_MEMBER: Statement = Statement {
    table: "members",
    text: "SELECT id FROM members WHERE tenant_id = $1 AND id = $2 AND disabled = 0",
    params: &[Text, Text],
};

impl SqlDirectory {
    /// Checks that a member is as the caller read it, and that this release knows all of its scopes. It would write
    /// the others away, and could not compare them with those of the author.
    pub(super) async fn unmoved(&self, read: &Member) -> Result<(), StoreError> {
        let values = vec![read.tenant.to_string().into(), read.id.to_string().into()];
        let rows = self.sql.query(&SELECT_MEMBER, values).await?;
        let row = rows.first().ok_or(StoreError::Moved)?;
        if read_member(row)?.version != read.version {
            return Err(StoreError::Moved);
        }
        match unknown_scope(row, 6)? {
            Some(scope) => Err(StoreError::unavailable(format!(
                "the member {} has the scope {scope}, which only a newer release knows and can change",
                read.id
            ))),
            None => Ok(()),
        }
    }
}

/// Adds the statements that store a new member, with its person if that is new too, under the number that was taken.
pub(crate) fn add_joining(mut batch: Batch, joining: &Joining<'_>, by: &Change) -> Batch {
    let Joining { member, person, password, .. } = joining;
    let tenant = member.tenant;
    if let Some(person) = person {
        batch = insert_person(batch, person, *password);
    }
    let mut values: Vec<Value> = vec![
        member.id.to_string().into(),
        tenant.to_string().into(),
        member.person.to_string().into(),
        member.disabled.into(),
        member.version.into(),
        member.created_at.micros().into(),
    ];
    values.extend(limits_values(&member.limits));
    let most = vec![tenant.to_string().into(), i64::from(MOST_MEMBERS).into()];
    batch = batch.run_touching(1, &INSERT_MEMBER, values);
    batch = batch.run_within(("members", MOST_MEMBERS), &COUNT_MEMBERS, most);
    note_change(batch, tenant, "member", member.id, by)
}

#[async_trait]
impl Members for SqlDirectory {
    async fn member(&self, tenant: TenantId, id: MemberId) -> Result<Option<Member>, StoreError> {
        member(&self.sql, tenant, id).await
    }

    async fn membership(&self, tenant: TenantId, person: PersonId) -> Result<Option<Member>, StoreError> {
        let values = vec![tenant.to_string().into(), person.to_string().into()];
        self.sql.query(&SELECT_MEMBERSHIP, values).await?.first().map(read_member).transpose()
    }

    async fn list_members(
        &self,
        tenant: TenantId,
        before: Option<MemberId>,
        limit: u16,
    ) -> Result<Vec<Member>, StoreError> {
        // A tilde sorts after every character of an id.
        let before = before.map_or_else(|| format!("{}~", MemberId::PREFIX), |id| id.to_string());
        let values = vec![tenant.to_string().into(), before.into(), i64::from(limit).into()];
        self.sql.query(&LIST_MEMBERS, values).await?.iter().map(read_member).collect()
    }

    async fn add_member(
        &self,
        joining: Joining<'_>,
        acting: Option<Acting>,
        notices: &[SealedNotice],
        by: &Change,
    ) -> Result<(), StoreError> {
        let Joining { member, invitation, .. } = joining;
        let tenant = member.tenant;
        let webhooks = &told_webhooks(&self.sql, tenant).await?;
        self.audited(tenant, by, |mut chains| async move {
            let had_owner = self.has_owner(tenant).await?;
            let mut batch = begin(tenant, acting);
            if let Some(invitation) = invitation {
                let draft = Draft::deleted("invitation.accept", invitation.id, of_invitation(invitation));
                batch = end_invitation(chains.append(batch, &draft, by), invitation);
            }
            let draft = Draft::created("member.create", member.id, of_member(member));
            batch = chains.append(batch, &draft, by);
            let batch = add_joining(batch, &joining, by);
            let joined = (member, invitation.map(|invitation| invitation.id));
            let batch = told::tell_member(batch, webhooks, WebhookEvent::MemberCreated, joined, by.at);
            let batch = notices.iter().fold(batch, insert_notice);
            self.sql.batch(owned(batch, tenant, had_owner)).await.map(drop)
        })
        .await
    }

    async fn update_member(
        &self,
        (former, member): (&Member, &Member),
        acting: Option<Acting>,
        notices: &[SealedNotice],
        by: &Change,
    ) -> Result<Vec<KeyEnd>, StoreError> {
        let (tenant, id) = (former.tenant, former.id);
        let draft = &Draft::updated("member.update", id, of_member(former), of_member(member));
        let (ended, narrower) = (member.is_ended_since(former), member.is_narrower_than(former));
        let webhooks = &told_webhooks(&self.sql, tenant).await?;
        let told = match (former.disabled, member.disabled) {
            (false, true) => WebhookEvent::MemberDisabled,
            (true, false) => WebhookEvent::MemberEnabled,
            _ => WebhookEvent::MemberUpdated,
        };
        self.audited_until(tenant, (by, ended), |mut chains| async move {
            chains.ends = ended;
            self.unmoved(former).await?;
            let had_owner = self.has_owner(tenant).await?;
            let mut values: Vec<Value> = vec![
                tenant.to_string().into(),
                id.to_string().into(),
                former.version.into(),
                member.disabled.into(),
            ];
            values.extend(limits_values(&member.limits));
            let batch = chains.append(begin(tenant, acting), draft, by);
            let mut batch = note_change(batch.run_unmoved(&UPDATE_MEMBER, values), tenant, "member", id, by);
            if !ended && matches!(by.who, Who::Key(_) | Who::Member { .. }) {
                let since: Value = (by.at - CHANGES_IN).micros().into();
                let most = vec![tenant.to_string().into(), since, i64::from(MOST_CHANGES).into()];
                let what = ("changes of members in an hour", MOST_CHANGES);
                batch = batch.run_within(what, &COUNT_MEMBER_CHANGES, most);
            }
            let place = batch.next_place();
            let batch = if narrower { raise_keys(batch, (tenant, id), by) } else { batch };
            // A person whom another tenant has invited may go on while this one changes its disabled member.
            let shuts = member.disabled && !former.disabled;
            let batch = if shuts { shut_out(batch, member.person) } else { batch };
            let batch = told::tell_member(batch, webhooks, told, (member, None), by.at);
            let batch = notices.iter().fold(batch, insert_notice);
            let rows = self.sql.batch(owned(batch, tenant, had_owner)).await?;
            if narrower { ends(&rows, place) } else { Ok(Vec::new()) }
        })
        .await
    }

    async fn delete_member(
        &self,
        member: &Member,
        acting: Option<Acting>,
        by: &Change,
    ) -> Result<Vec<KeyEnd>, StoreError> {
        let (tenant, id) = (member.tenant, member.id);
        let draft = &Draft::deleted("member.delete", id, of_member(member));
        let webhooks = &told_webhooks(&self.sql, tenant).await?;
        self.audited_until(tenant, (by, true), |mut chains| async move {
            self.unmoved(member).await?;
            let had_owner = self.has_owner(tenant).await?;
            let values = vec![tenant.to_string().into(), id.to_string().into(), member.version.into()];
            let batch = chains
                .append(begin(tenant, acting), draft, by)
                .run_unmoved(&DELETE_MEMBER, values)
                .run(&DELETE_STRANGER, vec![member.person.to_string().into()]);
            let batch = end_tenant_sessions(batch, tenant, member.person);
            let batch = shut_out(delete_rows_of_stranger(batch, member.person), member.person);
            let batch = note_change(batch, tenant, "member", id, by);
            let place = batch.next_place();
            let batch = raise_keys(batch, (tenant, id), by);
            let told = (member, None);
            let batch = told::tell_member(batch, webhooks, WebhookEvent::MemberDeleted, told, by.at);
            let rows = self.sql.batch(owned(batch, tenant, had_owner)).await?;
            ends(&rows, place)
        })
        .await
    }

    async fn memberships(&self, person: PersonId) -> Result<Vec<Member>, StoreError> {
        self.memberships_of(person).await
    }

    async fn delete_person(
        &self,
        person: PersonId,
        memberships: &[Member],
        by: &Change,
    ) -> Result<Vec<KeyEnd>, StoreError> {
        self.leave(person, memberships, by).await
    }

    async fn list_member_keys(&self, tenant: TenantId, member: MemberId) -> Result<Vec<Key>, StoreError> {
        member_keys(&self.sql, tenant, member).await?.iter().map(read_key).collect()
    }

    async fn move_key(
        &self,
        key: &Key,
        to: Option<MemberId>,
        acting: Option<Acting>,
        by: &Change,
    ) -> Result<Key, StoreError> {
        let tenant = key.tenant;
        let moved = &Key { member: to, version: key.version + 1, ..key.clone() };
        let webhooks = &told_webhooks(&self.sql, tenant).await?;
        self.audited(tenant, by, |mut chains| async move {
            let stored = super::key::key(&self.sql, tenant, key.id).await?;
            if stored.is_none_or(|stored| stored.version != key.version) {
                return Err(StoreError::Moved);
            }
            let draft = Draft::updated("key.move", key.id, of_key(key), of_key(moved));
            let values = vec![
                tenant.to_string().into(),
                key.id.to_string().into(),
                key.version.into(),
                to.map(|id| id.to_string()).into(),
            ];
            let mut batch = chains.append(begin(tenant, acting), &draft, by).run_unmoved(&MOVE_KEY, values);
            if let Some(to) = to {
                let of = vec![tenant.to_string().into(), to.to_string().into()];
                // The change of the member tells the nodes that the key's former version ended. It comes first:
                // a page of changes that ends between the two then publishes this end, too.
                batch = batch.run_unmoved(&ENABLED_MEMBER, of);
                batch = take_number(note_change(batch, tenant, "member", to, by));
                batch = count_member_keys(batch, tenant, to, false);
            }
            batch = note_change(batch, tenant, "key", key.id, by);
            let batch = told::tell_key(batch, webhooks, WebhookEvent::KeyUpdated, moved, by.at);
            self.sql.batch(batch).await?;
            Ok(moved.clone())
        })
        .await
    }
}
