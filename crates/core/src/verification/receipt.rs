//! Receipts: what a provider reports of a message from outside, and what finds
//! the message where the provider names it in its own words only.

use crate::{
    id::{EventId, MessageId, ProviderId, RecordKey, TenantId, VerificationId},
    mode::Mode,
    pack::{Reader, Writer},
    tenant::limits::{Bucket, LimitScope, Take},
    verification::{event::EventKind, status::Delivery},
};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// Most characters of a provider's name.
const MOST_NAME: usize = 64;
/// Most characters of what a provider calls the outcome.
const MOST_CODE: usize = 64;

/// A message that a provider took is looked at again, in case no receipt comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Awaited {
    /// How many candidates of the route were used, 1 to [`Awaited::MOST`].
    pub passed: u8,
    /// The wait for a receipt.
    pub after: Duration,
}

impl Awaited {
    /// Most candidates of a route that are counted.
    pub const MOST: u8 = 8;
}

/// An attempt that failed while its claim goes on to the next provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedAttempt {
    /// The provider's name.
    pub provider: String,
    /// What it answered, bounded and without secrets.
    pub reason: String,
    /// The claim is held for this long from now, unless it is longer already.
    pub lease: Duration,
}

impl FailedAttempt {
    /// What happened to the message, as an event: the next provider is asked at once.
    pub fn into_event(self, message: MessageId) -> EventKind {
        let Self { provider, reason, .. } = self;
        EventKind::MessageRetried { message, provider, reason, after: Duration::ZERO }
    }
}

/// A receipt from outside, about a message that is known by our own id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptReport {
    /// The verification.
    pub key: RecordKey,
    /// The message.
    pub message: MessageId,
    /// The provider's name.
    pub provider: String,
    /// What became of the message: delivered, and anything else is undelivered.
    pub delivery: Delivery,
    /// What the provider calls that, in its own code.
    pub code: String,
    /// The id of the event: of the same receipt always the same.
    pub event: EventId,
}

impl ReceiptReport {
    /// The report of a receipt, its texts cut to their bounds.
    pub fn new((key, message): (RecordKey, MessageId), receipt: ParkedReceipt) -> Self {
        let ParkedReceipt { provider, delivery, code } = receipt.bounded();
        let event = EventId::derived(message, &provider, delivery);
        Self { key, message, provider, delivery, code, event }
    }

    /// What happened, as an event.
    pub fn kind(&self) -> EventKind {
        let Self { message, provider, delivery, code, .. } = self.clone();
        EventKind::Receipt { message, provider, delivery: known(delivery), code }
    }
}

/// A receipt is one or the other.
const fn known(delivery: Delivery) -> Delivery {
    match delivery {
        Delivery::Delivered => Delivery::Delivered,
        _ => Delivery::Undelivered,
    }
}

/// What names a message where a provider reports of it: hexadecimal digits.
pub fn reference(key: RecordKey, message: MessageId) -> String {
    hex(key.bytes().into_iter().chain(*message.bytes()))
}

/// Two lower-case hexadecimal digits for each byte.
pub(crate) fn hex(bytes: impl IntoIterator<Item = u8>) -> String {
    bytes.into_iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The message that a reference names.
pub fn parse_reference(text: &str) -> Option<(RecordKey, MessageId)> {
    let pair = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    if text.len() != 98 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let bytes: Vec<u8> = (0..98).step_by(2).map(pair).collect::<Option<_>>()?;
    let (key, message) = bytes.split_at_checked(33)?;
    Some((RecordKey::from_bytes(key)?, MessageId::from_bytes(message.try_into().ok()?)))
}

/// What a receipt did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Received {
    /// It is noted, and moved the verification.
    Noted,
    /// The newest message got there already, or it is of an older one; nothing was changed or noted.
    Known,
    /// The verification's record is gone.
    Gone,
}

/// A message as its provider names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProviderMessage {
    /// The account that it went through: two accounts may use the same ids.
    pub account: ProviderId,
    /// The provider's id, 1 to [`ProviderMessage::MOST`] characters.
    pub id: String,
}

