//! Detects a directory that was lost, for example by an incomplete copy.

use crate::{
    configuration::{CodesUrl, DatabaseUrl, Settings},
    keyfile,
};
use anyhow::{Context as _, bail};
use countersign_stores::sql::Sql;
use std::path::Path;

/// Refuses a directory without tables if other files show that there was one before. Such a directory was
/// lost, for example in a copy without its log, and must not look like a first start. Pass `None` if the file
/// does not exist.
pub(super) async fn refuse_lost_directory(
    settings: &Settings,
    file: &Path,
    sql: Option<&Sql>,
) -> anyhow::Result<()> {
    let shown = file.display();
    let is_new = async || match sql {
        Some(sql) => sql.is_new().await.with_context(|| format!("The database {shown} cannot be read")),
        None => Ok(true),
    };
    if !is_new().await? {
        return Ok(());
    }
    let witnesses = find_witnesses(settings)?;
    let Some((witness, _)) = witnesses.first() else { return Ok(()) };
    // A first start at the same time may have created both in the meantime.
    if !is_new().await? {
        return Ok(());
    }
    let ways: Vec<_> = witnesses.iter().map(|(_, way)| way.as_str()).collect();
    bail!(
        "The directory {shown} is empty, but {witness} was used with one. If it was copied, copy {shown}-wal too, or \
         copy it once the server has stopped; put the directory back here. If it was on Postgres until now, or to \
         begin anew without all tenants and keys: {}",
        ways.join(" and ")
    )
}

/// Finds the files which show that this installation had a directory before. Returns the path of each, and the
/// step by which the operator makes the server accept an empty directory despite this file.
fn find_witnesses(settings: &Settings) -> anyhow::Result<Vec<(String, String)>> {
    let mut witnesses = Vec::new();
    // The codes store is created after the directory.
    if let CodesUrl::Sqlite(codes) = &settings.codes.url
        && codes.exists()
    {
        let shown = codes.display();
        witnesses
            .push((shown.to_string(), format!("move {shown}, and its -wal and -shm if there are any, away")));
    }
    let ring = &settings.keyring.file;
    if settings.keyring.text.is_none() && keyfile::read(ring)?.is_some_and(|file| file.directory) {
        let shown = ring.display();
        let way = format!("delete the line \"{}\" from the key ring {shown}", keyfile::DIRECTORY);
        witnesses.push((shown.to_string(), way));
    }
    Ok(witnesses)
}

/// Records in the key ring file that a directory was created with it.
pub(super) fn note_directory(settings: &Settings) {
    let path = &settings.keyring.file;
    if settings.keyring.text.is_some() || !matches!(settings.database, DatabaseUrl::Sqlite(_)) {
        return;
    }
    let noted = keyfile::read(path).map(|file| file.is_none_or(|file| file.directory));
    let noted = noted.and_then(|noted| if noted { Ok(()) } else { keyfile::note_directory(path) });
    if let Err(error) = noted {
        // The file may be mounted read-only. Then only the codes store shows that a directory was lost.
        tracing::debug!(error = %format_args!("{error:#}"), "The key ring does not note its directory");
    }
}
