//! A resend: the limits that live on other servers, then resend.lua.

use super::{
    binding::{Binding, replayed},
    codes::RedisCodes,
    keys,
    reply::{Reply, ResendReply},
    script,
    store::{text, unpack},
};
use countersign_core::{
    id::RecordKey,
    ports::{codes::acts::Seen, error::StoreError},
    verification::{
        event::ActEvent,
        idempotency::{Act, Answer, Once, Replay},
        outcome::ResendOutcome,
        request::Resend,
    },
};
use futures_util::future::join;
use std::time::Duration;

pub(super) async fn resend(
    codes: &RedisCodes,
    key: RecordKey,
    resend: Resend,
    event: ActEvent,
    once: Option<Once>,
) -> Result<Answer<Option<Seen<ResendOutcome>>>, StoreError> {
    let binding = codes.store.bind(once.as_ref(), event.id).await?;
    if matches!(binding, Binding::Other) {
        return Ok(Answer::Replay(Replay::Mismatch));
    }
    let held = match codes.limits.take(&resend.takes).await? {
        Ok(held) => held,
        Err(hit) => {
            codes.store.unbind(once.as_ref(), event.id).await;
            let seen = codes.store.read(key).await?;
            // If the verification itself refuses, that refusal comes before the limit's, as on the embedded
            // engine.
            let refused = |Seen { record, now, .. }: Seen<()>| match record.clone().resend(&resend, now) {
                ResendOutcome::Queued => Seen { outcome: ResendOutcome::Limited(hit), record, now },
                outcome => Seen { outcome, record, now },
            };
            return Ok(Answer::Fresh(seen.map(refused)));
        }
    };
    let answer = run_resend_script(codes, key, &resend, event, once.as_ref()).await?;
    match &answer {
        Answer::Fresh(Some(Seen { outcome: ResendOutcome::Queued, .. })) => {}
        // The outcome of this same call, which a client library sent twice.
        Answer::Replay(_) if matches!(binding, Binding::New) => {}
        Answer::Replay(_) => codes.limits.give_back(&held).await,
        Answer::Fresh(_) => {
            join(codes.limits.give_back(&held), codes.store.unbind(once.as_ref(), event.id)).await;
        }
    }
    Ok(answer)
}

/// Runs resend.lua once the limits on other servers have admitted it.
async fn run_resend_script(
    codes: &RedisCodes,
    key: RecordKey,
    resend: &Resend,
    event: ActEvent,
    once: Option<&Once>,
) -> Result<Answer<Option<Seen<ResendOutcome>>>, StoreError> {
    let partition = key.id.partition();
    let mut names = vec![keys::verification(key), keys::due(partition), keys::events(partition)];
    names.extend(once.map(|once| keys::outcome(partition, &once.slot)));
    let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
    let (mac, sealed) = match &resend.new_code {
        None => (Vec::new(), &[] as &[u8]),
        Some(new) => (std::iter::once(new.mac.version).chain(new.mac.mac).collect(), new.sealed.as_slice()),
    };
    let head = once.map_or_else(Vec::new, |once| once.head(Act::Resend, key.id));
    let sends = text(resend.sends_seen);
    let event = event.pack();
    let wake = codes.wake.command_for(partition);
    let args: [&[u8]; 7] = [&sends, &mac, sealed, resend.message.bytes(), &event, wake, &head];
    let reply = Reply::new(codes.store.run(&script::RESEND, &names, &args).await?)?;
    let kind = reply.kind()?;
    match kind {
        ResendReply::Replay => return replayed(once, reply.bytes(1)?),
        ResendReply::Missing => return Ok(Answer::Fresh(None)),
        _ => {}
    }
    let (now, record) = (reply.time(1)?, unpack(key, reply.bytes(2)?)?);
    let outcome = match kind {
        ResendReply::Queued => ResendOutcome::Queued,
        ResendReply::SendsExhausted => ResendOutcome::SendsExhausted,
        ResendReply::TooSoon => ResendOutcome::TooSoon(Duration::from_millis(reply.small(3)?)),
        ResendReply::Changed => ResendOutcome::Changed,
        _ => ResendOutcome::Ended(record.status(now)),
    };
    if outcome == ResendOutcome::Queued {
        codes.outbox.arrived(partition);
    }
    Ok(Answer::Fresh(Some(Seen { outcome, record, now })))
}
