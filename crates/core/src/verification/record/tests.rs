use super::*;
use crate::{
    code::Alphabet,
    pack::UnpackError,
    verification::{guesses::GuessWait, layout, request::NewCode},
};

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(1_790_000_000_000) + Duration::from_secs(seconds)
}

fn mac(version: u8, byte: u8) -> CodeMac {
    CodeMac { version, mac: [byte; 16] }
}

fn attempt(macs: &[CodeMac]) -> SubmittedCode {
    SubmittedCode { macs: macs.to_vec(), length: 6, fits_digits: true, fits_letters: false, payment: None }
}

fn right() -> SubmittedCode {
    attempt(&[mac(2, 0), mac(1, b'r')])
}

fn wrong() -> SubmittedCode {
    attempt(&[mac(2, 0), mac(1, b'w')])
}

fn record(resend: ResendPolicy) -> Record {
    Record {
        stored_status: Status::Pending,
        profile: ProfileId::from_bytes([1; 16]),
        number: Fingerprint([2; 16]),
        created_at: at(0),
        expires_at: at(300),
        resend_at: at(30),
        checks: 0,
        max_checks: 5,
        sends: 1,
        max_sends: 5,
        resend,
        shape: CodeShape { length: 6, alphabet: Alphabet::Digits },
        mac: mac(1, b'r'),
        previous_mac: None,
        delivery: Delivery::Queued,
        accepted: false,
        expires_at_check: false,
        review: false,
        source: Source([7; 4]),
        message: MessageId::from_bytes([3; 16]),
        contact: vec![4; 50],
        code: vec![5; 46],
        judged: None,
        payment: None,
    }
}

impl Record {
    /// A check for a phone number without earlier wrong codes.
    fn try_code(&mut self, code: &SubmittedCode, now: Timestamp) -> CheckOutcome {
        self.check(code, &mut Guesses::default(), now).0
    }
}

fn resend(sends_seen: u8, new: Option<u8>) -> Resend {
    let new_code = new.map(|byte| NewCode { mac: mac(1, byte), sealed: vec![byte] });
    Resend { sends_seen, new_code, message: MessageId::from_bytes([9; 16]), takes: Vec::new(), pool: None }
}

#[test]
fn the_right_code_counts_once() {
    let mut record = record(ResendPolicy::Same);
    assert_eq!(record.try_code(&right(), at(1)), CheckOutcome::Approved);
    assert!(record.code.is_empty(), "the sealed code goes with the end");
    assert_eq!(record.try_code(&right(), at(1)), CheckOutcome::AlreadyApproved);
    assert_eq!(record.try_code(&wrong(), at(400)), CheckOutcome::AlreadyApproved);
}

#[test]
fn five_wrong_codes_end_it_and_the_right_one_comes_too_late() {
    let mut record = record(ResendPolicy::Same);
    for left in [4, 3, 2, 1] {
        assert_eq!(record.try_code(&wrong(), at(1)), CheckOutcome::Wrong);
        assert_eq!(record.attempts_left(), left);
    }
    assert_eq!(record.try_code(&wrong(), at(1)), CheckOutcome::Exhausted);
    assert_eq!(record.try_code(&right(), at(1)), CheckOutcome::Ended(Status::Exhausted));
}

