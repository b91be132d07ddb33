//! The hashing of passwords: some at once, a bounded number that wait, the rest refused. A flood of strangers must
//! not keep persons out of browsers that are theirs.
//!
//! Hashes run on threads of their own. So work that reads files does not wait behind them, and `top -H` and the bench
//! see what hashing costs.

use crate::machine::rng;
use async_trait::async_trait;
use countersign_core::{
    people::password::{Password, PasswordText, Verified},
    ports::hasher::{Crowded, Hasher, Lane},
};
use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread::{self, available_parallelism},
};
use tokio::sync::oneshot;

/// The waiting hashes for each one that runs. A hash takes some 20 ms, so the last one waits for about a second.
const QUEUE: usize = 32;

/// The name of the threads that hash.
const THREAD: &str = "password";

type Work = Box<dyn FnOnce() + Send>;

/// The places of hashes. Strangers take at most half of those that run, and half of those that wait. Known devices take
/// at most three quarters: a few accounts must not keep everybody out who has no session, such as a person who resets
/// its password.
#[derive(Clone, Debug)]
pub struct HashPool {
    state: Arc<Mutex<State>>,
    threads: mpsc::Sender<Work>,
}

#[derive(Debug)]
struct State {
    slots: usize,
    running: Vec<Lane>,
    waiting: VecDeque<(Lane, oneshot::Sender<Place>)>,
}

/// A place of a hash that runs. It is free again when this is dropped.
#[derive(Debug)]
struct Place {
    pool: HashPool,
    lane: Lane,
}

impl HashPool {
    /// A pool for the processors of this machine. It has two places at least: one of them is no stranger's, and one no
    /// known device's.
    pub fn of_machine() -> Self {
        Self::new(available_parallelism().map_or(2, usize::from).max(2))
    }

