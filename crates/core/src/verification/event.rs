//! What happened to a verification: the words of its timeline.

use crate::{
    id::{EventId, KeyId, MessageId, ProfileId, VerificationId},
    keyring::Fingerprint,
    pack::{Reader, UnpackError, Writer, unpack},
    phone::Country,
    tenant::limits::LimitState,
    time::Timestamp,
    verification::{receipt::digest, record::Delivery},
};
use std::time::Duration;

/// One thing that happened, in the order the store saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its id, made by the act.
    pub id: EventId,
    /// When, by the store's clock.
    pub at: Timestamp,
    /// What.
    pub kind: EventKind,
}

impl Event {
    /// The one `expired` event of a verification. Its id follows from the
    /// verification's, so whoever makes it again makes the same.
    pub fn expired(id: VerificationId, expires_at: Timestamp) -> Self {
        let mut bytes = *id.bytes();
        bytes[8..].iter_mut().for_each(|byte| *byte = !*byte);
        Self { id: EventId::from_bytes(bytes), at: expires_at, kind: EventKind::Expired }
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

/// Why a message was not sent after all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// The verification was over before the message left.
    VerificationOver,
    /// A resend took its place.
    Superseded,
}

/// Why a verification was ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelReason {
    /// The client asked for it.
    Client,
    /// A check was for another payment than the code, or for none.
    TransactionMismatch,
}

/// What a start says of itself: all that the history keeps of a verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// The message that was queued.
    pub message: MessageId,
    /// The profile.
    pub profile: ProfileId,
    /// The key that started it.
    pub key: KeyId,
    /// The number it is about.
    pub number: Fingerprint,
    /// The number's country.
    pub country: Option<Country>,
    /// When its codes end.
    pub expires_at: Timestamp,
    /// Wrong codes that end it.
    pub max_checks: u8,
    /// Messages that may be queued.
    pub max_sends: u8,
    /// Number, profile name and metadata, sealed as in the record.
    pub contact: Vec<u8>,
    /// The limits that were counted, and how far each was used with this start.
    pub limits: Vec<LimitUse>,
    /// Limits that were not applied, because the client gave nothing to count by.
    pub skipped: Vec<String>,
    /// Whether the number is a review number, to which nothing is sent.
    pub review: bool,
}

/// How far a limit was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitUse {
    /// Its name.
    pub name: String,
    /// Taken, this time included.
    pub used: u32,
    /// How many fit.
    pub max: u32,
    /// Into how long.
    pub window: Duration,
}

impl LimitUse {
    /// How far a limit was used, as the start that asked found it.
    pub fn of(state: &LimitState) -> Self {
        let LimitState { name, max, window, remaining, .. } = state.clone();
        Self { name, used: max.saturating_sub(remaining), max, window }
    }
}

/// A wait that wrong codes in a row brought about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuessWait {
    /// Until the next code is compared.
    pub wait: Duration,
    /// Whether the count of the number made it, over all profiles and
    /// addresses; else that of the end user's address.
    pub of_number: bool,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A verification was made and its first message queued.
    Started(Box<Started>),
    /// Another message was queued.
    Resent {
        /// The message that was queued.
        message: MessageId,
        /// Which send of the verification this is, from 2.
        send: u8,
        /// Whether it carries a new code.
        new_code: bool,
    },
    /// A wrong code was evaluated.
    CheckWrong {
        /// Tries that are left.
        attempts_left: u8,
        /// Wrong codes in a row for the number, this one included.
        in_row: u16,
        /// The wait that they brought about.
        wait: Option<GuessWait>,
    },
    /// The right code was given.
    Approved,
    /// The last try was wrong.
    Exhausted {
        /// Wrong codes in a row for the number, this one included.
        in_row: u16,
        /// The wait that they brought about.
        wait: Option<GuessWait>,
    },
    /// Its time passed; noted once, by the history.
    Expired,
    /// It was ended before its time.
    Canceled(CancelReason),
    /// A provider took the message.
    MessageSent {
        /// The message.
        message: MessageId,
        /// The provider's name.
        provider: String,
    },
    /// A provider did not take the message; it will be tried again.
    MessageRetried {
        /// The message.
        message: MessageId,
        /// The provider's name.
        provider: String,
        /// What it answered.
        reason: String,
        /// The wait until the next try.
        after: Duration,
    },
    /// No provider takes the message.
    MessageRejected {
        /// The message.
        message: MessageId,
        /// The provider's name.
        provider: String,
        /// What it answered.
        reason: String,
        /// Whether the verification failed with it: none of its messages was ever accepted.
        failed: bool,
    },
    /// The message was not sent.
    MessageDropped {
        /// The message.
        message: MessageId,
        /// Why.
        reason: DropReason,
    },
    /// The phone has it, as the provider knew when it took it.
    Delivered {
        /// The message.
        message: MessageId,
    },
    /// The phone will not get it, as the provider knew when it took it.
    Undelivered {
        /// The message.
        message: MessageId,
    },
    /// The provider reported what became of it.
    Receipt {
        /// The message.
        message: MessageId,
        /// The provider's name.
        provider: String,
        /// Delivered or undelivered.
        delivery: Delivery,
        /// What the provider calls that, in its own code.
        code: String,
    },
}

