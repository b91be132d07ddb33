//! A start: first the limits on other servers, then start.lua.

use super::{
    binding::{Binding, replayed},
    codes::RedisCodes,
    keys,
    reply::{Reply, StartReply, packed_time},
    script,
    store::{millis, unpack},
};
use countersign_core::{
    access::actor::Who,
    ports::{
        codes::{
            acts::{Exclusive, NewVerification, StartOutcome},
            refusal::Refusal,
        },
        error::StoreError,
    },
    tenant::limits::{Buckets, LimitHit, LimitScope, LimitState},
    verification::{
        idempotency::{Act, Answer, Replay},
        number::NumberRecord,
    },
};

pub(super) async fn start(
    codes: &RedisCodes,
    new: NewVerification,
) -> Result<Answer<StartOutcome>, StoreError> {
    let once = new.once.as_ref();
    // Bind it before taking from limits: a repeat must take nothing, not even for a moment.
    let binding = codes.store.bind(once, new.event).await?;
    match (&binding, once) {
        (Binding::Other, _) => return Ok(Answer::Replay(Replay::Mismatch)),
        (Binding::Same, Some(once)) => {
            if let Some(replay) = codes.store.replay(new.key.id.partition(), once).await? {
                return Ok(Answer::Replay(replay));
            }
        }
        _ => {}
    }
    let answer = match look_first(codes, &new, &binding).await? {
        Some(refused) => refused,
        None => take_and_start(codes, &new, &binding).await?,
    };
    if let Answer::Fresh(outcome) = &answer
        && !matches!(outcome, StartOutcome::Started { .. })
    {
        codes.store.unbind(once, new.event).await;
    }
    Ok(answer)
}

/// The refusal of a start whose number was refused lately, or that comes while the backlog is
/// full. This look takes from no limit. `None` if nothing refuses the start.
async fn look_first(
    codes: &RedisCodes,
    new: &NewVerification,
    binding: &Binding,
) -> Result<Option<Answer<StartOutcome>>, StoreError> {
    let history_backlog = codes.backlog.is_full();
    let takes = !new.takes.is_empty() || new.pool.is_some();
    let number = takes && codes.limits.number_refused(new.key.mode, new.record.number());
    if !history_backlog && !number {
        return Ok(None);
    }
    let refused = match codes.limits.look(&new.takes, new.pool.as_ref()).await? {
        Some(refused) => Some(refused.into()),
        None => Refusal { history_backlog, ..Refusal::default() }.first(),
    };
    match refused {
        Some(outcome) => refuse(codes, new, binding, outcome).await.map(Some),
        None if number => look_at_number(codes, new).await,
        None => Ok(None),
    }
}

/// Runs start.lua with a limit that admits no start, so that it makes nothing.
async fn look_at_number(
    codes: &RedisCodes,
    new: &NewVerification,
) -> Result<Option<Answer<StartOutcome>>, StoreError> {
    let reply = send_start_script(codes, new, &[], &NOTHING_FITS).await?;
    match reply.kind()? {
        StartReply::Limited => {
            let number = number_of(reply.bytes(2)?).admit(&new.number_limits, reply.time(1)?).err();
            let refusal = Refusal { number, ..Refusal::default() };
            Ok(refusal.first().map(Answer::Fresh))
        }
        StartReply::Replay => replayed(new.once.as_ref(), reply.bytes(1)?).map(Some),
        StartReply::Changed => Ok(Some(Answer::Fresh(StartOutcome::Changed))),
        StartReply::Started | StartReply::MadeBefore => {
            Err(StoreError::unavailable("a script made a verification that it was only to look at"))
        }
    }
}

/// The answer to a start that was refused before start.lua ran. An equal request may have made
/// the verification meanwhile; then its outcome is the answer.
async fn refuse(
    codes: &RedisCodes,
    new: &NewVerification,
    binding: &Binding,
    outcome: StartOutcome,
) -> Result<Answer<StartOutcome>, StoreError> {
    let Some(once) = &new.once else { return Ok(Answer::Fresh(outcome)) };
    let replay = codes.store.find_equal(new.key.id.partition(), once, binding).await?;
    Ok(replay.map_or(Answer::Fresh(outcome), Answer::Replay))
}

/// Takes from the limits and the pool on other servers, and starts. A start that start.lua refuses gives back
/// what it took.
async fn take_and_start(
    codes: &RedisCodes,
    new: &NewVerification,
    binding: &Binding,
) -> Result<Answer<StartOutcome>, StoreError> {
    let held = match codes.limits.take(&new.takes, new.pool.as_ref()).await? {
        Ok(held) => held,
        Err(refused) => return refuse(codes, new, binding, refused.into()).await,
    };
    let answer = run_start_script(codes, new, &held.states()).await?;
    let kept = match &answer {
        Answer::Fresh(outcome) => matches!(outcome, StartOutcome::Started { .. }),
        // The outcome of this same call, which a client library sent twice.
        Answer::Replay(_) => matches!(binding, Binding::New),
    };
    if !kept {
        codes.limits.give_back(&held).await;
    }
    Ok(answer)
}