    fn new(slots: usize) -> Self {
        let state = State { slots, running: Vec::new(), waiting: VecDeque::new() };
        Self { state: Arc::new(Mutex::new(state)), threads: threads(slots) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a place.
    async fn place(&self, lane: Lane) -> Result<Place, Crowded> {
        let waits = {
            let mut state = self.state();
            if state.may_run(lane) {
                state.running.push(lane);
                return Ok(Place { pool: self.clone(), lane });
            }
            state.drop_gone();
            if !state.may_wait(lane) {
                return Err(Crowded);
            }
            let (sender, receiver) = oneshot::channel();
            state.waiting.push_back((lane, sender));
            receiver
        };
        waits.await.map_err(|_| Crowded)
    }

    /// Takes a lane that has ended out, and lets waiting ones run: known devices first, then in their order.
    fn ended(&self, lane: Lane) {
        let mut granted = Vec::new();
        {
            let mut state = self.state();
            if let Some(place) = state.running.iter().position(|running| *running == lane) {
                state.running.swap_remove(place);
            }
            state.drop_gone();
            while let Some(place) = state.next() {
                let Some((lane, sender)) = state.waiting.remove(place) else { break };
                state.running.push(lane);
                granted.push((sender, Place { pool: self.clone(), lane }));
            }
        }
        // If a caller has just gone, its place is dropped here and comes back by this function.
        for (sender, place) in granted {
            let _ = sender.send(place);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.pool.ended(self.lane);
    }
}

impl State {
    /// Forgets callers that have gone.
    fn drop_gone(&mut self) {
        self.waiting.retain(|(_, sender)| !sender.is_closed());
    }

    fn next(&self) -> Option<usize> {
        let fits = |known| {
            let mut lanes = self.waiting.iter().map(|(lane, _)| *lane);
            lanes.position(|lane| lane.is_known() == known && self.may_run(lane))
        };
        fits(true).or_else(|| fits(false))
    }

    /// Whether one more may run: one of each lane, strangers and known devices only in their parts.
    fn may_run(&self, lane: Lane) -> bool {
        has_room(self.running.iter().copied(), lane, self.slots)
    }

    fn may_wait(&self, lane: Lane) -> bool {
        has_room(self.waiting.iter().map(|(lane, _)| *lane), lane, self.slots * QUEUE)
    }
}

fn has_room(lanes: impl Iterator<Item = Lane>, lane: Lane, most: usize) -> bool {
    let (mut all, mut alike, mut same) = (0, 0, false);
    for one in lanes {
        all += 1;
        alike += usize::from(one.is_known() == lane.is_known());
        same |= one == lane;
    }
    let part = if lane.is_known() { most - (most / 4).max(1) } else { most / 2 };
    !same && all < most && alike < part
}

#[async_trait]
impl Hasher for HashPool {
    async fn verify(
        &self,
        lane: Lane,
        password: Password,
        stored: Option<PasswordText>,
    ) -> Result<Verified, Crowded> {
        self.run(lane, move || match stored {
            Some(stored) => password.verify(&stored),
            None => {
                password.verify_nothing();
                Verified::No
            }
        })
        .await
    }

    async fn hash(
        &self,
        lane: Lane,
        password: Password,
        former: Vec<PasswordText>,
    ) -> Result<Option<PasswordText>, Crowded> {
        self.run(lane, move || {
            let is_former = former.iter().any(|former| password.verify(former) != Verified::No);
            (!is_former).then(|| password.hash(&mut rng()))
        })
        .await
    }
}

impl HashPool {
    /// Runs a hash on a thread that may block. It keeps its place to its end, also if the caller has gone.
    async fn run<T: Send + 'static>(
        &self,
        lane: Lane,
        hash: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Crowded> {
        let place = self.place(lane).await?;
        let (answer, answered) = oneshot::channel();
        let work = move || {
            let made = hash();
            drop(place);
            // The caller may have gone.
            let _ = answer.send(made);
        };
        // Without a thread there is no hash.
        self.threads.send(Box::new(work)).map_err(|_| Crowded)?;
        // A hash that panicked has no answer either.
        answered.await.map_err(|_| Crowded)
    }
}

/// Starts the threads. They end with the last sender of work.
fn threads(number: usize) -> mpsc::Sender<Work> {
    let (sender, receiver) = mpsc::channel::<Work>();
    let receiver = Arc::new(Mutex::new(receiver));
    for _ in 0..number {
        let receiver = Arc::clone(&receiver);
        let next = move || receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let run = move || {
            while let Ok(work) = next() {
                let _ = catch_unwind(AssertUnwindSafe(work));
            }
        };
        if let Err(error) = thread::Builder::new().name(THREAD.to_owned()).spawn(run) {
            tracing::error!(%error, "A thread that hashes passwords could not be started");
        }
    }
    sender
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::id::PersonId;
    use std::{net::IpAddr, sync::mpsc};

    fn lane(number: u8, known: bool) -> Lane {
        if known {
            Lane::Known(PersonId::from_bytes([number; 16]))
        } else {
            Lane::Stranger(IpAddr::from([203, 0, 113, number]))
        }
    }

    /// Asks for a place without waiting for it.
    fn ask(pool: &HashPool, lane: Lane) -> tokio::task::JoinHandle<Result<Place, Crowded>> {
        let pool = pool.clone();
        tokio::spawn(async move { pool.place(lane).await })
    }

    async fn settle() {
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_flood_of_strangers_does_not_keep_a_known_device_out() {
        let pool = HashPool::new(4);
        let flood: Vec<_> = (0..=255).map(|number| ask(&pool, lane(number, false))).collect();
        settle().await;
        let running: Vec<_> = flood.iter().filter(|asked| asked.is_finished()).collect();
        // Two run, 64 wait, and the rest is refused.
        assert_eq!(pool.state().running.len(), 2);
        assert_eq!(pool.state().waiting.len(), 2 * QUEUE);
        assert_eq!(running.len(), 256 - 2 * QUEUE);
        // Two known devices run at once, and a third one is the first to run when a place is free.
        let (one, two) = (pool.place(lane(1, true)).await.unwrap(), pool.place(lane(2, true)).await.unwrap());
        let third = ask(&pool, lane(3, true));
        settle().await;
        assert!(!third.is_finished());
        drop(one);
        settle().await;
        assert!(third.is_finished());
        // A place of a known device that is free stays free for the next one.
        drop((two, third.await.unwrap().unwrap()));
        settle().await;
        assert_eq!(pool.state().running.len(), 2);
        flood.iter().for_each(tokio::task::JoinHandle::abort);
    }

    #[tokio::test]
    async fn a_flood_of_known_devices_leaves_places_to_strangers() {
        for slots in [2, 4, 8] {
            let pool = HashPool::new(slots);
            let flood: Vec<_> = (0..=255).map(|number| ask(&pool, lane(number, true))).collect();
            settle().await;
            assert_eq!(pool.state().running.len(), slots - (slots / 4).max(1));
            assert_eq!(pool.state().waiting.len(), slots * QUEUE * 3 / 4);
            assert!(ask(&pool, lane(1, false)).await.unwrap().is_ok());
            flood.iter().for_each(tokio::task::JoinHandle::abort);
        }
    }

    #[tokio::test]
    async fn one_of_a_network_runs_and_one_waits() {
        let pool = HashPool::new(8);
        let first = pool.place(lane(1, false)).await.unwrap();
        let second = ask(&pool, lane(1, false));
        settle().await;
        assert!(!second.is_finished());
        assert_eq!(pool.place(lane(1, false)).await.err(), Some(Crowded));
        // Another network, and a known device of the same one, do not wait for it.
        let others = [pool.place(lane(2, false)).await, pool.place(lane(1, true)).await];
        assert!(others.iter().all(Result::is_ok));
        drop(first);
        assert!(second.await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn one_of_a_person_runs_and_one_waits() {
        let pool = HashPool::new(8);
        let first = pool.place(lane(1, true)).await.unwrap();
        let second = ask(&pool, lane(1, true));
        settle().await;
        assert!(!second.is_finished());
        assert_eq!(pool.place(lane(1, true)).await.err(), Some(Crowded));
        assert!(pool.place(lane(2, true)).await.is_ok(), "a colleague does not wait for it");
        drop(first);
        assert!(second.await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn a_caller_that_has_gone_leaves_no_place_taken() {
        let pool = HashPool::new(2);
        let first = pool.place(lane(1, false)).await.unwrap();
        let gone = ask(&pool, lane(1, false));
        settle().await;
        gone.abort();
        settle().await;
        let next = ask(&pool, lane(1, false));
        settle().await;
        drop(first);
        drop(next.await.unwrap().unwrap());
        assert!(pool.state().running.is_empty() && pool.state().waiting.is_empty());
        // A hash whose caller has gone keeps its place until it ends.
        let (begin, began) = mpsc::channel::<()>();
        let running = pool.clone();
        let hash = tokio::spawn(async move { running.run(lane(1, false), move || began.recv()).await });
        settle().await;
        hash.abort();
        settle().await;
        assert_eq!(pool.state().running.len(), 1);
        begin.send(()).unwrap();
        let after = pool.place(lane(1, false)).await;
        assert!(after.is_ok());
    }

    #[tokio::test]
    async fn passwords_are_compared_and_hashed() {
        let pool = HashPool::of_machine();
        let read = |text| Password::read(text).unwrap();
        let hash = pool.hash(lane(1, false), read("Zebra-Lamp-42"), Vec::new()).await.unwrap().unwrap();
        let verify = |text, stored| pool.verify(lane(1, false), read(text), stored);
        assert_eq!(verify("Zebra-Lamp-42", Some(hash.clone())).await, Ok(Verified::Yes));
        assert_eq!(verify("zebra-Lamp-42", Some(hash.clone())).await, Ok(Verified::No));
        assert_eq!(verify("Zebra-Lamp-42", None).await, Ok(Verified::No));
        let again = pool.hash(lane(1, false), read("Zebra-Lamp-42"), vec![hash.clone()]).await;
        assert_eq!(again, Ok(None));
        let other = pool.hash(lane(1, false), read("Zebra-Lamp-43"), vec![hash]).await.unwrap();
        assert!(other.is_some());
    }
}
