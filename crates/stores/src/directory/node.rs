//! The serving nodes. Their rows change without a change number, because no copy contains them.

use crate::sql::{
    Batch,
    Kind::{Int, Text},
    Row, Sql, Statement,
};
use async_trait::async_trait;
use countersign_core::{
    id::NodeId,
    keyring::version::Versions,
    ports::{
        error::StoreError,
        nodes::{DEAD_AFTER, Node, Nodes},
    },
    time::Timestamp,
};

fn read_node(row: &Row) -> Result<Node, StoreError> {
    Ok(Node {
        id: row.parsed(0, |text| text.parse().ok())?,
        started_at: Timestamp::from_micros(row.int(1)?),
        seen_at: Timestamp::from_micros(row.int(2)?),
        program: row.text(3)?.to_owned(),
        versions: Versions {
            mac: row.parsed(4, |text| text.parse().ok())?,
            seal: row.parsed(5, |text| text.parse().ok())?,
        },
        changed_at: row.optional_int(6)?.map(Timestamp::from_micros),
    })
}

pub(super) const NOTE_NODE: Statement = Statement {
    table: "nodes",
    text: "INSERT INTO nodes (id, started_at, seen_at, program, mac_versions, seal_versions, changed_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, mac_versions = excluded.mac_versions,
            seal_versions = excluded.seal_versions, changed_at = excluded.changed_at",
    params: &[Text, Int, Int, Text, Text, Text, Int],
};

pub(super) const LIST_NODES: Statement = Statement {
    table: "nodes",
    text: "SELECT id, started_at, seen_at, program, mac_versions, seal_versions, changed_at
        FROM nodes ORDER BY id",
    params: &[],
};

pub(super) const DELETE_DEAD_NODES: Statement =
    Statement { table: "nodes", text: "DELETE FROM nodes WHERE seen_at < $1", params: &[Int] };

/// Begins a batch by deleting the rows of nodes that died without signing off.
fn delete_dead(now: Timestamp) -> Batch {
    Batch::default().run(&DELETE_DEAD_NODES, vec![(now - DEAD_AFTER).micros().into()])
}

pub(super) const FORGET_NODE: Statement =
    Statement { table: "nodes", text: "DELETE FROM nodes WHERE id = $1", params: &[Text] };

/// The serving nodes, in a database of either engine.
#[derive(Clone)]
pub struct SqlNodes {
    sql: Sql,
}

impl SqlNodes {
    /// Uses this database, whose schema must be up to date.
    pub fn new(sql: Sql) -> Self {
        Self { sql }
    }
}

#[async_trait]
impl Nodes for SqlNodes {
    async fn note_node(&self, node: &Node) -> Result<(), StoreError> {
        let values = vec![
            node.id.to_string().into(),
            node.started_at.micros().into(),
            node.seen_at.micros().into(),
            node.program.as_str().into(),
            node.versions.mac.to_string().into(),
            node.versions.seal.to_string().into(),
            node.changed_at.map(Timestamp::micros).into(),
        ];
        self.sql.batch(delete_dead(node.seen_at).run_touching(1, &NOTE_NODE, values)).await.map(drop)
    }

    async fn list_nodes(&self, now: Timestamp) -> Result<Vec<Node>, StoreError> {
        let rows = self.sql.batch(delete_dead(now).run(&LIST_NODES, Vec::new())).await?;
        rows.last().into_iter().flatten().map(read_node).collect()
    }

    async fn forget_node(&self, node: NodeId) -> Result<(), StoreError> {
        self.sql.batch(Batch::default().run(&FORGET_NODE, vec![node.to_string().into()])).await.map(drop)
    }
}
