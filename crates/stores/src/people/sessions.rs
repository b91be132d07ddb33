//! Sessions while they last.

use super::{
    SqlPeople,
    account::{COLUMNS, read_account},
    activity::note,
    forms,
};
use crate::sql::{
    Batch,
    Kind::{Bytes, Int, Text},
    Row, Statement, Value,
};
use async_trait::async_trait;
use countersign_core::{
    access::{change::Change, key::HashedSecret},
    id::{PersonId, SessionId, TenantId},
    people::{
        account::Account,
        session::{Factors, Session, SignIn},
    },
    ports::{
        error::StoreError,
        people::sessions::{Finished, LateForm, Sessions},
    },
    time::Timestamp,
};
use std::{net::IpAddr, time::Duration};

/// The times of a browser are moved at most this often: pages are read more often than this.
const DEVICE_STEP: Duration = Duration::from_secs(3_600);

/// Reads a session from the columns from `at` on.
fn read_session(row: &Row, at: usize) -> Result<Session, StoreError> {
    let time = |index| Ok::<_, StoreError>(Timestamp::from_micros(row.int(index)?));
    Ok(Session {
        id: row.parsed(at, |text| text.parse().ok())?,
        secret: HashedSecret::from_bytes(row.bytes(at + 1)?.try_into().map_err(|_| row.corrupt())?),
        person: row.parsed(at + 2, |text| text.parse().ok())?,
        epoch: row.int(at + 3)?,
        device: row.parsed(at + 4, |text| text.parse().ok())?,
        tenant: match row.optional_text(at + 5)? {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| row.corrupt())?),
        },
        factors: row.parsed(at + 6, Factors::parse)?,
        invited: row.flag(at + 7)?,
        signed_in_at: time(at + 8)?,
        seen_at: time(at + 9)?,
        address: row.parsed(at + 10, |text| text.parse().ok())?,
        flash: row.optional_bytes(at + 11)?.map(<[u8]>::to_vec),
    })
}

pub(super) const SELECT_SESSION: Statement = Statement {
    table: "sessions",
    text: "SELECT people.id, people.email, people.sealed, people.language, people.zone, people.epoch,
            people.version, people.created_at, people.password, people.password_at, people.phone,
            people.phone_mark, people.phone_at, people.session_idle, people.session_total, people.reset_2fa_at,
            sessions.id, sessions.secret_hash, sessions.person_id, sessions.epoch, sessions.device_id,
            sessions.tenant_id, sessions.factors, sessions.invited, sessions.signed_in_at, sessions.seen_at,
            sessions.address, sessions.flash
        FROM sessions JOIN people ON people.id = sessions.person_id WHERE sessions.secret_hash = $1",
    params: &[Bytes],
};

pub(super) const TOUCH_SESSION: Statement = Statement {
    table: "sessions",
    text: "UPDATE sessions SET seen_at = $2, address = $3 WHERE id = $1 AND seen_at < $2",
    params: &[Text, Int, Text],
};

/// $3: the browser was noted as seen before this time.
pub(super) const TOUCH_DEVICE: Statement = Statement {
    table: "devices",
    text: "UPDATE devices SET seen_at = $2
        WHERE id = (SELECT device_id FROM sessions WHERE sessions.id = $1) AND seen_at < $3",
    params: &[Text, Int, Int],
};

pub(super) const TOUCH_OWN_DEVICE: Statement = Statement {
    table: "device_people",
    text: "UPDATE device_people SET last_at = $2
        WHERE person_id = (SELECT person_id FROM sessions WHERE sessions.id = $1)
            AND device_id = (SELECT device_id FROM sessions WHERE sessions.id = $1) AND last_at < $3",
    params: &[Text, Int, Int],
};

/// The session must have its former secret, and its person must have its epoch.
pub(super) const ENTER_TENANT: Statement = Statement {
    table: "sessions",
    text: "UPDATE sessions SET tenant_id = $3, secret_hash = $4 WHERE id = $1 AND secret_hash = $2
        AND EXISTS (SELECT 1 FROM people WHERE people.id = sessions.person_id AND people.epoch = sessions.epoch)",
    params: &[Text, Bytes, Text, Bytes],
};

pub(super) const RENEW_SESSION: Statement = Statement {
    table: "sessions",
    text: "UPDATE sessions SET secret_hash = $3 WHERE id = $1 AND secret_hash = $2",
    params: &[Text, Bytes, Bytes],
};

/// Takes the session over into the new epoch of its person.
pub(super) const KEEP_SESSION: Statement = Statement {
    table: "sessions",
    text: "UPDATE sessions SET epoch = $4, secret_hash = $5, factors = COALESCE($6, factors)
        WHERE id = $1 AND person_id = $2 AND epoch = $3",
    params: &[Text, Text, Int, Int, Bytes, Text],
};

pub(super) const SET_FLASH: Statement = Statement {
    table: "sessions",
    text: "UPDATE sessions SET flash = $2 WHERE id = $1",
    params: &[Text, Bytes],
};

