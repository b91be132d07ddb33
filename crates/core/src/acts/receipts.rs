//! Finds the messages of providers' reports, and records the reports.

use crate::{
    acts::ways::routes_of,
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

/// The result of handling a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Taken {
    /// The report says how the message ended, and was recorded.
    Noted(Delivery),
    /// The report changed nothing: it was known already, or the verification's record has expired.
    Nothing,
    /// The report waits until its message is known.
    Parked,
    /// The report names no message that was sent through this account.
    Unknown,
}

/// The secret in the URL path for an account's receipts. It makes the path impossible to guess.
pub fn path_secret(keyring: &KeyRing, account: &ProviderAccount) -> String {
    secret_of_turn(keyring, account, account.receipts.turn)
}

fn secret_of_turn(keyring: &KeyRing, account: &ProviderAccount, turn: u32) -> String {
    let (id, turn) = (account.id.bytes().as_slice(), turn.to_be_bytes());
    // The first secret is made without the turn, as in releases that could not renew it.
    let parts: &[&[u8]] = if turn == [0; 4] { &[id] } else { &[id, &turn] };
    hex(keyring.hash("receipts", account.tenant, parts))
}

/// Returns whether a path has the account's secret, the previous one while it is still accepted, or the next
/// one. Nobody knows the next one until another node has renewed it, which this node may not have read yet.
/// The comparison takes constant time.
pub fn is_path_secret(keyring: &KeyRing, account: &ProviderAccount, given: &str, now: Timestamp) -> bool {
    let turn = account.receipts.turn;
    let turns = [Some(turn), account.receipts.previous(now), Some(turn.wrapping_add(1))];
    turns.into_iter().flatten().any(|turn| {
        let secret = secret_of_turn(keyring, account, turn);
        bool::from(secret.as_bytes().ct_eq(given.as_bytes()))
    })
}

/// Records a provider's report about a message that was sent through `account`. A report that names the
/// message only by the provider's id may be `early`; then it waits until the message is known. `early` is for
/// providers whose receipts contain no other name, and whose ids are saved. Ids that differ only in their
/// form count as one.
pub async fn take_report(
    outbox: &dyn Outbox,
    account: &ProviderAccount,
    report: ProviderReport,
    early: bool,
) -> Result<Taken, StoreError> {
    // The message is still on its way, which its state already says.
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

/// Returns whether the store knows which message has this id at the account's provider.
pub async fn is_known(outbox: &dyn Outbox, account: &ProviderAccount, id: &str) -> Result<bool, StoreError> {
    let Some(message) = ProviderMessage::new(account.id, id) else { return Ok(false) };
    Ok(find_target(outbox, &message, None).await?.is_some())
}

/// Finds the message by one of the names of its id. If none is known, the receipt waits under each of them.
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

/// Saves which message has this id at its provider. Returns the receipts that arrived before, at most one for
/// each name.
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

/// Returns whether an account may report about a message: a tenant's own account only about messages of this
/// tenant.
fn may_report(account: &ProviderAccount, (key, message): (RecordKey, MessageId)) -> bool {
    key.mode == Mode::Live
        && message.partition() == key.id.partition()
        && (account.tenant == OPERATOR || account.tenant == routes_of(key.tenant))
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
        // The first has the form of releases without renewal, and all survive storing.
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
