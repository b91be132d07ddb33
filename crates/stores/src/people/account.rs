//! Accounts as they are read, and the keys that sealed them.

use super::SqlPeople;
use crate::{
    directory::read_person,
    sql::{
        Batch,
        Kind::{Bytes, Int, Text},
        Row, Statement, Value,
    },
};
use async_trait::async_trait;
use countersign_core::{
    access::{change::Change, key::HashedSecret},
    id::PersonId,
    people::{
        account::{Account, AccountChange, OwnPhone, PhoneMark},
        password::PasswordText,
        person::EmailMark,
    },
    ports::{
        directory::members::Joining,
        error::StoreError,
        people::accounts::{Accounts, Along},
    },
    tenant::security::{SessionIdle, SessionTotal},
    time::Timestamp,
};

/// The number of columns that [`read_account`] reads.
pub(super) const COLUMNS: usize = 16;

pub(super) fn read_account(row: &Row) -> Result<Account, StoreError> {
    let time = |index| Ok::<_, StoreError>(row.optional_int(index)?.map(Timestamp::from_micros));
    let seconds =
        |index| Ok::<_, StoreError>(row.optional_int(index)?.and_then(|seconds| u32::try_from(seconds).ok()));
    let phone = match row.optional_bytes(10)? {
        None => None,
        Some(sealed) => Some(OwnPhone {
            sealed: sealed.to_vec(),
            mark: PhoneMark(row.bytes(11)?.try_into().map_err(|_| row.corrupt())?),
            confirmed_at: Timestamp::from_micros(row.int(12)?),
        }),
    };
    Ok(Account {
        person: read_person(row)?,
        password: row.optional_text(8)?.map(|text| PasswordText::stored(text.to_owned())),
        password_at: time(9)?,
        phone,
        // A length that only a newer release knows is none here: the tenant's holds.
        idle: seconds(13)?.and_then(SessionIdle::new),
        total: seconds(14)?.and_then(SessionTotal::new),
        reset_2fa_at: time(15)?,
    })
}

pub(super) const SELECT_ACCOUNT: Statement = Statement {
    table: "people",
    text:
        "SELECT id, email, sealed, language, zone, epoch, version, created_at, password, password_at, phone,
            phone_mark, phone_at, session_idle, session_total, reset_2fa_at
        FROM people WHERE id = $1",
    params: &[Text],
};

pub(super) const FIND_ACCOUNT: Statement = Statement {
    table: "people",
    text:
        "SELECT id, email, sealed, language, zone, epoch, version, created_at, password, password_at, phone,
            phone_mark, phone_at, session_idle, session_total, reset_2fa_at
        FROM people WHERE email = $1",
    params: &[Bytes],
};

pub(super) const FORMER_PASSWORDS: Statement = Statement {
    table: "former_passwords",
    text: "SELECT person_id, password FROM former_passwords WHERE person_id = $1 ORDER BY made_at DESC",
    params: &[Text],
};

pub(super) const COUNT_RECOVERY_CODES: Statement = Statement {
    table: "recovery_codes",
    text: "SELECT count(*) FROM recovery_codes WHERE person_id = $1",
    params: &[Text],
};

pub(super) const EVER_HAD_PEOPLE: Statement =
    Statement { table: "first_person", text: "SELECT only_row FROM first_person", params: &[] };

pub(super) const DUE_RESETS: Statement = Statement {
    table: "people",
    text:
        "SELECT id, email, sealed, language, zone, epoch, version, created_at, password, password_at, phone,
            phone_mark, phone_at, session_idle, session_total, reset_2fa_at
        FROM people WHERE reset_2fa_at <= $1 ORDER BY reset_2fa_at, id LIMIT $2",
    params: &[Int, Int],
};

/// The first byte of a sealed value is the version of its key.
pub(super) const PHONES_NOT_SEALED_WITH: Statement = Statement {
    table: "people",
    text:
        "SELECT id, email, sealed, language, zone, epoch, version, created_at, password, password_at, phone,
            phone_mark, phone_at, session_idle, session_total, reset_2fa_at
        FROM people WHERE id > $1 AND substr(phone, 1, 1) <> $2 ORDER BY id LIMIT $3",
    params: &[Text, Bytes, Int],
};

pub(super) const COUNT_PHONES_SEALED_WITH: Statement = Statement {
    table: "people",
    text: "SELECT count(*) FROM people WHERE substr(phone, 1, 1) = $1",
    params: &[Bytes],
};

