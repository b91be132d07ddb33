//! Receipts that belong to no message. Each one is counted, and each account gets at most one warning an
//! hour.

use countersign_core::{
    delivery::account::ProviderAccount,
    id::ProviderId,
    ports::{clock::Clock, gateways::ReceiptRefusal},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// The time between two warnings about one account.
const HOUR: Duration = Duration::from_secs(3_600);
/// The maximum number of accounts with warnings of their own. Receipts of further accounts are only counted.
const MOST_ACCOUNTS: usize = 10_000;

/// Why a receipt belongs to no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stray {
    /// It names no message that was sent through the account.
    Unmatched,
    /// It cannot be read, or reports no outcome of a message.
    Unreadable,
    /// It does not come from the provider.
    Forged,
}

impl Stray {
    /// The value of the label `delivery` of `countersign_receipts_total`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unmatched => "unmatched",
            Self::Unreadable => "unreadable",
            Self::Forged => "forged",
        }
    }
}

impl From<ReceiptRefusal> for Stray {
    fn from(refusal: ReceiptRefusal) -> Self {
        match refusal {
            ReceiptRefusal::Forged => Self::Forged,
            ReceiptRefusal::Unsupported | ReceiptRefusal::Unreadable => Self::Unreadable,
        }
    }
}

/// The numbers since the last warning about an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Since {
    /// Receipts that name no message of the account.
    pub unmatched: u64,
    /// Receipts that cannot be read.
    pub unreadable: u64,
    /// Receipts that do not come from the provider.
    pub forged: u64,
}

#[derive(Default)]
struct Tally {
    since: Since,
    told_at: Duration,
}

/// The counts of receipts that belong to no message.
pub struct Strays {
    clock: Arc<dyn Clock>,
    tallies: Mutex<HashMap<ProviderId, Tally>>,
}

impl Strays {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, tallies: Mutex::default() }
    }

    /// Counts a receipt. If a warning is due, returns the numbers since the last one, for [`warn`].
    pub fn note(&self, account: ProviderId, stray: Stray) -> Option<Since> {
        metrics::counter!("countersign_receipts_total", "delivery" => stray.as_str()).increment(1);
        let now = self.clock.steady();
        // A panic while the lock is held leaves only whole entries, so a poisoned lock is safe to use.
        let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        if tallies.len() >= MOST_ACCOUNTS && !tallies.contains_key(&account) {
            tallies.retain(|_, tally| now.saturating_sub(tally.told_at) < HOUR);
            if tallies.len() >= MOST_ACCOUNTS {
                return None;
            }
        }
        let first = !tallies.contains_key(&account);
        let tally = tallies.entry(account).or_default();
        match stray {
            Stray::Unmatched => tally.since.unmatched += 1,
            Stray::Unreadable => tally.since.unreadable += 1,
            Stray::Forged => tally.since.forged += 1,
        }
        if !first && now.saturating_sub(tally.told_at) < HOUR {
            return None;
        }
        tally.told_at = now;
        Some(std::mem::take(&mut tally.since))
    }

    /// Counts a receipt, and logs a warning if one is due.
    pub fn tell(&self, account: &ProviderAccount, stray: Stray) {
        if let Some(since) = self.note(account.id, stray) {
            warn(account, since, None);
        }
    }
}

/// Logs one line for all such receipts of an account since the last warning. It names no id: if a receipt
/// contains the text of a message, the part that was read as an id may be a code.
pub fn warn(account: &ProviderAccount, since: Since, id_format: Option<&str>) {
    let Since { unmatched, unreadable, forged } = since;
    let hint = id_format.map(|format| format!("settings.id_format = \"{format}\" would have matched"));
    tracing::warn!(
        tenant.id = %account.tenant,
        provider.name = %account.name,
        unmatched,
        unreadable,
        forged,
        hint,
        "Receipts of an account led to no message of it; told once an hour",
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::stores::Hand;

    fn account(number: u16) -> ProviderId {
        let mut bytes = [0; 16];
        bytes[..2].copy_from_slice(&number.to_be_bytes());
        ProviderId::from_bytes(bytes)
    }

    fn strays() -> (Strays, Arc<Hand>) {
        let clock = Arc::new(Hand::default());
        (Strays::new(clock.clone()), clock)
    }

    #[test]
    fn an_account_is_told_of_once_an_hour_with_all_since() {
        let (strays, clock) = strays();
        let since = |unmatched, unreadable, forged| Some(Since { unmatched, unreadable, forged });
        assert_eq!(strays.note(account(1), Stray::Unmatched), since(1, 0, 0));
        for _ in 0..500 {
            assert_eq!(strays.note(account(1), Stray::Unmatched), None);
            assert_eq!(strays.note(account(1), ReceiptRefusal::Unreadable.into()), None);
        }
        assert_eq!(strays.note(account(2), ReceiptRefusal::Forged.into()), since(0, 0, 1));
        clock.turn(HOUR - Duration::from_secs(1));
        assert_eq!(strays.note(account(1), Stray::Forged), None);
        clock.turn(Duration::from_secs(1));
        assert_eq!(strays.note(account(1), Stray::Unmatched), since(501, 500, 1));
        assert_eq!(strays.note(account(1), Stray::Unmatched), None);
        clock.turn(2 * HOUR);
        assert_eq!(strays.note(account(1), ReceiptRefusal::Unsupported.into()), since(1, 1, 0));
    }

    #[test]
    fn memory_is_bounded_and_time_frees_it() {
        let (strays, clock) = strays();
        for number in 0..20_000 {
            let _ = strays.note(account(number), Stray::Unmatched);
        }
        assert_eq!(strays.tallies.lock().unwrap().len(), MOST_ACCOUNTS);
        assert_eq!(strays.note(account(20_000), Stray::Unmatched), None);
        clock.turn(HOUR);
        assert!(strays.note(account(20_000), Stray::Unmatched).is_some());
        assert_eq!(strays.tallies.lock().unwrap().len(), 1);
    }
}
