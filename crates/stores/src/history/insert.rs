//! The statements of a batch: its events, the rows that they change, and the counts.

use super::take_turn;
use crate::sql::{
    Batch,
    Kind::{self, Bytes, Int, Text},
    Statement, Value,
};
use countersign_core::{
    history::fold::{Change, Conversions, Counts, rank},
    id::RecordKey,
    time::Timestamp,
    verification::event::{Event, EventKind},
};
use std::collections::{BTreeMap, HashMap};

/// A decoded event, ready to be inserted into the history.
#[derive(Clone)]
pub(super) struct Arriving {
    pub key: RecordKey,
    pub event: Event,
}

/// The events of one group are counted together: tenant, mode, hour, profile, country, provider.
pub(super) type Group = (String, &'static str, i64, String, String, String);

/// The groups of the conversion counts: tenant, mode, day, provider, country, prefix.
pub(super) type Daily = (String, &'static str, i64, String, String, String);

/// The sums of a batch.
#[derive(Default)]
pub(super) struct Sums {
    pub hours: BTreeMap<Group, Counts>,
    pub days: BTreeMap<Daily, Conversions>,
}

const ROW: [Kind; 7] = [Text, Text, Int, Int, Text, Bytes, Bytes];
/// The number of rows of one insert. Fewer statements need fewer round trips.
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

/// There is no `ON CONFLICT`: an event that exists already must make the batch fail, or it would be counted
/// twice.
pub(super) const INSERT_EVENTS: Statement = Statement {
    table: "events",
    text: "INSERT INTO events (verification_id, id, created_at, at, kind, body, who)
        VALUES ($1, $2, $3, $4, $5, $6, $7),
            ($8, $9, $10, $11, $12, $13, $14),
            ($15, $16, $17, $18, $19, $20, $21),
            ($22, $23, $24, $25, $26, $27, $28),
            ($29, $30, $31, $32, $33, $34, $35),
            ($36, $37, $38, $39, $40, $41, $42),
            ($43, $44, $45, $46, $47, $48, $49),
            ($50, $51, $52, $53, $54, $55, $56),
            ($57, $58, $59, $60, $61, $62, $63),
            ($64, $65, $66, $67, $68, $69, $70)",
    params: &ALL_ROWS,
};

pub(super) const INSERT_EVENT: Statement = Statement {
    table: "events",
    text: "INSERT INTO events (verification_id, id, created_at, at, kind, body, who)
        VALUES ($1, $2, $3, $4, $5, $6, $7)",
    params: &ROW,
};

fn event_values(arriving: &Arriving, values: &mut Vec<Value>) {
    let Arriving { key, event } = arriving;
    values.extend([
        key.id.to_string().into(),
        event.id.to_string().into(),
        key.id.created_at().micros().into(),
        event.at.micros().into(),
        event.kind.name().into(),
        packed(&event.kind),
        event.who.map(|who| Value::Bytes(who.pack())).into(),
    ]);
}

/// Packs the part of an event that the timeline needs. Only the row of the verification contains number and
/// contact, so that an erasure finds them all.
pub(super) fn packed(kind: &EventKind) -> Value {
    match kind {
        EventKind::Started(_) => Value::Bytes(kind.clone().without_person().pack()),
        other => Value::Bytes(other.pack()),
    }
}

/// Any event may create the row, and each adds what it knows. If the phone number was erased after the start,
/// number and contact stay out. The statement uses `VALUES`, because with a SELECT as its source SQLite would
/// need a savepoint for each insert. A delivered message (2) stays delivered, even if it was undelivered (3)
/// before.
pub(super) const MERGE_VERIFICATION: Statement = Statement {
    table: "verifications",
    text: "INSERT INTO verifications (id, created_at, tenant_id, mode, profile_id, key_id, country,
            number, contact, status, status_rank, started_at, expires_at, ended_at, checks, max_checks,
            sends, max_sends, message_id, delivery, provider, provider_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7,
            CASE WHEN NOT EXISTS (SELECT 1 FROM erasures
                WHERE tenant_id = $3 AND mode = $4 AND number = $8 AND at >= $12) THEN $8 END,
            CASE WHEN NOT EXISTS (SELECT 1 FROM erasures
                WHERE tenant_id = $3 AND mode = $4 AND number = $8 AND at >= $12) THEN $9 END,
            $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)
        ON CONFLICT (id, created_at) DO UPDATE SET
            profile_id = coalesce(excluded.profile_id, verifications.profile_id),
            key_id = coalesce(excluded.key_id, verifications.key_id),
            country = coalesce(excluded.country, verifications.country),
            number = coalesce(excluded.number, verifications.number),
            contact = coalesce(excluded.contact, verifications.contact),
            started_at = coalesce(excluded.started_at, verifications.started_at),
            expires_at = coalesce(excluded.expires_at, verifications.expires_at),
            max_checks = coalesce(excluded.max_checks, verifications.max_checks),
            max_sends = coalesce(excluded.max_sends, verifications.max_sends),
            checks = verifications.checks + excluded.checks,
            sends = verifications.sends + excluded.sends,
            status = CASE WHEN excluded.status_rank > verifications.status_rank
                THEN excluded.status ELSE verifications.status END,
            ended_at = CASE WHEN excluded.status_rank > verifications.status_rank
                THEN excluded.ended_at ELSE verifications.ended_at END,
            status_rank = CASE WHEN excluded.status_rank > verifications.status_rank
                THEN excluded.status_rank ELSE verifications.status_rank END,
            delivery = CASE WHEN excluded.message_id > verifications.message_id
                OR (excluded.message_id = verifications.message_id AND verifications.delivery <> 2
                    AND (excluded.delivery = 2 OR excluded.delivery > verifications.delivery))
                THEN excluded.delivery ELSE verifications.delivery END,
            message_id = CASE WHEN excluded.message_id > verifications.message_id
                THEN excluded.message_id ELSE verifications.message_id END,
            provider = CASE WHEN excluded.provider_at >= verifications.provider_at
                AND excluded.provider IS NOT NULL THEN excluded.provider ELSE verifications.provider END,
            provider_at = CASE WHEN excluded.provider_at >= verifications.provider_at
                THEN excluded.provider_at ELSE verifications.provider_at END",
    params: &[
        Text, Int, Text, Text, Text, Text, Text, Bytes, Bytes, Text, Int, Int, Int, Int, Int, Int, Int, Int,
        Text, Int, Text, Int,
    ],
};

fn change_values(key: RecordKey, change: Change) -> Vec<Value> {
    let started = change.started.as_ref();
    let provider = change.provider.as_ref();
    vec![
        key.id.to_string().into(),
        key.id.created_at().micros().into(),
        key.tenant.to_string().into(),
        key.mode.as_str().into(),
        started.map(|(_, s)| s.profile.to_string()).into(),
        started.and_then(|(_, s)| s.key).map(|key| key.to_string()).into(),
        started.and_then(|(_, s)| s.country).map(|country| country.as_str().to_owned()).into(),
        started.map(|(_, s)| s.number.0.as_slice()).into(),
        started.map(|(_, s)| s.contact.as_slice()).into(),
        change.status.as_str().into(),
        i64::from(rank(change.status)).into(),
        started.map(|(at, _)| at.micros()).into(),
        started.map(|(_, s)| s.expires_at.micros()).into(),
        change.ended_at.map(Timestamp::micros).into(),
        i64::from(change.checks).into(),
        started.map(|(_, s)| i64::from(s.max_checks)).into(),
        i64::from(change.sends).into(),
        started.map(|(_, s)| i64::from(s.max_sends)).into(),
        change.message.map(|message| message.to_string()).unwrap_or_default().into(),
        (change.delivery as i64).into(),
        provider.map(|(_, name)| name.as_str()).into(),
        provider.map_or(0, |(at, _)| at.micros()).into(),
    ]
}

pub(super) const ADD_COUNTS: Statement = Statement {
    table: "rollups",
    text: "INSERT INTO rollups (tenant_id, mode, hour, profile_id, country, provider, started, resent, sent,
            retried, rejected, dropped, delivered, undelivered, wrong, approved, exhausted, canceled,
            expired, failed)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
        ON CONFLICT (tenant_id, mode, hour, profile_id, country, provider) DO UPDATE SET
            started = rollups.started + excluded.started,
            resent = rollups.resent + excluded.resent,
            sent = rollups.sent + excluded.sent,
            retried = rollups.retried + excluded.retried,
            rejected = rollups.rejected + excluded.rejected,
            dropped = rollups.dropped + excluded.dropped,
            delivered = rollups.delivered + excluded.delivered,
            undelivered = rollups.undelivered + excluded.undelivered,
            wrong = rollups.wrong + excluded.wrong,
            approved = rollups.approved + excluded.approved,
            exhausted = rollups.exhausted + excluded.exhausted,
            canceled = rollups.canceled + excluded.canceled,
            expired = rollups.expired + excluded.expired,
            failed = rollups.failed + excluded.failed",
    params: &[
        Text, Text, Int, Text, Text, Text, Int, Int, Int, Int, Int, Int, Int, Int, Int, Int, Int, Int, Int,
        Int,
    ],
};

