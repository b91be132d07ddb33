//! Runs each statement of the outbox on both engines and compares the results.

use crate::directory::{
    Base,
    statements::{Trace, assert_alike, trace_each},
};
use anyhow::Result;
use countersign_core::{
    id::{AttemptId, TenantId, WebhookId, WebhookMessageId},
    ports::webhooks::{WebhookMessage, WebhookOutbox},
    time::Timestamp,
};
use countersign_stores::{
    sql::{Batch, Kind, Statement, Value},
    webhooks::{STATEMENTS, SqlWebhooks},
};

const TENANT: TenantId = TenantId::from_bytes([1; 16]);

fn webhook(n: u8) -> WebhookId {
    WebhookId::from_bytes([n; 16])
}

fn message(n: u8) -> WebhookMessageId {
    WebhookMessageId::from_bytes([n; 16])
}

/// All values of a statement differ, except those that find the seeded rows.
fn values_for(index: usize, statement: &Statement) -> Vec<Value> {
    let text = statement.text;
    let mut values: Vec<Value> = (1..=statement.params.len() as i64)
        .zip(statement.params)
        .map(|(place, kind)| match kind {
            Kind::Text => Value::from(format!("text {place} {index}")),
            Kind::Int => Value::from(place + 100 * (index as i64 + 1)),
            Kind::Bytes => Value::from([place as u8; 16].as_slice()),
        })
        .collect();
    let (one, two): (Value, Value) = (webhook(1).to_string().into(), webhook(2).to_string().into());
    let (tenant, first): (Value, Value) = (TENANT.to_string().into(), message(1).to_string().into());
    let firsts: Vec<Value> = match statement.table {
        "webhook_messages" if text.contains("RECURSIVE") && statement.params.len() == 3 => {
            vec!["whk_".into(), 1_000_000.into(), 10.into()]
        }
        "webhook_messages" if text.contains("RECURSIVE") => vec!["whk_".into(), 10.into()],
        "webhook_messages" if text.contains("claim = claim + 1") => {
            vec![one, 1_000_000.into(), 2_000_000.into(), 2.into()]
        }
        "webhook_messages" if text.contains("claim = $3") => vec![one, first, 1.into()],
        "webhook_messages" if text.contains("attempts = 0") => vec![tenant, one, first],
        "webhook_messages" if text.contains("OFFSET") => vec![one, 0.into()],
        "webhook_messages" if text.contains("id <= $2") => vec![one, "whm_~".into(), 10.into()],
        "webhook_messages" if text.contains("SET due_at = NULL") => vec![two, 10.into()],
        "webhook_messages" if text.starts_with("DELETE") => vec![tenant, one],
        "webhook_attempts" if text.starts_with("INSERT") => {
            vec![one, AttemptId::from_bytes([1; 16]).to_string().into(), tenant]
        }
        "webhook_attempts" if text.contains("DESC LIMIT 1") => vec![one, 0.into()],
        "webhook_attempts" if text.contains("count(*)") => vec![two, "wha_".into()],
        "webhook_attempts" if text.starts_with("SELECT") => vec![tenant, one, "wha_~".into(), 10.into()],
        "webhook_attempts" if text.contains("id <= $2") => vec![one, "wha_~".into(), 10.into()],
        "webhook_attempts" => vec![tenant, two],
        "webhook_failures" => vec![one],
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

static DUMP: &[&Statement] = dump!(
    "webhook_turn": "SELECT only_row, n FROM webhook_turn",
    "webhook_messages": "SELECT webhook_id, id, tenant_id, kind, body, at, due_at, claim, claimed, attempts
        FROM webhook_messages ORDER BY webhook_id, id",
    "webhook_attempts": "SELECT webhook_id, id, tenant_id, message_id, kind, at, status_code, duration_ms, reason
        FROM webhook_attempts ORDER BY webhook_id, id",
    "webhook_failures": "SELECT webhook_id, since FROM webhook_failures ORDER BY webhook_id",
);

static SEED_ATTEMPT: Statement = Statement {
    table: "webhook_attempts",
    text: "INSERT INTO webhook_attempts (webhook_id, id, tenant_id, message_id, kind, at, duration_ms)
        VALUES ($1, 'wha_seeded', $2, 'whm_', 'kind', 1, 1)",
    params: &[Kind::Text, Kind::Text],
};

/// A finished message, for the statements that delete those.
static SEED_ENDED: Statement = Statement {
    table: "webhook_messages",
    text: "INSERT INTO webhook_messages (webhook_id, id, tenant_id, kind, body, at, claim, claimed, attempts)
        VALUES ($1, 'whm_over', 'ten_', 'kind', '{}', 1, 0, 0, 1)",
    params: &[Kind::Text],
};

async fn trace(base: &Base) -> Result<Trace> {
    base.sql.migrate().await?;
    let outbox = SqlWebhooks::new(base.sql.clone());
    let seed = |webhook, n: u8| WebhookMessage {
        webhook,
        tenant: TENANT,
        id: message(n),
        kind: "verification.approved",
        body: "{}".to_owned(),
        at: Timestamp::from_micros(n.into()),
    };
    outbox.add(&[seed(webhook(1), 1), seed(webhook(1), 2), seed(webhook(1), 3), seed(webhook(2), 4)]).await?;
    let ended = vec![webhook(1).to_string().into()];
    base.sql.batch(Batch::default().run(&SEED_ENDED, ended)).await?;
    let seeded = vec![webhook(2).to_string().into(), TENANT.to_string().into()];
    base.sql.batch(Batch::default().run(&SEED_ATTEMPT, seeded)).await?;
    trace_each(base, STATEMENTS, values_for, DUMP).await
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