impl ProviderMessage {
    /// Most characters of a provider's id.
    pub const MOST: usize = 128;
    /// How long a store knows which message of ours it is.
    pub const BOUND_FOR: Duration = Duration::from_secs(30 * 60);
    /// How long a receipt waits for that to be known.
    pub const PARKED_FOR: Duration = Duration::from_secs(10 * 60);

    /// `None` when the id is empty or too long.
    pub fn new(account: ProviderId, id: &str) -> Option<Self> {
        let fits = !id.is_empty() && id.chars().count() <= Self::MOST;
        fits.then(|| Self { account, id: id.to_owned() })
    }

    /// The names under which a store is to know it: the id as it is written, and where
    /// [`ids_alike`] gives it another form, that one, apart from ids that are written so.
    pub fn bound_names(&self) -> impl Iterator<Item = Self> + use<> {
        let alike = self.alike();
        let other = (alike != *self).then(|| alike.apart());
        std::iter::once(self.clone()).chain(other)
    }

    /// The names under which a store may know it, as the id is written in a receipt. The very id comes
    /// first: a provider whose ids differ by their case alone means that one.
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
        // No id that can be printed begins so.
        Self { account: self.account, id: format!("\u{1}{}", self.id) }
    }

    /// What the id of a test message is noted as: no message of ours, so that its receipt means nothing.
    pub fn trial(tenant: TenantId) -> (RecordKey, MessageId) {
        let id = VerificationId::from_bytes([0; 16]);
        (RecordKey { tenant, mode: Mode::Live, id }, MessageId::from_bytes([0; 16]))
    }

    /// Where a store keeps what it knows of it.
    pub fn slot(&self) -> [u8; 16] {
        digest(b"provider message", &[self.account.bytes(), self.id.as_bytes()])
    }
}

/// One form for ids that name one message: the case of letters says nothing, nor do zeros in front
/// of a number, decimal or hexadecimal. Some gateways write an id otherwise in a receipt than where
/// they took the message.
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

/// One message of what an account may send in a second, at least one.
pub fn rate_take(account: ProviderId, per_second: u32) -> Take {
    Take {
        key: digest(b"provider rate", &[account.bytes()]),
        name: account.to_string(),
        scope: LimitScope::Caller,
        bucket: Bucket::new(per_second.clamp(1, *Bucket::MAX.end()), 1),
    }
}

/// The first half of a hash over parts that are told apart by their lengths.
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

/// A receipt that came before its message was known by the provider's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedReceipt {
    /// The provider's name.
    pub provider: String,
    /// What became of the message.
    pub delivery: Delivery,
    /// What the provider calls that, in its own code.
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

    /// The packed form, which stands inside that of a [`Match`].
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

/// What a store knows of a provider's id. The packed form, which the scripts
/// read too: `[1][1 if bound: key, 33, and message, 16][parked receipt, if any]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Match {
    /// The message that it is.
    pub target: Option<(RecordKey, MessageId)>,
    /// The receipt that came before that was known.
    pub parked: Option<ParkedReceipt>,
}

impl Match {
    /// Says which message it is, and gives the receipt that came before. What
    /// is bound to the same message again gives the same answer again.
    pub fn bind(&mut self, to: (RecordKey, MessageId)) -> Option<ParkedReceipt> {
        if self.target.is_some_and(|known| known != to) {
            // The provider uses its id anew.
            self.parked = None;
        }
        self.target = Some(to);
        self.parked.clone()
    }

    /// Leaves a receipt until the message is known. Delivered stays.
    pub fn park(&mut self, receipt: ParkedReceipt) {
        if self.parked.as_ref().is_none_or(|known| known.delivery != Delivery::Delivered) {
            self.parked = Some(receipt);
        }
    }

    /// The packed form.
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
    /// The id of what a provider reports of a message: of a receipt that comes
    /// twice the same, so that the history counts it once.
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
        // Ids that differ in their case alone: each names its own first, whichever came last.
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