impl EventKind {
    /// The name in JSON and logs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Started(_) => "started",
            Self::Resent { .. } => "resent",
            Self::CheckWrong { .. } => "check_wrong",
            Self::Approved => "approved",
            Self::Exhausted { .. } => "exhausted",
            Self::Expired => "expired",
            Self::Canceled(_) => "canceled",
            Self::MessageSent { .. } => "message_sent",
            Self::MessageRetried { .. } => "message_retried",
            Self::MessageRejected { .. } => "message_rejected",
            Self::MessageDropped { .. } => "message_dropped",
            Self::Delivered { .. } => "delivered",
            Self::Undelivered { .. } => "undelivered",
            Self::Receipt { delivery: Delivery::Delivered, .. } => "delivered",
            Self::Receipt { .. } => "undelivered",
        }
    }

    /// The event without the person: what the history keeps of it in the timeline.
    pub fn without_person(self) -> Self {
        match self {
            Self::Started(started) => {
                let number = Fingerprint([0; 16]);
                Self::Started(Box::new(Started { number, contact: Vec::new(), ..*started }))
            }
            other => other,
        }
    }

    /// The message it is about.
    pub const fn message(&self) -> Option<MessageId> {
        match self {
            Self::Started(started) => Some(started.message),
            Self::Resent { message, .. }
            | Self::MessageSent { message, .. }
            | Self::MessageRetried { message, .. }
            | Self::MessageRejected { message, .. }
            | Self::MessageDropped { message, .. }
            | Self::Delivered { message }
            | Self::Undelivered { message }
            | Self::Receipt { message, .. } => Some(*message),
            _ => None,
        }
    }

    /// The provider that it names.
    pub fn provider(&self) -> Option<&str> {
        match self {
            Self::MessageSent { provider, .. }
            | Self::MessageRetried { provider, .. }
            | Self::MessageRejected { provider, .. }
            | Self::Receipt { provider, .. } => Some(provider),
            _ => None,
        }
    }

    /// The event as one sentence for people; it never holds a code or a number.
    pub fn sentence(&self) -> String {
        match self {
            Self::Started(started) => started.sentence(),
            Self::Resent { send, new_code, .. } => {
                let code = if *new_code { "a new code" } else { "the same code" };
                format!("Send {send} queued with {code}")
            }
            Self::CheckWrong { attempts_left, in_row, wait } => {
                let tries = if *attempts_left == 1 { "try" } else { "tries" };
                format!("Wrong code, {attempts_left} {tries} left{}", row_sentence(*in_row, *wait))
            }
            Self::Approved => "Right code: approved".into(),
            Self::Exhausted { in_row, wait } => {
                format!("Wrong code, no tries left: exhausted{}", row_sentence(*in_row, *wait))
            }
            Self::Expired => "Not answered in time: expired".into(),
            Self::Canceled(CancelReason::Client) => "Canceled by the client".into(),
            Self::Canceled(CancelReason::TransactionMismatch) => {
                "Checked for another payment than its code was made for: canceled".into()
            }
            Self::MessageSent { provider, .. } => format!("Message accepted by provider {provider}"),
            Self::MessageRetried { provider, reason, after, .. } => {
                let next = match crate::time::ceil_seconds(*after) {
                    0 => String::new(),
                    wait => format!(", next try in {wait} s"),
                };
                format!("Provider {provider} did not take the message ({reason}){next}")
            }
            Self::MessageRejected { provider, reason, failed, .. } => {
                let end = if *failed { ": verification failed" } else { "" };
                format!("Provider {provider} refused the message ({reason}){end}")
            }
            Self::MessageDropped { reason: DropReason::VerificationOver, .. } => {
                "Message dropped: the verification was over before it left".into()
            }
            Self::MessageDropped { reason: DropReason::Superseded, .. } => {
                "Message dropped: a resend took its place".into()
            }
            Self::Delivered { .. } => "Delivered to the phone".into(),
            Self::Undelivered { .. } => "Not delivered, says the provider".into(),
            Self::Receipt { provider, delivery, code, .. } => {
                let code = if code.is_empty() { String::new() } else { format!(" ({code})") };
                match delivery {
                    Delivery::Delivered => format!("Delivered to the phone, says provider {provider}{code}"),
                    _ => format!("Not delivered, says provider {provider}{code}"),
                }
            }
        }
    }

    /// Format 1 of the packed form; the id and the time stand beside it.
    pub fn pack(&self) -> Vec<u8> {
        match self {
            Self::Started(started) => return started.pack(),
            Self::Resent { message, send, new_code } => {
                kind(2).fixed(message.bytes()).byte(*send).byte((*new_code).into())
            }
            Self::CheckWrong { attempts_left, in_row, wait } => {
                pack_row(kind(3).byte(*attempts_left), *in_row, *wait)
            }
            Self::Approved => kind(4),
            Self::Exhausted { in_row, wait } => pack_row(kind(5), *in_row, *wait),
            Self::Canceled(CancelReason::Client) => kind(6),
            Self::Canceled(CancelReason::TransactionMismatch) => kind(20),
            Self::MessageSent { message, provider } => {
                kind(7).fixed(message.bytes()).blob(provider.as_bytes())
            }
            Self::MessageRetried { message, provider, reason, after } => kind(8)
                .fixed(message.bytes())
                .blob(provider.as_bytes())
                .blob(reason.as_bytes())
                .time(Timestamp::default() + *after),
            Self::MessageRejected { message, provider, reason, failed } => kind(9)
                .fixed(message.bytes())
                .blob(provider.as_bytes())
                .blob(reason.as_bytes())
                .byte((*failed).into()),
            Self::MessageDropped { message, reason } => {
                let reason = match reason {
                    DropReason::VerificationOver => 1,
                    DropReason::Superseded => 2,
                };
                kind(10).fixed(message.bytes()).byte(reason)
            }
            Self::Delivered { message } => kind(11).fixed(message.bytes()),
            Self::Undelivered { message } => kind(12).fixed(message.bytes()),
            Self::Receipt { message, provider, delivery, code } => {
                let byte = if *delivery == Delivery::Delivered { 11 } else { 12 };
                kind(byte).fixed(message.bytes()).blob(provider.as_bytes()).blob(code.as_bytes())
            }
            Self::Expired => kind(13),
        }
        .finish()
    }

    /// Reads the packed form.
    pub fn unpack(packed: &[u8]) -> Result<Self, UnpackError> {
        unpack(packed, 1, read_kind)
    }
}

