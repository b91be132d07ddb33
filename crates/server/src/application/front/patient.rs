//! The stream of a client. It ends when the client keeps the server waiting.
//!
//! Each connection has one timer, and requests do not reset it. So the server notices a late client after one
//! to two times the allowed time.

use super::{
    Patience,
    ends::{End, Ends},
    turn::{Crowd, Turn},
};
use metrics::Gauge;
use std::{
    io,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Sleep, sleep},
};
use tokio_rustls::server::TlsStream;

/// A TCP stream, with or without TLS.
pub(crate) trait Socket: AsyncRead + AsyncWrite + Unpin + 'static {
    /// The TCP socket under this stream.
    fn socket(&self) -> &TcpStream;
}

impl Socket for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}

impl Socket for TlsStream<TcpStream> {
    fn socket(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// The connection of a client, which ends when the client keeps the server waiting too long.
pub(crate) struct Patient<T: Socket> {
    io: T,
    turn: Rc<Turn>,
    patience: Patience,
    /// Since when the client has not read what the server wants to write.
    blocked: Option<Instant>,
    clock: Option<Pin<Box<Sleep>>>,
    ended: Option<End>,
    ends: Arc<Ends>,
    open: Gauge,
}

impl<T: Socket> Patient<T> {
    pub fn new(io: T, patience: Patience, ends: Arc<Ends>, (open, crowd): (Gauge, Arc<Crowd>)) -> Self {
        open.increment(1);
        crowd.enter();
        let (turn, blocked, clock, ended) = (Rc::new(Turn::new(crowd)), None, None, None);
        Self { io, turn, patience, blocked, clock, ended, ends, open }
    }

    pub fn turn(&self) -> Rc<Turn> {
        Rc::clone(&self.turn)
    }

    /// Called while nothing arrives and nothing can be written. Returns why the connection must end, if it
    /// must.
    fn look(&mut self, cx: &mut Context<'_>) -> Option<End> {
        if self.ended.is_some() {
            return self.ended;
        }
        let between = self.patience.head.min(self.patience.answer);
        let clock = self.clock.get_or_insert_with(|| Box::pin(sleep(between)));
        // Poll again after a reset, because the timer must know whom to wake.
        while clock.as_mut().poll(cx).is_ready() {
            let unread = self.blocked.is_some_and(|since| since.elapsed() >= self.patience.answer);
            self.ended = match unread {
                true => Some(End::Answer),
                false if self.turn.is_late(&self.patience) => Some(End::Head),
                false => None,
            };
            if self.ended.is_some() {
                self.tell();
                return self.ended;
            }
            clock.as_mut().reset(tokio::time::Instant::now() + between);
        }
        None
    }

    fn tell(&self) {
        match self.ended {
            Some(End::Answer) => {
                // This also drops the data that the system still holds for the client.
                let _ = self.io.socket().set_zero_linger();
                self.ends.note(End::Answer);
            }
            // Closing an idle connection is nobody's fault, so it is not counted.
            Some(end) if self.turn.lacks_head() => self.ends.note(end),
            _ => {}
        }
    }

    /// The result of a write. If the client reads nothing for too long, the write fails.
    fn written<R>(&mut self, cx: &mut Context<'_>, poll: Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        if poll.is_ready() {
            return poll;
        }
        self.blocked.get_or_insert_with(Instant::now);
        match self.look(cx) {
            Some(_) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            None => Poll::Pending,
        }
    }
}

impl<T: Socket> Drop for Patient<T> {
    fn drop(&mut self) {
        self.open.decrement(1);
        self.turn.leave();
    }
}

impl<T: Socket> AsyncRead for Patient<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let filled = buffer.filled().len();
        if this.ended.is_none()
            && let Poll::Ready(read) = Pin::new(&mut this.io).poll_read(cx, buffer)
        {
            this.turn.receive();
            // A client that sends bytes all the time never makes the server wait, but may still be late with
            // its head.
            if !this.turn.is_late(&this.patience) {
                return Poll::Ready(read);
            }
            buffer.set_filled(filled);
            this.ended = Some(End::Head);
            this.tell();
        }
        match this.look(cx) {
            Some(End::Answer) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            // Pretend that the client closed: then the library ends in order what it can.
            Some(_) => Poll::Ready(Ok(())),
            None => Poll::Pending,
        }
    }
}

impl<T: Socket> AsyncWrite for Patient<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        // This is the library's own answer: the client made no request.
        if this.turn.is_opened() && bytes.starts_with(b"HTTP/1.1 408 ") {
            this.ends.note(End::Head);
        }
        let poll = Pin::new(&mut this.io).poll_write(cx, bytes);
        this.written(cx, poll)
    }

    /// The library flushes when everything is written, so only a flush counts as progress.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let poll = Pin::new(&mut this.io).poll_flush(cx);
        ready!(this.written(cx, poll))?;
        this.blocked = None;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let poll = Pin::new(&mut this.io).poll_shutdown(cx);
        this.written(cx, poll)
    }
}
