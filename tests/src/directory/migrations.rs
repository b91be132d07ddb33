//! Any number of nodes may start at once on an empty database.

use super::{Base, execute_on, started};
use anyhow::{Context, Result};
use countersign_core::ports::{directory::changes::Changes, error::StoreError};
use countersign_stores::{
    directory::SqlDirectory,
    sql::Sql,
    sqlite::{Database, Options},
};

/// Four migrations at once, each with its own connections, as in four processes.
async fn migrate_at_once(bases: [Sql; 4]) -> Result<()> {
    let all = bases[0].pending_migrations().await?;
    assert_eq!(all.first().map(String::as_str), Some("0001_directory"));
    let runs = bases.clone().map(|sql| tokio::spawn(async move { sql.migrate().await }));
    let mut applied = Vec::new();
    for run in runs {
        applied.extend(run.await??);
    }
    assert_eq!(applied, all, "each one is applied once");
    assert!(bases[3].pending_migrations().await?.is_empty());
    assert!(bases[3].migrate().await?.is_empty());
    SqlDirectory::new(bases[0].clone(), std::sync::Arc::new(crate::codes::keyring())).news(0).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_migrations_succeed_on_sqlite() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("directory.sqlite");
    let open = || Database::open(&path, Options { full_sync: false }).map(Sql::sqlite);
    migrate_at_once([open()?, open()?, open()?, open()?]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_migrations_succeed_on_postgres() -> Result<()> {
    let base = Base::empty_postgres().await?;
    let outcome = migrate_at_once([(); 4].map(|()| base.sql.clone())).await;
    base.close().await?;
    outcome
}

#[tokio::test]
async fn without_migrations_the_directory_does_not_answer() -> Result<()> {
    let base = Base::sqlite()?;
    let outcome = base.directory.news(0).await;
    assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
    Ok(())
}

/// The first process dies while it creates an index. Another one, which waits for its lock, finds the invalid
/// index and creates it again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_that_broke_off_is_made_anew_by_the_next_runner() -> Result<()> {
    const MAKING: &str = "datname = current_database() AND query LIKE 'CREATE INDEX CONCURRENTLY%'
        AND wait_event_type = 'Lock'";
    let base = Base::postgres().await?;
    let url = base.server_url().context("a server")?;
    let forget = "DELETE FROM schema_migrations WHERE name = '0011_profile_list'";
    execute_on(&url, &format!("{forget}; DROP INDEX verifications_of_profile")).await?;
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await?;
    let (other, other_connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await?;
    let connections = [tokio::spawn(connection), tokio::spawn(other_connection)];
    // A writer must end before the index can be completed.
    client.batch_execute("BEGIN; LOCK TABLE verifications_default IN ROW EXCLUSIVE MODE").await?;
    let (first, second) = (base.sql.clone(), base.sql.clone());
    let first = tokio::spawn(async move { first.migrate().await });
    let count = |condition: String| {
        let asked = format!("SELECT count(*) FROM pg_stat_activity WHERE {condition}");
        let other = &other;
        async move { anyhow::Ok(other.query_one(&asked, &[]).await?.try_get::<_, i64>(0)?) }
    };
    while count(MAKING.to_owned()).await? == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let second = tokio::spawn(async move { second.migrate().await });
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert!(!second.is_finished() && !first.is_finished());
    other
        .batch_execute(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {MAKING}"))
        .await?;
    assert!(first.await?.is_err());
    const INVALID: &str = "SELECT count(*) FROM pg_index WHERE NOT indisvalid";
    assert!(other.query_one(INVALID, &[]).await?.try_get::<_, i64>(0)? >= 1, "it left something half-made");
    client.batch_execute("COMMIT").await?;
    assert_eq!(second.await??, ["0011_profile_list"]);
    assert_eq!(other.query_one(INVALID, &[]).await?.try_get::<_, i64>(0)?, 0);
    const TIED: &str = "SELECT count(*) - (SELECT count(*) FROM pg_inherits
        WHERE inhparent = 'verifications_of_profile'::regclass)
        FROM pg_inherits WHERE inhparent = 'verifications'::regclass";
    assert_eq!(other.query_one(TIED, &[]).await?.try_get::<_, i64>(0)?, 0, "each partition has its own");
    drop((client, other));
    for connection in connections {
        connection.await??;
    }
    base.close().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_by_transaction_is_refused_while_there_is_something_to_apply() -> Result<()> {
    let base = Base::empty_postgres().await?;
    let url = base.server_url().context("a server")?;
    let (_, name) = url.rsplit_once('/').context("a name")?;
    let pooled = Sql::postgres(&format!("{}/{name}", started("COUNTERSIGN_TEST_PGBOUNCER")?), None)?;
    let Err(StoreError::Unavailable(reason)) = pooled.migrate().await else {
        anyhow::bail!("it was not refused");
    };
    assert!(reason.to_string().contains("pooler in transaction mode"), "{reason}");
    assert_eq!(pooled.pending_migrations().await?, base.sql.pending_migrations().await?);
    base.sql.migrate().await?;
    assert!(pooled.migrate().await?.is_empty());
    base.close().await
}

/// A history from before the weekly partitions moves into them, and stays complete.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_there_is_goes_into_its_weeks() -> Result<()> {
    let base = Base::empty_postgres().await?;
    let url = base.server_url().context("a server")?;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations/postgres");
    let mut old: Vec<_> = std::fs::read_dir(folder)?.map(|file| Ok(file?.path())).collect::<Result<_>>()?;
    old.sort();
    execute_on(
        &url,
        "CREATE TABLE schema_migrations (name text COLLATE \"C\" PRIMARY KEY, text text NOT NULL,
            applied_at bigint NOT NULL DEFAULT 0)",
    )
    .await?;
    for path in &old[..9] {
        let (name, text) =
            (path.file_stem().context("a name")?.to_string_lossy(), std::fs::read_to_string(path)?);
        let note =
            format!("INSERT INTO schema_migrations (name, text) VALUES ('{name}', $text${text}$text$)");
        execute_on(&url, &format!("{text};{note}")).await?;
    }
    let week = 604_800_000_000_i64;
    execute_on(
        &url,
        &format!(
            "INSERT INTO verifications (id, created_at, tenant_id, mode, status, status_rank, checks, sends,
                message_id, delivery, provider_at)
                SELECT 'ver_' || n, n * {week}, 'ten_', 'live', 'approved', 5, 0, 1, '', 0, 0
                FROM generate_series(2800, 2809) AS n;
            INSERT INTO events (verification_id, id, created_at, at, kind, body)
                SELECT 'ver_' || n, 'evt_' || m, n * {week}, m, 'approved', ''
                FROM generate_series(2800, 2809) AS n, generate_series(1, 3) AS m"
        ),
    )
    .await?;
    assert_eq!(base.sql.migrate().await?.first().map(String::as_str), Some("0010_history_weeks"));
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await?;
    let connection = tokio::spawn(connection);
    for (asked, expected) in [
        ("SELECT count(*) FROM verifications", 10),
        ("SELECT count(*) FROM events", 30),
        ("SELECT count(DISTINCT tableoid) FROM verifications", 10),
        ("SELECT count(DISTINCT tableoid) FROM events", 10),
        ("SELECT history_strays()", 0),
        ("SELECT count(*) FROM pg_class WHERE relname LIKE '%_whole%'", 0),
    ] {
        assert_eq!(client.query_one(asked, &[]).await?.try_get::<_, i64>(0)?, expected, "{asked}");
    }
    drop(client);
    connection.await??;
    base.close().await
}