/// Bytes of a receipt's packed form that every release reads: as of an event
/// that names neither provider nor code. A store that is shared by nodes of two
/// releases keeps the rest apart.
pub const RECEIPT_HEAD: usize = 18;

/// The format, and which of its kinds an event is.
fn kind(byte: u8) -> Writer {
    Writer::default().byte(1).byte(byte)
}

impl Started {
    fn sentence(&self) -> String {
        let mut text = match self.review {
            false => String::from("Verification started, message queued"),
            true => {
                String::from("Verification started for a review number: nothing is sent, its code is known")
            }
        };
        for LimitUse { name, used, max, .. } in &self.limits {
            text.push_str(&format!("; limit {name}: {used} of {max} used"));
        }
        for name in &self.skipped {
            text.push_str(&format!("; limit {name} not applied: nothing to count by was given"));
        }
        text
    }

    /// The packed event but for `expires_at` and `more` limits before its own,
    /// which a store that runs scripts puts between the three parts.
    pub fn pack_around(&self, more: usize) -> [Vec<u8>; 3] {
        let country = self.country.map_or([0; 2], |country| *country.bytes());
        let first = kind(1)
            .fixed(self.message.bytes())
            .fixed(self.profile.bytes())
            .fixed(self.key.bytes())
            .fixed(&self.number.0)
            .byte(country[0])
            .byte(country[1]);
        let second = Writer::default()
            .byte(self.max_checks)
            .byte(self.max_sends)
            .blob(&self.contact)
            .byte((more + self.limits.len()) as u8);
        let mut third = Writer::default();
        for LimitUse { name, used, max, window } in &self.limits {
            third =
                third.blob(name.as_bytes()).number(*used).number(*max).time(Timestamp::default() + *window);
        }
        third = third.byte(self.skipped.len() as u8);
        for name in &self.skipped {
            third = third.blob(name.as_bytes());
        }
        [first.finish(), second.finish(), third.byte(self.review.into()).finish()]
    }

