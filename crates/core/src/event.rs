//! What happened to a verification: the words of its timeline.

use crate::{
    id::{EventId, MessageId},
    pack::{Reader, UnpackError, Writer, unpack},
    time::Timestamp,
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

/// Why a message was not sent after all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// The verification was over before the message left.
    VerificationOver,
    /// A resend took its place.
    Superseded,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A verification was made and its first message queued.
    Started {
        /// The message that was queued.
        message: MessageId,
    },
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
    },
    /// The right code was given.
    Approved,
    /// The last try was wrong.
    Exhausted,
    /// The client ended it.
    Canceled,
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
    /// The provider reports that the phone has it.
    Delivered {
        /// The message.
        message: MessageId,
    },
    /// The provider reports that the phone will not get it.
    Undelivered {
        /// The message.
        message: MessageId,
    },
}

impl EventKind {
    /// The name in JSON and logs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Started { .. } => "started",
            Self::Resent { .. } => "resent",
            Self::CheckWrong { .. } => "check_wrong",
            Self::Approved => "approved",
            Self::Exhausted => "exhausted",
            Self::Canceled => "canceled",
            Self::MessageSent { .. } => "message_sent",
            Self::MessageRetried { .. } => "message_retried",
            Self::MessageRejected { .. } => "message_rejected",
            Self::MessageDropped { .. } => "message_dropped",
            Self::Delivered { .. } => "delivered",
            Self::Undelivered { .. } => "undelivered",
        }
    }

    /// The event as one sentence for people; it never holds a code or a number.
    pub fn sentence(&self) -> String {
        match self {
            Self::Started { .. } => "Verification started, message queued".into(),
            Self::Resent { send, new_code, .. } => {
                let code = if *new_code { "a new code" } else { "the same code" };
                format!("Send {send} queued with {code}")
            }
            Self::CheckWrong { attempts_left: 1 } => "Wrong code, 1 try left".into(),
            Self::CheckWrong { attempts_left } => format!("Wrong code, {attempts_left} tries left"),
            Self::Approved => "Right code: approved".into(),
            Self::Exhausted => "Wrong code, no tries left: exhausted".into(),
            Self::Canceled => "Canceled by the client".into(),
            Self::MessageSent { provider, .. } => format!("Message accepted by provider {provider}"),
            Self::MessageRetried { provider, reason, after, .. } => {
                let wait = crate::time::ceil_seconds(*after);
                format!("Provider {provider} did not take the message ({reason}), next try in {wait} s")
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
        }
    }

    /// Format 1 of the packed form; the id and the time stand beside it.
    pub fn pack(&self) -> Vec<u8> {
        let kind = |byte: u8| Writer::default().byte(1).byte(byte);
        match self {
            Self::Started { message } => kind(1).fixed(message.bytes()),
            Self::Resent { message, send, new_code } => {
                kind(2).fixed(message.bytes()).byte(*send).byte((*new_code).into())
            }
            Self::CheckWrong { attempts_left } => kind(3).byte(*attempts_left),
            Self::Approved => kind(4),
            Self::Exhausted => kind(5),
            Self::Canceled => kind(6),
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
        }
        .finish()
    }

    /// Reads the packed form.
    pub fn unpack(packed: &[u8]) -> Result<Self, UnpackError> {
        unpack(packed, 1, read_kind)
    }
}

fn read_kind(reader: &mut Reader<'_>) -> Option<EventKind> {
    fn message(reader: &mut Reader<'_>) -> Option<MessageId> {
        reader.fixed().map(MessageId::from_bytes)
    }
    Some(match reader.byte()? {
        1 => EventKind::Started { message: message(reader)? },
        2 => EventKind::Resent {
            message: message(reader)?,
            send: reader.byte()?,
            new_code: reader.byte()? != 0,
        },
        3 => EventKind::CheckWrong { attempts_left: reader.byte()? },
        4 => EventKind::Approved,
        5 => EventKind::Exhausted,
        6 => EventKind::Canceled,
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
        11 => EventKind::Delivered { message: message(reader)? },
        12 => EventKind::Undelivered { message: message(reader)? },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_form_round_trips() {
        let message = MessageId::from_bytes([7; 16]);
        let (provider, reason) = ("relay".to_owned(), "HTTP 503".to_owned());
        for kind in [
            EventKind::Started { message },
            EventKind::Resent { message, send: 2, new_code: true },
            EventKind::CheckWrong { attempts_left: 4 },
            EventKind::Approved,
            EventKind::Exhausted,
            EventKind::Canceled,
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
        ] {
            let packed = kind.pack();
            assert_eq!(EventKind::unpack(&packed), Ok(kind));
            let mut future = packed.clone();
            future[0] = 2;
            assert_eq!(EventKind::unpack(&future), Err(UnpackError::Future(2)));
            assert_eq!(EventKind::unpack(&packed[..packed.len() - 1]), Err(UnpackError::Damaged));
        }
    }
}
