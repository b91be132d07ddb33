//! A check: one run of check.lua.

use super::{
    binding::{Binding, replayed},
    codes::RedisCodes,
    keys,
    reply::{CheckReply, Kind as _, Reply},
    script,
};
use countersign_core::{
    id::RecordKey,
    ports::{codes::acts::CheckFound, error::StoreError},
    verification::{
        event::ActEvent,
        guesses::GuessWait,
        idempotency::{Act, Answer, EVALUATED, Once, Outcome, Replay},
        outcome::CheckOutcome,
        request::SubmittedCode,
        status::Status,
    },
};
use redis::Value;
use std::time::Duration;

pub(super) async fn check(
    codes: &RedisCodes,
    key: RecordKey,
    code: SubmittedCode,
    event: ActEvent,
    once: Option<Once>,
) -> Result<Answer<Option<CheckFound>>, StoreError> {
    let binding = codes.store.bind(once.as_ref(), event.id).await?;
    if matches!(binding, Binding::Other) {
        return Ok(Answer::Replay(Replay::Mismatch));
    }
    let partition = key.id.partition();
    let mut names = vec![keys::verification(key), keys::events(partition), keys::none(partition)];
    names.extend(once.as_ref().map(|once| keys::outcome(partition, &once.slot)));
    let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
    let macs: Vec<u8> =
        code.macs.iter().flat_map(|mac| std::iter::once(mac.version).chain(mac.mac)).collect();
    let mut shape = vec![code.length, u8::from(code.fits_digits) + 2 * u8::from(code.fits_letters)];
    shape.extend(code.payment.iter().flatten());
    let head = once.as_ref().map_or_else(Vec::new, |once| once.head(Act::Check, key.id));
    let rewrite: &[u8] = if codes.approvals.is_some() { b"1" } else { b"" };
    let packed_event = event.pack();
    let mut args: Vec<&[u8]> = vec![&macs, &shape, &packed_event];
    if once.is_some() {
        args.extend([head.as_slice(), rewrite]);
    }
    let value = match &codes.approvals {
        None => codes.store.run(&script::CHECK, &names, &args).await?,
        Some(approvals) => approvals.run(&codes.store, &script::CHECK, partition, &names, &args).await?,
    };
    let answer = read_check(Reply::new(value)?, once.as_ref())?;
    if let Answer::Fresh(found) = &answer
        && !found.is_some_and(|found| EVALUATED.contains(&found.outcome))
    {
        codes.store.unbind(once.as_ref(), event.id).await;
    }
    Ok(answer)
}

/// Whether a reply of check.lua approves: this check, or the equal request that it repeats.
pub(super) fn is_approval(value: &Value) -> bool {
    let Value::Array(values) = value else { return false };
    match values.as_slice() {
        [Value::Int(number), rest @ ..] => match (CheckReply::from_number(*number), rest) {
            (Some(CheckReply::Approved), _) => true,
            (Some(CheckReply::Replay), [Value::BulkString(outcome)]) => Outcome::is_approval(outcome),
            _ => false,
        },
        _ => false,
    }
}

fn read_check(reply: Reply, once: Option<&Once>) -> Result<Answer<Option<CheckFound>>, StoreError> {
    let outcome = match reply.kind()? {
        CheckReply::Missing => return Ok(Answer::Fresh(None)),
        CheckReply::Replay => return replayed(once, reply.bytes(1)?),
        CheckReply::Ended => ended(reply.number(1)?),
        CheckReply::InvalidCode => CheckOutcome::InvalidCode,
        CheckReply::GuessLimit => {
            let wait = Duration::from_millis(reply.small(1)?);
            CheckOutcome::GuessLimit(GuessWait { wait, of_number: reply.number(3)? == 1 })
        }
        CheckReply::UnknownKeyVersion => CheckOutcome::UnknownKeyVersion,
        CheckReply::Approved => CheckOutcome::Approved,
        CheckReply::Wrong => CheckOutcome::Wrong,
        CheckReply::Exhausted => CheckOutcome::Exhausted,
        CheckReply::TransactionMismatch => CheckOutcome::TransactionMismatch,
    };
    Ok(Answer::Fresh(Some(CheckFound { outcome, attempts_left: reply.small(2)? })))
}

/// The result of a check of a verification that has ended with this status.
fn ended(status: i64) -> CheckOutcome {
    if status == Status::Approved as i64 {
        return CheckOutcome::AlreadyApproved;
    }
    let others = [Status::Canceled, Status::Exhausted, Status::Failed];
    let found = others.into_iter().find(|other| *other as i64 == status);
    CheckOutcome::Ended(found.unwrap_or(Status::Expired))
}
