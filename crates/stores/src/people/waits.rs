//! Counts of wrong passwords.

use super::SqlPeople;
use crate::sql::{
    Batch,
    Kind::{Bytes, Int},
    Statement, Value,
};
use async_trait::async_trait;
use countersign_core::{
    people::waits::{FORGOTTEN_AFTER, LADDER, WaitCount, WaitRule, Waiting},
    ports::{error::StoreError, people::waits::Waits},
    time::Timestamp,
};
use std::time::Duration;

/// Counts a failure, unless the caller has to wait; then it touches no row. $3: a count whose last failure was
/// before this time begins again. $4: the number of free failures. $5: no wait ends later than this, so after the
/// clock was set back nobody waits longer than the rule says.
pub(super) const COUNT_IN_LADDER: Statement = Statement {
    table: "sign_in_waits",
    text: "INSERT INTO sign_in_waits (key, failures, since, last, until) VALUES ($1, 1, $2, $2, 0)
        ON CONFLICT (key) DO UPDATE SET
            failures = CASE WHEN sign_in_waits.last < $3 THEN 1 ELSE sign_in_waits.failures + 1 END,
            since = CASE WHEN sign_in_waits.last < $3 THEN $2 ELSE sign_in_waits.since END,
            last = $2,
            until = CASE
                WHEN sign_in_waits.last < $3 OR sign_in_waits.failures < $4 THEN 0
                WHEN sign_in_waits.failures = $4 THEN $2 + $6
                WHEN sign_in_waits.failures = $4 + 1 THEN $2 + $7
                WHEN sign_in_waits.failures = $4 + 2 THEN $2 + $8
                WHEN sign_in_waits.failures = $4 + 3 THEN $2 + $9
                WHEN sign_in_waits.failures = $4 + 4 THEN $2 + $10
                WHEN sign_in_waits.failures = $4 + 5 THEN $2 + $11
                ELSE $5
            END
        WHERE sign_in_waits.until <= $2 OR sign_in_waits.until > $5 RETURNING failures",
    params: &[Bytes, Int, Int, Int, Int, Int, Int, Int, Int, Int, Int],
};

/// Counts a failure, unless the window has its most. $3: a window that began before this time is over. $4: the
/// number that fills the window. $5: no window ends later than this.
pub(super) const COUNT_IN_WINDOW: Statement = Statement {
    table: "sign_in_waits",
    text: "INSERT INTO sign_in_waits (key, failures, since, last, until)
            VALUES ($1, 1, $2, $2, CASE WHEN $4 <= 1 THEN $5 ELSE 0 END)
        ON CONFLICT (key) DO UPDATE SET
            failures = CASE WHEN sign_in_waits.since <= $3 OR sign_in_waits.since > $2 THEN 1
                ELSE sign_in_waits.failures + 1 END,
            since = CASE WHEN sign_in_waits.since <= $3 OR sign_in_waits.since > $2 THEN $2
                ELSE sign_in_waits.since END,
            last = $2,
            until = CASE
                WHEN sign_in_waits.since <= $3 OR sign_in_waits.since > $2
                    THEN CASE WHEN $4 <= 1 THEN $5 ELSE 0 END
                WHEN sign_in_waits.failures + 1 >= $4 THEN $5 - $2 + sign_in_waits.since
                ELSE 0
            END
        WHERE sign_in_waits.until <= $2 OR sign_in_waits.until > $5 RETURNING failures",
    params: &[Bytes, Int, Int, Int, Int],
};

/// Takes one failure back. If no other failure came since, the wait that it caused ends too.
pub(super) const GIVE_BACK: Statement = Statement {
    table: "sign_in_waits",
    text: "UPDATE sign_in_waits SET
            failures = failures - 1,
            until = CASE WHEN last = $2 THEN 0 ELSE until END
        WHERE key = $1 AND failures > 0",
    params: &[Bytes, Int],
};

pub(super) const SELECT_WAIT: Statement = Statement {
    table: "sign_in_waits",
    text: "SELECT until FROM sign_in_waits WHERE key = $1",
    params: &[Bytes],
};

pub(super) const RESET: Statement =
    Statement { table: "sign_in_waits", text: "DELETE FROM sign_in_waits WHERE key = $1", params: &[Bytes] };

