//! Remembers the messages with several parts until their receipts have arrived.
//!
//! Such a message has the id of its first part. It is undelivered as soon as one part is, and delivered when
//! the last part is. This memory is not stored: for a message that another process sent, or that was
//! forgotten, the receipt of the first part decides.

use super::receipt::Receipt;
use crate::receipt::{Report, ReportOutcome as Outcome};
use countersign_core::verification::receipt::ids_alike;
use std::collections::{HashMap, HashSet, VecDeque};

/// The maximum number of messages. When it is reached, the oldest is forgotten.
const MAX_MESSAGES: usize = 10_000;

/// The part of a message that a `submit_sm` carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// The number of one sending of one message in this process.
    pub(super) message: u64,
    /// The number of parts.
    pub(super) total: u8,
}

#[derive(Debug)]
struct Message {
    /// The ids that the SMSC gave the parts, in order.
    ids: Vec<String>,
    total: u8,
    delivered: HashSet<String>,
    ended: bool,
}

/// The messages, and the number of the message for each id.
#[derive(Debug, Default)]
pub(super) struct Parts {
    messages: HashMap<u64, Message>,
    by_id: HashMap<String, u64>,
    order: VecDeque<u64>,
}

impl Parts {
    /// Saves the id of an accepted part. Parts are accepted in their order.
    pub(super) fn note(&mut self, part: Part, id: &str) {
        let message = self.messages.entry(part.message).or_insert_with(|| {
            self.order.push_back(part.message);
            Message { ids: Vec::new(), total: part.total, delivered: HashSet::new(), ended: false }
        });
        message.ids.push(id.to_owned());
        self.by_id.insert(ids_alike(id), part.message);
        if self.order.len() > MAX_MESSAGES
            && let Some(oldest) = self.order.pop_front()
        {
            self.forget(oldest);
        }
    }

    fn forget(&mut self, number: u64) {
        for id in self.messages.remove(&number).into_iter().flat_map(|message| message.ids) {
            // If the SMSC uses an id again, the id means the newer message.
            let id = ids_alike(&id);
            if self.by_id.get(&id) == Some(&number) {
                self.by_id.remove(&id);
            }
        }
    }

    /// Turns the receipt of one `submit_sm` into a report about the whole message. Returns `None` while
    /// receipts of other parts are missing, or if the outcome was reported before.
    pub(super) fn report(&mut self, receipt: Receipt) -> Option<Report> {
        let Receipt { id, outcome, code, .. } = receipt;
        let alike = ids_alike(&id);
        let found = self.by_id.get(&alike).and_then(|number| self.messages.get_mut(number));
        let Some(message) = found else { return Some(report(id, outcome, code)) };
        let first = message.ids.first()?.clone();
        if message.ended {
            return None;
        }
        match outcome {
            Outcome::Progress => return Some(report(first, outcome, code)),
            Outcome::Undelivered => message.ended = true,
            Outcome::Delivered => {
                message.delivered.insert(alike);
                message.ended = message.delivered.len() >= message.total.into();
            }
        }
        message.ended.then(|| report(first, outcome, code))
    }
}

fn report(id: String, outcome: Outcome, code: String) -> Report {
    Report { reference: None, id: Some(id), outcome, code }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outcome::{Delivered, Progress, Undelivered};

    fn three() -> Parts {
        let mut parts = Parts::default();
        for id in ["a", "b", "c"] {
            parts.note(Part { message: 1, total: 3 }, id);
        }
        parts
    }

    fn told(parts: &mut Parts, id: &str, outcome: Outcome) -> Option<(String, Outcome)> {
        let report = parts.report(Receipt::of(id, outcome, ""))?;
        Some((report.id?, report.outcome))
    }

    #[test]
    fn a_message_is_delivered_with_its_last_part() {
        let mut parts = three();
        for (id, outcome, expected) in [
            ("b", Delivered, None),
            ("B", Delivered, None),
            ("c", Progress, Some(("a".to_owned(), Progress))),
            ("a", Delivered, None),
            ("c", Delivered, Some(("a".to_owned(), Delivered))),
            ("c", Delivered, None),
        ] {
            assert_eq!(told(&mut parts, id, outcome), expected, "{id}");
        }
    }

    #[test]
    fn a_message_is_undelivered_with_its_first_part_that_is() {
        let mut parts = three();
        assert_eq!(told(&mut parts, "a", Delivered), None);
        assert_eq!(told(&mut parts, "c", Undelivered), Some(("a".to_owned(), Undelivered)));
        assert_eq!(told(&mut parts, "b", Undelivered), None);
        assert_eq!(told(&mut parts, "other", Undelivered), Some(("other".to_owned(), Undelivered)));
    }

    #[test]
    fn old_messages_are_forgotten() {
        let mut parts = Parts::default();
        for message in 0..20_000 {
            parts.note(Part { message, total: 2 }, &format!("{message}-1"));
            parts.note(Part { message, total: 2 }, &format!("{message}-2"));
        }
        assert_eq!((parts.messages.len(), parts.by_id.len()), (MAX_MESSAGES, 2 * MAX_MESSAGES));
        assert_eq!(told(&mut parts, "1-1", Delivered), Some(("1-1".to_owned(), Delivered)));
        assert_eq!(told(&mut parts, "19999-1", Delivered), None);
    }
}
