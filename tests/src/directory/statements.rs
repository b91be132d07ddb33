//! Runs each statement of the directory on both engines and compares the results.

use super::{Base, SELECT_CHANGES, address_use, at, key, node, once, tenant};
use anyhow::{Context, Result};
use countersign_core::{
    access::change::Change,
    id::{ReviewNumberId, TenantId},
    keyring::Fingerprint,
    locale::Locale,
    ports::{
        applied::{Applied, AppliedKind, AppliedNotes},
        directory::{
            keys::Keys, resources::Resources, reviews::Reviews, settings::Settings as _, uses::Uses,
        },
        nodes::Nodes,
    },
    tenant::{
        resource::{Resource, ResourceKind},
        review::ReviewNumber,
        settings::Setting,
    },
    time::Timestamp,
};
use countersign_stores::{
    directory::STATEMENTS,
    sql::{Batch, Kind, Row, Statement, Value},
};

/// One value for each parameter. All values of a statement differ, so that a swapped pair would show. Numbers
/// also differ between statements, so that each write changes what the one before wrote. Values that a
/// statement searches by match the seeded rows.
fn values_for(index: usize, statement: &Statement) -> Vec<Value> {
    let ids = tenant(1).map(|tenant| tenant.id.to_string()).unwrap_or_default();
    let other = TenantId::from_bytes([200; 16]).to_string();
    let third = TenantId::from_bytes([201; 16]).to_string();
    let seeded = key(TenantId::from_bytes([1; 16]), 1).id.to_string();
    let inserts = statement.text.starts_with("INSERT INTO");
    let mut values: Vec<Value> = (1..=statement.params.len() as i64)
        .zip(statement.params)
        .map(|(place, kind)| match kind {
            Kind::Text => Value::from(format!("text {place}")),
            Kind::Int => Value::from(place + 100 * (index as i64 + 1)),
            Kind::Bytes => Value::from([place as u8; 32].as_slice()),
        })
        .collect();
    let firsts: Vec<Value> = match (statement.table, inserts) {
        ("tenants", true) => vec![other.into()],
        ("tenants", false) if statement.text.contains("NOT EXISTS") => vec!["".into(), 9.into()],
        ("tenants", false) if statement.text.contains("id > $1") => vec![TenantId::PREFIX.into()],
        ("tenants", false) if statement.text.contains("version = $2") => vec![ids.into(), 1.into()],
        ("tenants", false) if statement.text.contains("WHERE deleted_at") => vec![i64::MAX.into(), 9.into()],
        ("tenants", false) if statement.params.len() == 2 => vec![ids.into(), i64::MAX.into()],
        // The data of a tenant that is being erased.
        (_, false)
            if statement.text.contains("tenant_id = $1 ORDER BY") && statement.text.starts_with("DELETE") =>
        {
            vec![ids.into(), 100.into()]
        }
        (_, false)
            if statement.text.contains("WHERE tenant_id = $1\n                ORDER BY")
                && statement.text.starts_with("DELETE") =>
        {
            vec![ids.into(), 100.into()]
        }
        ("keys", false) if statement.params.len() == 1 => vec![seeded.into()],
        ("keys", false) if statement.text.contains("id < $2") => vec![ids.into(), "key_~".into()],
        ("keys", false) if statement.text.contains("replaced_by = $5") => {
            vec![ids.into(), seeded.into(), 2.into()]
        }
        ("keys", false) if statement.text.contains("version = $3") => {
            vec![ids.into(), seeded.into(), 1.into()]
        }
        ("key_addresses", true) => vec![ids.into(), seeded.into(), "10.0.0.1".into()],
        ("key_addresses", false) if statement.text.contains("OFFSET") => {
            vec![ids.into(), seeded.into(), 0.into(), 9.into()]
        }
        ("key_addresses", false) if statement.text.starts_with("DELETE") => vec![at(50).micros().into()],
        ("key_addresses", false) => {
            let place = [ids.into(), i64::MAX.into(), "key_~".into(), "~".into(), 9.into(), seeded.into()];
            place.into_iter().take(statement.params.len()).collect()
        }
        ("idempotency", false) if statement.text.contains("slot = $2") => {
            let at = if statement.text.starts_with("SELECT") { 0 } else { 1_000_000 };
            vec![ids.into(), [2; 32].as_slice().into(), at.into()]
        }
        ("idempotency", false) => vec![at(5).micros().into()],
        ("keys", false) if statement.text.contains("id > $1") => vec!["".into()],
        ("keys", false) => vec![ids.into(), seeded.into()],
        ("profiles", false) if statement.text.contains("id > $1") => vec!["".into()],
        ("profiles", false) if statement.text.starts_with("DELETE") => vec![ids.into(), "text 2".into()],
        ("profiles", false) if statement.params.len() == 2 => vec![ids.into(), "default".into()],
        // The profile created above, with the values it was created with.
        ("profiles", false) if statement.text.starts_with("UPDATE") => {
            let inserts = |one: &&Statement| one.table == "profiles" && one.text.starts_with("INSERT");
            let insert = STATEMENTS.iter().position(inserts).unwrap();
            let mut firsts = vec![ids.into(), "text 2".into()];
            firsts.extend(values.iter().skip(2).take(9).cloned());
            firsts.extend(values_for(insert, STATEMENTS[insert]).into_iter().skip(4));
            firsts
        }
        // The state that the caller read before the write: the resource created and changed above, and the
        // changes so far.
        ("change_head", false) if statement.text.contains("string_agg") => {
            vec![ids.into(), "text 3".into(), "text 2 2".into()]
        }
        ("change_head", false) if statement.text.contains("version = $3") => {
            vec![ids.into(), "text 2".into(), 2.into()]
        }
        ("change_head", false) if statement.text.contains("n = $1 + 1") => vec![9.into()],
        ("change_head", false) if statement.text.contains("FROM audit") => {
            vec![ids.into(), 1.into(), i64::MAX.into()]
        }
        ("changes", false) if statement.text.starts_with("SELECT") => vec![0.into(), 50.into()],
        ("review_numbers", false) if statement.text.contains("ends_at <=") => {
            vec![ids.into(), 1_000_000_000.into()]
        }
        ("review_numbers", false) if statement.text.contains("LIMIT") => vec!["".into()],
        ("review_numbers", false) if statement.text.starts_with("DELETE") => {
            vec![ids.into(), "text 2".into()]
        }
        // Of the tenant that is made here; the seeded one has a note of its own, which goes with it.
        ("applied", true) => vec!["a source".into(), ids.into()],
        ("applied", false) if statement.text.starts_with("SELECT") => vec!["a source".into()],
        ("applied", false) => vec!["a source".into(), ids.into()],
        // The tenant that is made here has no chain.
        ("audit_heads", true) if statement.text.contains("$2 = 1") => vec![third.into(), 1.into()],
        ("audit_heads", true) => vec![third.into()],
        ("audit_heads", false) if statement.params.len() == 2 => vec!["".into(), 9.into()],
        ("audit", true) => vec![ids.into(), 1_000.into()],
        ("audit", false) if statement.params.len() == 9 => {
            let none = || Value::from("");
            let times = [i64::MIN.into(), i64::MAX.into(), 9.into(), 0.into()];
            [ids.into(), i64::MAX.into(), none(), none(), none()].into_iter().chain(times).collect()
        }
        ("audit", false) if statement.params.len() == 1 => vec![ids.into()],
        ("audit", false) if statement.text.contains("at < $2") => vec![ids.into(), i64::MAX.into()],
        ("audit", false) if statement.params.len() == 3 => vec![ids.into(), 0.into(), 9.into()],
        ("audit", false) => vec![ids.into(), 2.into()],
        ("settings", true) => vec![ids.into(), "countries".into()],
        ("settings", false) if statement.params.len() == 3 => vec!["".into()],
        ("settings", false) if statement.params.len() == 2 => vec![ids.into(), "countries".into()],
        ("changes", false) if statement.text.starts_with("DELETE") => vec![1_000_000.into()],
        // The node written by now is dead; the seeded one is not.
        ("nodes", false) if statement.text.contains("seen_at < $1") => vec![1_000_000.into()],
        ("nodes", false) => vec![node(1).id.to_string().into()],
        ("resources", true) => vec![ids.into()],
        ("resources", false) if statement.text.contains("id > $1") => vec!["".into()],
        ("resources", false) if statement.text.starts_with("UPDATE") => vec![
            ids.into(),
            "text 2".into(),
            "another name".into(),
            "another body".into(),
            [7; 32].as_slice().into(),
            7.into(),
            1.into(),
        ],
        ("resources", false) if statement.text.starts_with("DELETE") => vec![ids.into(), "text 2".into()],
        ("demo" | "first_person", _) => Vec::new(),
        _ => vec![ids.into()],
    };
    for (slot, value) in values.iter_mut().zip(firsts) {
        *slot = value;
    }
    values
}