pub(super) const FORGET: Statement = Statement {
    table: "sign_in_waits",
    text: "DELETE FROM sign_in_waits WHERE key IN
            (SELECT key FROM sign_in_waits WHERE last < $1 ORDER BY last LIMIT $2)
        RETURNING key",
    params: &[Int, Int],
};

impl SqlPeople {
    /// The longest wait of these counts, if one is waiting.
    async fn longest_wait(
        &self,
        counts: &[WaitCount],
        now: Timestamp,
    ) -> Result<Option<Waiting>, StoreError> {
        let mut longest: Option<Waiting> = None;
        for count in counts {
            let rows = self.sql().query(&SELECT_WAIT, vec![count.key.as_slice().into()]).await?;
            let Some(row) = rows.first() else { continue };
            // The clock was set back if it is later than any wait that the rule gives.
            let latest = now + longest_of(count.rule);
            let until = Timestamp::from_micros(row.int(0)?);
            if until > now && until <= latest && longest.is_none_or(|longest| longest.until < until) {
                longest = Some(Waiting { count: *count, until });
            }
        }
        Ok(longest)
    }
}

fn longest_of(rule: WaitRule) -> Duration {
    match rule {
        WaitRule::Ladder { .. } => LADDER[LADDER.len() - 1],
        WaitRule::Window { length, .. } => length,
    }
}

fn give_one_back(batch: Batch, count: &WaitCount, now: Timestamp) -> Batch {
    batch.run(&GIVE_BACK, vec![count.key.as_slice().into(), now.micros().into()])
}

fn count_one(batch: Batch, count: &WaitCount, now: Timestamp) -> Batch {
    let mut values: Vec<Value> = vec![count.key.as_slice().into(), now.micros().into()];
    match count.rule {
        WaitRule::Ladder { free } => {
            let [steps @ .., last] = LADDER;
            values.push((now - FORGOTTEN_AFTER).micros().into());
            values.push(i64::from(free).into());
            values.push((now + last).micros().into());
            values.extend(steps.map(|step| Value::from(step.as_micros() as i64)));
            batch.run_touching(1, &COUNT_IN_LADDER, values)
        }
        WaitRule::Window { most, length } => {
            values.push((now - length).micros().into());
            values.push(i64::from(most).into());
            values.push((now + length).micros().into());
            batch.run_touching(1, &COUNT_IN_WINDOW, values)
        }
    }
}

pub(super) fn reset(batch: Batch, count: &WaitCount) -> Batch {
    batch.run(&RESET, vec![count.key.as_slice().into()])
}

#[async_trait]
impl Waits for SqlPeople {
    async fn count_try(
        &self,
        counts: &[WaitCount],
        now: Timestamp,
    ) -> Result<Result<(), Waiting>, StoreError> {
        self.exchange_try(&[], counts, now).await
    }

    async fn exchange_try(
        &self,
        given_back: &[WaitCount],
        counts: &[WaitCount],
        now: Timestamp,
    ) -> Result<Result<(), Waiting>, StoreError> {
        // Two callers that count in the same rows take them in the same order, so they cannot block each other.
        let given_back = given_back.iter().map(|count| (count, false));
        let mut ordered: Vec<_> = counts.iter().map(|count| (count, true)).chain(given_back).collect();
        ordered.sort_by_key(|(count, _)| count.key);
        loop {
            let batch = ordered.iter().fold(Batch::default(), |batch, (count, counted)| {
                if *counted { count_one(batch, count, now) } else { give_one_back(batch, count, now) }
            });
            match self.sql().batch(batch).await {
                Ok(_) => return Ok(Ok(())),
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error),
            }
            // The wait may have been given back since. Then the try is counted after all.
            if let Some(waiting) = self.longest_wait(counts, now).await? {
                return Ok(Err(waiting));
            }
        }
    }

    async fn give_back(&self, counts: &[WaitCount], now: Timestamp) -> Result<(), StoreError> {
        // Nothing is counted, so nobody has to wait.
        self.exchange_try(counts, &[], now).await.map(drop)
    }

    async fn reset_wait(&self, count: &WaitCount) -> Result<(), StoreError> {
        self.sql().batch(reset(Batch::default(), count)).await.map(drop)
    }

    async fn forget_waits(&self, before: Timestamp, limit: u16) -> Result<u64, StoreError> {
        let rows = self.sql().query(&FORGET, vec![before.micros().into(), i64::from(limit).into()]).await?;
        Ok(rows.len() as u64)
    }
}
