//! `migrate`: brings the database to this program's version, unless servers run that would not stand it.

use super::{answer, open_sql};
use crate::machine::SystemClock;
use anyhow::{Context as _, bail};
use countersign_core::ports::{
    clock::Clock as _,
    nodes::{Node, Nodes as _},
};
use countersign_stores::{directory::SqlNodes, sql::Sql};
use std::path::Path;

/// Makes the table of the nodes; before it no node can be known.
const NODES: &str = "0004_nodes";

pub(super) async fn run(config: Option<&Path>) -> anyhow::Result<()> {
    let sql = open_sql(config).await?;
    refuse_skipped_release(&sql).await?;
    let applied = sql.migrate().await.context("The migrations were not all applied")?;
    for name in &applied {
        answer(name)?;
    }
    let say = if applied.is_empty() { "The database is at this program's version." } else { "Done." };
    eprintln!("{say}");
    Ok(())
}

/// A migration may remove what a release before the last one still reads.
async fn refuse_skipped_release(sql: &Sql) -> anyhow::Result<()> {
    let pending = sql.pending_migrations().await.context("The database does not answer")?;
    if pending.is_empty() || pending.iter().any(|name| name == NODES) {
        return Ok(());
    }
    let nodes = SqlNodes::new(sql.clone()).list_nodes(SystemClock.now()).await;
    judge(&nodes.context("The servers that run are not known")?, env!("CARGO_PKG_VERSION"))
}

fn judge(nodes: &[Node], own: &str) -> anyhow::Result<()> {
    let old = nodes.iter().filter_map(|node| Some((node, skipped(&node.program, own)?)));
    let old = old.min_by_key(|(_, next)| *next);
    let Some((node, (major, minor))) = old else { return Ok(()) };
    bail!(
        "A server of release {} runs on this database, and this program is {own}: update to {major}.{minor} first, \
         or stop all servers (one that was killed counts for a minute). Nothing was migrated",
        node.program
    )
}

/// The release between the two that must come first, if there is one. Servers of a major version are updated to
/// the first release of the next one.
fn skipped(theirs: &str, own: &str) -> Option<(u32, u32)> {
    let ((theirs, minor), (major, own)) = (release(theirs)?, release(own)?);
    if theirs == major {
        return (minor + 1 < own).then_some((major, minor + 1));
    }
    (theirs < major && (theirs + 1, 0) != (major, own)).then_some((theirs + 1, 0))
}

fn release(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::{
        id::NodeId,
        keyring::version::{KeyVersion, KeyVersions, Versions},
        time::Timestamp,
    };

    fn node(program: &str) -> Node {
        let versions = || KeyVersions::new(vec![KeyVersion { number: 1, check: [0; 4] }]);
        let at = Timestamp::from_micros(0);
        Node {
            id: NodeId::from_bytes([1; 16]),
            started_at: at,
            seen_at: at,
            program: program.to_owned(),
            versions: Versions { mac: versions(), seal: versions() },
            changed_at: None,
        }
    }

    #[test]
    fn servers_that_run_are_not_left_behind() {
        judge(&[], "0.9.0").unwrap();
        judge(&[node("0.8.1"), node("0.9.0")], "0.9.0").unwrap();
        let refused = judge(&[node("0.8.1"), node("0.6.2"), node("0.7.0")], "0.9.0").unwrap_err().to_string();
        assert!(refused.starts_with("A server of release 0.6.2 runs"), "{refused}");
        assert!(refused.contains("this program is 0.9.0: update to 0.7 first"), "{refused}");
    }

    #[test]
    fn a_release_between_two_is_named() {
        for (theirs, own, between) in [
            ("0.1.0", "0.1.0", None),
            ("0.1.0", "0.1.7", None),
            ("0.1.9", "0.2.0", None),
            ("0.1.9", "0.3.0", Some((0, 2))),
            ("0.1.9", "0.9.1-rc.1", Some((0, 2))),
            ("0.9.0", "1.0.0", None),
            ("0.9.0", "1.1.0", Some((1, 0))),
            ("1.4.0", "3.0.0", Some((2, 0))),
            ("0.3.0", "0.1.0", None),
            ("1.0.0", "0.9.0", None),
            ("unknown", "0.9.0", None),
        ] {
            assert_eq!(skipped(theirs, own), between, "{theirs} {own}");
        }
    }
}
