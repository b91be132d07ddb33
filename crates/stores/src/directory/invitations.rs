//! Invitations.

use super::{
    SqlDirectory,
    answer::answer_once,
    change::note_change,
    limits::{limits_values, read_limits},
    members::begin,
    told::{tell_invitation, told_webhooks},
};
use crate::{
    people::notices::insert_notice,
    sql::{
        Batch,
        Kind::{Bytes, Int, Text},
        Row, Statement, Value,
    },
};
use async_trait::async_trait;
use countersign_core::{
    access::{change::Change, key::HashedSecret},
    audit::{entry::Draft, state::of_invitation},
    id::{InvitationId, TenantId},
    people::{
        invitation::{Author, DAY, Invitation, LIFE, MOST_A_DAY, MOST_BY_SUBUSER, MOST_MAILS_A_DAY},
        notice::SealedNotice,
        person::EmailMark,
    },
    ports::{
        directory::{
            invitations::{Invitations, Offer},
            members::Acting,
        },
        error::StoreError,
    },
    time::Timestamp,
};

fn read_invitation(row: &Row) -> Result<Invitation, StoreError> {
    Ok(Invitation {
        id: row.parsed(0, |text| text.parse().ok())?,
        tenant: row.parsed(1, |text| text.parse().ok())?,
        email: EmailMark(row.bytes(2)?.try_into().map_err(|_| row.corrupt())?),
        sealed: row.bytes(3)?.to_vec(),
        author: row.parsed(4, |text| text.parse().ok())?,
        secret: HashedSecret::from_bytes(row.bytes(5)?.try_into().map_err(|_| row.corrupt())?),
        expires_at: Timestamp::from_micros(row.int(6)?),
        sends: row.int(7)?.try_into().map_err(|_| row.corrupt())?,
        version: row.int(8)?,
        created_at: Timestamp::from_micros(row.int(9)?),
        limits: read_limits(row, 10)?,
    })
}

pub(super) const SELECT_INVITATION: Statement = Statement {
    table: "invitations",
    text: "SELECT id, tenant_id, email, sealed, author, secret_hash, expires_at, sends, version, created_at,
            role, permissions, zone, hours, senders, templates, profiles, subject_groups, pool, most_parts
        FROM invitations WHERE tenant_id = $1 AND id = $2 AND email IS NOT NULL",
    params: &[Text, Text],
};

pub(super) const IS_INVITED: Statement = Statement {
    table: "invitations",
    text: "SELECT id FROM invitations WHERE email = $1 AND expires_at > $2 LIMIT 1",
    params: &[Bytes, Int],
};

pub(super) const LIST_INVITATIONS: Statement = Statement {
    table: "invitations",
    text: "SELECT id, tenant_id, email, sealed, author, secret_hash, expires_at, sends, version, created_at,
            role, permissions, zone, hours, senders, templates, profiles, subject_groups, pool, most_parts
        FROM invitations WHERE tenant_id = $1 AND id < $2 AND email IS NOT NULL ORDER BY id DESC LIMIT $3",
    params: &[Text, Text, Int],
};

/// Deletes the ended invitations that no longer count. $3: those whose link ends later were sent in the last day.
pub(super) const DELETE_ENDED_INVITATIONS: Statement = Statement {
    table: "invitations",
    text: "DELETE FROM invitations WHERE tenant_id = $1 AND email IS NULL AND created_at <= $2
            AND expires_at <= $3",
    params: &[Text, Int, Int],
};

pub(super) const INSERT_INVITATION: Statement = Statement {
    table: "invitations",
    text: "INSERT INTO invitations (id, tenant_id, email, sealed, author, secret_hash, expires_at, sends,
            version, created_at, role, permissions, zone, hours, senders, templates, profiles,
            subject_groups, pool, most_parts, sent_to)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $3)",
    params: &[
        Text, Text, Bytes, Bytes, Text, Bytes, Int, Int, Int, Int, Text, Text, Text, Text, Text, Text, Text,
        Text, Int, Int,
    ],
};

/// Returns one row unless the tenant made as many as it may since this time.
pub(super) const COUNT_INVITATIONS: Statement = Statement {
    table: "change_head",
    text: "SELECT n FROM change_head WHERE only_row = 1
        AND (SELECT count(*) FROM invitations WHERE tenant_id = $1 AND created_at > $2) < $3",
    params: &[Text, Int, Int],
};

