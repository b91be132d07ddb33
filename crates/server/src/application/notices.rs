//! Sends the notices that wait: mails through the SMTP server, SMS through the routes of the tenant `portal`, and
//! in `dev` both to its page.

use crate::configuration::Settings;
use countersign_core::{
    error::chain,
    keyring::KeyRing,
    people::notice::{Notice, NoticeClaim, Recipient},
    ports::{
        clock::Clock,
        error::StoreError,
        people::notices::{NoticeCounts, Notices},
    },
};
use countersign_delivery::{MailError, Mailer, OutgoingMail, TextError, Texts};
use countersign_portal::{
    DevMails,
    mail::{Office, write_mail, write_sms},
};
use std::{sync::Arc, time::Duration};
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

const POLL: Duration = Duration::from_secs(1);
/// How long a claim holds a notice: longer than the longest time-out, and the settlement after it.
const LEASE: Duration = Duration::from_secs(150);
/// Polls between two samples of the waiting notices.
const SAMPLE: u64 = 10;
/// Notices in flight when no SMTP server bounds them.
const PARALLEL: u32 = 4;

/// The result of one try.
enum Outcome {
    Sent,
    Later(String),
    GivenUp(String),
}

/// Sends notices.
pub(super) struct NoticeSender {
    notices: Arc<dyn Notices>,
    keyring: Arc<KeyRing>,
    clock: Arc<dyn Clock>,
    office: Office,
    mailer: Option<Arc<Mailer>>,
    texts: Texts,
    /// The mails that the page of `dev` shows.
    shown: Option<Arc<DevMails>>,
    parallel: usize,
}

impl NoticeSender {
    pub fn new(
        (notices, keyring, clock): (Arc<dyn Notices>, Arc<KeyRing>, Arc<dyn Clock>),
        (mailer, texts, shown): (Option<Arc<Mailer>>, Texts, Option<Arc<DevMails>>),
        (settings, origin): (&Settings, &str),
    ) -> Self {
        let origin = origin.to_owned();
        let parallel = settings.mail.as_ref().map_or(PARALLEL, |mail| mail.settings.parallel) as usize;
        let office = Office { origin, support: settings.support.clone() };
        Self { notices, keyring, clock, office, mailer, texts, shown, parallel }
    }

