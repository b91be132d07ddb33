//! The weekly partitions of the history on Postgres: created ahead, and dropped as a whole, by any number of
//! nodes.

use super::{history, key, start, story};
use crate::directory::Base;
use anyhow::{Context, Result};
use countersign_core::{
    ports::history::{Arranged, History, HistoryUpkeep},
    time::Timestamp,
};
use countersign_stores::{
    history::STATEMENTS,
    sql::{Kind, Sql, Statement, Value},
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

const DAY: i64 = 24 * 3_600;
const RETENTION: Duration = Duration::from_secs(90 * DAY as u64);

/// Converts days before or after now to the seconds of the other tests. The server's own clock has a part in
/// what is dropped.
fn second(days: i64) -> Result<i64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs().cast_signed();
    Ok(now - super::START / 1_000 + days * DAY)
}

fn day(days: i64) -> Result<Timestamp> {
    Ok(super::at(second(days)?))
}

async fn arrange(history: &dyn HistoryUpkeep, days: i64) -> Result<Arranged> {
    Ok(history.arrange(day(days)?, day(days)? - RETENTION).await?)
}

async fn ask(sql: &Sql, text: &'static str) -> Result<i64> {
    let statement = Box::leak(Box::new(Statement { table: "test", text, params: &[] }));
    Ok(sql.query(statement, vec![]).await?.first().context("a row")?.int(0)?)
}

const WEEKS: &str = "SELECT count(*) FROM history_weeks()";

/// Runs the tests on a server, directly and through a pooler.
macro_rules! on_a_server {
    ($($test:ident),+ $(,)?) => {
        mod pgbouncer {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() -> anyhow::Result<()> {
                let base = crate::directory::Base::pgbouncer().await?;
                let outcome = super::$test(&base).await;
                base.close().await?;
                outcome
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() -> anyhow::Result<()> {
                let base = crate::directory::Base::postgres().await?;
                base.sql.migrate().await?;
                let outcome = super::$test(&base).await;
                base.close().await?;
                outcome
            })+
        }
    };
}

on_a_server!(
    weeks_are_made_ahead_and_dropped_as_a_whole,
    what_belongs_to_no_week_is_counted_and_finds_its_week,
    nodes_arrange_at_once,
    a_long_reader_stops_no_writer,
    a_clock_that_runs_ahead_drops_nothing,
    a_read_by_id_opens_one_week,
);

async fn weeks_are_made_ahead_and_dropped_as_a_whole(base: &Base) -> Result<()> {
    let history = history(base);
    assert_eq!(ask(&base.sql, WEEKS).await?, 5, "by the migration: this week and the next four");
    assert_eq!(arrange(&*history, 0).await?.made, 0);
    assert_eq!(arrange(&*history, 7).await?.made, 1);
    let made = arrange(&*history, -200).await?.made;
    assert_eq!(made, 5);
    let (old, older, new) = (second(-190)?, second(-200)?, second(0)?);
    for second in [old, older, new] {
        history.record(&story(second)).await?;
    }
    let arranged = arrange(&*history, -200).await?;
    assert_eq!((arranged.made, arranged.strays), (0, 0));
    let arranged = arrange(&*history, -110).await?;
    assert_eq!((arranged.made, arranged.dropped), (5, 0), "the oldest has just begun to be old");
    assert_eq!(history.timeline(key(older)).await?.len(), 6);
    let arranged = arrange(&*history, 0).await?;
    assert!(arranged.dropped >= 5 + 2, "and some that -110 made: {arranged:?}");
    assert_eq!(ask(&base.sql, WEEKS).await?.unsigned_abs(), 16 - arranged.dropped);
    assert!(history.read(key(older)).await?.is_none());
    assert!(history.timeline(key(old)).await?.is_empty());
    assert_eq!(history.timeline(key(new)).await?.len(), 6);
    Ok(())
}

async fn what_belongs_to_no_week_is_counted_and_finds_its_week(base: &Base) -> Result<()> {
    let history = history(base);
    let (late, ahead) = (second(-30)?, second(400)?);
    for second in [late, ahead] {
        history.record(&story(second)).await?;
    }
    assert_eq!(ask(&base.sql, "SELECT history_strays()").await?, 14);
    let arranged = arrange(&*history, 0).await?;
    assert_eq!((arranged.made, arranged.strays), (1, 7), "a year ahead no week is made");
    assert_eq!(history.timeline(key(late)).await?.len(), 6);
    // A repeated event finds the row where it was moved to.
    assert_eq!(history.record(&story(late)).await?.repeated, 6);
    assert_eq!(history.timeline(key(ahead)).await?.len(), 6, "it is read all the same");
    Ok(())
}