/// Returns one row unless the invitations to the address, with the withdrawn ones, were sent as often as they may be.
/// $3: those whose link ends later were sent in the last day.
pub(super) const COUNT_MAILS_TO: Statement = Statement {
    table: "change_head",
    text: "SELECT n FROM change_head WHERE only_row = 1
        AND (SELECT COALESCE(sum(sends), 0) FROM invitations
            WHERE tenant_id = $1 AND sent_to = $2 AND expires_at > $3) < $4",
    params: &[Text, Bytes, Int, Int],
};

/// Returns one row unless the author is a subuser who made too many since this time. The text of a member's key as
/// author begins with the member.
pub(super) const COUNT_INVITATIONS_BY: Statement = Statement {
    table: "change_head",
    text: "SELECT n FROM change_head WHERE only_row = 1
        AND ((SELECT count(*) FROM invitations
                WHERE tenant_id = $1 AND created_at > $2 AND substr(author, 1, 30) = $3) < $4
            OR EXISTS (SELECT 1 FROM members WHERE tenant_id = $1 AND id = $3 AND role = 'owner'))",
    params: &[Text, Int, Text, Int],
};

/// Returns one row unless the address belongs to a member of the tenant. It asks the same of each address.
pub(super) const NO_MEMBER_WITH: Statement = Statement {
    table: "change_head",
    text: "SELECT n FROM change_head WHERE only_row = 1
        AND NOT EXISTS (SELECT 1 FROM members WHERE tenant_id = $1
            AND person_id IN (SELECT id FROM people WHERE email = $2))",
    params: &[Text, Bytes],
};

/// Deletes the invitations that expired before this time.
pub(super) const FORGET_INVITATIONS: Statement =
    Statement { table: "invitations", text: "DELETE FROM invitations WHERE expires_at < $1", params: &[Int] };

pub(super) const RENEW_INVITATION: Statement = Statement {
    table: "invitations",
    text: "UPDATE invitations SET author = $4, secret_hash = $5, expires_at = $6, sends = $7,
            version = version + 1
        WHERE tenant_id = $1 AND id = $2 AND version = $3 AND email IS NOT NULL",
    params: &[Text, Text, Int, Text, Bytes, Int, Int],
};

/// The first byte of a sealed value is the version of its key. An ended invitation has none.
pub(super) const INVITATIONS_NOT_SEALED_WITH: Statement = Statement {
    table: "invitations",
    text: "SELECT id, tenant_id, email, sealed, author, secret_hash, expires_at, sends, version, created_at,
            role, permissions, zone, hours, senders, templates, profiles, subject_groups, pool, most_parts
        FROM invitations WHERE id > $1 AND substr(sealed, 1, 1) <> $2 ORDER BY id LIMIT $3",
    params: &[Text, Bytes, Int],
};

pub(super) const COUNT_INVITATIONS_SEALED_WITH: Statement = Statement {
    table: "invitations",
    text: "SELECT count(*) FROM invitations WHERE substr(sealed, 1, 1) = $1",
    params: &[Bytes],
};

pub(super) const RESEAL_INVITATION: Statement = Statement {
    table: "invitations",
    text: "UPDATE invitations SET sealed = $4 WHERE tenant_id = $1 AND id = $2 AND sealed = $3 RETURNING id",
    params: &[Text, Text, Bytes, Bytes],
};

/// Ends an invitation. The row stays for a while without the address, because it counts in the bound of a day.
pub(super) const END_INVITATION: Statement = Statement {
    table: "invitations",
    text: "UPDATE invitations SET email = NULL, sealed = NULL, version = version + 1
        WHERE tenant_id = $1 AND id = $2 AND version = $3 AND email IS NOT NULL",
    params: &[Text, Text, Int],
};

pub(super) fn end_invitation(batch: Batch, invitation: &Invitation) -> Batch {
    let Invitation { tenant, id, version, .. } = invitation;
    batch.run_unmoved(
        &END_INVITATION,
        vec![tenant.to_string().into(), id.to_string().into(), (*version).into()],
    )
}

