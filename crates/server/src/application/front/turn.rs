//! Decides who acts next on a connection: the client must send, or the server must answer.

use super::{CLOSE, Patience};
use actix_web::{
    body::{BodySize, BoxBody, MessageBody},
    web::Bytes,
};
use std::{
    cell::Cell,
    error::Error,
    pin::Pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The server waits for the first head. The HTTP library limits the time for it and answers 408.
    Opened,
    /// The server handles a request: it reads the body and writes the answer.
    Answering,
    /// An answer is completely written. `kept` says whether another request may follow.
    Over { kept: bool },
    /// The next head, or the rest of a body, has begun to arrive.
    Arriving,
}

/// The connections of a port, in all threads.
#[derive(Debug)]
pub(crate) struct Crowd {
    open: AtomicUsize,
    /// While more connections than this are open, each ends with its answer. So clients with idle
    /// connections, even with a valid key, leave room for others.
    most_kept: usize,
}

impl Crowd {
    /// Keeps a quarter of the places for clients that come and go.
    pub fn new(places: usize) -> Self {
        Self { open: AtomicUsize::new(0), most_kept: places - places / 4 }
    }

    pub fn enter(&self) {
        self.open.fetch_add(1, Ordering::Relaxed);
    }
}

/// The state that a connection shares with its requests. All are in one thread.
#[derive(Debug)]
pub(crate) struct Turn {
    phase: Cell<Phase>,
    since: Cell<Instant>,
    crowd: Arc<Crowd>,
}

impl Default for Turn {
    fn default() -> Self {
        Self::new(Arc::new(Crowd::new(usize::MAX)))
    }
}

impl Turn {
    pub fn new(crowd: Arc<Crowd>) -> Self {
        Self { phase: Cell::new(Phase::Opened), since: Cell::new(Instant::now()), crowd }
    }

    /// Returns whether so many connections are open that this one must end with its answer.
    pub fn is_crowded(&self) -> bool {
        self.crowd.open.load(Ordering::Relaxed) > self.crowd.most_kept
    }

    /// Counts this connection as ended, so that another one has room.
    pub fn leave(&self) {
        self.crowd.open.fetch_sub(1, Ordering::Relaxed);
    }

    fn set(&self, phase: Phase) {
        self.phase.set(phase);
        self.since.set(Instant::now());
    }

    /// A head has arrived completely.
    pub fn begin(&self) {
        self.phase.set(Phase::Answering);
    }

    /// An answer is written, or lost.
    pub fn end(&self, kept: bool) {
        self.set(Phase::Over { kept });
    }

    /// Bytes have arrived.
    pub fn receive(&self) {
        if matches!(self.phase.get(), Phase::Over { .. }) {
            self.set(Phase::Arriving);
        }
    }

    fn waited(&self) -> Duration {
        self.since.get().elapsed()
    }

    /// Returns whether the client has kept the server waiting for too long.
    pub fn is_late(&self, patience: &Patience) -> bool {
        match self.phase.get() {
            Phase::Opened | Phase::Answering => false,
            Phase::Over { kept: true } => self.waited() >= patience.idle,
            Phase::Over { kept: false } => self.waited() >= CLOSE,
            Phase::Arriving => self.waited() >= patience.head,
        }
    }

    /// Returns whether a head is missing, wholly or in part.
    pub fn lacks_head(&self) -> bool {
        matches!(self.phase.get(), Phase::Opened | Phase::Arriving)
    }

    /// Returns whether the client has not made any request yet.
    pub fn is_opened(&self) -> bool {
        self.phase.get() == Phase::Opened
    }
}

/// The body of an answer. The HTTP library drops it as soon as it has read all of it.
pub(crate) struct Told {
    body: BoxBody,
    turn: Rc<Turn>,
    kept: bool,
}

impl Told {
    pub fn new(body: BoxBody, turn: Rc<Turn>, kept: bool) -> Self {
        Self { body, turn, kept }
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        self.turn.end(self.kept);
    }
}

impl MessageBody for Told {
    type Error = Box<dyn Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_client_owes_has_an_end() {
        let at_once = Patience { head: Duration::ZERO, answer: Duration::ZERO, idle: Duration::ZERO };
        let long = Duration::from_secs(60);
        let patient = Patience { head: long, answer: long, idle: long };
        let turn = Turn::default();
        assert!(!turn.is_late(&at_once), "the library times the first head");
        assert!(turn.is_opened());
        turn.receive();
        turn.begin();
        turn.receive();
        assert!(!turn.is_late(&at_once) && !turn.lacks_head(), "the server's turn");
        turn.end(true);
        assert!(turn.is_late(&at_once) && !turn.is_late(&patient));
        turn.receive();
        assert!(turn.is_late(&at_once) && !turn.is_late(&patient) && turn.lacks_head());
        turn.end(false);
        assert!(!turn.is_late(&at_once), "what is left may arrive, for a moment");
        assert!(!turn.is_opened());
    }

    #[test]
    fn where_many_are_none_is_kept() {
        let crowd = Arc::new(Crowd::new(8));
        let turns: Vec<_> = (0..7)
            .map(|_| {
                crowd.enter();
                Turn::new(Arc::clone(&crowd))
            })
            .collect();
        assert!(turns[0].is_crowded(), "six of eight places may be kept");
        turns[6].leave();
        assert!(!turns[0].is_crowded());
    }

    #[test]
    fn a_body_that_is_dropped_ends_the_turn() {
        let turn = Rc::new(Turn::default());
        turn.begin();
        let body = Told::new(BoxBody::new("x"), Rc::clone(&turn), true);
        assert_eq!(turn.phase.get(), Phase::Answering);
        drop(body);
        assert_eq!(turn.phase.get(), Phase::Over { kept: true });
    }
}
