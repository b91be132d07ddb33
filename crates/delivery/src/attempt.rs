//! The handling of one claimed message: it opens, sends and settles the message.

use crate::{
    accounts::Accounts,
    backoff::{MAX_ATTEMPTS, wait_after},
    metric,
    provider::{Accepted, Outgoing, Provider, SendError},
    providers::simulator::Simulator,
};
use countersign_core::{
    acts::{
        receipts::bind_message,
        resend::open_code_text,
        ways::{Candidate, operator, routes_of, ways},
    },
    context::Management,
    error::chain,
    id::EventId,
    message::sender_text::SenderText,
    mode::Mode,
    ports::{
        clock::Clock,
        codes::outbox::{Claim, Outbox, Settled},
        error::StoreError,
    },
    verification::{
        contact::Contact,
        receipt::{ProviderMessage, ReceiptReport, Received},
        settlement::{Phase, Settlement},
        status::Delivery,
    },
};
use rand::rngs::StdRng;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, sleep, timeout};

/// The maximum length of a reason in an event, in characters.
const MAX_REASON: usize = 120;
/// If settling fails after a provider accepted the message, the phone will get a second SMS. So settling is
/// tried again when the store is away for a moment.
const SETTLE_TRIES: u32 = 3;
const SETTLE_PAUSE: Duration = Duration::from_secs(1);

/// Sends claimed messages. The tasks of one worker share it.
pub(crate) struct Sender {
    pub(crate) outbox: Arc<dyn Outbox>,
    pub(crate) management: Management,
    pub(crate) live: Option<Arc<dyn Provider>>,
    pub(crate) simulator: Simulator,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Mutex<StdRng>,
    pub(crate) send_timeout: Duration,
    /// The maximum number of messages in progress through a slow account.
    pub(crate) slow_account: usize,
    pub(crate) lease: Duration,
    pub(crate) accounts: Arc<Accounts>,
    /// The URL of this installation at which providers report receipts, if it is configured.
    pub(crate) public_url: Option<String>,
}

impl Sender {
    /// Carries out what the claim is for, and settles it.
    pub(crate) async fn handle(&self, claim: Claim) -> Result<(), StoreError> {
        let ending = match claim.phase {
            Phase::Receipt(delivery) => return self.note_receipt(&claim, delivery).await,
            Phase::Send => self.send(&claim, 0).await?,
            Phase::Await(passed) => self.send(&claim, usize::from(passed)).await?,
        };
        let Some(ending) = ending else { return Ok(()) };
        let id = match &ending {
            Settlement::Accepted { id, .. } => id.clone(),
            _ => None,
        };
        let (gave_up, settled) = (ending == Settlement::GaveUp, self.settle(&claim, ending).await?);
        if settled == Settled::Lost && !gave_up {
            note_lost(&claim);
        }
        match id {
            Some(id) => self.bind(&claim, &id).await,
            None => Ok(()),
        }
    }

    /// Saves which message has this id at the provider, and applies a receipt that arrived before.
    async fn bind(&self, claim: &Claim, id: &ProviderMessage) -> Result<(), StoreError> {
        let target = (claim.key, claim.message);
        for parked in bind_message(&*self.outbox, id, target).await? {
            let report = ReceiptReport::new(target, parked);
            let delivery = report.delivery;
            if self.outbox.receive(report).await? == Received::Noted {
                metric::count_receipt(delivery);
            }
        }
        Ok(())
    }

    async fn note_receipt(&self, claim: &Claim, delivery: Delivery) -> Result<(), StoreError> {
        // A lost claim does no harm here: the worker that took it over records the same receipt.
        if self.settle(claim, Settlement::Receipt(delivery)).await? == Settled::Done {
            metric::count_receipt(delivery);
            tracing::info!(
                tenant.id = %claim.key.tenant,
                verification.id = %claim.key.id,
                message.id = %claim.message,
                outcome = delivery.as_str(),
                "a delivery receipt arrived",
            );
        }
        Ok(())
    }

