//! Failover: tries the providers for one message in turn, and decides the outcome.
//!
//! The worker asks all candidates of a route within one claim, so the user waits no longer when one provider
//! is down. It records each failed attempt before the next one begins. This also extends the claim.

use crate::{
    attempt::{Sender, bounded, decide, report},
    metric,
    provider::{Accepted, Callback, Outgoing, SendError},
};
use countersign_core::{
    acts::{receipts::path_secret, ways::Candidate},
    delivery::account::ProviderAccount,
    id::ProviderId,
    message::sender_text::SenderText,
    ports::{
        codes::outbox::{Claim, Settled},
        error::StoreError,
    },
    tenant::OPERATOR,
    verification::{
        receipt::{Awaited, FailedAttempt, ProviderMessage, rate_take, reference},
        settlement::Settlement,
    },
};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// If the account's rate needs a wait shorter than this, waiting is quicker than asking the next provider.
const SHORT: Duration = Duration::from_millis(300);

/// The result of one candidate.
struct Tried {
    answer: Result<Accepted, SendError>,
    /// False if the candidate was not asked, because its breaker was open or its rate used up.
    asked: bool,
    by_id: bool,
    /// Whether the provider will report a receipt for the message.
    reports: bool,
    took: Duration,
}

impl Sender {
    /// Asks the candidates in turn, from number `passed` on. Returns `None` if another worker has taken the
    /// claim over.
    pub(crate) async fn try_in_turn(
        &self,
        claim: &Claim,
        (mut message, named): (Outgoing, Option<SenderText>),
        ways: &[Candidate],
        passed: usize,
    ) -> Result<Option<Settlement>, StoreError> {
        let mut last: Option<(&Candidate, Tried)> = None;
        let mut declined = true;
        let begun = Instant::now();
        for (index, way) in ways.iter().enumerate().skip(passed) {
            // Stop and try again later, so that the claim does not end before the answer comes, and so that
            // other messages get the slot.
            if begun.elapsed() > self.send_timeout {
                declined = false;
                break;
            }
            if let Some((before, tried)) = last.take()
                && tried.asked
                && self.note_failed(claim, before, &tried).await? == Settled::Lost
            {
                return Ok(None);
            }
            message.from = sender(claim, named.as_ref(), way).as_str().to_owned();
            let tried = self.ask(claim, &mut message, way).await?;
            match &tried.answer {
                Ok(accepted) => {
                    let next = index + 1 < ways.len();
                    let settlement = accept(way, accepted, &tried, next.then_some(index + 1));
                    report(claim, &metric_name(&way.account), &settlement, tried.took);
                    return Ok(Some(settlement));
                }
                // No provider would accept this message.
                Err(SendError::Reject { .. }) => {
                    last = Some((way, tried));
                    break;
                }
                Err(error) => declined &= matches!(error, SendError::Decline { .. }),
            }
            last = Some((way, tried));
        }
        let Some((way, tried)) = last else { return Ok(Some(Settlement::GaveUp)) };
        let name = &way.account.name;
        // The last candidate declined, but others only failed and may accept the message later: so the
        // message must not end here.
        let answer = match tried.answer {
            Err(SendError::Decline { reason }) if !declined => Err(SendError::retry(reason)),
            answer => answer,
        };
        if let Err(error) = &answer {
            count_double(way, error);
        }
        let settlement = decide(name, claim.attempt, answer);
        report(claim, &metric_name(&way.account), &settlement, tried.took);
        Ok(Some(settlement))
    }