    fn pack(&self) -> Vec<u8> {
        let [first, second, third] = self.pack_around(0);
        [first, Writer::default().time(self.expires_at).finish(), second, third].concat()
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut started = Self {
            message: MessageId::from_bytes(reader.fixed()?),
            profile: ProfileId::from_bytes(reader.fixed()?),
            key: KeyId::from_bytes(reader.fixed()?),
            number: Fingerprint(reader.fixed()?),
            country: Country::from_bytes([reader.byte()?, reader.byte()?]),
            expires_at: reader.time()?,
            max_checks: reader.byte()?,
            max_sends: reader.byte()?,
            contact: reader.blob()?.to_vec(),
            limits: Vec::new(),
            skipped: Vec::new(),
            review: false,
        };
        for _ in 0..reader.byte()? {
            started.limits.push(LimitUse {
                name: reader.text()?,
                used: reader.number()?,
                max: reader.number()?,
                window: reader.time()?.since(Timestamp::default()),
            });
        }
        for _ in 0..reader.byte()? {
            started.skipped.push(reader.text()?);
        }
        started.review = reader.byte()? != 0;
        Some(started)
    }
}

/// `; 10 wrong in a row for the number: next check in 60 s`.
fn row_sentence(in_row: u16, wait: Option<GuessWait>) -> String {
    let Some(GuessWait { wait, of_number }) = wait else { return String::new() };
    let seconds = crate::time::ceil_seconds(wait);
    if of_number {
        format!("; {in_row} wrong in a row for the number: next check in {seconds} s")
    } else {
        format!("; too many wrong in a row from this address: next check in {seconds} s")
    }
}

fn pack_row(writer: Writer, in_row: u16, wait: Option<GuessWait>) -> Writer {
    let kind = wait.map_or(0, |wait| 1 + u8::from(wait.of_number));
    let wait = wait.map_or(Duration::ZERO, |wait| wait.wait);
    writer.number(in_row.into()).byte(kind).time(Timestamp::default() + wait)
}

fn read_row(reader: &mut Reader<'_>) -> Option<(u16, Option<GuessWait>)> {
    let in_row = u16::try_from(reader.number()?).ok()?;
    let kind = reader.byte()?;
    let wait = reader.time()?.since(Timestamp::default());
    Some((in_row, (kind > 0).then_some(GuessWait { wait, of_number: kind == 2 })))
}

