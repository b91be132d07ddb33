//! The packed form of events.

use crate::{
    id::{KeyId, MessageId, ProfileId},
    keyring::Fingerprint,
    pack::{Reader, UnpackError, Writer, unpack},
    phone::Country,
    time::Timestamp,
    verification::{
        event::{EventKind, LimitUse, Started},
        guesses::GuessWait,
        status::{CancelReason, Delivery, DropReason},
    },
};
use std::time::Duration;

/// The id of no key.
const NO_KEY: KeyId = KeyId::from_bytes([0; 16]);

impl EventKind {
    /// Writes format 1 of the packed form. The stores have columns of their own for the id and the time.
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

/// The size of the part of a packed receipt that every release can read: an event without provider and code.
/// A store that nodes of two releases share stores the rest separately.
pub const RECEIPT_HEAD: usize = 18;

/// Begins a packed event: the format byte, then the byte of its kind.
fn kind(byte: u8) -> Writer {
    Writer::default().byte(1).byte(byte)
}

impl Started {
    /// Writes the packed event in three parts, for a store that runs scripts. The script inserts `expires_at`
    /// after the first part and `more` limits after the second.
    pub fn pack_around(&self, more: usize) -> [Vec<u8>; 3] {
        let country = self.country.map_or([0; 2], |country| *country.bytes());
        let first = kind(1)
            .fixed(self.message.bytes())
            .fixed(self.profile.bytes())
            // Each release reads an id here; zeros stand for a start by no key.
            .fixed(self.key.unwrap_or(NO_KEY).bytes())
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
            key: Some(KeyId::from_bytes(reader.fixed()?)).filter(|key| *key != NO_KEY),
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
            key: Some(KeyId::from_bytes([2; 16])),
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
            EventKind::Started(Box::new(Started { key: None, ..started(message) })),
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