/// Whole tables, to see the effect of the statements.
const DUMPS: [Statement; 16] = [
    Statement { table: "demo", text: "SELECT only_row, at FROM demo", params: &[] },
    Statement {
        table: "audit",
        text: "SELECT tenant_id, n, at, actor, acting_for, address, request, action, object, state_before,
                state_after, hash FROM audit ORDER BY tenant_id, n",
        params: &[],
    },
    Statement {
        table: "audit_heads",
        text: "SELECT tenant_id, n, hash, mac_version, mac FROM audit_heads ORDER BY tenant_id",
        params: &[],
    },
    Statement {
        table: "audit_anchors",
        text: "SELECT tenant_id, n, hash, mac_version, mac FROM audit_anchors ORDER BY tenant_id",
        params: &[],
    },
    Statement {
        table: "applied",
        text: "SELECT source, tenant_id, kind, entity_id, at FROM applied ORDER BY source, tenant_id, kind",
        params: &[],
    },
    Statement {
        table: "resources",
        text: "SELECT id, tenant_id, kind, name, body, sealed, version, created_at, updated_at
                FROM resources ORDER BY id",
        params: &[],
    },
    Statement {
        table: "review_numbers",
        text: "SELECT id, tenant_id, number, sealed, ends_at, created_at FROM review_numbers ORDER BY id",
        params: &[],
    },
    Statement {
        table: "key_addresses",
        text: "SELECT key_id, tenant_id, address, uses, refused, first_used_at, last_used_at
                FROM key_addresses ORDER BY key_id, address",
        params: &[],
    },
    Statement {
        table: "idempotency",
        text: "SELECT tenant_id, slot, request, at FROM idempotency ORDER BY tenant_id, slot",
        params: &[],
    },
    Statement {
        table: "settings",
        text: "SELECT tenant_id, name, value, updated_at FROM settings ORDER BY tenant_id, name",
        params: &[],
    },
    Statement { table: "change_head", text: "SELECT only_row, n FROM change_head", params: &[] },
    SELECT_CHANGES,
    Statement { table: "tenants", text: "SELECT id, name, created_at, version, disabled_at, deleted_at, erasing FROM tenants ORDER BY id", params: &[] },
    Statement {
        table: "profiles",
        text: "SELECT id, tenant_id, name, code_length, code_alphabet, expires_in_s, max_checks,
                max_sends, resend_policy, created_at, limits, display_name, limit_notes FROM profiles ORDER BY id",
        params: &[],
    },
    Statement {
        table: "keys",
        text: "SELECT id, tenant_id, mode, name, scopes, secret_hash, disabled, expires_at, created_at,
                last_used_at, version, allowlist, replaced_by FROM keys ORDER BY id",
        params: &[],
    },
    Statement {
        table: "nodes",
        text: "SELECT id, started_at, seen_at, program, mac_versions, seal_versions, changed_at
                FROM nodes ORDER BY id",
        params: &[],
    },
];
static DUMP: [&Statement; 16] = [
    &DUMPS[0], &DUMPS[1], &DUMPS[2], &DUMPS[3], &DUMPS[4], &DUMPS[5], &DUMPS[6], &DUMPS[7], &DUMPS[8],
    &DUMPS[9], &DUMPS[10], &DUMPS[11], &DUMPS[12], &DUMPS[13], &DUMPS[14], &DUMPS[15],
];

