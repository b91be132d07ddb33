//! Reports of providers: found their message, and noted.

use crate::{
    delivery::account::ProviderAccount,
    id::{MessageId, RecordKey},
    keyring::KeyRing,
    mode::Mode,
    ports::{codes::outbox::Outbox, error::StoreError, gateways::ProviderReport},
    tenant::OPERATOR,
    time::Timestamp,
    verification::{
        receipt::{ParkedReceipt, ProviderMessage, ReceiptReport, Received, hex, parse_reference},
        status::Delivery,
    },
};
use subtle::ConstantTimeEq as _;

/// What came of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Taken {
    /// It says how the message ended, and that is noted.
    Noted(Delivery),
    /// It changed nothing: known already, or of a verification that is gone.
    Nothing,
    /// It waits for the message that it is about.
    Parked,
    /// It names no message that went through this account.
    Unknown,
}

/// What makes the path of an account's receipts one that nobody guesses.
pub fn path_secret(keyring: &KeyRing, account: &ProviderAccount) -> String {
    secret_of_turn(keyring, account, account.receipts.turn)
}

fn secret_of_turn(keyring: &KeyRing, account: &ProviderAccount, turn: u32) -> String {
    let (id, turn) = (account.id.bytes().as_slice(), turn.to_be_bytes());
    // The first one has no number: it is that of releases which could not renew it.
    let parts: &[&[u8]] = if turn == [0; 4] { &[id] } else { &[id, &turn] };
    hex(keyring.hash("receipts", account.tenant, parts))
}

/// Whether a path has that secret, or the one before while that is taken, or the
/// next one, which nobody knows until another node has renewed it and this one
/// has not read so yet; compared in constant time.
pub fn is_path_secret(keyring: &KeyRing, account: &ProviderAccount, given: &str, now: Timestamp) -> bool {
    let turn = account.receipts.turn;
    let turns = [Some(turn), account.receipts.previous(now), Some(turn.wrapping_add(1))];
    turns.into_iter().flatten().any(|turn| {
        let secret = secret_of_turn(keyring, account, turn);
        bool::from(secret.as_bytes().ct_eq(given.as_bytes()))
    })
}

/// Notes what a provider reports of a message that went through `account`. One
/// that names it by the provider's id alone may be `early`: then it waits. That
/// is for providers which cannot name it otherwise, and whose ids are noted;
/// of them those count as one that are alike.
pub async fn take_report(
    outbox: &dyn Outbox,
    account: &ProviderAccount,
    report: ProviderReport,
    early: bool,
) -> Result<Taken, StoreError> {
    // On its way: the message says so itself.
    let Some(delivery) = report.delivery else { return Ok(Taken::Nothing) };
    let receipt = ParkedReceipt { provider: account.name.clone(), delivery, code: report.code };
    let target = match (report.reference.as_deref().and_then(parse_reference), report.id) {
        (Some(target), _) => target,
        (None, Some(id)) if early => {
            let Some(message) = ProviderMessage::new(account.id, &id) else { return Ok(Taken::Unknown) };
            match find_target(outbox, &message, Some(&receipt)).await? {
                Some(target) => target,
                None => return Ok(Taken::Parked),
            }
        }
        (None, _) => return Ok(Taken::Unknown),
    };
    if !may_report(account, target) {
        return Ok(Taken::Unknown);
    }
    Ok(match outbox.receive(ReceiptReport::new(target, receipt)).await? {
        Received::Noted => Taken::Noted(delivery),
        Received::Known | Received::Gone => Taken::Nothing,
    })
}

/// Whether it is known by now which message the account's provider calls so.
pub async fn is_known(outbox: &dyn Outbox, account: &ProviderAccount, id: &str) -> Result<bool, StoreError> {
    let Some(message) = ProviderMessage::new(account.id, id) else { return Ok(false) };
    Ok(find_target(outbox, &message, None).await?.is_some())
}

/// The message by one of its names; a receipt that finds none waits under each.
async fn find_target(
    outbox: &dyn Outbox,
    message: &ProviderMessage,
    park: Option<&ParkedReceipt>,
) -> Result<Option<(RecordKey, MessageId)>, StoreError> {
    for name in message.sought_names() {
        let found = outbox.find_provider_message(&name, park.cloned()).await?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Notes which message of ours a provider calls so, and gives the receipts that came before, at most
/// one for each name.
pub async fn bind_message(
    outbox: &dyn Outbox,
    message: &ProviderMessage,
    target: (RecordKey, MessageId),
) -> Result<Vec<ParkedReceipt>, StoreError> {
    let mut parked = Vec::new();
    for name in message.bound_names() {
        parked.extend(outbox.bind_provider_message(&name, target).await?);
    }
    Ok(parked)
}

/// Whoever a tenant's own account belongs to speaks of that tenant's messages only.
fn may_report(account: &ProviderAccount, (key, message): (RecordKey, MessageId)) -> bool {
    key.mode == Mode::Live
        && message.partition() == key.id.partition()
        && (account.tenant == OPERATOR || account.tenant == key.tenant)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        delivery::account::{ReceiptPath, Shared},
        id::{ProviderId, TenantId},
        keyring::VersionedKey,
    };

    #[test]
    fn paths_follow_their_turns() {
        let keys = |byte| vec![VersionedKey { version: 1, key: [byte; 32] }];
        let keyring = KeyRing::new([1; 32], keys(2), keys(3)).unwrap();
        let at = Timestamp::from_millis;
        let of = |receipts| ProviderAccount {
            id: ProviderId::from_bytes([1; 16]),
            tenant: TenantId::from_bytes([2; 16]),
            name: "main".into(),
            kind: "smsapi".into(),
            enabled: true,
            rate: None,
            shared: Shared::No,
            verified_at: None,
            shown: serde_json::Value::Null,
            sealed: vec![1],
            receipts,
            version: 1,
            created_at: at(0),
        };
        let first = of(ReceiptPath::default());
        let second = of(first.receipts.renewed(at(1_000)));
        let third = of(second.receipts.renewed(at(61_000)));
        assert_eq!(second.receipts.renewed(at(60_999)), second.receipts, "the same request");
        let taken = |of: &ProviderAccount, given: &ProviderAccount, now| {
            is_path_secret(&keyring, of, &path_secret(&keyring, given), at(now))
        };
        let day = 24 * 3_600_000;
        assert!(taken(&second, &second, 2_000) && taken(&second, &first, 999 + day));
        assert!(!taken(&second, &first, 1_000 + day), "after a day");
        assert!(!taken(&third, &first, 62_000), "renewed twice");
        assert!(taken(&first, &second, 1_000), "a node that has not read of it yet");
        assert!(!taken(&first, &third, 61_000));
        // Of a release that knows no renewal, and as it is stored.
        let stored = |account: &ProviderAccount| ProviderAccount::read(account.resource(at(0))).unwrap();
        assert_eq!(stored(&third), third);
        let mut former = first.resource(at(0));
        former.body =
            r#"{"kind":"smsapi","enabled":true,"rate":null,"shared":null,"verified_at":null}"#.into();
        assert_eq!(ProviderAccount::read(former).unwrap().receipts, ReceiptPath::default());
        assert_eq!(
            path_secret(&keyring, &first),
            hex(keyring.hash("receipts", first.tenant, &[first.id.bytes()]))
        );
    }
}