#[test]
fn a_wait_for_wrong_codes_stands_behind_the_state_and_before_the_code() {
    let mut guesses = Guesses::default();
    for _ in 0..5 {
        assert_eq!(record(ResendPolicy::Same).check(&wrong(), &mut guesses, at(1)).0, CheckOutcome::Wrong);
    }
    let mut record = record(ResendPolicy::Same);
    let wait = GuessWait { wait: Duration::from_secs(15), of_number: false };
    for code in [right(), wrong()] {
        assert_eq!(record.check(&code, &mut guesses, at(1)), (CheckOutcome::GuessLimit(wait), None));
    }
    assert_eq!(record.attempts_left(), 5);
    let mut elsewhere = Record { source: Source([8; 4]), ..record.clone() };
    let short = SubmittedCode { length: 5, ..right() };
    assert_eq!(record.check(&short, &mut guesses, at(1)).0, CheckOutcome::InvalidCode);
    assert_eq!(elsewhere.check(&right(), &mut guesses, at(1)).0, CheckOutcome::Approved);
    assert_eq!(guesses, Guesses::default(), "an approval begins the count anew");
    let (outcome, event) = record.check(&wrong(), &mut guesses, at(1));
    assert_eq!(outcome, CheckOutcome::Wrong);
    assert_eq!(event, Some(EventKind::CheckWrong { attempts_left: 4, in_row: 1, wait: None }));
    let ended = record.check(&right(), &mut guesses, at(300)).0;
    assert_eq!(ended, CheckOutcome::Ended(Status::Expired), "an ended one says so before any wait");
}

#[test]
fn what_cannot_be_the_code_costs_no_try() {
    let mut record = record(ResendPolicy::Same);
    let short = SubmittedCode { length: 5, ..right() };
    let letters = SubmittedCode { fits_digits: false, fits_letters: true, ..right() };
    assert_eq!(record.try_code(&short, at(1)), CheckOutcome::InvalidCode);
    assert_eq!(record.try_code(&letters, at(1)), CheckOutcome::InvalidCode);
    assert_eq!(record.attempts_left(), 5);
}

#[test]
fn an_unknown_key_version_is_no_wrong_code() {
    let mut record = record(ResendPolicy::Same);
    assert_eq!(record.try_code(&attempt(&[mac(2, b'r')]), at(1)), CheckOutcome::UnknownKeyVersion);
    assert_eq!(record.attempts_left(), 5);
}

#[test]
fn the_clock_ends_it_at_expires_at() {
    let mut record = record(ResendPolicy::Same);
    assert_eq!(record.clone().try_code(&right(), at(299)), CheckOutcome::Approved);
    assert_eq!(record.try_code(&right(), at(300)), CheckOutcome::Ended(Status::Expired));
    assert_eq!(record.resend(&resend(1, None), at(300)), ResendOutcome::Ended(Status::Expired));
    assert_eq!(record.cancel(at(300)), CancelOutcome::Ended(Status::Expired));
}

#[test]
fn test_mode_can_expire_at_the_first_check() {
    let mut record = Record { expires_at_check: true, ..record(ResendPolicy::Same) };
    assert_eq!(record.status(at(1)), Status::Pending);
    assert_eq!(record.try_code(&right(), at(1)), CheckOutcome::Ended(Status::Expired));
    assert_eq!(record.status(at(1)), Status::Expired);
}

#[test]
fn resend_same_keeps_the_code_and_expires_at() {
    let mut record = record(ResendPolicy::Same);
    assert_eq!(record.resend(&resend(1, None), at(29)), ResendOutcome::TooSoon(Duration::from_secs(1)));
    assert_eq!(record.resend(&resend(1, None), at(30)), ResendOutcome::Queued);
    assert_eq!((record.sends, record.expires_at, record.resend_at), (2, at(300), at(70)));
    assert_eq!(record.try_code(&right(), at(31)), CheckOutcome::Approved);
}

#[test]
fn cooldowns_grow_and_sends_end() {
    let mut record = record(ResendPolicy::Same);
    for (sends, time) in [(1, 30), (2, 70), (3, 130), (4, 220)] {
        let early = record.resend(&resend(sends, None), at(time - 1));
        assert_eq!(early, ResendOutcome::TooSoon(Duration::from_secs(1)));
        assert_eq!(record.resend(&resend(sends, None), at(time)), ResendOutcome::Queued);
    }
    assert_eq!(record.resend(&resend(5, None), at(299)), ResendOutcome::SendsExhausted);
    assert_eq!(record.sends_left(), 0);
}

