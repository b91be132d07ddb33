//! The maintenance of the history: expiry, retention, the sealing of contacts with a new key, and the state
//! of the jobs.

use super::take_turn;
use crate::sql::{
    Batch,
    Kind::{Bytes, Int, Text},
    Row, Sql, Statement, Value,
};
use countersign_core::{
    id::{RecordKey, VerificationId},
    keyring::Fingerprint,
    mode::Mode,
    ports::{
        codes::events::{Position, UnrecordedEvent},
        error::StoreError,
        history::{Arranged, StoredContact},
    },
    time::Timestamp,
    verification::event::Event,
};
use std::time::Duration;

/// If the history is kept this long, a week more or less does not matter.
const KEPT_LONG: Duration = Duration::from_secs(28 * 24 * 3_600);

pub(super) const SELECT_PASSED: Statement = Statement {
    table: "verifications",
    text: "SELECT id, tenant_id, mode, expires_at FROM verifications
        WHERE status = 'pending' AND expires_at <= $1 ORDER BY expires_at LIMIT $2",
    params: &[Int, Int],
};

/// The `expired` events of verifications whose time is over. They are recorded like any other events.
pub(super) async fn passed(
    sql: &Sql,
    passed: Timestamp,
    limit: u16,
) -> Result<Vec<UnrecordedEvent>, StoreError> {
    let read = |row: &Row| {
        let id: VerificationId = row.parsed(0, |text| text.parse().ok())?;
        let tenant = row.parsed(1, |text| text.parse().ok())?;
        let key = RecordKey { tenant, mode: row.parsed(2, Mode::parse)?, id };
        let Event { id, at, kind, .. } = Event::expired(id, Timestamp::from_micros(row.int(3)?));
        Ok(UnrecordedEvent { position: Position([0, 0, 0]), key, id, at, body: kind.pack(), who: None })
    };
    let rows = sql.query(&SELECT_PASSED, vec![passed.micros().into(), i64::from(limit).into()]).await?;
    rows.iter().map(read).collect()
}

/// Creates and drops weekly partitions. If the history is kept long, rows are deleted only with their whole
/// week: deleting them one by one earlier would cost what the partitions save. If the history is kept for a
/// short time, rows are deleted on time, because a week more would be much.
pub(super) async fn arrange(sql: &Sql, now: Timestamp, before: Timestamp) -> Result<Arranged, StoreError> {
    let weeks = sql.arrange_weeks(now.micros(), before.micros()).await?;
    let oldest = weeks.oldest.filter(|_| now.since(before) >= KEPT_LONG);
    let before = oldest.map_or(before, Timestamp::from_micros);
    Ok(Arranged { made: weeks.made, dropped: weeks.dropped, strays: weeks.strays, before })
}

pub(super) const DELETE_EVENTS: Statement = Statement {
    table: "events",
    text: "DELETE FROM events WHERE created_at < $2 AND verification_id IN
        (SELECT id FROM verifications WHERE id < $1 AND created_at < $2 ORDER BY id LIMIT $3)",
    params: &[Text, Int, Int],
};

pub(super) const DELETE_VERIFICATIONS: Statement = Statement {
    table: "verifications",
    text: "DELETE FROM verifications WHERE created_at < $2 AND id IN
        (SELECT id FROM verifications WHERE id < $1 AND created_at < $2 ORDER BY id LIMIT $3)
        RETURNING id",
    params: &[Text, Int, Int],
};

pub(super) const DELETE_DEAD_EVENTS: Statement =
    Statement { table: "dead_events", text: "DELETE FROM dead_events WHERE at < $1", params: &[Int] };

/// Deletes old notes of erasures: verifications that started before this time have been deleted by then.
pub(super) const DELETE_ERASURES: Statement =
    Statement { table: "erasures", text: "DELETE FROM erasures WHERE at < $1", params: &[Int] };

pub(super) async fn retain(sql: &Sql, before: Timestamp, limit: u16) -> Result<usize, StoreError> {
    let first = VerificationId::floor(before);
    let oldest =
        || -> Vec<Value> { vec![first.to_string().into(), before.micros().into(), i64::from(limit).into()] };
    // Batches of this kind wait for each other; see the erasure of a tenant.
    let batch = take_turn(Batch::default())
        .run(&DELETE_EVENTS, oldest())
        .run(&DELETE_VERIFICATIONS, oldest())
        .run(&DELETE_DEAD_EVENTS, vec![before.micros().into()])
        .run(&DELETE_ERASURES, vec![before.micros().into()]);
    Ok(sql.batch(batch).await?.get(2).map_or(0, Vec::len))
}

