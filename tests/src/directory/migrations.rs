//! Any number of nodes may start at once on a fresh database.

use super::Base;
use anyhow::Result;
use countersign_core::ports::{Directory, StoreError};
use countersign_stores::{
    directory::SqlDirectory,
    sql::Sql,
    sqlite::{Database, Options},
};

/// Four at once, each with connections of its own as four processes have.
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
    SqlDirectory::new(bases[0].clone()).news(0).await?;
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
    let base = Base::postgres().await?;
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