pub(super) const LIST_SESSIONS: Statement = Statement {
    table: "sessions",
    text: "SELECT id, secret_hash, person_id, epoch, device_id, tenant_id, factors, invited, signed_in_at,
            seen_at, address, flash
        FROM sessions WHERE person_id = $1
            AND epoch = (SELECT people.epoch FROM people WHERE people.id = sessions.person_id)
        ORDER BY seen_at DESC, id DESC",
    params: &[Text],
};

/// An empty $2 admits all persons.
pub(super) const LIST_TENANT_SESSIONS: Statement = Statement {
    table: "sessions",
    text: "SELECT id, secret_hash, person_id, epoch, device_id, tenant_id, factors, invited, signed_in_at,
            seen_at, address, flash
        FROM sessions WHERE tenant_id = $1 AND ($2 = '' OR person_id = $2)
            AND epoch = (SELECT people.epoch FROM people WHERE people.id = sessions.person_id)
        ORDER BY seen_at DESC, id DESC LIMIT $3",
    params: &[Text, Text, Int],
};

impl SqlPeople {
    async fn list(
        &self,
        statement: &'static Statement,
        values: Vec<Value>,
    ) -> Result<Vec<Session>, StoreError> {
        self.sql().query(statement, values).await?.iter().map(|row| read_session(row, 0)).collect()
    }
}

#[async_trait]
impl Sessions for SqlPeople {
    async fn finish_sign_in(&self, finished: Finished<'_>, by: &Change) -> Result<(), StoreError> {
        self.finish(finished, by).await
    }

    async fn session(&self, secret: HashedSecret) -> Result<Option<(Session, Account)>, StoreError> {
        let rows = self.sql().query(&SELECT_SESSION, vec![secret.bytes().as_slice().into()]).await?;
        rows.first().map(|row| Ok((read_session(row, COLUMNS)?, read_account(row)?))).transpose()
    }

    async fn touch_session(
        &self,
        session: SessionId,
        now: Timestamp,
        address: IpAddr,
    ) -> Result<(), StoreError> {
        let id = || Value::from(session.to_string());
        let times = || vec![id(), now.micros().into(), (now - DEVICE_STEP).micros().into()];
        let batch = Batch::default()
            .run(&TOUCH_SESSION, vec![id(), now.micros().into(), address.to_string().into()])
            .run(&TOUCH_DEVICE, times())
            .run(&TOUCH_OWN_DEVICE, times());
        self.sql().batch(batch).await.map(drop)
    }

    async fn enter_tenant(
        &self,
        session: &Session,
        tenant: TenantId,
        secret: HashedSecret,
        sign_in: Option<&SignIn>,
    ) -> Result<(), StoreError> {
        let values = vec![
            session.id.to_string().into(),
            session.secret.bytes().as_slice().into(),
            tenant.to_string().into(),
            secret.bytes().as_slice().into(),
        ];
        let batch = Batch::default().run_unmoved(&ENTER_TENANT, values);
        self.sql().batch(sign_in.into_iter().fold(batch, note)).await.map(drop)
    }

    async fn renew_session(&self, session: &Session, secret: HashedSecret) -> Result<(), StoreError> {
        let values = vec![
            session.id.to_string().into(),
            session.secret.bytes().as_slice().into(),
            secret.bytes().as_slice().into(),
        ];
        self.sql().batch(Batch::default().run_unmoved(&RENEW_SESSION, values)).await.map(drop)
    }

    async fn set_flash(&self, session: SessionId, flash: Option<&[u8]>) -> Result<(), StoreError> {
        self.sql().execute(&SET_FLASH, vec![session.to_string().into(), flash.into()]).await
    }

    async fn list_sessions(&self, person: PersonId) -> Result<Vec<Session>, StoreError> {
        self.list(&LIST_SESSIONS, vec![person.to_string().into()]).await
    }

    async fn list_tenant_sessions(
        &self,
        tenant: TenantId,
        person: Option<PersonId>,
        limit: u16,
    ) -> Result<Vec<Session>, StoreError> {
        let person = person.map_or_else(String::new, |person| person.to_string());
        let values = vec![tenant.to_string().into(), person.into(), i64::from(limit).into()];
        self.list(&LIST_TENANT_SESSIONS, values).await
    }

    async fn end_session(
        &self,
        person: PersonId,
        session: SessionId,
        in_tenant: Option<TenantId>,
        by: &Change,
    ) -> Result<bool, StoreError> {
        self.end_one((person, session), in_tenant, by).await
    }

    async fn end_tenant_sessions(
        &self,
        person: PersonId,
        tenant: TenantId,
        by: &Change,
    ) -> Result<u64, StoreError> {
        self.end_in_tenant(person, tenant, by).await
    }

    async fn keep_form(&self, form: &LateForm) -> Result<(), StoreError> {
        forms::keep(self.sql(), form).await
    }

    async fn take_form(
        &self,
        person: PersonId,
        tenant: Option<TenantId>,
        now: Timestamp,
    ) -> Result<Option<LateForm>, StoreError> {
        forms::take(self.sql(), (person, tenant), now).await
    }

    async fn forget_sessions(
        &self,
        seen_before: Timestamp,
        now: Timestamp,
        limit: u16,
    ) -> Result<u64, StoreError> {
        self.forget(seen_before, now, limit).await
    }
}
