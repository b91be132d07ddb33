//! Receipts: reports of providers about messages. A provider that names a message only by its own id needs
//! the table of [`Match`]es to find it.

use crate::{
    id::{EventId, MessageId, ProviderId, RecordKey, TenantId, VerificationId},
    mode::Mode,
    pack::{Reader, Writer},
    tenant::limits::{Bucket, LimitScope, Take},
    verification::{event::EventKind, status::Delivery},
};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// The maximum length of a provider's name, in characters.
const MOST_NAME: usize = 64;
/// The maximum length of a provider's code for an outcome, in characters.
const MOST_CODE: usize = 64;

/// The settings for waiting for a receipt of an accepted message. When the time is over, the message becomes
/// due again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Awaited {
    /// The number of candidates of the route that were used so far, 1 to [`Awaited::MOST`].
    pub passed: u8,
    /// How long to wait for the receipt.
    pub after: Duration,
}

impl Awaited {
    /// The maximum number of candidates of a route that are counted.
    pub const MOST: u8 = 8;
}

/// A failed attempt, when the same claim goes on to the next provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedAttempt {
    pub provider: String,
    /// The provider's answer, cut to a bound and without secrets.
    pub reason: String,
    /// The claim lasts at least this long from now.
    pub lease: Duration,
}

impl FailedAttempt {
    /// The event of this attempt. It says that the message goes to the next provider without a wait.
    pub fn into_event(self, message: MessageId) -> EventKind {
        let Self { provider, reason, .. } = self;
        EventKind::MessageRetried { message, provider, reason, after: Duration::ZERO }
    }
}

/// A receipt for a message that is identified by our own id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptReport {
    pub key: RecordKey,
    pub message: MessageId,
    pub provider: String,
    /// Delivered; the server treats everything else as undelivered.
    pub delivery: Delivery,
    /// The provider's own code for the outcome.
    pub code: String,
    /// The id of the event. The same receipt always gets the same id.
    pub event: EventId,
}

impl ReceiptReport {
    /// Makes a report of a receipt, and cuts its texts to their bounds.
    pub fn new((key, message): (RecordKey, MessageId), receipt: ParkedReceipt) -> Self {
        let ParkedReceipt { provider, delivery, code } = receipt.bounded();
        let event = EventId::derived(message, &provider, delivery);
        Self { key, message, provider, delivery, code, event }
    }

    /// The event that reports the receipt.
    pub fn kind(&self) -> EventKind {
        let Self { message, provider, delivery, code, .. } = self.clone();
        EventKind::Receipt { message, provider, delivery: known(delivery), code }
    }
}

/// A receipt reports delivered or undelivered, and nothing else.
const fn known(delivery: Delivery) -> Delivery {
    match delivery {
        Delivery::Delivered => Delivery::Delivered,
        _ => Delivery::Undelivered,
    }
}

/// The name of a message in URLs and fields that providers send back: hexadecimal digits.
pub fn reference(key: RecordKey, message: MessageId) -> String {
    hex(key.bytes().into_iter().chain(*message.bytes()))
}

/// Writes two lower-case hexadecimal digits for each byte.
pub(crate) fn hex(bytes: impl IntoIterator<Item = u8>) -> String {
    bytes.into_iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads the name that [`reference`] writes.
pub fn parse_reference(text: &str) -> Option<(RecordKey, MessageId)> {
    let pair = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    if text.len() != 98 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let bytes: Vec<u8> = (0..98).step_by(2).map(pair).collect::<Option<_>>()?;
    let (key, message) = bytes.split_at_checked(33)?;
    Some((RecordKey::from_bytes(key)?, MessageId::from_bytes(message.try_into().ok()?)))
}

/// What the store did with a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Received {
    /// The store recorded it and changed the state of the verification.
    Noted,
    /// The store changed nothing: the newest message had this state already, or the receipt is for an older
    /// message.
    Known,
    /// The record of the verification has expired.
    Gone,
}

