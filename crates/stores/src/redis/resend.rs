//! A resend: the limits and the pool that live on other servers, then resend.lua.

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
    // A repeat must take nothing, not even for a moment.
    if let (Binding::Same, Some(once), Some(_)) = (&binding, &once, &resend.pool)
        && let Some(replay) = codes.store.replay(key.id.partition(), once).await?
    {
        return Ok(Answer::Replay(replay));
    }
    let held = match codes.limits.take(&resend.takes, resend.pool.as_ref()).await? {
        Ok(held) => held,
        Err(refused) => {
            let answer = refuse(codes, key, &resend, (once.as_ref(), &binding), refused.into()).await?;
            if matches!(answer, Answer::Fresh(_)) {
                codes.store.unbind(once.as_ref(), event.id).await;
            }
            return Ok(answer);
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

/// The answer to a resend that the limits or the pool refused. An equal request may have been carried out
/// meanwhile; then its outcome is the answer. If the verification itself refuses, that refusal comes before, as on
/// the embedded engine.
async fn refuse(
    codes: &RedisCodes,
    key: RecordKey,
    resend: &Resend,
    (once, binding): (Option<&Once>, &Binding),
    outcome: ResendOutcome,
) -> Result<Answer<Option<Seen<ResendOutcome>>>, StoreError> {
    if let Some(once) = once
        && let Some(replay) = codes.store.find_equal(key.id.partition(), once, binding).await?
    {
        return Ok(Answer::Replay(replay));
    }
    let seen = codes.store.read(key).await?;
    let refused = |Seen { record, now, .. }: Seen<()>| match record.clone().resend(resend, now) {
        ResendOutcome::Queued => Seen { outcome, record, now },
        refusal => Seen { outcome: refusal, record, now },
    };
    Ok(Answer::Fresh(seen.map(refused)))
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