async fn nodes_arrange_at_once(base: &Base) -> Result<()> {
    let history = history(base);
    let nodes = [(); 4].map(|()| {
        let history = super::history(base);
        tokio::spawn(async move { arrange(&*history, -200).await })
    });
    let mut made = 0;
    for node in nodes {
        made += node.await??.made;
    }
    // A node that finds another one working on a partition leaves it for the next round.
    made += arrange(&*history, -200).await?.made;
    assert_eq!(made, 5);
    let nodes = [(); 4].map(|()| {
        let history = super::history(base);
        tokio::spawn(async move { arrange(&*history, 0).await })
    });
    let mut dropped = 0;
    for node in nodes {
        dropped += node.await??.dropped;
    }
    dropped += arrange(&*history, 0).await?.dropped;
    assert_eq!((dropped, ask(&base.sql, WEEKS).await?), (5, 5));
    Ok(())
}

async fn a_long_reader_stops_no_writer(base: &Base) -> Result<()> {
    let history = history(base);
    arrange(&*history, -200).await?;
    let url = base.server_url().context("a server")?;
    let (reader, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await?;
    let connection = tokio::spawn(connection);
    reader.batch_execute("BEGIN; SELECT count(*) FROM verifications").await?;
    let arranging = tokio::spawn({
        let history = super::history(base);
        async move { arrange(&*history, 0).await }
    });
    let mut longest = Duration::ZERO;
    for n in 0.. {
        if arranging.is_finished() {
            break;
        }
        let began = Instant::now();
        history.record(&story(second(0)? + 100 * n)).await?;
        longest = longest.max(began.elapsed());
    }
    assert_eq!(arranging.await??.dropped, 0, "the reader holds the tables");
    assert!(longest < Duration::from_secs(2), "a writer waited {longest:?}");
    reader.batch_execute("COMMIT").await?;
    assert_eq!(arrange(&*history, 0).await?.dropped, 5);
    drop(reader);
    Ok(connection.await??)
}

async fn a_clock_that_runs_ahead_drops_nothing(base: &Base) -> Result<()> {
    let (history, now) = (history(base), second(0)?);
    history.record(&story(now)).await?;
    let arranged = arrange(&*history, 1_000).await?;
    assert_eq!(arranged.dropped, 0);
    assert_eq!(history.timeline(key(now)).await?.len(), 6);
    Ok(())
}

async fn a_read_by_id_opens_one_week(base: &Base) -> Result<()> {
    let (history, now) = (history(base), second(0)?);
    let key = key(now);
    history.record(&[super::event(key, now, &start(now))]).await?;
    let wanted = |one: &&&Statement| {
        one.params == [Kind::Text, Kind::Text, Kind::Text, Kind::Int] && one.text.starts_with("SELECT")
    };
    let reads: Vec<_> = STATEMENTS.iter().filter(wanted).collect();
    assert_eq!(reads.len(), 3, "the verification, its timeline, the facts of the recorder");
    for read in reads {
        let text = format!("EXPLAIN {}", read.text).leak();
        let explain = Box::leak(Box::new(Statement { table: "plan", text, params: read.params }));
        let values: Vec<Value> = vec![
            key.tenant.to_string().into(),
            "live".into(),
            key.id.to_string().into(),
            key.id.created_at().micros().into(),
        ];
        let rows = base.sql.query(explain, values).await?;
        let plan: Vec<_> = rows.iter().map(|row| row.text(0).unwrap_or_default()).collect();
        let plan = plan.join("\n");
        for table in ["verifications_2", "events_2"] {
            assert!(plan.matches(&format!(" on {table}")).count() <= 1, "{plan}");
        }
        assert!(!plan.contains("_default"), "{plan}");
    }
    Ok(())
}

#[tokio::test]
async fn a_file_has_no_weeks() -> Result<()> {
    let base = Base::sqlite()?;
    base.sql.migrate().await?;
    let before = day(0)? - RETENTION;
    let arranged = history(&base).arrange(day(0)?, before).await?;
    assert_eq!(arranged, Arranged { made: 0, dropped: 0, strays: 0, before });
    Ok(())
}