/// The name of a message at its provider.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProviderMessage {
    /// The account that sent the message. Two accounts may use the same ids.
    pub account: ProviderId,
    /// The provider's id, 1 to [`ProviderMessage::MOST`] characters.
    pub id: String,
}

impl ProviderMessage {
    /// The maximum length of a provider's id, in characters.
    pub const MOST: usize = 128;
    /// How long a store remembers which of our messages has this id.
    pub const BOUND_FOR: Duration = Duration::from_secs(30 * 60);
    /// How long a store keeps a receipt whose message it does not know yet.
    pub const PARKED_FOR: Duration = Duration::from_secs(10 * 60);

    /// Returns `None` if the id is empty or too long.
    pub fn new(account: ProviderId, id: &str) -> Option<Self> {
        let fits = !id.is_empty() && id.chars().count() <= Self::MOST;
        fits.then(|| Self { account, id: id.to_owned() })
    }

    /// The names under which a store must save the message: the id as written, and its form from
    /// [`ids_alike`] if that differs. The second name has a prefix that separates it from ids that are really
    /// written so.
    pub fn bound_names(&self) -> impl Iterator<Item = Self> + use<> {
        let alike = self.alike();
        let other = (alike != *self).then(|| alike.apart());
        std::iter::once(self.clone()).chain(other)
    }

    /// The names under which a store must look for the message of a receipt. The id as written comes first,
    /// because some providers have ids that differ only by upper and lower case.
    pub fn sought_names(&self) -> impl Iterator<Item = Self> + use<> {
        let alike = self.alike();
        let (written, apart) = (self.clone(), alike.apart());
        let other = (alike != *self).then_some(alike);
        std::iter::once(written).chain(other).chain([apart])
    }

    fn alike(&self) -> Self {
        Self { account: self.account, id: ids_alike(&self.id) }
    }

    fn apart(&self) -> Self {
        // No printable id begins with this character.
        Self { account: self.account, id: format!("\u{1}{}", self.id) }
    }

    /// Stands for a test message in the table of provider ids. No record has this key, so a receipt for it
    /// changes nothing.
    pub fn trial(tenant: TenantId) -> (RecordKey, MessageId) {
        let id = VerificationId::from_bytes([0; 16]);
        (RecordKey { tenant, mode: Mode::Live, id }, MessageId::from_bytes([0; 16]))
    }

    /// The key under which a store saves what it knows about this id.
    pub fn slot(&self) -> [u8; 16] {
        digest(b"provider message", &[self.account.bytes(), self.id.as_bytes()])
    }
}

/// A common form of ids that mean the same message: lower-case letters, and no zeros in front of a decimal or
/// hexadecimal number. Some gateways write an id differently in the receipt and in the answer to the message.
pub fn ids_alike(id: &str) -> String {
    let id = id.to_ascii_lowercase();
    if !id.bytes().all(|octet| octet.is_ascii_hexdigit()) {
        return id;
    }
    match id.trim_start_matches('0') {
        "" => "0".to_owned(),
        digits => digits.to_owned(),
    }
}

/// The limit of an account: `per_second` messages each second, at least one.
pub fn rate_take(account: ProviderId, per_second: u32) -> Take {
    Take {
        key: digest(b"provider rate", &[account.bytes()]),
        name: account.to_string(),
        scope: LimitScope::Caller,
        bucket: Bucket::new(per_second.clamp(1, *Bucket::MAX.end()), 1),
    }
}

/// The first half of a SHA-256 hash. A length precedes each part, so two different lists of parts never have
/// the same input.
pub(crate) fn digest(of: &[u8], parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = Sha256::new();
    for part in std::iter::once(&of).chain(parts) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut half = [0; 16];
    half.copy_from_slice(&hash.finalize()[..16]);
    half
}

