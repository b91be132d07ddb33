//! Attempts to sign in.

use super::{SqlPeople, notices::insert_notice};
use crate::sql::{
    Batch,
    Kind::{Bytes, Int, Text},
    Row, Statement, Value,
};
use async_trait::async_trait;
use countersign_core::{
    access::address::customer_network,
    id::{DeviceId, PersonId, SignInId, TenantId},
    people::{
        notice::SealedNotice,
        person::EmailMark,
        session::{SignIn, SignInOutcome},
    },
    phone::Country,
    ports::{error::StoreError, people::activity::Activity},
    time::Timestamp,
};
use std::fmt::Write as _;

/// The number of guesses, or of entries to a tenant, of an hour that have rows of their own.
const OWN_ROWS: i64 = 5;
const HOUR: i64 = 3_600 * 1_000_000;

pub(super) const INSERT_SIGN_IN: Statement = Statement {
    table: "sign_ins",
    text: "INSERT INTO sign_ins (id, at, outcome, person_id, email, tenant_id, address, country, device_id,
            agent, number, place)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0)",
    params: &[Text, Int, Text, Text, Bytes, Text, Text, Text, Text, Text, Int],
};

/// Notes a guess, or that a person entered a tenant or was refused by it. $12: what those of an hour have in common.
/// $13: how many of them have own rows. The last place counts the further ones. Two at once may take one place; then its row counts both.
pub(super) const COUNT_GUESS: Statement = Statement {
    table: "sign_ins",
    text: "INSERT INTO sign_ins (id, at, outcome, person_id, email, tenant_id, address, country, device_id,
            agent, number, guesses, place)
        SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
            CASE WHEN taken < $13 THEN taken ELSE $13 END
        FROM (SELECT count(*) AS taken FROM sign_ins WHERE guesses = $12) AS counted WHERE $13 > 0
        ON CONFLICT (guesses, place) DO UPDATE SET at = excluded.at, address = excluded.address,
            country = excluded.country, device_id = excluded.device_id, agent = excluded.agent,
            number = sign_ins.number + excluded.number",
    params: &[Text, Int, Text, Text, Bytes, Text, Text, Text, Text, Text, Int, Text, Int],
};

/// $4: a mail since this time keeps the next one back.
pub(super) const NOTE_MAILED: Statement = Statement {
    table: "device_people",
    text: "UPDATE device_people SET mailed_at = $3
        WHERE person_id = $1 AND device_id = $2 AND (mailed_at IS NULL OR mailed_at < $4)",
    params: &[Text, Text, Int, Int],
};

pub(super) const LIST_SIGN_INS: Statement = Statement {
    table: "sign_ins",
    text: "SELECT id, at, outcome, person_id, email, tenant_id, address, country, device_id, agent, number
        FROM sign_ins WHERE person_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
    params: &[Text, Text, Int],
};

pub(super) const LIST_TENANT_SIGN_INS: Statement = Statement {
    table: "sign_ins",
    text: "SELECT id, at, outcome, person_id, email, tenant_id, address, country, device_id, agent, number
        FROM sign_ins WHERE tenant_id = $1 AND person_id = $2 AND id < $3 ORDER BY id DESC LIMIT $4",
    params: &[Text, Text, Text, Int],
};

pub(super) const FORGET_SIGN_INS: Statement = Statement {
    table: "sign_ins",
    text: "DELETE FROM sign_ins WHERE id IN (SELECT id FROM sign_ins WHERE at < $1 ORDER BY at, id LIMIT $2)
        RETURNING id",
    params: &[Int, Int],
};

fn values_of(sign_in: &SignIn) -> Vec<Value> {
    vec![
        sign_in.id.to_string().into(),
        sign_in.at.micros().into(),
        sign_in.outcome.as_str().into(),
        sign_in.person.map(|person| person.to_string()).into(),
        sign_in.email.0.as_slice().into(),
        sign_in.tenant.map(|tenant| tenant.to_string()).into(),
        sign_in.address.to_string().into(),
        sign_in.country.map(|country| country.as_str().to_owned()).into(),
        sign_in.device.map(|device| device.to_string()).into(),
        sign_in.agent.as_str().into(),
        i64::from(sign_in.count).into(),
    ]
}

pub(super) fn insert_sign_in(batch: Batch, sign_in: &SignIn) -> Batch {
    batch.run_touching(1, &INSERT_SIGN_IN, values_of(sign_in))
}