/// Links that end later than this were made in the last day.
fn made_in_a_day(now: Timestamp) -> Value {
    (now - DAY + LIFE).micros().into()
}

/// Refuses one mail more to an address than a day has. The operator is the way out, so it has no such bound. All these batches begin by locking the number, so none passes
/// beside another.
fn within_mails_to(batch: Batch, invitation: &Invitation, now: Timestamp) -> Batch {
    if invitation.author == Author::Operator {
        return batch;
    }
    let values = vec![
        invitation.tenant.to_string().into(),
        invitation.email.0.as_slice().into(),
        made_in_a_day(now),
        i64::from(MOST_MAILS_A_DAY).into(),
    ];
    batch.run_within(("invitation mails a day to one address", MOST_MAILS_A_DAY), &COUNT_MAILS_TO, values)
}

impl SqlDirectory {
    /// The present state of an invitation, if it is the one that the caller read.
    async fn unmoved_invitation(&self, read: &Invitation) -> Result<(), StoreError> {
        let stored = Invitations::invitation(self, read.tenant, read.id).await?;
        if stored.is_some_and(|stored| stored.version == read.version) {
            Ok(())
        } else {
            Err(StoreError::Moved)
        }
    }
}

#[async_trait]
impl Invitations for SqlDirectory {
    async fn create_invitation(
        &self,
        offer: Offer<'_>,
        acting: Option<Acting>,
        by: &Change,
    ) -> Result<(), StoreError> {
        let Offer { invitation, mail, once } = offer;
        let tenant = invitation.tenant;
        let draft = &Draft::created("invitation.create", invitation.id, of_invitation(invitation));
        let webhooks = &told_webhooks(&self.sql, tenant).await?;
        self.audited(tenant, by, |mut chains| async move {
            let since: Value = (by.at - DAY).micros().into();
            let mut values: Vec<Value> = vec![
                invitation.id.to_string().into(),
                tenant.to_string().into(),
                invitation.email.0.as_slice().into(),
                invitation.sealed.as_slice().into(),
                invitation.author.to_string().into(),
                invitation.secret.bytes().as_slice().into(),
                invitation.expires_at.micros().into(),
                i64::from(invitation.sends).into(),
                invitation.version.into(),
                invitation.created_at.micros().into(),
            ];
            values.extend(limits_values(&invitation.limits));
            let most = vec![tenant.to_string().into(), since.clone(), i64::from(MOST_A_DAY).into()];
            let known = vec![tenant.to_string().into(), invitation.email.0.as_slice().into()];
            // The bounds come first: an author who has reached them learns nothing about more addresses.
            let mut batch = answer_once(begin(tenant, acting), tenant, once, by.at)
                .run(
                    &DELETE_ENDED_INVITATIONS,
                    vec![tenant.to_string().into(), since.clone(), made_in_a_day(by.at)],
                )
                .run_within(("invitations a day", MOST_A_DAY), &COUNT_INVITATIONS, most);
            if let Author::Member(member) | Author::KeyOf(_, member) = invitation.author {
                let most = i64::from(MOST_BY_SUBUSER);
                let values = vec![tenant.to_string().into(), since, member.to_string().into(), most.into()];
                let what = ("invitations a day by one subuser", MOST_BY_SUBUSER);
                batch = batch.run_within(what, &COUNT_INVITATIONS_BY, values);
            }
            let batch = within_mails_to(batch, invitation, by.at);
            let batch = chains.append(batch, draft, by);
            let batch = batch.run_touching(1, &NO_MEMBER_WITH, known);
            let batch = batch.run_touching(1, &INSERT_INVITATION, values);
            let batch = tell_invitation(batch, webhooks, invitation, by.at);
            let batch = mail.into_iter().fold(batch, insert_notice);
            self.sql.batch(noted(batch, invitation, by)).await.map(drop)
        })
        .await
    }

    async fn invitation(&self, tenant: TenantId, id: InvitationId) -> Result<Option<Invitation>, StoreError> {
        let values = vec![tenant.to_string().into(), id.to_string().into()];
        self.sql.query(&SELECT_INVITATION, values).await?.first().map(read_invitation).transpose()
    }