    async fn ask(&self, claim: &Claim, message: &mut Outgoing, way: &Candidate) -> Result<Tried, StoreError> {
        let account = &way.account;
        let left_out = |error| Tried {
            answer: Err(error),
            asked: false,
            by_id: false,
            reports: false,
            took: Duration::ZERO,
        };
        let tenant = claim.key.tenant;
        if let Some(reason) = self.accounts.breakers.is_shut(account, tenant, self.slow_account) {
            return Ok(left_out(SendError::retry(reason)));
        }
        if let Some(rate) = account.rate
            && let Some(wait) = self.wait_for_rate(account.id, rate).await?
        {
            let reason = "the account's rate is used up".to_owned();
            return Ok(left_out(SendError::Retry { reason, after: Some(wait) }));
        }
        let flight = match self.accounts.breakers.admit(account, tenant, self.slow_account) {
            Ok(flight) => flight,
            Err(reason) => return Ok(left_out(SendError::retry(reason))),
        };
        message.callback = self.callback(claim, account);
        let begun = Instant::now();
        let provider = self.accounts.provider(account);
        let by_id = provider.as_ref().is_ok_and(|provider| provider.names_by_id());
        let reports = provider.as_ref().is_ok_and(|provider| provider.reports(message));
        let answer = match provider {
            Ok(provider) => self.hand_over(&*provider, &metric_name(account), message).await,
            Err(error) => Err(error),
        };
        let took = begun.elapsed();
        drop(flight);
        self.accounts.breakers.note(account, tenant, &answer, took);
        Ok(Tried { answer: answer.map_err(SendError::meaning), asked: true, by_id, reports, took })
    }

    /// Takes one message from the account's rate. Returns the wait that is needed; a wait shorter than
    /// [`SHORT`] is waited for here.
    async fn wait_for_rate(&self, account: ProviderId, rate: u32) -> Result<Option<Duration>, StoreError> {
        let outbox = &self.outbox;
        let wait = outbox.take(rate_take(account, rate)).await?;
        if wait.is_zero() {
            return Ok(None);
        }
        if wait > SHORT {
            return Ok(Some(wait));
        }
        sleep(wait).await;
        let wait = outbox.take(rate_take(account, rate)).await?;
        Ok((!wait.is_zero()).then_some(wait))
    }

    async fn note_failed(
        &self,
        claim: &Claim,
        way: &Candidate,
        tried: &Tried,
    ) -> Result<Settled, StoreError> {
        let Err(error) = &tried.answer else { return Ok(Settled::Done) };
        let (provider, reason) = (way.account.name.clone(), bounded(&error.to_string()));
        let after = Duration::ZERO;
        let shown = Settlement::Retry { provider: provider.clone(), reason: reason.clone(), after };
        report(claim, &metric_name(&way.account), &shown, tried.took);
        count_double(way, error);
        let attempt = FailedAttempt { provider, reason, lease: self.lease };
        self.outbox.note_attempt(claim, attempt, self.event_id(claim)).await
    }

    fn callback(&self, claim: &Claim, account: &ProviderAccount) -> Option<Callback> {
        let url = self.public_url.as_deref()?;
        let secret = path_secret(&self.management.keyring, account);
        Some(Callback {
            url: format!("{url}/receipts/{}/{}/{secret}", account.tenant, account.id),
            reference: reference(claim.key, claim.message),
        })
    }
}

/// The sender for this candidate. A sender that the start named is used only for the tenant's own accounts.
fn sender<'a>(claim: &Claim, named: Option<&'a SenderText>, way: &'a Candidate) -> &'a SenderText {
    named.filter(|_| way.account.tenant == claim.key.tenant).unwrap_or(&way.sender)
}

/// Counts a message that the phone may get twice: the provider may have accepted it, and it will be sent
/// again.
fn count_double(way: &Candidate, error: &SendError) {
    if matches!(error, SendError::Unknown { .. }) {
        metric::count_double(&metric_name(&way.account));
    }
}

fn accept(way: &Candidate, accepted: &Accepted, tried: &Tried, passed: Option<usize>) -> Settlement {
    let id = accepted.id.as_deref().filter(|_| tried.by_id);
    // Wait for a receipt only if it will come and can be matched. Otherwise every message would be sent
    // again.
    let passed = passed.filter(|_| tried.reports && (!tried.by_id || id.is_some()));
    let passed =
        passed.and_then(|passed| u8::try_from(passed).ok()).filter(|passed| *passed <= Awaited::MOST);
    let awaited = way.route.receipt_timeout.zip(passed);
    Settlement::Accepted {
        provider: way.account.name.clone(),
        receipt: accepted.receipt,
        awaited: awaited.map(|(after, passed)| Awaited { passed, after }),
        id: id.and_then(|id| ProviderMessage::new(way.account.id, id)),
    }
}

/// The account's name in metrics. Accounts of tenants appear by their kind, because tenants choose the names
/// and there is no bound on their number.
pub(crate) fn metric_name(account: &ProviderAccount) -> String {
    if account.tenant == OPERATOR { account.name.clone() } else { account.kind.clone() }
}