#[test]
fn resend_new_voids_the_old_code_and_keep_previous_keeps_exactly_one() {
    let mut new = record(ResendPolicy::New);
    assert_eq!(new.resend(&resend(1, Some(b'2')), at(30)), ResendOutcome::Queued);
    assert_eq!(new.try_code(&right(), at(31)), CheckOutcome::Wrong);
    assert_eq!(new.try_code(&attempt(&[mac(1, b'2')]), at(31)), CheckOutcome::Approved);

    let mut keep = record(ResendPolicy::NewKeepPrevious);
    assert_eq!(keep.resend(&resend(1, Some(b'2')), at(30)), ResendOutcome::Queued);
    assert_eq!(keep.clone().try_code(&right(), at(31)), CheckOutcome::Approved);
    assert_eq!(keep.resend(&resend(2, Some(b'3')), at(70)), ResendOutcome::Queued);
    assert_eq!(keep.clone().try_code(&attempt(&[mac(1, b'2')]), at(71)), CheckOutcome::Approved);
    assert_eq!(keep.try_code(&right(), at(71)), CheckOutcome::Wrong, "the one before the previous is void");
}

#[test]
fn a_resend_after_another_must_read_again() {
    let mut record = record(ResendPolicy::New);
    record.sends = 2;
    assert_eq!(record.resend(&resend(1, Some(b'2')), at(100)), ResendOutcome::Changed);
}

#[test]
fn a_clock_that_stepped_back_makes_no_time_longer_than_its_rule() {
    let (mut record, back) = (record(ResendPolicy::Same), at(0) - Duration::from_secs(3_600));
    record.pull_back(back);
    assert_eq!(record.expires_at, back + Duration::from_secs(300));
    let wait = Duration::from_secs(20);
    let outcome = record.resend(&resend(1, None), back + Duration::from_secs(10));
    assert_eq!(outcome, ResendOutcome::TooSoon(wait), "and it counts down");
    let before = record.clone();
    record.pull_back(back + wait);
    assert_eq!(record, before, "what lies within its rule stays");
}

#[test]
fn failed_means_that_no_message_was_ever_accepted() {
    let rejected = || Settlement::Rejected { provider: "relay".into(), reason: "HTTP 400".into() };
    let accepted =
        || Settlement::Accepted { provider: "relay".into(), receipt: None, awaited: None, id: None };

    let mut never = record(ResendPolicy::Same);
    let event = never.settle((never.message, Phase::Send), rejected(), at(1));
    assert!(matches!(event, Some(EventKind::MessageRejected { failed: true, .. })));
    assert_eq!(never.try_code(&right(), at(2)), CheckOutcome::Ended(Status::Failed));

    let mut once = record(ResendPolicy::Same);
    let first = once.message;
    let _ = once.settle((first, Phase::Send), accepted(), at(1));
    assert_eq!(once.resend(&resend(1, None), at(30)), ResendOutcome::Queued);
    let event = once.settle((once.message, Phase::Send), rejected(), at(31));
    assert!(matches!(event, Some(EventKind::MessageRejected { failed: false, .. })));
    assert_eq!(once.status(at(31)), Status::Pending, "the first message is out there");
}

#[test]
fn a_late_answer_about_an_older_message_moves_nothing_but_the_proof() {
    let mut record = record(ResendPolicy::Same);
    let first = record.message;
    assert_eq!(record.resend(&resend(1, None), at(30)), ResendOutcome::Queued);
    let _ = record.settle(
        (first, Phase::Send),
        Settlement::Accepted { provider: "relay".into(), receipt: None, awaited: None, id: None },
        at(31),
    );
    assert_eq!(record.delivery, Delivery::Queued);
    assert!(record.accepted);
}

#[test]
fn an_answer_after_the_end_changes_no_status() {
    let mut record = record(ResendPolicy::Same);
    assert_eq!(record.try_code(&right(), at(1)), CheckOutcome::Approved);
    let _ = record.settle(
        (record.message, Phase::Send),
        Settlement::Rejected { provider: "r".into(), reason: "x".into() },
        at(2),
    );
    assert_eq!(record.status(at(2)), Status::Approved);
}