fn read_kind(reader: &mut Reader<'_>) -> Option<EventKind> {
    fn message(reader: &mut Reader<'_>) -> Option<MessageId> {
        reader.fixed().map(MessageId::from_bytes)
    }
    Some(match reader.byte()? {
        1 => EventKind::Started(Box::new(Started::read(reader)?)),
        2 => EventKind::Resent {
            message: message(reader)?,
            send: reader.byte()?,
            new_code: reader.byte()? != 0,
        },
        3 => {
            let attempts_left = reader.byte()?;
            let (in_row, wait) = read_row(reader)?;
            EventKind::CheckWrong { attempts_left, in_row, wait }
        }
        4 => EventKind::Approved,
        5 => {
            let (in_row, wait) = read_row(reader)?;
            EventKind::Exhausted { in_row, wait }
        }
        6 => EventKind::Canceled(CancelReason::Client),
        20 => EventKind::Canceled(CancelReason::TransactionMismatch),
        7 => EventKind::MessageSent { message: message(reader)?, provider: reader.text()? },
        8 => EventKind::MessageRetried {
            message: message(reader)?,
            provider: reader.text()?,
            reason: reader.text()?,
            after: reader.time()?.since(Timestamp::default()),
        },
        9 => EventKind::MessageRejected {
            message: message(reader)?,
            provider: reader.text()?,
            reason: reader.text()?,
            failed: reader.byte()? != 0,
        },
        10 => EventKind::MessageDropped {
            message: message(reader)?,
            reason: match reader.byte()? {
                1 => DropReason::VerificationOver,
                2 => DropReason::Superseded,
                _ => return None,
            },
        },
        byte @ (11 | 12) => {
            let message = message(reader)?;
            let delivery = if byte == 11 { Delivery::Delivered } else { Delivery::Undelivered };
            match delivery {
                _ if !reader.is_done() => {
                    let (provider, code) = (reader.text()?, reader.text()?);
                    EventKind::Receipt { message, provider, delivery, code }
                }
                Delivery::Delivered => EventKind::Delivered { message },
                _ => EventKind::Undelivered { message },
            }
        }
        13 => EventKind::Expired,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(message: MessageId) -> Started {
        let window = Duration::from_secs(600);
        Started {
            message,
            profile: ProfileId::from_bytes([1; 16]),
            key: KeyId::from_bytes([2; 16]),
            number: Fingerprint([3; 16]),
            country: Country::from_bytes(*b"PL"),
            expires_at: Timestamp::from_millis(1_800_000_000_123),
            max_checks: 5,
            max_sends: 4,
            contact: vec![1, 2, 3],
            limits: vec![LimitUse { name: "number_10m".into(), used: 3, max: 5, window }],
            skipped: vec!["end_user_ip".into()],
            review: false,
        }
    }

    #[test]
    fn a_start_says_how_far_each_limit_is_used() {
        let sentence = EventKind::Started(Box::new(started(MessageId::from_bytes([7; 16])))).sentence();
        assert_eq!(
            sentence,
            "Verification started, message queued; limit number_10m: 3 of 5 used; \
             limit end_user_ip not applied: nothing to count by was given"
        );
    }

    #[test]
    fn packed_form_round_trips() {
        let wait = GuessWait { wait: Duration::from_secs(86_400), of_number: true };
        let message = MessageId::from_bytes([7; 16]);
        let (provider, reason) = ("relay".to_owned(), "HTTP 503".to_owned());
        for kind in [
            EventKind::Started(Box::new(started(message))),
            EventKind::Resent { message, send: 2, new_code: true },
            EventKind::CheckWrong { attempts_left: 4, in_row: 1, wait: None },
            EventKind::CheckWrong { attempts_left: 3, in_row: 100, wait: Some(wait) },
            EventKind::Approved,
            EventKind::Exhausted { in_row: 5, wait: Some(GuessWait { of_number: false, ..wait }) },
            EventKind::Expired,
            EventKind::Canceled(CancelReason::Client),
            EventKind::Canceled(CancelReason::TransactionMismatch),
            EventKind::MessageSent { message, provider: provider.clone() },
            EventKind::MessageRetried {
                message,
                provider: provider.clone(),
                reason: reason.clone(),
                after: Duration::from_millis(1_500),
            },
            EventKind::MessageRejected { message, provider, reason, failed: true },
            EventKind::MessageDropped { message, reason: DropReason::VerificationOver },
            EventKind::MessageDropped { message, reason: DropReason::Superseded },
            EventKind::Delivered { message },
            EventKind::Undelivered { message },
            EventKind::Receipt {
                message,
                provider: "relay".into(),
                delivery: Delivery::Delivered,
                code: "DELIVRD".into(),
            },
            EventKind::Receipt {
                message,
                provider: "relay".into(),
                delivery: Delivery::Undelivered,
                code: String::new(),
            },
        ] {
            let packed = kind.pack();
            assert_eq!(EventKind::unpack(&packed), Ok(kind));
            let mut future = packed.clone();
            future[0] = 2;
            assert_eq!(EventKind::unpack(&future), Err(UnpackError::Future(2)));
            assert_eq!(EventKind::unpack(&packed[..packed.len() - 1]), Err(UnpackError::Damaged));
        }
    }

    #[test]
    fn the_head_of_a_receipt_is_the_event_that_a_former_release_reads() {
        let message = MessageId::from_bytes([7; 16]);
        for (delivery, former) in [
            (Delivery::Delivered, EventKind::Delivered { message }),
            (Delivery::Undelivered, EventKind::Undelivered { message }),
        ] {
            let receipt =
                EventKind::Receipt { message, provider: "relay".into(), delivery, code: "42".into() };
            assert_eq!(receipt.name(), former.name());
            assert_eq!(receipt.pack()[..RECEIPT_HEAD], former.pack());
        }
    }
}
