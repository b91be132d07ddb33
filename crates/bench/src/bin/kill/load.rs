//! The load: connections that start verifications, check wrong and right codes, and resend.

use crate::{
    acts::Acts,
    book::{Open, Verification, count},
};
use anyhow::Result;
use rand::{Rng, RngExt, rngs::StdRng};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{task::JoinSet, time::Instant};

/// How long a connection waits for a message before it works on another verification.
const PATIENCE: Duration = Duration::from_millis(500);
/// A resend is allowed after 30 s.
const COOLED_DOWN: Duration = Duration::from_secs(32);
/// The maximum number of wrong codes for one verification, so that its phone number never has to wait.
const MOST_WRONG: u64 = 3;

/// Running connections, until they are stopped.
pub struct Load {
    tasks: JoinSet<()>,
    stop: Arc<AtomicBool>,
}

impl Load {
    pub fn begin(acts: &Arc<Acts>, connections: usize) -> Self {
        let (mut tasks, stop) = (JoinSet::new(), Arc::new(AtomicBool::new(false)));
        for _ in 0..connections {
            let (acts, stop) = (acts.clone(), stop.clone());
            tasks.spawn(async move {
                let mut rng = rand::make_rng::<StdRng>();
                while !stop.load(Relaxed) {
                    step(&acts, &mut rng).await;
                }
            });
        }
        Self { tasks, stop }
    }

    /// Begins no new requests from now on. Call this before the kill.
    pub fn stop(&self) {
        self.stop.store(true, Relaxed);
    }

    /// Waits until each connection has returned its verification.
    pub async fn end(mut self) -> Result<()> {
        while let Some(task) = self.tasks.join_next().await {
            task?;
        }
        Ok(())
    }
}

async fn step(acts: &Acts, rng: &mut StdRng) {
    let known = if rng.random_bool(0.4) { pick(acts, rng) } else { None };
    let of = match known {
        Some(of) => go_on(acts, of, rng).await,
        None => begin(acts, rng).await,
    };
    if !of.id.is_empty() || of.open.is_some() {
        acts.book.idle().push(of);
    }
}

fn pick(acts: &Acts, rng: &mut impl Rng) -> Option<Verification> {
    let mut idle = acts.book.idle();
    let place = (!idle.is_empty()).then(|| rng.random_range(0..idle.len()))?;
    Some(idle.swap_remove(place)).filter(|of| {
        // A verification with an uncertain request waits for the restart; an exhausted one is finished.
        let free = of.open.is_none() && !of.exhausted;
        if !free {
            idle.push(of.clone());
        }
        free
    })
}

fn maybe_once(acts: &Acts, rng: &mut impl Rng) -> Option<String> {
    rng.random_bool(0.5).then(|| acts.once())
}

async fn begin(acts: &Acts, rng: &mut StdRng) -> Verification {
    let mut of = Verification::new(format!("+4850{:07}", 1_000_000 + acts.book.draw()));
    acts.start(&mut of, maybe_once(acts, rng)).await;
    if of.id.is_empty() {
        return of;
    }
    of.code = acts.phones.wait(&of.id, Instant::now() + PATIENCE).await;
    if of.code.is_some() && rng.random_bool(0.3) {
        acts.check(&mut of, false, maybe_once(acts, rng)).await;
    }
    if rng.random_bool(0.6) { approve(acts, of, rng).await } else { of }
}

async fn go_on(acts: &Acts, mut of: Verification, rng: &mut StdRng) -> Verification {
    of.touched = true;
    if of.code.is_none() {
        of.code = acts.phones.of(&of.id).map(|received| received.code);
    }
    if of.code.is_none() {
        return of;
    }
    let resends = !of.approved && of.resent + of.maybe_resent == 0 && of.started.elapsed() > COOLED_DOWN;
    match rng.random_range(0..3) {
        0 if resends => acts.resend(&mut of, maybe_once(acts, rng)).await,
        0 | 1 if !of.approved && of.wrong + of.maybe_wrong < MOST_WRONG => {
            acts.check(&mut of, false, maybe_once(acts, rng)).await;
        }
        _ => return approve(acts, of, rng).await,
    }
    of
}

async fn approve(acts: &Acts, mut of: Verification, rng: &mut StdRng) -> Verification {
    if of.code.is_none() || of.open.is_some() {
        return of;
    }
    match rng.random_range(0..3) {
        0 => acts.check_twice(&mut of).await,
        1 => acts.check(&mut of, true, None).await,
        _ => {
            let key = acts.once();
            acts.check(&mut of, true, Some(key)).await;
        }
    }
    of
}

/// After a restart, repeats the request that the kill cut off. With an Idempotency-Key it counts once,
/// whether or not the first was carried out. Without one, the next answer shows whether it was.
pub async fn finish_open(acts: &Acts, mut of: Verification) -> Verification {
    match of.open.take() {
        None => {}
        Some(Open::Start { key: None }) => count(&acts.book.lost_starts),
        Some(Open::Start { key }) => acts.start(&mut of, key).await,
        Some(Open::Resend { key: None }) => of.maybe_resent += 1,
        Some(Open::Resend { key }) => acts.resend(&mut of, key).await,
        Some(Open::Check { right: false, key: None }) => of.maybe_wrong += 1,
        Some(Open::Check { right, key }) => {
            // It stays uncertain until the answer has arrived, because `judge` needs that.
            of.open = Some(Open::Check { right, key: key.clone() });
            acts.check(&mut of, right, key).await;
            of.open = None;
        }
    }
    of
}