pub(super) const DELETE_COUNTS: Statement = Statement {
    table: "rollups",
    text: "DELETE FROM rollups WHERE hour < $1 AND hour = (SELECT min(hour) FROM rollups)
        RETURNING hour",
    params: &[Int],
};

pub(super) const DELETE_CONVERSIONS: Statement = Statement {
    table: "conversions",
    text: "DELETE FROM conversions WHERE day < $1 AND day = (SELECT min(day) FROM conversions)
        RETURNING day",
    params: &[Int],
};

pub(super) async fn retain_counts(sql: &Sql, before: Timestamp) -> Result<usize, StoreError> {
    let before = || vec![before.micros().into()];
    let batch = Batch::default().run(&DELETE_COUNTS, before()).run(&DELETE_CONVERSIONS, before());
    Ok(sql.batch(batch).await?.iter().map(Vec::len).sum())
}

pub(super) const SELECT_CONTACTS: Statement = Statement {
    table: "verifications",
    text: "SELECT id, tenant_id, number, contact FROM verifications
        WHERE id > $1 AND created_at >= $2 ORDER BY id LIMIT $3",
    params: &[Text, Int, Int],
};

pub(super) async fn contacts(
    sql: &Sql,
    after: Option<VerificationId>,
    limit: u16,
) -> Result<(Vec<StoredContact>, Option<VerificationId>), StoreError> {
    let (after, at) = match after {
        Some(id) => (id.to_string(), id.created_at().micros()),
        None => (VerificationId::PREFIX.to_owned(), 0),
    };
    let rows = sql.query(&SELECT_CONTACTS, vec![after.into(), at.into(), i64::from(limit).into()]).await?;
    let (mut found, mut last) = (Vec::new(), None);
    for row in &rows {
        let id = row.parsed(0, |text| text.parse().ok())?;
        last = Some(id);
        if row.values().get(3) == Some(&Value::Null) {
            continue;
        }
        let number = Fingerprint(row.bytes(2)?.try_into().map_err(|_| row.corrupt())?);
        let (tenant, contact) = (row.parsed(1, |text| text.parse().ok())?, row.bytes(3)?.to_vec());
        found.push(StoredContact { tenant, id, number, contact });
    }
    Ok((found, last))
}

/// Replaces a contact only if it is still the one that was read: a contact erased meanwhile stays erased.
pub(super) const REPLACE_CONTACT: Statement = Statement {
    table: "verifications",
    text: "UPDATE verifications SET contact = $5
        WHERE tenant_id = $1 AND id = $2 AND created_at = $3 AND contact = $4",
    params: &[Text, Text, Int, Bytes, Bytes],
};

pub(super) async fn replace_contact(sql: &Sql, old: &StoredContact, sealed: &[u8]) -> Result<(), StoreError> {
    let values = vec![
        old.tenant.to_string().into(),
        old.id.to_string().into(),
        old.id.created_at().micros().into(),
        old.contact.as_slice().into(),
        sealed.into(),
    ];
    sql.batch(Batch::default().run(&REPLACE_CONTACT, values)).await.map(drop)
}

pub(super) const SELECT_JOB: Statement =
    Statement { table: "jobs", text: "SELECT name, state FROM jobs WHERE name = $1", params: &[Text] };

pub(super) async fn job(sql: &Sql, name: &str) -> Result<Option<String>, StoreError> {
    let rows = sql.query(&SELECT_JOB, vec![name.into()]).await?;
    rows.first().map(|row| row.text(1).map(str::to_owned)).transpose()
}

pub(super) const SAVE_JOB: Statement = Statement {
    table: "jobs",
    text: "INSERT INTO jobs (name, state) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET state = excluded.state",
    params: &[Text, Text],
};

pub(super) async fn save_job(sql: &Sql, name: &str, state: &str) -> Result<(), StoreError> {
    sql.batch(Batch::default().run(&SAVE_JOB, vec![name.into(), state.into()])).await.map(drop)
}