/// A receipt that arrived before the store knew which message has the provider's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedReceipt {
    pub provider: String,
    /// The outcome that the provider reports.
    pub delivery: Delivery,
    /// The provider's own code for the outcome.
    pub code: String,
}

impl ParkedReceipt {
    fn bounded(self) -> Self {
        let cut = |text: String, most| text.chars().take(most).collect();
        Self {
            provider: cut(self.provider, MOST_NAME),
            delivery: known(self.delivery),
            code: cut(self.code, MOST_CODE),
        }
    }

    /// The packed form, which is a part of the packed [`Match`].
    pub fn pack(&self) -> Vec<u8> {
        let Self { provider, delivery, code } = self.clone().bounded();
        Writer::default().byte(delivery as u8).blob(provider.as_bytes()).blob(code.as_bytes()).finish()
    }

    /// Reads the packed form.
    pub fn unpack(packed: &[u8]) -> Option<Self> {
        let mut reader = Reader(packed);
        Self::read(&mut reader).filter(|_| reader.is_done())
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let delivery = match reader.byte()? {
            2 => Delivery::Delivered,
            3 => Delivery::Undelivered,
            _ => return None,
        };
        Some(Self { provider: reader.text()?, delivery, code: reader.text()? })
    }
}

/// What a store knows about a provider's id. The scripts read the packed form too: `[1][1 if bound: key, 33,
/// and message, 16][parked receipt, if any]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Match {
    pub target: Option<(RecordKey, MessageId)>,
    /// The receipt that arrived before the message was known.
    pub parked: Option<ParkedReceipt>,
}

impl Match {
    /// Saves which message has this id, and returns the receipt that arrived before. Binding the same message
    /// again returns the same receipt again.
    pub fn bind(&mut self, to: (RecordKey, MessageId)) -> Option<ParkedReceipt> {
        if self.target.is_some_and(|known| known != to) {
            // The provider uses the id for a second message: the parked receipt was for the first.
            self.parked = None;
        }
        self.target = Some(to);
        self.parked.clone()
    }

    /// Keeps a receipt until the message is known. A parked `delivered` is not replaced.
    pub fn park(&mut self, receipt: ParkedReceipt) {
        if self.parked.as_ref().is_none_or(|known| known.delivery != Delivery::Delivered) {
            self.parked = Some(receipt);
        }
    }

    pub fn pack(&self) -> Vec<u8> {
        let mut packed = vec![1, self.target.is_some().into()];
        if let Some((key, message)) = &self.target {
            packed.extend(key.bytes());
            packed.extend(message.bytes());
        }
        packed.extend(self.parked.iter().flat_map(ParkedReceipt::pack));
        packed
    }

    /// Reads the packed form.
    pub fn unpack(packed: &[u8]) -> Result<Self, crate::pack::UnpackError> {
        crate::pack::unpack(packed, 1, |reader| {
            let target = match reader.byte()? {
                0 => None,
                _ => {
                    let key = RecordKey::from_bytes(reader.take(33)?)?;
                    Some((key, MessageId::from_bytes(reader.fixed()?)))
                }
            };
            let parked = if reader.is_done() { None } else { Some(ParkedReceipt::read(reader)?) };
            Some(Self { target, parked })
        })
    }
}

