//! Receipts from providers, and the table from providers' ids to messages.

use super::records::{append_event, load, save};
use crate::sqlite::sqlite_error;
use countersign_core::{
    id::{MessageId, RecordKey},
    ports::error::StoreError,
    time::Timestamp,
    verification::receipt::{Match, ParkedReceipt, ProviderMessage, ReceiptReport, Received},
};
use rusqlite::{Connection, OptionalExtension, params};

/// Applies a provider's receipt to the record of its message.
pub fn receive(
    connection: &Connection,
    report: &ReceiptReport,
    now: Timestamp,
) -> Result<Received, StoreError> {
    let Some(mut record) = load(connection, report.key, now)? else { return Ok(Received::Gone) };
    let before = record.clone();
    if !record.receive(report.message, report.delivery) {
        return Ok(Received::Known);
    }
    if record != before {
        save(connection, report.key, &record)?;
    }
    append_event(connection, report.key, (report.event, None), now, &report.kind())?;
    Ok(Received::Noted)
}

/// Saves which message has this id, and returns the receipt that arrived before.
pub fn bind(
    connection: &Connection,
    message: &ProviderMessage,
    to: (RecordKey, MessageId),
    now: Timestamp,
) -> Result<Option<ParkedReceipt>, StoreError> {
    let mut found = read(connection, message, now)?;
    let parked = found.bind(to);
    keep(connection, message, &found, now + ProviderMessage::BOUND_FOR)?;
    Ok(parked)
}

/// The message with this id. If it is not known yet, keeps the receipt for later.
pub fn find(
    connection: &Connection,
    message: &ProviderMessage,
    park: Option<ParkedReceipt>,
    now: Timestamp,
) -> Result<Option<(RecordKey, MessageId)>, StoreError> {
    let mut found = read(connection, message, now)?;
    if found.target.is_none()
        && let Some(receipt) = park
    {
        found.park(receipt);
        keep(connection, message, &found, now + ProviderMessage::PARKED_FOR)?;
    }
    Ok(found.target)
}

fn read(connection: &Connection, message: &ProviderMessage, now: Timestamp) -> Result<Match, StoreError> {
    let packed = connection
        .prepare_cached("SELECT found FROM provider_messages WHERE slot = ?1 AND kept_until > ?2")
        .and_then(|mut select| {
            let bounds = params![message.slot(), now.micros()];
            select.query_row(bounds, |row| row.get::<_, Vec<u8>>(0)).optional()
        })
        .map_err(sqlite_error)?;
    let Some(packed) = packed else { return Ok(Match::default()) };
    Match::unpack(&packed)
        .map_err(|error| StoreError::unreadable("provider_messages", message.account, error))
}

fn keep(
    connection: &Connection,
    message: &ProviderMessage,
    found: &Match,
    until: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO provider_messages (slot, found, kept_until) VALUES (?1, ?2, ?3)
                ON CONFLICT (slot) DO UPDATE SET found = excluded.found, kept_until = excluded.kept_until",
        )
        .and_then(|mut upsert| upsert.execute(params![message.slot(), found.pack(), until.micros()]))
        .map(drop)
        .map_err(sqlite_error)
}