    /// Tries the candidates from number `passed` on. Returns `None` if another worker has taken the claim
    /// over.
    async fn send(&self, claim: &Claim, passed: usize) -> Result<Option<Settlement>, StoreError> {
        if claim.attempt > MAX_ATTEMPTS {
            // All its attempts broke off. This stops a message that kills its worker each time.
            return Ok(Some(self.conclude(claim, "none", Err(SendError::reject("gave up")), Duration::ZERO)));
        }
        if self.management.snapshot.is_disabled(claim.key.tenant) {
            // The server refuses the tenant's keys, so nobody could check the code.
            return Ok(Some(match passed {
                0 => {
                    let refused = Err(SendError::reject("the tenant is disabled"));
                    self.conclude(claim, "none", refused, Duration::ZERO)
                }
                _ => Settlement::GaveUp,
            }));
        }
        let (message, named) = match self.compose(claim) {
            Ok(composed) => composed,
            Err(error) => return Ok(Some(self.conclude(claim, "none", Err(error), Duration::ZERO))),
        };
        let ways = match claim.key.mode {
            Mode::Test => Vec::new(),
            Mode::Live => self.ways(claim, &message),
        };
        if !ways.is_empty() {
            return self.try_in_turn(claim, (message, named), &ways, passed).await;
        }
        if passed > 0 {
            return Ok(Some(Settlement::GaveUp));
        }
        let provider: Option<&dyn Provider> = match claim.key.mode {
            Mode::Live => self.live.as_deref(),
            Mode::Test => Some(&self.simulator),
        };
        let (name, begun) = (provider.map_or("none", Provider::name), Instant::now());
        let answer = match provider {
            // Another node may have a route for it.
            None => Err(SendError::retry("no route")),
            Some(provider) => self.hand_over(provider, name, &message).await,
        };
        Ok(Some(self.conclude(claim, name, answer, begun.elapsed())))
    }

    fn ways(&self, claim: &Claim, message: &Outgoing) -> Vec<Candidate> {
        let snapshot = &self.management.snapshot;
        let Some(view) = snapshot.tenant(routes_of(claim.key.tenant)) else { return Vec::new() };
        ways(&view, operator(snapshot).as_deref(), &message.to, claim.message).candidates
    }

    fn conclude(
        &self,
        claim: &Claim,
        provider: &str,
        answer: Result<Accepted, SendError>,
        took: Duration,
    ) -> Settlement {
        let settlement = decide(provider, claim.attempt, answer);
        report(claim, provider, &settlement, took);
        settlement
    }

    pub(crate) async fn hand_over(
        &self,
        provider: &dyn Provider,
        metric_name: &str,
        message: &Outgoing,
    ) -> Result<Accepted, SendError> {
        let begun = Instant::now();
        let answer = timeout(self.send_timeout, provider.send(message)).await;
        metric::note_duration(metric_name, begun.elapsed());
        answer.unwrap_or_else(|_| {
            Err(SendError::unknown(format!("no answer in {} s", self.send_timeout.as_secs_f32())))
        })
    }

    /// Opens the claim's sealed record and composes the message. Also returns the sender that the start
    /// named.
    fn compose(&self, claim: &Claim) -> Result<(Outgoing, Option<SenderText>), SendError> {
        let (management, key, record) = (&self.management, claim.key, &claim.record);
        let unreadable = |error: &dyn std::error::Error| {
            tracing::error!(
                tenant.id = %key.tenant,
                verification.id = %key.id,
                message.id = %claim.message,
                error = %chain(error),
                "a message cannot be opened with the keys of this node",
            );
            SendError::reject("unreadable")
        };
        let contact = Contact::open(&management.keyring, key, record).map_err(|error| unreadable(&error))?;
        let text = open_code_text(&management.keyring, key, record).map_err(|error| unreadable(&error))?;
        // The tenant is missing if its stored form cannot be read. An operator may repair that before the
        // code expires.
        let view =
            management.snapshot.tenant(key.tenant).ok_or_else(|| SendError::retry("no such tenant"))?;
        let left = record.expires_at().since(self.clock.now());
        let message = text.compose_anyhow(&view, left).ok_or_else(|| SendError::reject("no text"))?;
        let named = text.sender.clone();
        let from = named.as_ref().map_or(view.tenant.name.as_str(), SenderText::as_str).to_owned();
        let message = Outgoing {
            message: claim.message,
            verification: key.id,
            attempt: claim.attempt,
            to: contact.to,
            from,
            text: message.into_exposed(),
            code: text.code,
            expires_at: record.expires_at(),
            callback: None,
        };
        Ok((message, named))
    }

    async fn settle(&self, claim: &Claim, settlement: Settlement) -> Result<Settled, StoreError> {
        let event = self.event_id(claim);
        let mut tries = 1;
        loop {
            match self.outbox.settle(claim, settlement.clone(), event).await {
                Err(StoreError::Unavailable(_)) if tries < SETTLE_TRIES => {
                    tries += 1;
                    sleep(SETTLE_PAUSE).await;
                }
                answer => return answer,
            }
        }
    }