/// What the rows that are counted together have in common: the hour, the network, the typed address, and for entries
/// the tenant and the outcome. All addresses that nobody has are counted together, because no list shows them.
fn in_common(sign_in: &SignIn) -> String {
    let hour = sign_in.at.micros().div_euclid(HOUR);
    let mut text = format!("{hour}/{}/", customer_network(sign_in.address));
    if sign_in.person.is_some() {
        let EmailMark(mark) = sign_in.email;
        mark.iter().for_each(|byte| {
            let _ = write!(text, "{byte:02x}");
        });
    }
    if let Some(tenant) = sign_in.tenant {
        let _ = write!(text, "/{tenant}/{}", sign_in.outcome.as_str());
    }
    text
}

/// Adds what a caller can repeat at will to the rows of its hour. The other attempts have bounds of their own.
pub(super) fn note(batch: Batch, sign_in: &SignIn) -> Batch {
    if sign_in.outcome != SignInOutcome::WrongPassword && sign_in.tenant.is_none() {
        return insert_sign_in(batch, sign_in);
    }
    let mut values = values_of(sign_in);
    values.extend([in_common(sign_in).into(), OWN_ROWS.into()]);
    batch.run_touching(1, &COUNT_GUESS, values)
}

fn read_sign_in(row: &Row) -> Result<SignIn, StoreError> {
    let text = |index| row.optional_text(index);
    Ok(SignIn {
        id: row.parsed(0, |text| text.parse().ok())?,
        at: Timestamp::from_micros(row.int(1)?),
        outcome: row.parsed(2, SignInOutcome::parse)?,
        person: text(3)?.map(|text| text.parse().map_err(|_| row.corrupt())).transpose()?,
        email: EmailMark(row.bytes(4)?.try_into().map_err(|_| row.corrupt())?),
        tenant: text(5)?.map(|text| text.parse().map_err(|_| row.corrupt())).transpose()?,
        address: row.parsed(6, |text| text.parse().ok())?,
        country: text(7)?.and_then(|text| Country::from_bytes(text.as_bytes().try_into().ok()?)),
        device: text(8)?.map(|text| text.parse().map_err(|_| row.corrupt())).transpose()?,
        agent: row.text(9)?.to_owned(),
        count: row.int(10)?.try_into().map_err(|_| row.corrupt())?,
    })
}

/// The id before which the newest come. A tilde sorts after every character of an id.
fn text_before(before: Option<SignInId>) -> Value {
    before.map_or_else(|| format!("{}~", SignInId::PREFIX), |id| id.to_string()).into()
}

#[async_trait]
impl Activity for SqlPeople {
    async fn note_sign_in(
        &self,
        sign_in: &SignIn,
        mail: Option<(&SealedNotice, Option<(DeviceId, Timestamp)>)>,
    ) -> Result<(), StoreError> {
        let mut batch = note(Batch::default(), sign_in);
        if let Some((notice, seldom)) = mail {
            if let Some((device, since)) = seldom {
                let values = vec![
                    sign_in.person.map(|person| person.to_string()).into(),
                    device.to_string().into(),
                    sign_in.at.micros().into(),
                    since.micros().into(),
                ];
                batch = batch.run_unmoved(&NOTE_MAILED, values);
            }
            batch = insert_notice(batch, notice);
        }
        match self.sql().batch(batch).await {
            // The person got a mail already.
            Err(StoreError::Moved) => self.sql().batch(note(Batch::default(), sign_in)).await.map(drop),
            outcome => outcome.map(drop),
        }
    }

    async fn list_sign_ins(
        &self,
        person: PersonId,
        before: Option<SignInId>,
        limit: u16,
    ) -> Result<Vec<SignIn>, StoreError> {
        let values = vec![person.to_string().into(), text_before(before), i64::from(limit).into()];
        self.sql().query(&LIST_SIGN_INS, values).await?.iter().map(read_sign_in).collect()
    }

    async fn list_tenant_sign_ins(
        &self,
        tenant: TenantId,
        person: PersonId,
        before: Option<SignInId>,
        limit: u16,
    ) -> Result<Vec<SignIn>, StoreError> {
        let values = vec![
            tenant.to_string().into(),
            person.to_string().into(),
            text_before(before),
            i64::from(limit).into(),
        ];
        self.sql().query(&LIST_TENANT_SIGN_INS, values).await?.iter().map(read_sign_in).collect()
    }

    async fn forget_sign_ins(&self, before: Timestamp, limit: u16) -> Result<u64, StoreError> {
        let values = vec![before.micros().into(), i64::from(limit).into()];
        let rows = self.sql().batch(Batch::default().run(&FORGET_SIGN_INS, values)).await?;
        Ok(rows.first().map_or(0, Vec::len) as u64)
    }
}