    /// Sends notices until `stop` is set. Then it claims no more and settles those in flight.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        describe_metrics();
        let mut flights = JoinSet::new();
        let mut tick = interval(POLL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut failing, mut rounds) = (false, 0u64);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(_) = flights.join_next() => {}
                _ = tick.tick() => {
                    if rounds.is_multiple_of(SAMPLE) {
                        self.sample().await;
                    }
                    rounds += 1;
                }
            }
            let free = self.parallel.saturating_sub(flights.len());
            if free == 0 {
                continue;
            }
            match self.claim(free).await {
                Ok(claims) => {
                    failing = false;
                    for claim in claims {
                        let sender = Arc::clone(&self);
                        flights.spawn(async move { sender.handle(claim).await });
                    }
                }
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        tracing::warn!(error = %chain(&error), "The notices to persons cannot be read, they wait");
                    }
                }
            }
        }
        while flights.join_next().await.is_some() {}
    }

    async fn claim(&self, free: usize) -> Result<Vec<NoticeClaim>, StoreError> {
        let now = self.clock.now();
        self.notices.claim_notices(u16::try_from(free).unwrap_or(u16::MAX), now, now + LEASE).await
    }

    async fn sample(&self) {
        // The claim reports an outage. Here it is enough that the gauges keep their values.
        if let Ok(NoticeCounts { waiting, dropped }) = self.notices.count_notices().await {
            metrics::gauge!("countersign_notices_waiting").set(waiting as f64);
            metrics::counter!("countersign_notices_dropped_total").absolute(dropped);
        }
    }

    /// Sends one notice and settles it.
    async fn handle(&self, claim: NoticeClaim) {
        let now = self.clock.now();
        let outcome = match claim.open(&self.keyring) {
            _ if claim.is_used_up() => Outcome::GivenUp("its tries broke off".to_owned()),
            None => Outcome::Later("it does not open with any key of the ring".to_owned()),
            Some(notice) if notice.news.useless_from().is_some_and(|end| end <= now) => {
                Outcome::GivenUp("its link has expired".to_owned())
            }
            Some(notice) => self.send(&notice).await,
        };
        let (outcome, reason) = match outcome {
            Outcome::Sent => ("sent", None),
            Outcome::GivenUp(reason) => ("given_up", Some(reason)),
            Outcome::Later(reason) => match claim.next_try(self.clock.now()) {
                Some(at) => {
                    self.note(&claim, "retried", Some(&reason));
                    self.check(self.notices.retry_notice(&claim, at).await, &claim);
                    return;
                }
                None => ("given_up", Some(reason)),
            },
        };
        self.note(&claim, outcome, reason.as_deref());
        self.check(self.notices.end_notice(&claim).await, &claim);
    }

    async fn send(&self, notice: &Notice) -> Outcome {
        match &notice.to {
            Recipient::Mail(to) => {
                let letter = write_mail(notice, &self.office);
                if let Some(shown) = &self.shown {
                    shown.put(notice.id, to.expose(), &letter, self.clock.now());
                }
                let Some(mailer) = &self.mailer else {
                    return match self.shown {
                        Some(_) => Outcome::Sent,
                        None => Outcome::Later("no SMTP server is configured (mail.url)".to_owned()),
                    };
                };
                let mail = OutgoingMail {
                    id: notice.id,
                    to,
                    subject: &letter.subject,
                    text: &letter.text,
                    html: &letter.html,
                    at: notice.made_at,
                };
                match mailer.send(&mail).await {
                    Ok(()) => Outcome::Sent,
                    Err(error @ MailError::Refused(_)) => Outcome::GivenUp(error.to_string()),
                    Err(error) => Outcome::Later(error.to_string()),
                }
            }
            Recipient::Sms(to) => {
                let Some(text) = write_sms(notice, &self.office) else {
                    return Outcome::GivenUp("this kind has no SMS".to_owned());
                };
                match self.texts.send(notice.id, to, &text, self.clock.now()).await {
                    Ok(()) => Outcome::Sent,
                    Err(TextError::Refused(reason)) => Outcome::GivenUp(reason),
                    Err(TextError::Later(reason)) => Outcome::Later(reason),
                }
            }
        }
    }

    /// Writes one log line and counts one try. Neither contains the recipient.
    fn note(&self, claim: &NoticeClaim, outcome: &'static str, reason: Option<&str>) {
        let channel = claim.channel.as_str();
        metrics::counter!("countersign_notices_sent_total", "channel" => channel, "outcome" => outcome)
            .increment(1);
        match reason {
            None => tracing::info!(
                notice.id = %claim.id, notice.kind = %claim.kind, channel, outcome, "A notice was handed over"
            ),
            Some(reason) => tracing::warn!(
                notice.id = %claim.id, notice.kind = %claim.kind, channel, outcome, reason, tries = claim.tries,
                "A notice was not handed over"
            ),
        }
    }

    fn check(&self, settled: Result<bool, StoreError>, claim: &NoticeClaim) {
        match settled {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!(notice.id = %claim.id, "A notice was taken over before its try was settled");
            }
            // Its lease ends, and it is tried again: better twice than never.
            Err(error) => {
                tracing::warn!(notice.id = %claim.id, error = %chain(&error), "The try of a notice was not settled");
            }
        }
    }
}

fn describe_metrics() {
    metrics::describe_counter!(
        "countersign_notices_sent_total",
        "Tries to hand over mails and SMS to persons, by channel and outcome"
    );
    metrics::describe_gauge!("countersign_notices_waiting", "Mails and SMS to persons that are not sent yet");
    metrics::describe_counter!(
        "countersign_notices_dropped_total",
        "Notices that were not stored, because too many of their kind waited for their person"
    );
}