#[test]
fn a_check_for_another_payment_voids_the_code() {
    let mark = |byte| Some([byte; 16]);
    for (made_for, given) in [(mark(1), None), (mark(1), mark(2)), (None, mark(1))] {
        for code in [right(), wrong()] {
            let mut record = Record { payment: made_for, ..record(ResendPolicy::Same) };
            let submitted = SubmittedCode { payment: given, ..code };
            let (outcome, event) = record.check(&submitted, &mut Guesses::default(), at(1));
            assert_eq!(outcome, CheckOutcome::TransactionMismatch);
            assert_eq!(event, Some(EventKind::Canceled(CancelReason::TransactionMismatch)));
            assert_eq!((record.attempts_left(), record.code.is_empty(), record.payment), (5, true, None));
            let again = SubmittedCode { payment: made_for, ..right() };
            assert_eq!(record.try_code(&again, at(1)), CheckOutcome::Ended(Status::Canceled));
        }
    }
    let paid = Record { payment: mark(1), ..record(ResendPolicy::Same) };
    let given = |code| SubmittedCode { payment: mark(1), ..code };
    assert_eq!(paid.clone().try_code(&given(right()), at(1)), CheckOutcome::Approved);
    assert_eq!(paid.clone().try_code(&given(wrong()), at(1)), CheckOutcome::Wrong);
    // A text that cannot be the code gets `InvalidCode`, and an ended verification its status.
    let short = SubmittedCode { length: 5, ..wrong() };
    assert_eq!(paid.clone().try_code(&short, at(1)), CheckOutcome::InvalidCode);
    assert_eq!(paid.clone().try_code(&wrong(), at(300)), CheckOutcome::Ended(Status::Expired));
}

#[test]
fn a_message_that_somebody_has_neither_fails_nor_goes_back() {
    let accepted = |provider: &str| Settlement::Accepted {
        provider: provider.into(),
        receipt: None,
        awaited: None,
        id: None,
    };
    let rejected = || Settlement::Rejected { provider: "b".into(), reason: "no".into() };
    let mut record = record(ResendPolicy::Same);
    let message = record.message;
    let awaited = (message, Phase::Await(1));
    // The receipt came before the provider's answer.
    assert!(record.receive(message, Delivery::Undelivered));
    let _ = record.settle((message, Phase::Send), accepted("a"), at(1));
    assert_eq!((record.delivery, record.accepted), (Delivery::Undelivered, true));
    let event = record.settle(awaited, rejected(), at(20));
    assert!(matches!(event, Some(EventKind::MessageRetried { after: Duration::ZERO, .. })));
    assert_eq!(record.status(at(20)), Status::Pending);
    let _ = record.settle(awaited, accepted("c"), at(21));
    assert_eq!(record.delivery, Delivery::Sent, "another one has it now");
    assert!(!record.needs_no_provider(message, at(22)));
    assert_eq!(record.settle(awaited, Settlement::GaveUp, at(23)), None);
    assert!(record.receive(message, Delivery::Delivered));
    assert!(record.needs_no_provider(message, at(24)));
    for phase in [Phase::Send, Phase::Await(2)] {
        let _ = record.settle((message, phase), accepted("d"), at(25));
        let _ = record.settle((message, phase), rejected(), at(25));
        assert_eq!(record.delivery, Delivery::Delivered);
    }
}

#[test]
fn receipts_move_the_newest_message_forward_only() {
    let (mut record, newest) = (record(ResendPolicy::Same), MessageId::from_bytes([9; 16]));
    let first = record.message;
    assert_eq!(record.resend(&resend(1, None), at(30)), ResendOutcome::Queued);
    assert!(!record.receive(first, Delivery::Delivered), "of an older one");
    assert_eq!(record.delivery, Delivery::Queued);
    for (delivery, said, then) in [
        (Delivery::Undelivered, true, Delivery::Undelivered),
        (Delivery::Undelivered, false, Delivery::Undelivered),
        (Delivery::Delivered, true, Delivery::Delivered),
        (Delivery::Delivered, false, Delivery::Delivered),
        (Delivery::Undelivered, false, Delivery::Delivered),
    ] {
        assert_eq!((record.receive(newest, delivery), record.delivery), (said, then));
    }
}