fn seeded_resource(tenant: TenantId) -> Resource {
    Resource {
        tenant,
        kind: ResourceKind::Sender,
        id: [11; 16],
        name: "Acme".to_owned(),
        body: "{}".to_owned(),
        sealed: None,
        version: 1,
        created_at: at(1),
        updated_at: at(1),
    }
}

/// Runs each statement. Returns its text, its rows and the contents of all tables after it.
async fn trace(base: &Base) -> Result<Vec<(&'static str, Vec<Row>, Vec<Vec<Row>>)>> {
    base.sql.migrate().await?;
    let tenant = base.tenant(1).await?;
    // One row in each of the other tables. Only the last statements find these rows.
    base.directory
        .create_key(
            &key(tenant.id, 1),
            Some((tenant.id, &once(1, 1))),
            None,
            &[],
            &Change::by_system(key(tenant.id, 1).created_at),
        )
        .await?;
    base.directory.note_address_uses(&[address_use(tenant.id, key(tenant.id, 3).id, 1, 1)]).await?;
    base.directory.nodes().note_node(&node(1)).await?;
    // One more row in each table that a tenant's erasure empties.
    base.directory
        .create_key(
            &key(tenant.id, 8),
            Some((tenant.id, &once(5, 5))),
            None,
            &[],
            &Change::by_system(key(tenant.id, 8).created_at),
        )
        .await?;
    base.directory.note_address_uses(&[address_use(tenant.id, key(tenant.id, 3).id, 2, 100)]).await?;
    let setting = Setting::Locale(Locale::parse("pl"));
    base.directory.save_setting(tenant.id, &setting, &Change::by_system(at(1))).await?;
    base.directory
        .create_resource(
            &seeded_resource(tenant.id),
            &[],
            None,
            &Change::by_system(seeded_resource(tenant.id).updated_at),
        )
        .await?;
    // It ended long ago, so the next review number replaces it.
    let review = ReviewNumber {
        id: ReviewNumberId::from_bytes([9; 16]),
        tenant: tenant.id,
        number: Fingerprint([9; 16]),
        sealed: vec![9],
        ends_at: Timestamp::from_micros(9),
        created_at: Timestamp::from_micros(8),
    };
    base.directory.create_review_number(&review, None, &Change::by_system(review.created_at)).await?;
    let standing = ReviewNumber {
        id: ReviewNumberId::from_bytes([10; 16]),
        number: Fingerprint([10; 16]),
        ends_at: at(9),
        ..review
    };
    base.directory.create_review_number(&standing, None, &Change::by_system(standing.created_at)).await?;
    let note =
        Applied { tenant: tenant.id, kind: AppliedKind::Key, entity: key(tenant.id, 1).id.to_string() };
    base.directory.note_applied("a source", &note, at(1)).await?;
    let mut trace = Vec::new();
    for (index, statement) in STATEMENTS.iter().enumerate() {
        let writes = !statement.text.starts_with("SELECT");
        // Two changes in a row need two numbers.
        let mut batch = Batch::default();
        if statement.table == "changes" {
            batch = batch.run(STATEMENTS[0], vec![]);
        }
        batch = batch.run(statement, values_for(index, statement));
        let rows = base.sql.batch(batch).await.with_context(|| statement.text)?;
        let mut rows = rows.into_iter().last().context("the rows of the statement")?;
        if statement.text.contains("RETURNING") {
            // The engines may return rows in any order.
            rows.sort_by_key(|row| row.text(0).unwrap_or_default().to_owned());
        }
        if !writes {
            assert!(!rows.is_empty(), "it must find something: {}", statement.text);
            let read = base.sql.query(statement, values_for(index, statement)).await?;
            assert_eq!(read, rows, "a batch and a query read alike: {}", statement.text);
        }
        let dump = DUMP.iter().fold(Batch::default(), |batch, one| batch.run(one, vec![]));
        trace.push((statement.text, rows, base.sql.batch(dump).await?));
    }
    Ok(trace)
}

