//! The outbox of notices.
//!
//! A claim consists of two statements. The first waits until another running claim has ended, so that the
//! second sees what that claim took.

use super::SqlPeople;
use crate::sql::{
    Batch,
    Kind::{Bytes, Int, Text},
    Row, Statement, Value,
};
use async_trait::async_trait;
use countersign_core::{
    id::NoticeId,
    people::notice::{Channel, MOST_WAITING, NoticeClaim, SealedNotice, StoredNotice},
    ports::{
        error::StoreError,
        people::notices::{NoticeCounts, Notices},
    },
    time::Timestamp,
};

pub(super) const STATEMENTS: &[&Statement] = &[
    &COUNT_DROPPED,
    &INSERT_NOTICE,
    &TAKE_TURN,
    &CLAIM,
    &RETRY,
    &RESEAL,
    &SELECT_NOT_SEALED_WITH,
    &COUNT_SEALED_WITH,
    &COUNT,
    &END,
];

/// Counts the notice as dropped, if so many of its kind wait for its person. Else it touches and locks no row.
const COUNT_DROPPED: Statement = Statement {
    table: "notice_state",
    text: "UPDATE notice_state SET dropped = dropped + 1 WHERE only_row = 1
        AND (SELECT count(*) FROM notices WHERE person_id = $1 AND kind = $2) >= $3",
    params: &[Text, Text, Int],
};

const INSERT_NOTICE: Statement = Statement {
    table: "notices",
    text: "INSERT INTO notices (id, person_id, kind, channel, sealed, tries, due_at, made_at)
        SELECT $1, $2, $3, $4, $5, 0, $6, $6
        WHERE (SELECT count(*) FROM notices WHERE person_id = $2 AND kind = $3) < $7",
    params: &[Text, Text, Text, Text, Bytes, Int, Int],
};

const TAKE_TURN: Statement = Statement {
    table: "notice_state",
    text: "UPDATE notice_state SET claims = claims + 1 WHERE only_row = 1",
    params: &[],
};

const CLAIM: Statement = Statement {
    table: "notices",
    text: "UPDATE notices SET due_at = $2, tries = tries + 1 WHERE due_at <= $1
            AND id IN (SELECT id FROM notices WHERE due_at <= $1 ORDER BY due_at, id LIMIT $3)
        RETURNING id, person_id, kind, channel, sealed, made_at, tries",
    params: &[Int, Int, Int],
};

const END: Statement = Statement {
    table: "notices",
    text: "DELETE FROM notices WHERE id = $1 AND tries = $2 RETURNING id",
    params: &[Text, Int],
};

const RETRY: Statement = Statement {
    table: "notices",
    text: "UPDATE notices SET due_at = $3 WHERE id = $1 AND tries = $2 RETURNING id",
    params: &[Text, Int, Int],
};

const COUNT: Statement = Statement {
    table: "notice_state",
    text: "SELECT dropped, (SELECT count(*) FROM notices) FROM notice_state WHERE only_row = 1",
    params: &[],
};

/// The first byte of a sealed value is the version of its key.
const SELECT_NOT_SEALED_WITH: Statement = Statement {
    table: "notices",
    text: "SELECT id, person_id, sealed FROM notices
        WHERE id > $1 AND substr(sealed, 1, 1) <> $2 ORDER BY id LIMIT $3",
    params: &[Text, Bytes, Int],
};

const COUNT_SEALED_WITH: Statement = Statement {
    table: "notices",
    text: "SELECT count(*) FROM notices WHERE substr(sealed, 1, 1) = $1",
    params: &[Bytes],
};

const RESEAL: Statement = Statement {
    table: "notices",
    text: "UPDATE notices SET sealed = $3 WHERE id = $1 AND sealed = $2 RETURNING id",
    params: &[Text, Bytes, Bytes],
};

/// Adds a notice to a batch: its transaction is that of the change which the notice reports. Too many waiting
/// notices of one kind for one person are dropped and counted. Two batches at once may each add one more; a
/// lock would make every sign-in of a person wait for the other.
pub(crate) fn insert_notice(batch: Batch, notice: &SealedNotice) -> Batch {
    let most = i64::from(MOST_WAITING);
    insert_within(batch, notice, (most, most))
}

/// Runs the statements for a notice that nobody gets. They keep no row and count nothing.
pub(super) fn insert_none(batch: Batch, notice: &SealedNotice) -> Batch {
    insert_within(batch, notice, (i64::MAX, 0))
}