#[test]
fn a_receipt_is_proof_that_somebody_took_the_message() {
    let mut record = record(ResendPolicy::Same);
    let message = record.message;
    assert!(record.receive(message, Delivery::Undelivered));
    let rejected = Settlement::Rejected { provider: "a".into(), reason: "no answer".into() };
    let event = record.settle((message, Phase::Send), rejected, at(5));
    assert!(matches!(event, Some(EventKind::MessageRejected { failed: false, .. })));
    assert_eq!(record.status(at(5)), Status::Pending);
}

#[test]
fn phases_are_numbers() {
    for number in 0..=10 {
        assert_eq!(Phase::from_number(number).unwrap().number(), number);
    }
    assert_eq!(Phase::from_number(11), None);
    assert_eq!((Phase::Await(0).number(), Phase::Await(99).number()), (3, 10));
}

#[test]
fn packed_form_round_trips_and_stays_small() {
    let mut record = record(ResendPolicy::NewKeepPrevious);
    assert!(record.pack().len() <= 200, "{}", record.pack().len());
    record.previous_mac = Some(mac(2, b'p'));
    let packed = record.pack();
    assert_eq!(Record::unpack(&packed), Ok(record.clone()));
    let mut future = packed.clone();
    future[0] = 5;
    assert_eq!(Record::unpack(&future), Err(UnpackError::Future(5)));
    for length in 0..packed.len() {
        assert_eq!(Record::unpack(&packed[..length]), Err(UnpackError::Damaged), "{length}");
    }
    record.judged = Some([9; 8]);
    assert_eq!(Record::unpack(&record.pack()), Ok(record.clone()));
    for status in [
        Status::Pending,
        Status::Approved,
        Status::Canceled,
        Status::Expired,
        Status::Exhausted,
        Status::Failed,
    ] {
        for payment in [None, Some([8; 16])] {
            (record.stored_status, record.payment) = (status, payment);
            assert_eq!(Record::unpack(&record.pack()), Ok(record.clone()));
        }
    }
}

/// The exact bytes of formats 1 to 4. A reordered enum or field would survive packing and unpacking, and
/// still misread what an older release has stored.
#[test]
fn the_packed_form_is_what_it_was() {
    let mut record = record(ResendPolicy::NewKeepPrevious);
    record.previous_mac = Some(mac(2, 0x77));
    record.mac = mac(1, 0x66);
    (record.contact, record.code) = (vec![0xc0; 2], vec![0xcd; 3]);
    record.accepted = true;
    record.delivery = Delivery::Sent;
    let packed: String = record.pack().iter().map(|byte| format!("{byte:02x}")).collect();
    let times = "01a0c4506c0001a0c454ffe001a0c450e130";
    let ids = ["01".repeat(16), "02".repeat(16), "03".repeat(16)].concat();
    let macs = format!("01{}02{}", "66".repeat(16), "77".repeat(16));
    let of =
        |format, source| format!("{format}00010201{times}000501050600{ids}{source}{macs}0002c0c00003cdcdcd");
    assert_eq!(packed, of("03", "07070707"));
    let bytes = |hex: String| -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
    };
    let judged = bytes(of("03", "07070707") + &"0a".repeat(8));
    assert_eq!(Record::unpack(&judged), Ok(Record { judged: Some([10; 8]), ..record.clone() }));
    let paid = bytes(of("04", "07070707") + &"0b".repeat(16) + &"0a".repeat(8));
    let expected = Record { payment: Some([11; 16]), judged: Some([10; 8]), ..record.clone() };
    assert_eq!((Record::unpack(&paid), expected.pack()), (Ok(expected), paid));
    assert_eq!(Record::unpack(&bytes(of("02", "07070707"))), Ok(record.clone()));
    assert_eq!(Record::unpack(&bytes(of("01", ""))), Ok(Record { source: Source::default(), ..record }));
}

