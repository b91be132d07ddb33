//! Receipts from providers, and the table from providers' ids to messages.

use super::{
    keys,
    reply::{ReceiveReply, bytes_or_nil, kind},
    script,
    store::{Store, millis, text},
};
use countersign_core::{
    id::{MessageId, RecordKey},
    ports::error::StoreError,
    verification::{
        event::packed::RECEIPT_HEAD,
        receipt::{ParkedReceipt, ProviderMessage, ReceiptReport, Received},
    },
};

pub async fn receive(store: &Store, report: &ReceiptReport) -> Result<Received, StoreError> {
    let ReceiptReport { key, message, delivery, event, .. } = report;
    let names = [keys::verification(*key), keys::events(key.id.partition())];
    let (body, delivery) = (report.kind().pack(), text(*delivery as u8));
    let (head, rest) = body.split_at(RECEIPT_HEAD.min(body.len()));
    let args: [&[u8]; 5] = [message.bytes(), &delivery, event.bytes(), head, rest];
    Ok(match kind(store.run(&script::RECEIVE, &[&names[0], &names[1]], &args).await?)? {
        ReceiveReply::Missing => Received::Gone,
        ReceiveReply::Noted => Received::Noted,
        ReceiveReply::Known => Received::Known,
    })
}

pub async fn bind(
    store: &Store,
    message: &ProviderMessage,
    (key, ours): (RecordKey, MessageId),
) -> Result<Option<ParkedReceipt>, StoreError> {
    let name = keys::provider_message(store.partitions, &message.slot());
    let target = [key.bytes().as_slice(), ours.bytes()].concat();
    let args: [&[u8]; 2] = [&target, &millis(ProviderMessage::BOUND_FOR)];
    let found = bytes_or_nil(store.run(&script::BIND, &[&name], &args).await?)?;
    found.map(|packed| ParkedReceipt::unpack(&packed).ok_or_else(|| corrupt(message))).transpose()
}

pub async fn find(
    store: &Store,
    message: &ProviderMessage,
    park: Option<ParkedReceipt>,
) -> Result<Option<(RecordKey, MessageId)>, StoreError> {
    let name = keys::provider_message(store.partitions, &message.slot());
    let receipt = park.map_or_else(Vec::new, |receipt| receipt.pack());
    let args: [&[u8]; 2] = [&receipt, &millis(ProviderMessage::PARKED_FOR)];
    let found = bytes_or_nil(store.run(&script::MATCH, &[&name], &args).await?)?;
    found.map(|target| read_target(&target).ok_or_else(|| corrupt(message))).transpose()
}

fn read_target(target: &[u8]) -> Option<(RecordKey, MessageId)> {
    let (key, message) = target.split_at_checked(33)?;
    Some((RecordKey::from_bytes(key)?, MessageId::from_bytes(message.try_into().ok()?)))
}

fn corrupt(message: &ProviderMessage) -> StoreError {
    StoreError::Corrupt { table: "provider_messages", id: message.account.to_string() }
}
