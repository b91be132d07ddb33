//! Keeps one connection bound: connects, serves, and reconnects.

use super::{
    Connect, Shared,
    job::Job,
    session::{Session, Stream},
    tls,
};
use crate::provider::SendError;
use rand::{RngExt, rngs::StdRng};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until, timeout},
};
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_secs(60);
/// After a session that lasted this long, the pauses start from the shortest again.
const GOOD_SESSION: Duration = Duration::from_secs(10);

pub(super) struct Supervisor {
    shared: Arc<Shared>,
    connect: Arc<dyn Connect>,
    tls: Option<TlsConnector>,
    jobs: mpsc::Receiver<Job>,
    rng: StdRng,
    stop: CancellationToken,
}

impl Supervisor {
    pub(super) fn new(
        shared: Arc<Shared>,
        connect: Arc<dyn Connect>,
        tls: Option<TlsConnector>,
        jobs: mpsc::Receiver<Job>,
        rng: StdRng,
        stop: CancellationToken,
    ) -> Self {
        Self { shared, connect, tls, jobs, rng, stop }
    }

    /// Runs until the provider is dropped or closed.
    pub(super) async fn run(mut self: Box<Self>) {
        let stop = self.stop.clone();
        let mut pause = FIRST_PAUSE;
        while !stop.is_cancelled() {
            let bound = tokio::select! {
                bound = self.bind() => bound,
                () = stop.cancelled() => break,
            };
            let error = match bound {
                Ok(mut session) => {
                    tracing::info!(provider.name = "smpp", "bound to the SMSC");
                    let begun = Instant::now();
                    let lost = session.run(&mut self.jobs, &stop).await;
                    if begun.elapsed() >= GOOD_SESSION {
                        pause = FIRST_PAUSE;
                    }
                    if stop.is_cancelled() {
                        break;
                    }
                    tracing::warn!(provider.name = "smpp", reason = lost, "the bind to the SMSC was lost");
                    SendError::retry(format!("not connected: {lost}"))
                }
                Err(error) => {
                    tracing::warn!(provider.name = "smpp", reason = %error, "no bind to the SMSC");
                    error
                }
            };
            if matches!(error, SendError::Account { .. }) {
                // The refusal will not go away by itself, and many SMSCs lock an account after many tries.
                pause = LAST_PAUSE;
            }
            self.pause(pause, &error).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
        // The channel closes with the task, so every waiting message gets an answer.
    }

    /// Connects and binds. Each step has its own time-out.
    async fn bind(&self) -> Result<Session, SendError> {
        let settings = &self.shared.settings;
        let connect = self.connect.connect(&settings.host, settings.port, CONNECT_TIMEOUT);
        let stream = match timeout(CONNECT_TIMEOUT, connect).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(_)) => return Err(SendError::retry("connection failed")),
            Err(_) => return Err(SendError::retry("no connection in time")),
        };
        // Without this option, a small PDU waits for the acknowledgement of the one before.
        stream.set_nodelay(true).map_err(|_| SendError::retry("connection failed"))?;
        let stream: Box<dyn Stream> = match (&self.tls, tls::server_name(&settings.host)) {
            (None, _) => Box::new(stream),
            (Some(tls), Some(name)) => match timeout(CONNECT_TIMEOUT, tls.connect(name, stream)).await {
                Ok(Ok(stream)) => Box::new(stream),
                _ => return Err(SendError::retry("no TLS with the SMSC")),
            },
            (Some(_), None) => return Err(SendError::retry("no TLS for this host")),
        };
        let mut session = Session::new(Arc::clone(&self.shared), stream);
        let bind = timeout(settings.response_timeout, session.bind()).await;
        bind.unwrap_or_else(|_| Err(SendError::retry("no response to the bind")))?;
        Ok(session)
    }

    /// Waits for a random time between half of `pause` and all of it, because many nodes lose an SMSC at
    /// once. Messages that arrive meanwhile get `error`.
    async fn pause(&mut self, pause: Duration, error: &SendError) {
        let share = self.rng.random_range(0.5..=1.0);
        let until = Instant::now() + pause.mul_f64(share);
        loop {
            tokio::select! {
                () = sleep_until(until) => return,
                () = self.stop.cancelled() => return,
                job = self.jobs.recv() => match job {
                    Some(job) => job.refuse(error.clone()),
                    None => return,
                },
            }
        }
    }
}
