//! Adds events to the history: to the row of their verification, and to the counts of their hour. The order
//! of the events does not change the result.

use crate::{
    id::MessageId,
    time::Timestamp,
    verification::{
        event::{Event, EventKind, Started},
        status::{Delivery, Status},
    },
};

/// The counts of each kind of event, in the order of [`Counts::NAMES`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts(pub [u64; 14]);

impl Counts {
    /// The names of the counts.
    pub const NAMES: [&'static str; 14] = [
        "started",
        "resent",
        "sent",
        "retried",
        "rejected",
        "dropped",
        "delivered",
        "undelivered",
        "wrong",
        "approved",
        "exhausted",
        "canceled",
        "expired",
        "failed",
    ];

    /// Counts one event.
    pub fn add(&mut self, kind: &EventKind) {
        let at = match kind {
            EventKind::Started(_) => 0,
            EventKind::Resent { .. } => 1,
            EventKind::MessageSent { .. } => 2,
            EventKind::MessageRetried { .. } => 3,
            EventKind::MessageRejected { failed, .. } => {
                self.0[13] += u64::from(*failed);
                4
            }
            EventKind::MessageDropped { .. } => 5,
            EventKind::Delivered { .. } => 6,
            EventKind::Undelivered { .. } => 7,
            EventKind::Receipt { delivery: Delivery::Delivered, .. } => 6,
            EventKind::Receipt { .. } => 7,
            EventKind::CheckWrong { .. } => 8,
            EventKind::Approved => 9,
            EventKind::Exhausted { .. } => {
                // The code that exhausts a verification is also a wrong code.
                self.0[8] += 1;
                10
            }
            EventKind::Canceled(_) => 11,
            EventKind::Expired => 12,
        };
        self.0[at] += 1;
    }
}

/// How many messages were sent, delivered and undelivered, and how many checks approved, in the order of
/// [`Conversions::NAMES`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conversions(pub [u64; 4]);

