//! Sessions that a person or an owner ends, and what nobody can use any more.

use super::{SqlPeople, entries::Act};
use crate::{
    directory::lock_number,
    sql::{
        Batch,
        Kind::{Int, Text},
        Statement, Value,
    },
};
use countersign_core::{
    access::change::Change,
    audit::entry::Draft,
    id::{PersonId, SessionId, TenantId},
    ports::error::StoreError,
    time::Timestamp,
};

/// An empty $2 means all sessions of the person, an empty $3 those in all tenants.
pub(super) const FIND_SESSIONS: Statement = Statement {
    table: "sessions",
    text: "SELECT id FROM sessions
        WHERE person_id = $1 AND ($2 = '' OR id = $2) AND ($3 = '' OR tenant_id = $3)",
    params: &[Text, Text, Text],
};

pub(super) const END_SESSIONS: Statement = Statement {
    table: "sessions",
    text: "DELETE FROM sessions
        WHERE person_id = $1 AND ($2 = '' OR id = $2) AND ($3 = '' OR tenant_id = $3) RETURNING id",
    params: &[Text, Text, Text],
};

pub(super) const END_PROOFS: Statement = Statement {
    table: "proofs",
    text: "DELETE FROM proofs WHERE person_id = $1 AND session_id IN
            (SELECT id FROM sessions
            WHERE person_id = $1 AND ($2 = '' OR id = $2) AND ($3 = '' OR tenant_id = $3))",
    params: &[Text, Text, Text],
};

pub(super) const FORGET_SESSIONS: Statement = Statement {
    table: "sessions",
    text: "DELETE FROM sessions WHERE id IN
            (SELECT id FROM sessions WHERE seen_at < $1 ORDER BY seen_at LIMIT $2)
        RETURNING id",
    params: &[Int, Int],
};

pub(super) const FORGET_HALVES: Statement = Statement {
    table: "half_sign_ins",
    text: "DELETE FROM half_sign_ins WHERE secret_hash IN
            (SELECT secret_hash FROM half_sign_ins WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)
        RETURNING person_id",
    params: &[Int, Int],
};

pub(super) const FORGET_PROOFS: Statement = Statement {
    table: "proofs",
    text: "DELETE FROM proofs WHERE session_id IN
            (SELECT session_id FROM proofs WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)
        RETURNING session_id",
    params: &[Int, Int],
};

/// A link that lives for less than an hour counts for a whole hour. $2: an hour ago.
pub(super) const FORGET_LINKS: Statement = Statement {
    table: "links",
    text: "DELETE FROM links WHERE secret_hash IN
            (SELECT secret_hash FROM links WHERE expires_at <= $1 AND made_at <= $2
                ORDER BY expires_at LIMIT $3)
        RETURNING kind",
    params: &[Int, Int, Int],
};

pub(super) const FORGET_FORMS: Statement = Statement {
    table: "late_forms",
    text: "DELETE FROM late_forms WHERE person_id IN
            (SELECT person_id FROM late_forms WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)
        RETURNING person_id",
    params: &[Int, Int],
};

/// The values of [`FIND_SESSIONS`], [`END_SESSIONS`] and [`END_PROOFS`].
fn which(person: PersonId, session: Option<SessionId>, tenant: Option<TenantId>) -> Vec<Value> {
    vec![
        person.to_string().into(),
        session.map_or_else(String::new, |session| session.to_string()).into(),
        tenant.map_or_else(String::new, |tenant| tenant.to_string()).into(),
    ]
}

impl SqlPeople {
    /// Ends these sessions, if there are some, with entries. Returns their number.
    async fn end(
        &self,
        (person, session): (PersonId, Option<SessionId>),
        tenant: Option<TenantId>,
        by: &Change,
    ) -> Result<u64, StoreError> {
        let draft = &Draft::act("portal.sign_out", person);
        let found = async || self.sql().query(&FIND_SESSIONS, which(person, session, tenant)).await;
        if found().await?.is_empty() {
            return Ok(0);
        }
        let act = Act { person, tenant, draft, by, counted: false, ends: true };
        self.audited(act, |batch| async move {
            if self.sql().query(&FIND_SESSIONS, which(person, session, tenant)).await?.is_empty() {
                return Ok(0);
            }
            let place = batch.next_place() + 1;
            let batch = batch
                .run(&END_PROOFS, which(person, session, tenant))
                .run(&END_SESSIONS, which(person, session, tenant));
            let rows = self.sql().batch(batch).await?;
            Ok(rows.get(place).map_or(0, Vec::len) as u64)
        })
        .await
    }

    pub(super) async fn end_one(
        &self,
        (person, session): (PersonId, SessionId),
        tenant: Option<TenantId>,
        by: &Change,
    ) -> Result<bool, StoreError> {
        Ok(self.end((person, Some(session)), tenant, by).await? > 0)
    }

    pub(super) async fn end_in_tenant(
        &self,
        person: PersonId,
        tenant: TenantId,
        by: &Change,
    ) -> Result<u64, StoreError> {
        self.end((person, None), Some(tenant), by).await
    }

    pub(super) async fn forget(
        &self,
        seen_before: Timestamp,
        now: Timestamp,
        limit: u16,
    ) -> Result<u64, StoreError> {
        let limit = || Value::from(i64::from(limit));
        let now_and = || vec![now.micros().into(), limit()];
        let batch = lock_number(Batch::default())
            .run(&FORGET_SESSIONS, vec![seen_before.micros().into(), limit()])
            .run(&FORGET_HALVES, now_and())
            .run(&FORGET_PROOFS, now_and())
            .run(
                &FORGET_LINKS,
                vec![now.micros().into(), (now - super::links::COUNTED_IN).micros().into(), limit()],
            )
            .run(&FORGET_FORMS, now_and());
        let rows = self.sql().batch(batch).await?;
        Ok(rows.iter().map(|rows| rows.len() as u64).sum())
    }
}