    pub(crate) fn event_id(&self, claim: &Claim) -> EventId {
        // A panic while the lock is held cannot harm the generator, so a poisoned lock is safe to use.
        let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
        EventId::new(self.clock.now(), claim.key.id.partition(), &mut *rng)
    }
}

/// Turns the provider's answer into the settlement of the message.
pub(crate) fn decide(provider: &str, attempt: u32, answer: Result<Accepted, SendError>) -> Settlement {
    let provider = provider.to_owned();
    let (reason, after) = match answer.map_err(SendError::meaning) {
        Ok(Accepted { receipt, .. }) => {
            return Settlement::Accepted { provider, receipt, awaited: None, id: None };
        }
        Err(SendError::Reject { reason } | SendError::Decline { reason }) => {
            return Settlement::Rejected { provider, reason: bounded(&reason) };
        }
        Err(SendError::Retry { reason, after } | SendError::Throttle { reason, after }) => (reason, after),
        Err(SendError::Account { reason } | SendError::Unknown { reason }) => (reason, None),
        // `meaning` has removed the mark, and no error carries it twice.
        Err(SendError::Local(error)) => (error.to_string(), None),
    };
    if attempt >= MAX_ATTEMPTS {
        return Settlement::Rejected { provider, reason: bounded(&format!("gave up: {reason}")) };
    }
    Settlement::Retry { provider, reason: bounded(&reason), after: wait_after(attempt, after) }
}

pub(crate) fn bounded(reason: &str) -> String {
    reason.chars().take(MAX_REASON).collect()
}

fn note_lost(claim: &Claim) {
    tracing::warn!(
        tenant.id = %claim.key.tenant,
        verification.id = %claim.key.id,
        message.id = %claim.message,
        "a message was taken over or ended before its attempt was settled",
    );
}

/// Writes one log line and counts one attempt.
pub(crate) fn report(claim: &Claim, metric_name: &str, settlement: &Settlement, took: Duration) {
    let (provider, outcome, reason) = match settlement {
        Settlement::Accepted { provider, .. } => (provider, "accepted", None),
        Settlement::Retry { provider, reason, .. } => (provider, "retried", Some(reason)),
        Settlement::Rejected { provider, reason } => (provider, "rejected", Some(reason)),
        Settlement::Receipt(_) | Settlement::GaveUp => return,
    };
    metric::count_message(metric_name, outcome);
    let (tenant, verification, message) = (claim.key.tenant, claim.key.id, claim.message);
    let duration_ms = took.as_secs_f64() * 1e3;
    match reason {
        None => tracing::info!(
            tenant.id = %tenant,
            verification.id = %verification,
            message.id = %message,
            provider.name = %provider,
            outcome,
            duration_ms,
            "a provider accepted a message",
        ),
        Some(reason) => tracing::warn!(
            tenant.id = %tenant,
            verification.id = %verification,
            message.id = %message,
            provider.name = %provider,
            outcome,
            duration_ms,
            attempt = claim.attempt,
            reason = %reason,
            "a provider did not take a message",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_become_settlements() {
        let provider = || "relay".to_owned();
        let receipt = Some((Delivery::Delivered, Duration::ZERO));
        let accepted = decide("relay", 1, Ok(Accepted { receipt, id: None }));
        assert_eq!(accepted, Settlement::Accepted { provider: provider(), receipt, awaited: None, id: None });

        let (reason, after) = ("HTTP 503".to_owned(), Duration::from_secs(4));
        let retry = decide("relay", 3, Err(SendError::retry(&reason)));
        assert_eq!(retry, Settlement::Retry { provider: provider(), reason: reason.clone(), after });

        let asked = SendError::Retry { reason: reason.clone(), after: Some(Duration::from_secs(40)) };
        let retry = decide("relay", 3, Err(asked.clone()));
        let after = Duration::from_secs(40);
        assert_eq!(retry, Settlement::Retry { provider: provider(), reason, after });

        let last = decide("relay", MAX_ATTEMPTS, Err(asked));
        let reason = "gave up: HTTP 503".to_owned();
        assert_eq!(last, Settlement::Rejected { provider: provider(), reason });
    }

    #[test]
    fn reasons_are_bounded() {
        let settlement = decide("relay", 1, Err(SendError::reject("ż".repeat(1_000))));
        assert!(
            matches!(settlement, Settlement::Rejected { reason, .. } if reason == "ż".repeat(MAX_REASON))
        );
    }
}
