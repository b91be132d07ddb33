//! The numbers that scripts call by name.
//!
//! A script has a name between two `@`. The number takes its place before a server gets the script,
//! so it costs nothing there. Names of fields come from the tables of layouts, the others from the
//! enums and constants of core.

use super::{layout, member, reply};
use countersign_core::{
    code::Alphabet,
    id::MessageId,
    people::pool::PoolCount,
    tenant::profile::ResendPolicy,
    verification::{
        event::EventKind,
        guesses::MOST_SOURCES,
        idempotency::{self, EVALUATED},
        layout::{COUNT, Field, GUESSES, NUMBER_RECORD, RECORD, SOURCE_COUNT, STANDING, flag, format},
        number::{KEPT_STARTS, MOST_STANDING},
        outcome::CheckOutcome,
        receipt::Match,
        settlement::Phase,
        status::{CancelReason, Delivery, DropReason, Status},
        times::KEPT_AFTER_EXPIRY,
    },
};
use std::{collections::HashMap, sync::LazyLock, time::Duration};

static NAMES: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
    let mut names = HashMap::new();
    for (value, fields) in tables() {
        for field in fields {
            let name = format!("{value}.{}", field.name);
            names.insert(format!("{name}.last"), field.last().to_string());
            names.insert(format!("{name}.length"), field.length.to_string());
            names.insert(name, field.first.to_string());
        }
        let bytes = fields.last().map_or(0, |field| field.last());
        names.insert(format!("{value}.bytes"), bytes.to_string());
    }
    names.extend(numbers().into_iter().map(|(name, number)| (name.to_owned(), number.to_string())));
    names.extend(reply::NAMES.iter().map(|(name, number)| ((*name).to_owned(), number.to_string())));
    names.extend(events().into_iter().map(|(name, begins)| (name.to_owned(), lua_string(&begins))));
    names
});

/// The script with a number in the place of each name. An unknown name stays: a test finds it, and a
/// server refuses the script.
pub fn fill(script: &str) -> String {
    let mut filled = String::with_capacity(script.len());
    let mut parts = script.split('@');
    filled.extend(parts.next());
    while let (Some(name), Some(text)) = (parts.next(), parts.next()) {
        match NAMES.get(name) {
            Some(number) => filled.push_str(number),
            None => filled.extend(["@", name, "@"]),
        }
        filled.push_str(text);
    }
    filled
}

fn tables() -> Vec<(&'static str, &'static [Field])> {
    vec![
        ("Record", &RECORD),
        ("NumberRecord", &NUMBER_RECORD),
        ("Standing", &STANDING),
        ("Guesses", &GUESSES),
        ("Count", &COUNT),
        ("SourceCount", &SOURCE_COUNT),
        ("Key", &layout::KEY),
        ("Member", &layout::MEMBER),
        ("Lined", &layout::LINED),
        ("Entry", &layout::ENTRY),
        ("Kept", &layout::KEPT),
        ("Match", &layout::MATCH),
        ("Parked", &layout::PARKED),
        ("Slot", &layout::SLOT),
        ("Exclusive", &layout::EXCLUSIVE),
        ("Limit", &layout::LIMIT),
        ("Room", &layout::ROOM),
        ("Submitted", &layout::SUBMITTED),
        ("Mac", &layout::MAC),
        ("EventId", &layout::EVENT_ID),
        ("Time", &layout::TIME),
        ("Blob", &layout::BLOB),
        ("Payment", &layout::PAYMENT),
    ]
}

