//! On Postgres, each way to read the audit log has an index. SQLite walks the tenant's entries from the newest for
//! the filters by object and by actor.

use super::Base;
use anyhow::{Context, Result, ensure};
use countersign_stores::{
    directory::STATEMENTS,
    sql::{Batch, Statement, Value},
};

/// Two tenants with many entries, by 50 authors about 1,000 objects. The planner knows that.
const FILL: [&str; 2] = [
    "INSERT INTO audit (tenant_id, n, at, actor, action, object, hash)
        SELECT 'ten_' || (n % 2), n / 2, n, 'key_' || (n % 50), 'key.update', 'key_' || (n % 1000), '\\x00'
        FROM generate_series(2, 20001) n",
    "ANALYZE audit",
];

const INDEXES: [&str; 4] = ["audit_pkey", "audit_by_object", "audit_by_actor", "audit_by_time"];

/// The plan of a statement for these values.
async fn plan(base: &Base, read: &Statement, values: Vec<Value>) -> Result<String> {
    let text = format!("EXPLAIN {}", read.text).leak();
    let explain = Box::leak(Box::new(Statement { table: "plan", text, params: read.params }));
    let rows = base.sql.query(explain, values).await?;
    Ok(rows.iter().map(|row| row.text(0).unwrap_or_default()).collect::<Vec<_>>().join("\n"))
}

fn statement(part: &str) -> Result<&'static Statement> {
    let mut found = STATEMENTS.iter().filter(|one| one.table == "audit" && one.text.contains(part));
    let one = found.next().with_context(|| format!("no statement with {part}"))?;
    ensure!(found.next().is_none(), "several statements with {part}");
    Ok(one)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_way_to_read_the_log_has_its_index() -> Result<()> {
    let base = Base::postgres().await?;
    base.sql.migrate().await?;
    for text in FILL {
        let fill = Box::leak(Box::new(Statement { table: "audit", text, params: &[] }));
        base.sql.batch(Batch::default().run(fill, vec![])).await?;
    }
    let list = |actor: &str, object: &str| -> Vec<Value> {
        let (all, times) = (i64::MAX, [i64::MIN, i64::MAX]);
        let texts = [actor.into(), object.into(), "".into()];
        let rest = [times[0].into(), times[1].into(), 20.into(), 0.into()];
        ["ten_1".into(), all.into()].into_iter().chain(texts).chain(rest).collect()
    };
    let listed = statement("$5 || '.'")?;
    for (what, read, values, index) in [
        ("a page", listed, list("", ""), "audit_pkey"),
        ("by object", listed, list("", "key_7"), "audit_by_object"),
        ("by actor", listed, list("key_7", ""), "audit_by_actor"),
        ("by time", statement("ORDER BY at DESC")?, vec!["ten_1".into(), 10_000.into()], "audit_by_time"),
        (
            "a part of the chain",
            statement("n > $2 ORDER BY n LIMIT $3")?,
            vec!["ten_1".into(), 100.into(), 100.into()],
            "audit_pkey",
        ),
    ] {
        let plan = plan(&base, read, values).await?;
        // `EXPLAIN` names each index that the plan reads, and a table that it reads whole.
        let read = INDEXES.into_iter().filter(|one| plan.contains(&format!(" {one} ")));
        assert!(read.eq([index]) && !plan.contains("Seq Scan"), "{what}: {plan}");
    }
    base.close().await
}