pub(super) const COUNT_PENDING_SEALED_WITH: Statement = Statement {
    table: "links",
    text: "SELECT (SELECT count(*) FROM links WHERE substr(sealed, 1, 1) = $1)
        + (SELECT count(*) FROM proofs WHERE substr(sealed, 1, 1) = $1)
        + (SELECT count(*) FROM late_forms WHERE substr(sealed, 1, 1) = $1)",
    params: &[Bytes],
};

pub(super) const RESEAL_PHONE: Statement = Statement {
    table: "people",
    text: "UPDATE people SET phone = $3 WHERE id = $1 AND phone = $2 RETURNING id",
    params: &[Text, Bytes, Bytes],
};

impl SqlPeople {
    async fn accounts(
        &self,
        statement: &'static Statement,
        values: Vec<Value>,
    ) -> Result<Vec<Account>, StoreError> {
        self.sql().query(statement, values).await?.iter().map(read_account).collect()
    }

    async fn count(&self, statement: &'static Statement, value: Value) -> Result<u64, StoreError> {
        let rows = self.sql().query(statement, vec![value]).await?;
        Ok(rows.first().map_or(Ok(0), |row| row.int(0))?.unsigned_abs())
    }
}

#[async_trait]
impl Accounts for SqlPeople {
    async fn account(&self, person: PersonId) -> Result<Option<Account>, StoreError> {
        Ok(self.accounts(&SELECT_ACCOUNT, vec![person.to_string().into()]).await?.pop())
    }

    async fn find_account(&self, email: EmailMark) -> Result<Option<Account>, StoreError> {
        Ok(self.accounts(&FIND_ACCOUNT, vec![email.0.as_slice().into()]).await?.pop())
    }

    async fn former_passwords(&self, person: PersonId) -> Result<Vec<PasswordText>, StoreError> {
        let rows = self.sql().query(&FORMER_PASSWORDS, vec![person.to_string().into()]).await?;
        rows.iter().map(|row| Ok(PasswordText::stored(row.text(1)?.to_owned()))).collect()
    }

    async fn count_recovery_codes(&self, person: PersonId) -> Result<u32, StoreError> {
        let count = self.count(&COUNT_RECOVERY_CODES, person.to_string().into()).await?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    async fn change_account(
        &self,
        account: &Account,
        change: &AccountChange,
        along: Along<'_>,
        by: &Change,
    ) -> Result<(), StoreError> {
        self.change(account, change, along, by).await
    }

    async fn set_up(&self, link: HashedSecret, joining: Joining<'_>, by: &Change) -> Result<(), StoreError> {
        self.first_person(link, joining, by).await
    }

    async fn ever_had_people(&self) -> Result<bool, StoreError> {
        Ok(!self.sql().query(&EVER_HAD_PEOPLE, Vec::new()).await?.is_empty())
    }

    async fn due_resets(&self, now: Timestamp, limit: u16) -> Result<Vec<Account>, StoreError> {
        self.accounts(&DUE_RESETS, vec![now.micros().into(), i64::from(limit).into()]).await
    }

    async fn phones_not_sealed_with(
        &self,
        version: u8,
        after: Option<PersonId>,
        limit: u16,
    ) -> Result<Vec<Account>, StoreError> {
        let after = after.map_or_else(String::new, |id| id.to_string());
        let values = vec![after.into(), [version].as_slice().into(), i64::from(limit).into()];
        self.accounts(&PHONES_NOT_SEALED_WITH, values).await
    }

    async fn count_phones_sealed_with(&self, version: u8) -> Result<u64, StoreError> {
        self.count(&COUNT_PHONES_SEALED_WITH, [version].as_slice().into()).await
    }

    async fn count_pending_sealed_with(&self, version: u8) -> Result<u64, StoreError> {
        self.count(&COUNT_PENDING_SEALED_WITH, [version].as_slice().into()).await
    }

    async fn reseal_phone(&self, former: &Account, sealed: &[u8]) -> Result<bool, StoreError> {
        let Some(phone) = &former.phone else { return Ok(false) };
        let values = vec![former.person.id.to_string().into(), phone.sealed.as_slice().into(), sealed.into()];
        let rows = self.sql().batch(Batch::default().run(&RESEAL_PHONE, values)).await?;
        Ok(rows.first().is_some_and(|rows| !rows.is_empty()))
    }
}