    async fn is_invited(&self, email: EmailMark, now: Timestamp) -> Result<bool, StoreError> {
        let values = vec![email.0.as_slice().into(), now.micros().into()];
        Ok(!self.sql.query(&IS_INVITED, values).await?.is_empty())
    }

    async fn list_invitations(
        &self,
        tenant: TenantId,
        before: Option<InvitationId>,
        limit: u16,
    ) -> Result<Vec<Invitation>, StoreError> {
        // A tilde sorts after every character of an id.
        let before = before.map_or_else(|| format!("{}~", InvitationId::PREFIX), |id| id.to_string());
        let values = vec![tenant.to_string().into(), before.into(), i64::from(limit).into()];
        self.sql.query(&LIST_INVITATIONS, values).await?.iter().map(read_invitation).collect()
    }

    async fn renew_invitation(
        &self,
        (former, invitation): (&Invitation, &Invitation),
        mail: Option<&SealedNotice>,
        acting: Option<Acting>,
        by: &Change,
    ) -> Result<(), StoreError> {
        let tenant = former.tenant;
        let (before, after) = (of_invitation(former), of_invitation(invitation));
        let draft = &Draft::updated("invitation.send", former.id, before, after);
        self.audited(tenant, by, |mut chains| async move {
            self.unmoved_invitation(former).await?;
            let values = vec![
                tenant.to_string().into(),
                former.id.to_string().into(),
                former.version.into(),
                invitation.author.to_string().into(),
                invitation.secret.bytes().as_slice().into(),
                invitation.expires_at.micros().into(),
                i64::from(invitation.sends).into(),
            ];
            let batch = within_mails_to(begin(tenant, acting), invitation, by.at);
            let batch = chains.append(batch, draft, by).run_unmoved(&RENEW_INVITATION, values);
            let batch = mail.into_iter().fold(batch, insert_notice);
            self.sql.batch(noted(batch, invitation, by)).await.map(drop)
        })
        .await
    }

    async fn invitations_not_sealed_with(
        &self,
        version: u8,
        after: Option<InvitationId>,
        limit: u16,
    ) -> Result<Vec<Invitation>, StoreError> {
        let after = after.map_or_else(String::new, |id| id.to_string());
        let values = vec![after.into(), [version].as_slice().into(), i64::from(limit).into()];
        self.sql.query(&INVITATIONS_NOT_SEALED_WITH, values).await?.iter().map(read_invitation).collect()
    }

    async fn count_invitations_sealed_with(&self, version: u8) -> Result<u64, StoreError> {
        let rows = self.sql.query(&COUNT_INVITATIONS_SEALED_WITH, vec![[version].as_slice().into()]).await?;
        Ok(rows.first().map_or(Ok(0), |row| row.int(0))?.unsigned_abs())
    }

    async fn reseal_invitation(&self, former: &Invitation, sealed: &[u8]) -> Result<bool, StoreError> {
        let values = vec![
            former.tenant.to_string().into(),
            former.id.to_string().into(),
            former.sealed.as_slice().into(),
            sealed.into(),
        ];
        let rows = self.sql.batch(Batch::default().run(&RESEAL_INVITATION, values)).await?;
        Ok(rows.first().is_some_and(|rows| !rows.is_empty()))
    }

    async fn withdraw_invitation(
        &self,
        invitation: &Invitation,
        acting: Option<Acting>,
        by: &Change,
    ) -> Result<(), StoreError> {
        let draft = &Draft::deleted("invitation.withdraw", invitation.id, of_invitation(invitation));
        self.audited_until(invitation.tenant, (by, true), |mut chains| async move {
            self.unmoved_invitation(invitation).await?;
            let batch =
                end_invitation(chains.append(begin(invitation.tenant, acting), draft, by), invitation);
            self.sql.batch(noted(batch, invitation, by)).await.map(drop)
        })
        .await
    }

    async fn forget_invitations(&self, before: Timestamp) -> Result<(), StoreError> {
        self.sql.execute(&FORGET_INVITATIONS, vec![before.micros().into()]).await
    }
}

/// Records the change under the number that was taken. No copy in memory contains invitations.
fn noted(batch: Batch, invitation: &Invitation, by: &Change) -> Batch {
    note_change(batch, invitation.tenant, "invitation", invitation.id, by)
}