/// Runs start.lua once the limits on other servers have admitted the start.
async fn run_start_script(
    codes: &RedisCodes,
    new: &NewVerification,
    states: &[LimitState],
) -> Result<Answer<StartOutcome>, StoreError> {
    let key = new.key;
    let reply = send_start_script(codes, new, states, &pack_limits(&new.number_limits)).await?;
    let kind = reply.kind()?;
    match kind {
        StartReply::Replay => return replayed(new.once.as_ref(), reply.bytes(1)?),
        StartReply::Changed => return Ok(Answer::Fresh(StartOutcome::Changed)),
        StartReply::MadeBefore => {
            // The script ran for this call before, and its answer was lost.
            let record = unpack(key, reply.bytes(2)?)?;
            return Ok(Answer::Fresh(StartOutcome::Started { record, limits: Vec::new() }));
        }
        StartReply::Started | StartReply::Limited => {}
    }
    let now = reply.time(1)?;
    let counted = number_of(reply.bytes(2)?).admit(&new.number_limits, now);
    check_script_agrees(kind, &counted)?;
    remember_used_up(codes, new, &counted);
    Ok(Answer::Fresh(match counted {
        Ok(of_number) => {
            codes.outbox.arrived(key.id.partition());
            let limits = [of_number, states.to_vec()].concat();
            StartOutcome::Started { record: new.begun(now), limits }
        }
        Err(hit) => StartOutcome::Limited(hit),
    }))
}

/// Checks the script's decision. The script has counted the number's limits and decided; core counts them
/// again for the answer. Returns an error if the two disagree.
fn check_script_agrees(
    kind: StartReply,
    counted: &Result<Vec<LimitState>, LimitHit>,
) -> Result<(), StoreError> {
    match (kind, counted) {
        (StartReply::Started, Ok(_)) | (StartReply::Limited, Err(_)) => Ok(()),
        _ => Err(StoreError::unavailable("the script and this program count a number's limits differently")),
    }
}

/// Remembers a number whose limits refuse the next start: this one was refused, or was the last that fits.
fn remember_used_up(codes: &RedisCodes, new: &NewVerification, counted: &Result<Vec<LimitState>, LimitHit>) {
    let wait = match counted {
        Ok(states) => states.iter().filter(|state| state.remaining == 0).map(|state| state.reset).max(),
        Err(hit) => Some(hit.retry_after),
    };
    if let Some(wait) = wait {
        codes.limits.remember_number(new.key.mode, new.record.number(), wait);
    }
}

/// Gathers the keys and arguments of start.lua, and runs it.
async fn send_start_script(
    codes: &RedisCodes,
    new: &NewVerification,
    states: &[LimitState],
    number_limits: &[u8],
) -> Result<Reply, StoreError> {
    let NewVerification { key, record, once, .. } = new;
    let (partition, packed) = (key.id.partition(), record.pack());
    let mut names = vec![
        keys::verification(*key),
        keys::number(partition, key.mode, record.number()),
        keys::due(partition),
        keys::events(partition),
    ];
    names.extend(once.as_ref().map(|once| keys::outcome(partition, &once.slot)));
    let [before_expiry, before_limits, after_limits] =
        new.started(record, states).pack_around(new.number_limits.as_slice().len());
    let newest = record.message();
    let message: &[u8] = if record.is_review() { b"" } else { newest.bytes() };
    let head = once.as_ref().map_or_else(Vec::new, |once| once.head(Act::Start, key.id));
    let tail = [record.attempts_left(), record.sends_left()];
    let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
    let life = millis(new.expires_in);
    let exclusive = new.exclusive.as_ref().map(|exclusive| {
        let author = exclusive.replaces.map(|_| new.starter.pack());
        [pack_exclusive(exclusive), author.unwrap_or_default()].concat()
    });
    let author = new.author().map(Who::pack).unwrap_or_default();
    let event = [new.event.bytes().as_slice(), &author].concat();
    let mut args: Vec<&[u8]> = vec![
        &packed,
        &life,
        number_limits,
        message,
        &event,
        &before_expiry,
        &before_limits,
        &after_limits,
        codes.wake.command_for(partition),
        &head,
        &tail,
    ];
    // ARGV[13] is sent only for a start in a route family.
    args.extend(exclusive.as_deref());
    Reply::new(codes.store.run(&script::START, &names, &args).await?)
}

/// A limit of a number that admits no start, as [`pack_limits`] packs it.
const NOTHING_FITS: [u8; 12] = [0; 12];

/// `[max][window in ms][name]` of each, as the script reads them.
pub(super) fn pack_limits(limits: &Buckets) -> Vec<u8> {
    let mut packed = Vec::new();
    for bucket in limits.as_slice() {
        let name = bucket.name(LimitScope::Number.as_str());
        packed.extend(bucket.max.to_be_bytes());
        packed.extend(&(bucket.window.as_millis() as u64).to_be_bytes()[2..]);
        packed.extend((name.len() as u16).to_be_bytes());
        packed.extend(name.as_bytes());
    }
    packed
}

/// `[listing]`, and `[verification][event]` if one is to be replaced. The packed author comes after them.
pub(super) fn pack_exclusive(exclusive: &Exclusive) -> Vec<u8> {
    let mut packed = exclusive.listing.0.to_vec();
    for (id, event) in exclusive.replaces.iter() {
        packed.extend(id.bytes().iter().chain(event.bytes()));
    }
    packed
}

/// The record of a phone number with the starts that start.lua found.
fn number_of(starts: &[u8]) -> NumberRecord {
    let starts = starts.chunks_exact(6).map(packed_time).collect();
    NumberRecord { starts, ..NumberRecord::default() }
}
