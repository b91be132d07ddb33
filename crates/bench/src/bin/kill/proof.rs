//! The checks after each restart, and at the end.

use crate::{
    acts::Acts,
    book::{Book, Verification},
    load::finish_open,
    server::LEASE,
};
use anyhow::{Result, bail};
use countersign_bench::relay::Phones;
use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::sleep};

/// The time after the lease for the worker to find and send all messages that were held at once.
const SLACK: Duration = Duration::from_secs(5);

/// Calls `act` for all verifications, some at a time.
async fn for_all<F>(acts: &Arc<Acts>, connections: usize, act: fn(Arc<Acts>, Verification) -> F) -> Result<()>
where
    F: Future<Output = Verification> + Send + 'static,
{
    let mut rest = std::mem::take(&mut *acts.book.idle()).into_iter();
    let mut tasks: JoinSet<Verification> = JoinSet::new();
    for of in rest.by_ref().take(connections) {
        tasks.spawn(act(acts.clone(), of));
    }
    while let Some(of) = tasks.join_next().await {
        let of = of?;
        // A start that was never carried out made no verification.
        if !of.id.is_empty() {
            acts.book.idle().push(of);
        }
        if let Some(next) = rest.next() {
            tasks.spawn(act(acts.clone(), next));
        }
    }
    Ok(())
}

/// Repeats the requests that the kill cut off, and then checks every verification.
pub async fn look(acts: &Arc<Acts>, connections: usize) -> Result<()> {
    for_all(acts, connections, |acts, of| async move { finish_open(&acts, of).await }).await?;
    for_all(acts, connections, |acts, of| async move { verify(&acts, of).await }).await
}

/// Checks that a verification exists as acknowledged, and is not approved again.
pub async fn verify(acts: &Acts, mut of: Verification) -> Verification {
    let answer = match acts.api.get(&format!("/v1/verifications/{}", of.id)).await {
        Ok(answer) if answer.status == 200 => answer,
        other => {
            acts.book.fault(format!("{} is gone: {other:?}", of.id));
            return of;
        }
    };
    let expected = match (of.approved, of.exhausted) {
        (true, _) => "approved",
        (_, true) => "exhausted",
        _ => "pending",
    };
    if answer.word() != expected {
        acts.book.fault(format!("{} is {}, but {expected} was acknowledged", of.id, answer.word()));
    }
    of.note_attempts_left(&answer, &acts.book);
    if of.approved && of.touched {
        acts.check(&mut of, true, None).await;
        if let Some(key) = of.approved_by.clone() {
            acts.check(&mut of, true, Some(key)).await;
        }
    }
    of.touched = false;
    of
}

/// Waits until every acknowledged message is on its phone. The messages that a killed process held are free
/// after its lease.
pub async fn wait_for_messages(acts: &Acts) {
    let until = Instant::now() + LEASE + SLACK;
    loop {
        let late = late_messages(&acts.book, &acts.phones);
        if late.is_empty() {
            return;
        }
        if Instant::now() >= until {
            return late.into_iter().for_each(|late| acts.book.fault(late));
        }
        sleep(Duration::from_millis(50)).await;
    }
}

fn late_messages(book: &Book, phones: &Phones) -> Vec<String> {
    let mut late = Vec::new();
    for of in book.idle().iter() {
        let arrived = phones.of(&of.id).map_or(0, |received| received.messages.len() as u64);
        let (least, most) = (1 + of.resent, 1 + of.resent + of.maybe_resent);
        // If the approval comes before a resent message is sent, the message is dropped.
        let least = if of.approved { 1 } else { least };
        if arrived > most {
            book.fault(format!("{}: {arrived} messages, not {most}", of.id));
        } else if arrived < least {
            late.push(format!("{}: {arrived} messages in {:?}, not {least}", of.id, LEASE + SLACK));
        }
    }
    late
}

/// Waits until `done` returns true.
pub async fn wait_until_drained(done: impl Fn() -> Result<bool>) -> Result<()> {
    let since = Instant::now();
    while !done()? {
        if since.elapsed() > Duration::from_secs(60) {
            bail!("events or messages still wait after a minute without load");
        }
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}
