//! Persons.

use super::SqlDirectory;
use crate::sql::{
    Batch,
    Kind::{Bytes, Int, Text},
    Row, Statement,
};
use async_trait::async_trait;
use countersign_core::{
    id::{MemberId, PersonId, TenantId},
    locale::Locale,
    people::{
        hours::Zone,
        password::PasswordText,
        person::{EmailMark, Person},
    },
    ports::{
        directory::people::{People, Standing},
        error::StoreError,
    },
    time::Timestamp,
};

pub(crate) fn read_person(row: &Row) -> Result<Person, StoreError> {
    Ok(Person {
        id: row.parsed(0, |text| text.parse().ok())?,
        email: EmailMark(row.bytes(1)?.try_into().map_err(|_| row.corrupt())?),
        sealed: row.bytes(2)?.to_vec(),
        language: row.parsed(3, Locale::parse)?,
        zone: row.parsed(4, Zone::parse)?,
        epoch: row.int(5)?,
        version: row.int(6)?,
        created_at: Timestamp::from_micros(row.int(7)?),
    })
}

pub(super) const INSERT_PERSON: Statement = Statement {
    table: "people",
    text: "INSERT INTO people (id, email, sealed, language, zone, epoch, version, created_at, password, password_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    params: &[Text, Bytes, Bytes, Text, Text, Int, Int, Int, Text, Int],
};

/// Marks that a person existed once.
pub(crate) const MARK_FIRST_PERSON: Statement = Statement {
    table: "first_person",
    text: "INSERT INTO first_person (only_row, at) VALUES (1, $1) ON CONFLICT (only_row) DO NOTHING",
    params: &[Int],
};

pub(crate) fn insert_person(batch: Batch, person: &Person, password: Option<&PasswordText>) -> Batch {
    let values = vec![
        person.id.to_string().into(),
        person.email.0.as_slice().into(),
        person.sealed.as_slice().into(),
        person.language.as_str().into(),
        person.zone.as_str().into(),
        person.epoch.into(),
        person.version.into(),
        person.created_at.micros().into(),
        password.map(|password| password.as_str().to_owned()).into(),
        password.map(|_| person.created_at.micros()).into(),
    ];
    let batch = batch.run(&MARK_FIRST_PERSON, vec![person.created_at.micros().into()]);
    batch.run_touching(1, &INSERT_PERSON, values)
}

/// Deletes a person who is a member of no tenant.
pub(super) const DELETE_STRANGER: Statement = Statement {
    table: "people",
    text: "DELETE FROM people
        WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM members WHERE members.person_id = people.id)",
    params: &[Text],
};

/// Raises the epoch of a person who may enter no tenant. Nothing that it began before is completed.
pub(super) const SHUT_OUT_PERSON: Statement = Statement {
    table: "people",
    text: "UPDATE people SET epoch = epoch + 1
        WHERE id = $1 AND NOT EXISTS
            (SELECT 1 FROM members JOIN tenants ON tenants.id = members.tenant_id
            WHERE members.person_id = people.id AND members.disabled = 0 AND tenants.disabled_at IS NULL)",
    params: &[Text],
};

/// The same for each person of a tenant. A person of another tenant that is open goes on there.
pub(super) const SHUT_OUT_MEMBERS: Statement = Statement {
    table: "people",
    text: "UPDATE people SET epoch = epoch + 1
        WHERE id IN (SELECT person_id FROM members WHERE tenant_id = $1) AND NOT EXISTS
            (SELECT 1 FROM members JOIN tenants ON tenants.id = members.tenant_id
            WHERE members.person_id = people.id AND members.disabled = 0 AND tenants.disabled_at IS NULL)",
    params: &[Text],
};

/// Adds the statement that ends what a person began, if the person may enter no tenant any more.
pub(super) fn shut_out(batch: Batch, person: PersonId) -> Batch {
    batch.run(&SHUT_OUT_PERSON, vec![person.to_string().into()])
}

pub(crate) const SELECT_PERSON: Statement = Statement {
    table: "people",
    text: "SELECT id, email, sealed, language, zone, epoch, version, created_at FROM people WHERE id = $1",
    params: &[Text],
};

pub(super) const FIND_PERSON: Statement = Statement {
    table: "people",
    text: "SELECT id, email, sealed, language, zone, epoch, version, created_at FROM people
        WHERE email = $1",
    params: &[Bytes],
};

pub(super) const PEOPLE_OF_MEMBERS: Statement = Statement {
    table: "people",
    text: "SELECT id, email, sealed, language, zone, epoch, version, created_at FROM people
        WHERE id IN (SELECT person_id FROM members WHERE tenant_id = $1 AND id >= $2 AND id <= $3)",
    params: &[Text, Text, Text],
};