/// `dropped`: so many that wait make it count as dropped. `most`: only below so many it is inserted.
fn insert_within(batch: Batch, notice: &SealedNotice, (dropped, most): (i64, i64)) -> Batch {
    let person: Value = notice.person.map(|id| id.to_string()).into();
    batch.run(&COUNT_DROPPED, vec![person.clone(), notice.kind.into(), dropped.into()]).run(
        &INSERT_NOTICE,
        vec![
            notice.id.to_string().into(),
            person,
            notice.kind.into(),
            notice.channel.as_str().into(),
            notice.sealed.as_slice().into(),
            notice.made_at.micros().into(),
            most.into(),
        ],
    )
}

fn read_claim(row: &Row) -> Result<NoticeClaim, StoreError> {
    Ok(NoticeClaim {
        id: row.parsed(0, |text| text.parse().ok())?,
        person: row.optional_text(1)?.map(str::parse).transpose().map_err(|_| row.corrupt())?,
        kind: row.text(2)?.to_owned(),
        channel: row.parsed(3, Channel::parse)?,
        sealed: row.bytes(4)?.to_vec(),
        made_at: Timestamp::from_micros(row.int(5)?),
        tries: u32::try_from(row.int(6)?).map_err(|_| row.corrupt())?,
    })
}

fn read_stored(row: &Row) -> Result<StoredNotice, StoreError> {
    Ok(StoredNotice {
        id: row.parsed(0, |text| text.parse().ok())?,
        person: row.optional_text(1)?.map(str::parse).transpose().map_err(|_| row.corrupt())?,
        sealed: row.bytes(2)?.to_vec(),
    })
}

impl SqlPeople {
    /// Runs a statement that returns the one row that it touched. Returns whether there was one.
    async fn touched(&self, statement: &'static Statement, values: Vec<Value>) -> Result<bool, StoreError> {
        let rows = self.directory.sql().batch(Batch::default().run(statement, values)).await?;
        Ok(rows.first().is_some_and(|rows| !rows.is_empty()))
    }
}

#[async_trait]
impl Notices for SqlPeople {
    async fn add_notices(&self, notices: &[SealedNotice]) -> Result<(), StoreError> {
        let batch = notices.iter().fold(Batch::default(), insert_notice);
        self.directory.sql().batch(batch).await.map(drop)
    }

    async fn claim_notices(
        &self,
        limit: u16,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<NoticeClaim>, StoreError> {
        let values = vec![now.micros().into(), until.micros().into(), i64::from(limit).into()];
        let batch = Batch::default().run_touching(1, &TAKE_TURN, vec![]).run(&CLAIM, values);
        let rows = self.directory.sql().batch(batch).await?;
        rows.get(1).into_iter().flatten().map(read_claim).collect()
    }

    async fn end_notice(&self, claim: &NoticeClaim) -> Result<bool, StoreError> {
        self.touched(&END, vec![claim.id.to_string().into(), i64::from(claim.tries).into()]).await
    }

    async fn retry_notice(&self, claim: &NoticeClaim, at: Timestamp) -> Result<bool, StoreError> {
        let values = vec![claim.id.to_string().into(), i64::from(claim.tries).into(), at.micros().into()];
        self.touched(&RETRY, values).await
    }

    async fn count_notices(&self) -> Result<NoticeCounts, StoreError> {
        let rows = self.directory.sql().query(&COUNT, vec![]).await?;
        let Some(row) = rows.first() else { return Ok(NoticeCounts::default()) };
        Ok(NoticeCounts { dropped: row.int(0)?.unsigned_abs(), waiting: row.int(1)?.unsigned_abs() })
    }

    async fn notices_not_sealed_with(
        &self,
        version: u8,
        after: Option<NoticeId>,
        limit: u16,
    ) -> Result<Vec<StoredNotice>, StoreError> {
        let after = after.map_or_else(String::new, |id| id.to_string());
        let values = vec![after.into(), [version].as_slice().into(), i64::from(limit).into()];
        let rows = self.directory.sql().query(&SELECT_NOT_SEALED_WITH, values).await?;
        rows.iter().map(read_stored).collect()
    }

    async fn count_notices_sealed_with(&self, version: u8) -> Result<u64, StoreError> {
        let values = vec![[version].as_slice().into()];
        let rows = self.directory.sql().query(&COUNT_SEALED_WITH, values).await?;
        Ok(rows.first().map_or(Ok(0), |row| row.int(0))?.unsigned_abs())
    }

    async fn reseal_notice(&self, former: &StoredNotice, sealed: &[u8]) -> Result<bool, StoreError> {
        let values = vec![former.id.to_string().into(), former.sealed.as_slice().into(), sealed.into()];
        self.touched(&RESEAL, values).await
    }
}