fn numbers() -> Vec<(&'static str, u64)> {
    let evaluated = |outcome| EVALUATED.iter().position(|one| *one == outcome).unwrap_or(EVALUATED.len());
    let millis = |time: Duration| time.as_millis() as u64;
    vec![
        ("Status.pending", Status::Pending as u64),
        ("Status.approved", Status::Approved as u64),
        ("Status.canceled", Status::Canceled as u64),
        ("Status.expired", Status::Expired as u64),
        ("Status.exhausted", Status::Exhausted as u64),
        ("Status.failed", Status::Failed as u64),
        ("Delivery.queued", Delivery::Queued as u64),
        ("Delivery.sent", Delivery::Sent as u64),
        ("Delivery.delivered", Delivery::Delivered as u64),
        ("Delivery.undelivered", Delivery::Undelivered as u64),
        ("Flag.accepted", flag::ACCEPTED.into()),
        ("Flag.expires_at_check", flag::EXPIRES_AT_CHECK.into()),
        ("Flag.review", flag::REVIEW.into()),
        ("ResendPolicy.new_keep_previous", ResendPolicy::NewKeepPrevious as u64),
        ("Alphabet.digits", Alphabet::Digits as u64),
        ("Phase.send", Phase::Send.number().into()),
        ("Phase.delivered", Phase::Receipt(Delivery::Delivered).number().into()),
        ("Phase.undelivered", Phase::Receipt(Delivery::Undelivered).number().into()),
        // The first of these phases; those after more providers are greater.
        ("Phase.await", Phase::Await(1).number().into()),
        ("Claim.held", member::HELD.into()),
        ("DropReason.verification_over", reason_number(DropReason::VerificationOver)),
        ("DropReason.superseded", reason_number(DropReason::Superseded)),
        ("Evaluated.approved", evaluated(CheckOutcome::Approved) as u64),
        ("Evaluated.wrong", evaluated(CheckOutcome::Wrong) as u64),
        ("Evaluated.exhausted", evaluated(CheckOutcome::Exhausted) as u64),
        ("Evaluated.transaction_mismatch", evaluated(CheckOutcome::TransactionMismatch) as u64),
        ("Format.record", format::RECORD.into()),
        ("Format.record_with_payment", format::RECORD_WITH_PAYMENT.into()),
        ("Format.number_record", format::NUMBER_RECORD.into()),
        ("Format.match", Match::default().pack().first().copied().unwrap_or_default().into()),
        ("Millis.kept_after_expiry", millis(KEPT_AFTER_EXPIRY)),
        ("Millis.outcome_kept", millis(idempotency::KEPT)),
        ("Millis.pool_kept", millis(PoolCount::KEPT)),
        ("Most.starts", KEPT_STARTS as u64),
        ("Most.standing", MOST_STANDING as u64),
        ("Most.sources", MOST_SOURCES as u64),
    ]
}

const NO_MESSAGE: MessageId = MessageId::from_bytes([0; 16]);

fn reason_number(reason: DropReason) -> u64 {
    EventKind::MessageDropped { message: NO_MESSAGE, reason }
        .pack()
        .last()
        .copied()
        .unwrap_or_default()
        .into()
}

/// How the packed events begin that scripts make: with the format and the kind.
fn events() -> Vec<(&'static str, Vec<u8>)> {
    let (in_row, wait, message) = (0, None, NO_MESSAGE);
    [
        ("Event.resent", EventKind::Resent { message, send: 0, new_code: false }),
        ("Event.check_wrong", EventKind::CheckWrong { attempts_left: 0, in_row, wait }),
        ("Event.approved", EventKind::Approved),
        ("Event.exhausted", EventKind::Exhausted { in_row, wait }),
        ("Event.canceled", EventKind::Canceled(CancelReason::Client)),
        ("Event.transaction_mismatch", EventKind::Canceled(CancelReason::TransactionMismatch)),
        ("Event.dropped", EventKind::MessageDropped { message, reason: DropReason::Superseded }),
    ]
    .map(|(name, kind)| (name, kind.pack().into_iter().take(2).collect()))
    .into()
}

fn lua_string(bytes: &[u8]) -> String {
    let escaped: String = bytes.iter().map(|byte| format!("\\{byte:03}")).collect();
    format!("'{escaped}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_take_the_places_of_names() {
        let filled = fill("byte(record, @Record.checks@) == @Status.approved@ .. @Event.canceled@");
        assert_eq!(filled, "byte(record, 24) == 1 .. '\\001\\006'");
        assert_eq!(fill("@Record.message@, @Record.message.last@, @Record.message.length@"), "62, 77, 16");
        assert_eq!(fill("@Record.bytes@ @CheckReply.Approved@"), "99 5");
        assert_eq!(fill("@Record.nothing@ + 1"), "@Record.nothing@ + 1");
    }

    #[test]
    fn no_name_is_left_over() {
        for script in super::super::script::ALL {
            assert!(!script.text().contains('@'), "{}", script.text());
        }
    }
}
