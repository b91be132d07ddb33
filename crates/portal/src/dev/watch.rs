//! `GET /dev/events`: new messages as server-sent events.

use super::{
    messages::{MOST, MessageBody},
    state::{DevPage, unavailable},
};
use actix_web::{
    HttpResponse,
    http::header,
    web::{self, Bytes},
};
use countersign_core::{id::MessageId, ports::error::StoreError};
use countersign_web::problem::{Problem, ProblemCode};
use futures_util::{
    FutureExt,
    future::{self, BoxFuture},
    stream,
};
use std::{
    collections::{HashSet, VecDeque},
    convert::Infallible,
    sync::Arc,
    time::Duration,
};
use tokio::sync::{Semaphore, SemaphorePermit};

/// The maximum number of streams that one process keeps open. The page needs one for each tab.
const MOST_STREAMS: usize = 64;
/// How often a quiet stream sends a comment, so that proxies and browsers do not take it for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

static STREAMS: Semaphore = Semaphore::const_new(MOST_STREAMS);

/// One open stream. Its permit is returned when the browser closes the stream.
struct Watch {
    page: web::Data<DevPage>,
    arrived: BoxFuture<'static, ()>,
    seen: HashSet<MessageId>,
    waiting: VecDeque<Bytes>,
    _permit: SemaphorePermit<'static>,
}

impl Watch {
    /// Begins to wait before the inbox is read, so that a message which arrives between the two is found as
    /// well.
    fn rearm(&mut self) {
        let inbox = Arc::clone(&self.page.inbox);
        let mut arrived: BoxFuture<'static, ()> = Box::pin(async move { inbox.arrived().await });
        self.arrived = match (&mut arrived).now_or_never() {
            Some(()) => Box::pin(future::ready(())),
            None => arrived,
        };
    }

    /// Queues the new messages, oldest first.
    async fn read_inbox(&mut self) -> Result<(), StoreError> {
        let messages = self.page.inbox.list(None, MOST).await?;
        let ids = messages.iter().map(|message| message.id).collect();
        let known = std::mem::replace(&mut self.seen, ids);
        for message in messages.into_iter().rev().filter(|message| !known.contains(&message.id)) {
            let body = MessageBody::from(message);
            match serde_json::to_string(&body) {
                Ok(json) => self.waiting.push_back(format!("event: message\ndata: {json}\n\n").into()),
                Err(error) => tracing::error!(%error, "a message could not be written as an event"),
            }
        }
        Ok(())
    }

    /// The next bytes to send; `None` when the server stops.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.waiting.pop_front() {
                return Some(bytes);
            }
            tokio::select! {
                biased;
                () = self.page.stop.cancelled() => return None,
                () = &mut self.arrived => {
                    self.rearm();
                    if let Err(error) = self.read_inbox().await {
                        // The browser reconnects after its retry time and reads all messages that it missed.
                        tracing::error!(error = &error as &dyn std::error::Error, "the inbox could not be watched");
                        return None;
                    }
                }
                () = tokio::time::sleep(KEEP_ALIVE) => return Some(Bytes::from_static(b": still here\n\n")),
            }
        }
    }
}

/// Sends one event for each message that arrives from now on. Earlier messages come from `/dev/messages`,
/// which the page reads each time the stream opens.
pub(crate) async fn watch_messages(page: web::Data<DevPage>) -> Result<HttpResponse, Problem> {
    let Ok(permit) = STREAMS.try_acquire() else {
        let detail = "Too many pages watch the phone. Close some of them.";
        return Err(Problem::new(ProblemCode::TooManyStreams, detail));
    };
    let mut watch = Watch {
        page,
        arrived: Box::pin(future::ready(())),
        seen: HashSet::new(),
        waiting: VecDeque::new(),
        _permit: permit,
    };
    watch.rearm();
    watch.read_inbox().await.map_err(|error| unavailable("inbox", error))?;
    watch.waiting.clear();
    watch.waiting.push_back(Bytes::from_static(b"retry: 1000\n\n"));
    let events = stream::unfold(watch, |mut watch| async move {
        let bytes = watch.next().await?;
        Some((Ok::<_, Infallible>(bytes), watch))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .streaming(events))
}