fn count_values(group: &Group, counts: &Counts) -> Vec<Value> {
    let (tenant, mode, hour, profile, country, provider) = group;
    let mut values: Vec<Value> = vec![
        tenant.as_str().into(),
        (*mode).into(),
        (*hour).into(),
        profile.as_str().into(),
        country.as_str().into(),
        provider.as_str().into(),
    ];
    values.extend(counts.0.iter().map(|count| Value::Int(i64::try_from(*count).unwrap_or(i64::MAX))));
    values
}

pub(super) const ADD_CONVERSIONS: Statement = Statement {
    table: "conversions",
    text: "INSERT INTO conversions (tenant_id, mode, day, provider, country, prefix, sent, delivered,
            undelivered, approved)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT (tenant_id, mode, day, provider, country, prefix) DO UPDATE SET
            sent = conversions.sent + excluded.sent,
            delivered = conversions.delivered + excluded.delivered,
            undelivered = conversions.undelivered + excluded.undelivered,
            approved = conversions.approved + excluded.approved",
    params: &[Text, Text, Int, Text, Text, Text, Int, Int, Int, Int],
};

fn conversion_values(daily: &Daily, conversions: &Conversions) -> Vec<Value> {
    let (tenant, mode, day, provider, country, prefix) = daily;
    let mut values: Vec<Value> = vec![
        tenant.as_str().into(),
        (*mode).into(),
        (*day).into(),
        provider.as_str().into(),
        country.as_str().into(),
        prefix.as_str().into(),
    ];
    values.extend(conversions.0.iter().map(|count| Value::Int(i64::try_from(*count).unwrap_or(i64::MAX))));
    values
}

/// The whole batch. If it commits, this batch alone has recorded each of the events.
pub(super) fn batch(events: &[Arriving], sums: &Sums) -> Batch {
    let mut batch = take_turn(Batch::default());
    let (full, rest) = events.as_chunks::<ROWS>();
    for rows in full {
        let mut values = Vec::with_capacity(ALL_ROWS.len());
        rows.iter().for_each(|row| event_values(row, &mut values));
        batch = batch.run(&INSERT_EVENTS, values);
    }
    for row in rest {
        let mut values = Vec::with_capacity(ROW.len());
        event_values(row, &mut values);
        batch = batch.run(&INSERT_EVENT, values);
    }
    let mut changes: HashMap<RecordKey, Change> = HashMap::new();
    for Arriving { key, event } in events {
        changes.entry(*key).or_default().add(event.clone());
    }
    for (key, change) in changes {
        batch = batch.run_touching(1, &MERGE_VERIFICATION, change_values(key, change));
    }
    for (group, counts) in &sums.hours {
        batch = batch.run(&ADD_COUNTS, count_values(group, counts));
    }
    for (daily, conversions) in &sums.days {
        batch = batch.run(&ADD_CONVERSIONS, conversion_values(daily, conversions));
    }
    batch
}