/// Whether each person has a second factor, when a session of the person in the tenant was seen last, and when the
/// person last entered it.
pub(super) const STANDING_OF_MEMBERS: Statement = Statement {
    table: "people",
    text: "SELECT id, CASE WHEN phone IS NULL THEN 0 ELSE 1 END,
            (SELECT max(seen_at) FROM sessions WHERE sessions.tenant_id = $1 AND sessions.person_id = people.id),
            (SELECT max(at) FROM sign_ins WHERE sign_ins.tenant_id = $1 AND sign_ins.person_id = people.id
                AND outcome = 'done')
        FROM people
        WHERE id IN (SELECT person_id FROM members WHERE tenant_id = $1 AND id >= $2 AND id <= $3)",
    params: &[Text, Text, Text],
};

/// The first byte of a sealed value is the version of its key.
pub(super) const PEOPLE_NOT_SEALED_WITH: Statement = Statement {
    table: "people",
    text: "SELECT id, email, sealed, language, zone, epoch, version, created_at FROM people
        WHERE id > $1 AND substr(sealed, 1, 1) <> $2 ORDER BY id LIMIT $3",
    params: &[Text, Bytes, Int],
};

pub(super) const COUNT_PEOPLE_SEALED_WITH: Statement = Statement {
    table: "people",
    text: "SELECT count(*) FROM people WHERE substr(sealed, 1, 1) = $1",
    params: &[Bytes],
};

pub(super) const RESEAL_PERSON: Statement = Statement {
    table: "people",
    text: "UPDATE people SET sealed = $3 WHERE id = $1 AND sealed = $2 RETURNING id",
    params: &[Text, Bytes, Bytes],
};

#[async_trait]
impl People for SqlDirectory {
    async fn person(&self, person: PersonId) -> Result<Option<Person>, StoreError> {
        let rows = self.sql.query(&SELECT_PERSON, vec![person.to_string().into()]).await?;
        rows.first().map(read_person).transpose()
    }

    async fn find_person(&self, email: EmailMark) -> Result<Option<Person>, StoreError> {
        let rows = self.sql.query(&FIND_PERSON, vec![email.0.as_slice().into()]).await?;
        rows.first().map(read_person).transpose()
    }

    async fn people_of_members(
        &self,
        tenant: TenantId,
        (from, to): (MemberId, MemberId),
    ) -> Result<Vec<Person>, StoreError> {
        let values = vec![tenant.to_string().into(), from.to_string().into(), to.to_string().into()];
        self.sql.query(&PEOPLE_OF_MEMBERS, values).await?.iter().map(read_person).collect()
    }

    async fn standing_of_members(
        &self,
        tenant: TenantId,
        (from, to): (MemberId, MemberId),
    ) -> Result<Vec<Standing>, StoreError> {
        let values = vec![tenant.to_string().into(), from.to_string().into(), to.to_string().into()];
        let read = |row: &Row| {
            let last = row.optional_int(2)?.max(row.optional_int(3)?);
            Ok(Standing {
                person: row.parsed(0, |text| text.parse().ok())?,
                two_factor: row.flag(1)?,
                last_active_at: last.map(Timestamp::from_micros),
            })
        };
        self.sql.query(&STANDING_OF_MEMBERS, values).await?.iter().map(read).collect()
    }

    async fn people_not_sealed_with(
        &self,
        version: u8,
        after: Option<PersonId>,
        limit: u16,
    ) -> Result<Vec<Person>, StoreError> {
        let after = after.map_or_else(String::new, |id| id.to_string());
        let values = vec![after.into(), [version].as_slice().into(), i64::from(limit).into()];
        self.sql.query(&PEOPLE_NOT_SEALED_WITH, values).await?.iter().map(read_person).collect()
    }

    async fn count_people_sealed_with(&self, version: u8) -> Result<u64, StoreError> {
        let rows = self.sql.query(&COUNT_PEOPLE_SEALED_WITH, vec![[version].as_slice().into()]).await?;
        Ok(rows.first().map_or(Ok(0), |row| row.int(0))?.unsigned_abs())
    }

    async fn reseal_person(&self, former: &Person, sealed: &[u8]) -> Result<bool, StoreError> {
        let values = vec![former.id.to_string().into(), former.sealed.as_slice().into(), sealed.into()];
        let rows = self.sql.batch(Batch::default().run(&RESEAL_PERSON, values)).await?;
        Ok(rows.first().is_some_and(|rows| !rows.is_empty()))
    }
}