#[tokio::test]
async fn each_statement_does_the_same_on_both_engines() -> Result<()> {
    let sqlite = trace(&Base::sqlite()?).await?;
    let base = Base::postgres().await?;
    let postgres = trace(&base).await;
    base.close().await?;
    assert_alike(STATEMENTS, &sqlite, &postgres?);
    Ok(())
}

/// The results of the statements: for each its text, its rows, and all tables after it.
pub type Trace = Vec<(&'static str, Vec<Row>, Vec<Vec<Row>>)>;

/// Runs each statement by itself, and reads all tables after it.
pub async fn trace_each(
    base: &Base,
    statements: &[&'static Statement],
    values_for: impl Fn(usize, &Statement) -> Vec<Value>,
    dump: &[&'static Statement],
) -> Result<Trace> {
    let mut trace = Vec::new();
    for (index, statement) in statements.iter().enumerate() {
        let batch = Batch::default().run(statement, values_for(index, statement));
        let rows = base.sql.batch(batch).await.with_context(|| statement.text)?;
        let mut rows = rows.into_iter().last().context("the rows of the statement")?;
        if statement.text.contains("RETURNING") {
            // The engines may return rows in any order.
            rows.sort_by_key(|row| row.text(0).unwrap_or_default().to_owned());
        }
        if statement.text.starts_with("SELECT") {
            assert!(!rows.is_empty(), "it must find something: {}", statement.text);
        }
        let dump = dump.iter().fold(Batch::default(), |batch, one| batch.run(one, vec![]));
        trace.push((statement.text, rows, base.sql.batch(dump).await?));
    }
    Ok(trace)
}

/// Asserts that both engines did the same, and that each writing statement changed a row.
pub fn assert_alike(statements: &[&Statement], sqlite: &Trace, postgres: &Trace) {
    assert_eq!((sqlite.len(), postgres.len()), (statements.len(), statements.len()));
    let mut before = None;
    for (a, b) in sqlite.iter().zip(postgres) {
        // Values are never shown, so a plain comparison says more than a diff.
        assert!(a.1 == b.1, "the rows differ: {}", a.0);
        assert!(a.2 == b.2, "the tables differ after: {}", a.0);
        // One statement only takes a lock.
        let writes = !a.0.starts_with("SELECT") && !a.0.contains("SET n = n WHERE");
        // The seed has made this mark already.
        let writes = writes && !a.0.contains("INTO first_person");
        assert!(before != Some(&a.2) || !writes, "it changed nothing: {}", a.0);
        before = Some(&a.2);
    }
}
