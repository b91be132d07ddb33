//! Mails that time makes due.

use super::{SqlPeople, account::read_account, notices::insert_notice};
use crate::{
    directory::read_member,
    sql::{
        Batch,
        Kind::{Int, Text},
        Row, Statement,
    },
};
use async_trait::async_trait;
use countersign_core::{
    id::{MemberId, PersonId, TenantId},
    people::{account::Account, member::Member, notice::SealedNotice},
    ports::{
        error::StoreError,
        people::reminders::{Pooled, Reminders},
    },
    time::Timestamp,
};
use std::time::Duration;

/// $2: now. $3: the age at which a password is due, and due again.
pub(super) const PEOPLE_TO_REMIND: Statement = Statement {
    table: "people",
    text:
        "SELECT id, email, sealed, language, zone, epoch, version, created_at, password, password_at, phone,
            phone_mark, phone_at, session_idle, session_total, reset_2fa_at
        FROM people
        WHERE id IN (SELECT person_id FROM members WHERE tenant_id = $1 AND disabled = 0)
            AND password_at <= $2 - $3
            AND (password_told IS NULL OR password_told < $2 - ($2 - password_at) % $3)
            AND id > $4
        ORDER BY id LIMIT $5",
    params: &[Text, Int, Int, Text, Int],
};

/// $3: now. $4: when the password became due.
pub(super) const NOTE_REMINDED: Statement = Statement {
    table: "people",
    text: "UPDATE people SET password_told = $3
        WHERE id = $1 AND password_at = $2 AND (password_told IS NULL OR password_told < $4)",
    params: &[Text, Int, Int, Int],
};

pub(super) const MEMBERS_WITH_POOLS: Statement = Statement {
    table: "members",
    text: "SELECT id, tenant_id, person_id, disabled, version, created_at, role, permissions, zone, hours,
            senders, templates, profiles, subject_groups, pool, most_parts, pool_told
        FROM members WHERE pool IS NOT NULL AND disabled = 0 AND id > $1 ORDER BY id LIMIT $2",
    params: &[Text, Int],
};

/// $4: the pool that was read.
pub(super) const NOTE_POOL_TOLD: Statement = Statement {
    table: "members",
    text: "UPDATE members SET pool_told = $3
        WHERE tenant_id = $1 AND id = $2 AND pool = $4 AND (pool_told IS NULL OR pool_told <> $3)",
    params: &[Text, Text, Text, Int],
};

/// The column of `pool_told`.
const TOLD: usize = 16;

impl SqlPeople {
    /// Runs a batch that begins with a guard. Returns whether the guard let it pass.
    async fn guarded(&self, batch: Batch) -> Result<bool, StoreError> {
        match self.sql().batch(batch).await {
            Ok(_) => Ok(true),
            Err(StoreError::Moved) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl Reminders for SqlPeople {
    async fn people_to_remind(
        &self,
        tenant: TenantId,
        (age, now): (Duration, Timestamp),
        after: Option<PersonId>,
        limit: u16,
    ) -> Result<Vec<Account>, StoreError> {
        let age = i64::try_from(age.as_micros()).unwrap_or(i64::MAX);
        let after = after.map_or_else(String::new, |id| id.to_string());
        let values = vec![
            tenant.to_string().into(),
            now.micros().into(),
            age.into(),
            after.into(),
            i64::from(limit).into(),
        ];
        self.sql().query(&PEOPLE_TO_REMIND, values).await?.iter().map(read_account).collect()
    }

    async fn remind(
        &self,
        account: &Account,
        (due, now): (Timestamp, Timestamp),
        notice: &SealedNotice,
    ) -> Result<bool, StoreError> {
        let values = vec![
            account.person.id.to_string().into(),
            account.password_at.map(Timestamp::micros).into(),
            now.micros().into(),
            due.micros().into(),
        ];
        self.guarded(insert_notice(Batch::default().run_unmoved(&NOTE_REMINDED, values), notice)).await
    }

    async fn members_with_pools(
        &self,
        after: Option<MemberId>,
        limit: u16,
    ) -> Result<Vec<Pooled>, StoreError> {
        let after = after.map_or_else(String::new, |id| id.to_string());
        let rows = self.sql().query(&MEMBERS_WITH_POOLS, vec![after.into(), i64::from(limit).into()]).await?;
        let read = |row: &Row| {
            Ok(Pooled { member: read_member(row)?, told: row.optional_text(TOLD)?.map(str::to_owned) })
        };
        rows.iter().map(read).collect()
    }

    async fn tell_of_pool(
        &self,
        member: &Member,
        mark: &str,
        notices: &[SealedNotice],
    ) -> Result<bool, StoreError> {
        let values = vec![
            member.tenant.to_string().into(),
            member.id.to_string().into(),
            mark.into(),
            member.limits.pool.map(i64::from).into(),
        ];
        let batch = Batch::default().run_unmoved(&NOTE_POOL_TOLD, values);
        self.guarded(notices.iter().fold(batch, insert_notice)).await
    }
}