impl Conversions {
    /// The names of the counts.
    pub const NAMES: [&'static str; 4] = ["sent", "delivered", "undelivered", "approved"];

    fn place(kind: &EventKind) -> Option<usize> {
        Some(match kind {
            EventKind::MessageSent { .. } => 0,
            EventKind::Delivered { .. } | EventKind::Receipt { delivery: Delivery::Delivered, .. } => 1,
            EventKind::Undelivered { .. } | EventKind::Receipt { .. } => 2,
            EventKind::Approved => 3,
            _ => return None,
        })
    }

    /// Returns whether an event of this kind is counted.
    pub fn count(kind: &EventKind) -> bool {
        Self::place(kind).is_some()
    }

    /// Counts one event.
    pub fn add(&mut self, kind: &EventKind) {
        if let Some(place) = Self::place(kind) {
            self.0[place] += 1;
        }
    }
}

/// The rank of a status; the highest known one wins. The result of a check beats everything, and `expired`,
/// which is computed from the clock, gives way to anything that happened.
pub const fn rank(status: Status) -> u8 {
    match status {
        Status::Pending => 0,
        Status::Expired => 1,
        Status::Failed => 2,
        Status::Canceled => 3,
        Status::Exhausted => 4,
        Status::Approved => 5,
    }
}

/// The changes that some events of one verification make to its row.
#[derive(Clone, Debug)]
pub struct Change {
    /// The start and its time, if the events include it.
    pub started: Option<(Timestamp, Box<Started>)>,
    /// The status of the highest rank.
    pub status: Status,
    /// When a final status was reached; `None` while pending.
    pub ended_at: Option<Timestamp>,
    /// The number of wrong codes to add.
    pub checks: u8,
    /// The number of messages to add.
    pub sends: u8,
    /// The newest message. Message ids sort by time.
    pub message: Option<MessageId>,
    /// The delivery state of that message.
    pub delivery: Delivery,
    /// The provider that last accepted a message, and when.
    pub provider: Option<(Timestamp, String)>,
}

impl Default for Change {
    fn default() -> Self {
        Self {
            started: None,
            status: Status::Pending,
            ended_at: None,
            checks: 0,
            sends: 0,
            message: None,
            delivery: Delivery::Queued,
            provider: None,
        }
    }
}

impl Change {
    pub fn add(&mut self, event: Event) {
        let at = event.at;
        if let Some(message) = event.kind.message() {
            (self.message, self.delivery) = reached((self.message, self.delivery), message, &event.kind);
        }
        let status = status_after(self.status, &event.kind);
        if status != self.status {
            (self.status, self.ended_at) = (status, Some(at));
        }
        match event.kind {
            EventKind::Started(started) => {
                self.started = Some((at, started));
                self.sends += 1;
            }
            EventKind::Resent { .. } => self.sends += 1,
            EventKind::CheckWrong { .. } => self.checks += 1,
            EventKind::Exhausted { .. } => self.checks += 1,
            EventKind::MessageSent { provider, .. }
                if self.provider.as_ref().is_none_or(|(before, _)| *before <= at) =>
            {
                self.provider = Some((at, provider));
            }
            _ => {}
        }
    }
}

/// The status of a verification after one more event. Events may come in any order.
pub fn status_after(before: Status, kind: &EventKind) -> Status {
    let said = match kind {
        EventKind::Approved => Status::Approved,
        EventKind::Exhausted { .. } => Status::Exhausted,
        EventKind::Expired => Status::Expired,
        EventKind::Canceled(_) => Status::Canceled,
        EventKind::MessageRejected { failed: true, .. } => Status::Failed,
        _ => return before,
    };
    if rank(said) > rank(before) { said } else { before }
}

/// The newest message of a verification and its delivery state, after an event about `message`.
pub fn reached(
    (known, far): (Option<MessageId>, Delivery),
    message: MessageId,
    kind: &EventKind,
) -> (Option<MessageId>, Delivery) {
    let delivery = delivery(kind);
    let newer = known.is_none_or(|known| known < message);
    if newer || (known == Some(message) && reaches(delivery) > reaches(far)) {
        (Some(message), delivery)
    } else {
        (known, far)
    }
}

/// The rank of a delivery state; the highest known one wins. A provider may report a failure and later a
/// delivery, but never the other way round.
const fn reaches(delivery: Delivery) -> u8 {
    match delivery {
        Delivery::Queued => 0,
        Delivery::Sent => 1,
        Delivery::Undelivered => 2,
        Delivery::Delivered => 3,
    }
}

/// The delivery of the message, as this event reports it.
fn delivery(kind: &EventKind) -> Delivery {
    match kind {
        EventKind::Receipt { delivery, .. } => *delivery,
        EventKind::MessageSent { .. } => Delivery::Sent,
        EventKind::Delivered { .. } => Delivery::Delivered,
        EventKind::Undelivered { .. } | EventKind::MessageRejected { .. } => Delivery::Undelivered,
        _ => Delivery::Queued,
    }
}

/// The order in which a timeline shows events of the same millisecond.
pub const fn order(kind: &EventKind) -> u8 {
    match kind {
        EventKind::Started(_) => 0,
        EventKind::Resent { .. } => 1,
        EventKind::MessageRetried { .. } => 2,
        EventKind::MessageSent { .. } => 3,
        EventKind::MessageRejected { .. } => 4,
        EventKind::Delivered { .. } | EventKind::Undelivered { .. } | EventKind::Receipt { .. } => 5,
        EventKind::CheckWrong { .. } => 6,
        EventKind::Approved | EventKind::Exhausted { .. } | EventKind::Canceled(_) => 7,
        EventKind::Expired => 8,
        EventKind::MessageDropped { .. } => 9,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::EventId;

    fn event(second: i64, kind: EventKind) -> Event {
        let id = EventId::from_bytes([second as u8; 16]);
        Event { id, at: Timestamp::from_millis(1_000 * second), kind, who: None }
    }

    #[test]
    fn any_order_folds_to_the_same() {
        let (one, two) = (MessageId::from_bytes([1; 16]), MessageId::from_bytes([2; 16]));
        let sent = |message, provider: &str| EventKind::MessageSent { message, provider: provider.into() };
        let events = [
            event(1, sent(one, "a")),
            event(2, EventKind::CheckWrong { attempts_left: 4, in_row: 1, wait: None }),
            event(3, EventKind::Resent { message: two, send: 2, new_code: false }),
            event(4, sent(two, "b")),
            event(5, EventKind::Delivered { message: one }),
            event(6, EventKind::Approved),
            event(7, EventKind::Expired),
        ];
        let fold = |events: &mut dyn Iterator<Item = &Event>| {
            let mut change = Change::default();
            events.for_each(|event| change.add(event.clone()));
            format!("{change:?}")
        };
        let forward = fold(&mut events.iter());
        assert_eq!(forward, fold(&mut events.iter().rev()));
        let mut change = Change::default();
        events.iter().for_each(|event| change.add(event.clone()));
        assert_eq!((change.status, change.ended_at), (Status::Approved, Some(events[5].at)));
        assert_eq!((change.message, change.delivery), (Some(two), Delivery::Sent));
        assert_eq!((change.checks, change.sends), (1, 1));
        assert_eq!(change.provider, Some((events[3].at, "b".to_owned())));
    }

    #[test]
    fn what_arrived_after_all_is_delivered_whoever_says_what_first() {
        let message = MessageId::from_bytes([1; 16]);
        let receipt = |provider: &str, delivery| EventKind::Receipt {
            message,
            provider: provider.into(),
            delivery,
            code: "1".into(),
        };
        let mut kinds = [
            EventKind::MessageSent { message, provider: "a".into() },
            receipt("a", Delivery::Undelivered),
            receipt("b", Delivery::Delivered),
        ];
        for _ in 0..2 {
            let (mut change, mut counts) = (Change::default(), Counts::default());
            for kind in &kinds {
                change.add(event(1, kind.clone()));
                counts.add(kind);
            }
            assert_eq!(change.delivery, Delivery::Delivered);
            assert_eq!(change.provider.as_ref().map(|(_, name)| name.as_str()), Some("a"));
            assert_eq!((counts.0[2], counts.0[6], counts.0[7]), (1, 1, 1));
            kinds.reverse();
        }
    }

    #[test]
    fn a_last_wrong_code_counts_as_wrong_and_a_refusal_may_fail_it() {
        let mut counts = Counts::default();
        counts.add(&EventKind::Exhausted { in_row: 5, wait: None });
        let message = MessageId::from_bytes([1; 16]);
        let (provider, reason) = (String::new(), String::new());
        counts.add(&EventKind::MessageRejected { message, provider, reason, failed: true });
        let named = |name| counts.0[Counts::NAMES.iter().position(|n| *n == name).unwrap()];
        for name in ["wrong", "exhausted", "rejected", "failed"] {
            assert_eq!(named(name), 1, "{name}");
        }
        assert_eq!(counts.0.iter().sum::<u64>(), 4);
    }
}
