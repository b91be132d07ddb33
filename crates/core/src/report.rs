//! Reports of providers: found their message, and noted.

use crate::{
    Context,
    gateway::ProviderReport,
    id::MessageId,
    key::Mode,
    keyring::KeyRing,
    ports::StoreError,
    provider::{OPERATOR, ProviderAccount},
    receipt::{ParkedReceipt, ProviderMessage, ReceiptReport, Received, hex, parse_reference},
    verification::{Delivery, RecordKey},
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
    hex(keyring.hash("receipts", account.tenant, &[account.id.bytes()]))
}

/// Whether a path has that secret; compared in constant time.
pub fn is_path_secret(keyring: &KeyRing, account: &ProviderAccount, given: &str) -> bool {
    path_secret(keyring, account).as_bytes().ct_eq(given.as_bytes()).into()
}

/// Notes what a provider reports of a message that went through `account`. One
/// that names it by the provider's id alone may be `early`: then it waits. That
/// is for providers which cannot name it otherwise, and whose ids are noted.
pub async fn take_report(
    context: &Context,
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
            let found = context.codes.find_provider_message(&message, Some(receipt.clone())).await?;
            let Some(target) = found else { return Ok(Taken::Parked) };
            target
        }
        (None, _) => return Ok(Taken::Unknown),
    };
    if !may_report(account, target) {
        return Ok(Taken::Unknown);
    }
    Ok(match context.codes.receive(ReceiptReport::new(target, receipt)).await? {
        Received::Noted => Taken::Noted(delivery),
        Received::Known | Received::Gone => Taken::Nothing,
    })
}

/// Whoever a tenant's own account belongs to speaks of that tenant's messages only.
fn may_report(account: &ProviderAccount, (key, message): (RecordKey, MessageId)) -> bool {
    key.mode == Mode::Live
        && message.partition() == key.id.partition()
        && (account.tenant == OPERATOR || account.tenant == key.tenant)
}