impl EventId {
    /// The id of the event for a provider's report. It is derived from the report, so the history counts a
    /// report that comes twice only once.
    pub fn derived(message: MessageId, provider: &str, delivery: Delivery) -> Self {
        let parts = [message.bytes().as_slice(), delivery.as_str().as_bytes(), provider.as_bytes()];
        let mut bytes = *message.bytes();
        bytes[8..].copy_from_slice(&digest(b"receipt", &parts)[..8]);
        Self::from_bytes(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt(delivery: Delivery) -> ParkedReceipt {
        ParkedReceipt { provider: "a".into(), delivery, code: "000".into() }
    }

    fn target(byte: u8) -> (RecordKey, MessageId) {
        let id = VerificationId::from_bytes([byte; 16]);
        let key = RecordKey { tenant: TenantId::from_bytes([1; 16]), mode: Mode::Live, id };
        (key, MessageId::from_bytes([byte; 16]))
    }

    #[test]
    fn packed_form_round_trips() {
        for target in [None, Some(target(3))] {
            for parked in [None, Some(receipt(Delivery::Delivered)), Some(receipt(Delivery::Undelivered))] {
                let found = Match { target, parked };
                assert_eq!(Match::unpack(&found.pack()), Ok(found));
            }
        }
    }

    #[test]
    fn delivered_wins_and_a_repeated_bind_answers_again() {
        let mut found = Match::default();
        for delivery in [Delivery::Undelivered, Delivery::Delivered, Delivery::Undelivered] {
            found.park(receipt(delivery));
        }
        for _ in 0..2 {
            assert_eq!(found.bind(target(1)), Some(receipt(Delivery::Delivered)));
        }
        assert_eq!(found.bind(target(2)), None, "another message's receipt is not this one's");
    }

    #[test]
    fn ids_of_accounts_are_apart_and_texts_are_cut() {
        let [one, two] = [1, 2].map(|byte| ProviderId::from_bytes([byte; 16]));
        let of = |account, id| ProviderMessage::new(account, id).unwrap().slot();
        assert_ne!(of(one, "7"), of(two, "7"));
        assert_ne!(of(one, "7"), of(one, "8"));
        assert_ne!(rate_take(one, 1).key, rate_take(two, 1).key);
        for id in [String::new(), "x".repeat(129)] {
            assert_eq!(ProviderMessage::new(one, &id), None);
        }
        let long = ParkedReceipt { code: "ż".repeat(100), ..receipt(Delivery::Sent) };
        let report = ReceiptReport::new(target(1), long);
        assert_eq!((report.code.chars().count(), report.delivery), (64, Delivery::Undelivered));
    }

    #[test]
    fn ids_that_are_written_otherwise_are_alike() {
        for (one, other) in [
            ("00A1-Z", "00a1-z"),
            ("3F2C9A", "3f2c9a"),
            ("0000006699", "6699"),
            ("00001A2B", "1a2b"),
            ("000", "0"),
        ] {
            assert_eq!(ids_alike(one), ids_alike(other));
        }
        for (one, other) in [("1", "10"), ("00-1", "0-1"), ("0x1", "x1"), ("É1", "é1")] {
            assert_ne!(ids_alike(one), ids_alike(other));
        }
        let message = |id: &str| ProviderMessage::new(ProviderId::from_bytes([1; 16]), id).unwrap();
        let found = |bound: &str, sought: &str| {
            let bound: Vec<_> = message(bound).bound_names().collect();
            message(sought).sought_names().position(|name| bound.contains(&name))
        };
        for (bound, sought) in
            [("1a2b", "1a2b"), ("1a2b", "01A2B"), ("01A2B", "1a2b"), ("01A2B", "1A2B"), ("7", "007")]
        {
            assert!(found(bound, sought).is_some(), "{sought} names {bound}");
        }
        // Two ids differ only by upper and lower case. Each receipt finds the message with exactly its id
        // first, whichever was bound last.
        assert_eq!((found("4fA", "4fA"), found("4fa", "4fa")), (Some(0), Some(0)));
        assert!(found("4fA", "4fa") > found("4fa", "4fa"));
        assert_eq!(found("1", "10"), None);
    }

    #[test]
    fn the_same_receipt_is_the_same_event() {
        let message = MessageId::from_bytes([7; 16]);
        let of = |provider, delivery| EventId::derived(message, provider, delivery);
        let id = of("a", Delivery::Delivered);
        assert_eq!(id, of("a", Delivery::Delivered));
        assert_eq!((id.created_at(), id.partition()), (message.created_at(), message.partition()));
        assert!(id != of("b", Delivery::Delivered) && id != of("a", Delivery::Undelivered));
    }
}
