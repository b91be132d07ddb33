//! The weekly partitions of the history: created ahead, and dropped as a whole. Functions of the schema do
//! the work (`0010_history_weeks.sql`). Each call is one transaction, so a pooler is allowed.

use super::{Postgres, answer};
use crate::sql::Weeks;
use countersign_core::ports::error::StoreError;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tokio_postgres::{
    Client,
    error::SqlState,
    types::{ToSql, Type},
};

/// The longest time for creating a partition, when rows in the default partition move into it.
const CHANGE_PATIENCE: Duration = Duration::from_secs(60);
/// How often a step is tried while a long query or a backup holds a lock. The next round comes in a minute.
const TRIES: usize = 5;
const PAUSE: Duration = Duration::from_millis(300);

const TO_MAKE: &str = "SELECT * FROM history_weeks_to_make($1, $2)";
const TO_DROP: &str = "SELECT * FROM history_weeks_to_drop($1, $2)";
const MAKE: &str = "SELECT CAST(history_make_week($1) AS int)";
const DROP: &str = "SELECT CAST(history_drop_week($1) AS int)";
const STRAYS: &str = "SELECT history_strays()";
const WEEK_OF: &str = "SELECT history_week_of($1)";

impl Postgres {
    pub async fn arrange_weeks(&self, now: i64, before: i64) -> Result<Weeks, StoreError> {
        let mut held = self.hold().await?;
        let outcome = arrange(held.client()?, now, before).await;
        held.done(outcome)
    }
}

async fn arrange(client: &Client, now: i64, before: i64) -> Result<Weeks, StoreError> {
    let mut weeks = Weeks::default();
    for week in numbers(client, TO_MAKE, &[now, before]).await? {
        weeks.made += change(client, MAKE, week).await?;
    }
    for week in numbers(client, TO_DROP, &[now, before]).await? {
        weeks.dropped += change(client, DROP, week).await?;
    }
    weeks.strays = number(client, STRAYS, &[]).await?.unsigned_abs();
    weeks.oldest = Some(number(client, WEEK_OF, &[before]).await?);
    Ok(weeks)
}

/// Creates or drops one weekly partition. Returns the number of changed partitions: one, or none if another
/// node did it or others hold the tables.
async fn change(client: &Client, text: &str, week: i64) -> Result<u64, StoreError> {
    for _ in 0..TRIES {
        let params = [(&week as _, Type::INT8)];
        let Ok(asked) = timeout(CHANGE_PATIENCE, client.query_typed(text, &params)).await else {
            return Err(StoreError::unavailable("a week of the history was not changed in 60 s"));
        };
        match asked {
            Ok(rows) => {
                let changed = rows.first().and_then(|row| row.try_get::<_, i32>(0).ok());
                return Ok(changed.unwrap_or_default().unsigned_abs().into());
            }
            // Or a row was added to the default partition at this moment.
            Err(error)
                if [Some(&SqlState::LOCK_NOT_AVAILABLE), Some(&SqlState::CHECK_VIOLATION)]
                    .contains(&error.code()) =>
            {
                sleep(PAUSE).await;
            }
            Err(error) => return Err(StoreError::unavailable(error)),
        }
    }
    Ok(0)
}

async fn numbers(client: &Client, text: &str, values: &[i64]) -> Result<Vec<i64>, StoreError> {
    let params: Vec<(&(dyn ToSql + Sync), Type)> =
        values.iter().map(|value| (value as _, Type::INT8)).collect();
    let rows = answer(client.query_typed(text, &params)).await?;
    rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>().map_err(StoreError::unavailable)
}

async fn number(client: &Client, text: &str, values: &[i64]) -> Result<i64, StoreError> {
    let first = numbers(client, text, values).await?.first().copied();
    first.ok_or_else(|| StoreError::unavailable("the server gave no number"))
}
