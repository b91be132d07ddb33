//! Adds messages, in the transaction of the change that they report.

use crate::sql::{
    Batch,
    Kind::{self, Int, Text},
    Statement, Value,
};
use countersign_core::ports::webhooks::WebhookMessage;

pub(super) const INSERT_MESSAGE: Statement = Statement {
    table: "webhook_messages",
    text: "INSERT INTO webhook_messages (webhook_id, id, tenant_id, kind, body, at, due_at, claim, claimed,
            attempts)
        VALUES ($1, $2, $3, $4, $5, $6, $6, 0, 0, 0) ON CONFLICT (webhook_id, id) DO NOTHING",
    params: &ROW,
};

const ROW: [Kind; 6] = [Text, Text, Text, Text, Text, Int];
/// The number of rows of one insert. Fewer statements need fewer round trips of the recorder.
const ROWS: usize = 10;
const ALL_ROWS: [Kind; ROWS * ROW.len()] = {
    let mut all = [Text; ROWS * ROW.len()];
    let mut at = 0;
    while at < all.len() {
        all[at] = ROW[at % ROW.len()];
        at += 1;
    }
    all
};

pub(super) const INSERT_MESSAGES: Statement = Statement {
    table: "webhook_messages",
    text: "INSERT INTO webhook_messages (webhook_id, id, tenant_id, kind, body, at, due_at, claim, claimed,
            attempts)
        VALUES ($1, $2, $3, $4, $5, $6, $6, 0, 0, 0),
            ($7, $8, $9, $10, $11, $12, $12, 0, 0, 0),
            ($13, $14, $15, $16, $17, $18, $18, 0, 0, 0),
            ($19, $20, $21, $22, $23, $24, $24, 0, 0, 0),
            ($25, $26, $27, $28, $29, $30, $30, 0, 0, 0),
            ($31, $32, $33, $34, $35, $36, $36, 0, 0, 0),
            ($37, $38, $39, $40, $41, $42, $42, 0, 0, 0),
            ($43, $44, $45, $46, $47, $48, $48, 0, 0, 0),
            ($49, $50, $51, $52, $53, $54, $54, 0, 0, 0),
            ($55, $56, $57, $58, $59, $60, $60, 0, 0, 0)
        ON CONFLICT (webhook_id, id) DO NOTHING",
    params: &ALL_ROWS,
};

fn message_values(message: &WebhookMessage) -> [Value; ROW.len()] {
    [
        message.webhook.to_string().into(),
        message.id.to_string().into(),
        message.tenant.to_string().into(),
        message.kind.into(),
        message.body.as_str().into(),
        message.at.micros().into(),
    ]
}

pub fn insert(mut batch: Batch, messages: &[WebhookMessage]) -> Batch {
    let mut tens = messages.chunks_exact(ROWS);
    for ten in &mut tens {
        batch = batch.run(&INSERT_MESSAGES, ten.iter().flat_map(message_values).collect());
    }
    let rest = tens.remainder().iter();
    rest.fold(batch, |batch, message| batch.run(&INSERT_MESSAGE, message_values(message).into()))
}
