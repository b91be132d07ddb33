//! Runs each statement of the history on both engines and compares the results.

use super::{NUMBER, TENANT, history, key, story};
use crate::directory::{
    Base,
    statements::{Trace, assert_alike, trace_each},
};
use anyhow::Result;
use countersign_core::{
    id::{RecordKey, TenantId, VerificationId},
    keyring::Fingerprint,
    mode::Mode,
    ports::{
        codes::events::UnrecordedEvent,
        history::{History as _, HistoryUpkeep},
    },
};
use countersign_stores::{
    history::STATEMENTS,
    sql::{Kind, Statement, Value},
};

/// One value for each parameter, all different. Values that a statement searches by match the seeded rows.
fn values_for(index: usize, statement: &Statement) -> Vec<Value> {
    let seeded = key(0);
    let (id, made) = (seeded.id.to_string(), seeded.id.created_at().micros());
    let mut values: Vec<Value> = (1..=statement.params.len() as i64)
        .zip(statement.params)
        .map(|(place, kind)| match kind {
            Kind::Text => Value::from(format!("text {place} {index}")),
            Kind::Int => Value::from(place + 100 * (index as i64 + 1)),
            Kind::Bytes => Value::from([place as u8; 16].as_slice()),
        })
        .collect();
    let (tenant, mode): (Value, Value) = (TENANT.to_string().into(), "live".into());
    let number = Value::from(NUMBER.0.as_slice());
    let text = statement.text;
    let firsts: Vec<Value> = match statement.table {
        _ if text.contains("id DESC") => {
            let rest: Vec<Value> = match statement.params.len() {
                8 if text.contains("number = $8") => vec![number],
                8 => vec![super::PROFILE.to_string().into()],
                9 if text.contains("number = $8") => vec![number, super::PROFILE.to_string().into()],
                9 | 10 => vec!["approved".into(), 0.into(), super::PROFILE.to_string().into()],
                _ => vec![],
            };
            let span = vec![
                tenant,
                mode,
                format!("{}~", VerificationId::PREFIX).into(),
                i64::MAX.into(),
                VerificationId::PREFIX.into(),
                0.into(),
                10.into(),
            ];
            [span, rest].concat()
        }
        "jobs" => vec!["seeded".into()],
        "events" if text.starts_with("SELECT id") => {
            vec![id.into(), story(0)[0].id.to_string().into(), made.into()]
        }
        // Deletes only one tenant's rows; another tenant has some too.
        _ if text.starts_with("DELETE") && text.contains("tenant_id = $1") => vec![tenant, 100.into()],
        "events" if text.starts_with("DELETE") => vec!["ver_~".into(), i64::MAX.into(), 100.into()],
        "verifications" if text.starts_with("DELETE") => vec!["ver_~".into(), i64::MAX.into(), 100.into()],
        "verifications" if text.contains("contact = $5") => {
            vec![tenant, id.into(), made.into(), [1, 9, 9].as_slice().into(), [2, 8].as_slice().into()]
        }
        "verifications" if text.starts_with("UPDATE") => {
            vec![tenant, mode, number, i64::MAX.into(), 10.into()]
        }
        "verifications" if text.contains("'pending'") => vec![i64::MAX.into(), 10.into()],
        "verifications" if text.contains("id > $1") => vec!["ver_".into(), 0.into(), 10.into()],
        "conversions" if text.starts_with("SELECT") => vec![
            tenant,
            mode,
            0.into(),
            i64::MAX.into(),
            "".into(),
            3.into(),
            "".into(),
            "".into(),
            "".into(),
            10.into(),
        ],
        _ if text.starts_with("SELECT") && statement.table != "rollups" => {
            vec![tenant, mode, id.into(), made.into()]
        }
        "rollups" if text.starts_with("SELECT") => {
            vec![tenant, mode, 0.into(), i64::MAX.into(), super::PROFILE.to_string().into(), "".into()]
        }
        _ if text.starts_with("DELETE") => vec![i64::MAX.into()],
        _ => vec![],
    };
    for (slot, value) in values.iter_mut().zip(firsts) {
        *slot = value;
    }
    values
}

macro_rules! dump {
    ($($table:literal: $text:literal),+ $(,)?) => { &[$(&Statement { table: $table, text: $text, params: &[] }),+] };
}

/// Whole tables, to see the effect of the statements.
static DUMP: &[&Statement] = dump!(
    "history_turn": "SELECT only_row, n FROM history_turn",
    "verifications": "SELECT id, created_at, tenant_id, mode, profile_id, key_id, country, number, contact,
        status, status_rank, started_at, expires_at, ended_at, checks, max_checks, sends, max_sends,
        message_id, delivery, provider, provider_at FROM verifications ORDER BY id",
    "events": "SELECT verification_id, id, created_at, at, kind, body FROM events ORDER BY verification_id, id",
    "rollups": "SELECT tenant_id, mode, hour, profile_id, country, provider, started, resent, sent, retried,
        rejected, dropped, delivered, undelivered, wrong, approved, exhausted, canceled, expired, failed
        FROM rollups ORDER BY tenant_id, mode, hour, provider",
    "conversions": "SELECT tenant_id, mode, day, provider, country, prefix, sent, delivered, undelivered, approved
        FROM conversions ORDER BY tenant_id, mode, day, provider",
    "dead_events": "SELECT id, verification_id, tenant_id, mode, at, kind, body, reason FROM dead_events ORDER BY id",
    "erasures": "SELECT tenant_id, mode, number, at FROM erasures ORDER BY tenant_id, number",
    "jobs": "SELECT name, state FROM jobs ORDER BY name",
);

async fn trace(base: &Base) -> Result<Trace> {
    base.sql.migrate().await?;
    let history = history(base);
    history.record(&story(0)).await?;
    history.record(&[super::event(key(20), 20, &super::start(20))]).await?;
    history.save_job("seeded", "state").await?;
    let others = RecordKey { tenant: TenantId::from_bytes([9; 16]), ..key(40) };
    history.record(&[super::event(others, 40, &super::start(40))]).await?;
    let unreadable = UnrecordedEvent { body: vec![255], ..super::event(key(60), 60, &super::start(60)) };
    history.record(&[unreadable]).await?;
    history.erase(TENANT, Mode::Live, Fingerprint([8; 16]), super::at(0)).await?;
    trace_each(base, STATEMENTS, values_for, DUMP).await
}

#[tokio::test]
async fn each_list_reads_one_range_of_its_index() -> Result<()> {
    let base = Base::sqlite()?;
    base.sql.migrate().await?;
    let lists: Vec<_> = STATEMENTS.iter().filter(|one| one.text.contains("id DESC")).collect();
    let expected = ["of_tenant", "by_status", "of_profile", "by_profile", "by_number", "by_number"];
    assert_eq!(lists.len(), expected.len());
    for (list, index) in lists.into_iter().zip(expected) {
        let text = format!("EXPLAIN QUERY PLAN {}", list.text).leak();
        let explain = Box::leak(Box::new(Statement { table: "plan", text, params: list.params }));
        let rows = base.sql.query(explain, values_for(0, list)).await?;
        let plan: Vec<_> = rows.iter().map(|row| row.text(3).unwrap_or_default()).collect();
        let plan = plan.join("; ");
        assert!(plan.contains(&format!("USING INDEX verifications_{index} ")), "{plan}: {}", list.text);
        assert!(!plan.contains("TEMP B-TREE"), "{plan}: {}", list.text);
    }
    Ok(())
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