/// The scripts rely on the table of positions. The reader does not use it: it reads one field after the
/// other.
#[test]
fn each_field_begins_where_the_table_says() {
    let first = Record { mac: mac(3, b'r'), sends: 2, ..record(ResendPolicy::NewKeepPrevious) };
    let packed = first.pack();
    let change = |name: &str| {
        let field = layout::RECORD.iter().find(|field| field.name == name).unwrap();
        let mut packed = packed.clone();
        packed[field.first - 1..field.last()].fill(1);
        // Any other byte of a time would change it by years, so only the last byte is used.
        if field.length == 6 {
            packed[field.first - 1..field.last() - 1].fill(0);
        }
        Record::unpack(&packed)
    };
    let time = Timestamp::from_millis(1);
    for (name, expected) in [
        ("status", Record { stored_status: Status::Approved, ..first.clone() }),
        ("delivery", Record { delivery: Delivery::Sent, ..first.clone() }),
        ("resend", Record { resend: ResendPolicy::New, ..first.clone() }),
        ("flags", Record { accepted: true, ..first.clone() }),
        ("created_at", Record { created_at: time, ..first.clone() }),
        ("expires_at", Record { expires_at: time, ..first.clone() }),
        ("resend_at", Record { resend_at: time, ..first.clone() }),
        ("checks", Record { checks: 1, ..first.clone() }),
        ("max_checks", Record { max_checks: 1, ..first.clone() }),
        ("sends", Record { sends: 1, ..first.clone() }),
        ("max_sends", Record { max_sends: 1, ..first.clone() }),
        ("length", Record { shape: CodeShape { length: 1, ..first.shape }, ..first.clone() }),
        (
            "alphabet",
            Record { shape: CodeShape { alphabet: Alphabet::Letters, ..first.shape }, ..first.clone() },
        ),
        ("profile", Record { profile: ProfileId::from_bytes([1; 16]), ..first.clone() }),
        ("number", Record { number: Fingerprint([1; 16]), ..first.clone() }),
        ("message", Record { message: MessageId::from_bytes([1; 16]), ..first.clone() }),
        ("source", Record { source: Source([1; 4]), ..first.clone() }),
        ("mac_version", Record { mac: mac(1, b'r'), ..first.clone() }),
        ("mac", Record { mac: mac(3, 1), ..first.clone() }),
    ] {
        assert_eq!(change(name), Ok(expected), "{name}");
    }
    assert_eq!((layout::RECORD[0].name, packed[0]), ("format", 3));
    assert_eq!(
        layout::RECORD.last().unwrap().last(),
        packed.len() - 2 - first.contact.len() - 2 - first.code.len()
    );
}

#[test]
fn an_erasure_takes_the_person_out_and_ends_what_is_pending() {
    let previous_mac = Some(mac(1, b'p'));
    let started =
        Record { previous_mac, payment: Some([9; 16]), judged: Some([8; 8]), ..record(ResendPolicy::Same) };
    let approved = Record { stored_status: Status::Approved, ..started.clone() };
    for (mut record, now, outcome, status) in [
        (started.clone(), at(0), CancelOutcome::Canceled, Status::Canceled),
        (started, at(300), CancelOutcome::Ended(Status::Expired), Status::Expired),
        (approved, at(0), CancelOutcome::Ended(Status::Approved), Status::Approved),
    ] {
        assert_eq!((record.erase(now), record.status(now)), (outcome, status));
        assert!(record.contact.is_empty() && record.code.is_empty());
        assert_eq!((record.previous_mac, record.payment, record.judged), (None, None, None));
    }
}
