//! One message, several providers: who is asked, and what comes of it.
//!
//! All candidates of a route are asked within one claim, so that a provider
//! that is down costs the person with the phone no time. Each attempt that
//! fails is noted before the next begins, which also holds the claim longer.

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

/// A wait for an account's rate that is shorter than to ask somebody else.
const SHORT: Duration = Duration::from_millis(300);

/// What became of one candidate.
struct Tried {
    answer: Result<Accepted, SendError>,
    /// Whether it was asked at all, or left out for its breaker or its rate.
    asked: bool,
    by_id: bool,
    /// Whether what becomes of the message is told.
    reports: bool,
    took: Duration,
}

impl Sender {
    /// Asks one after the other, from the candidate `passed` on; `None` when
    /// the claim was lost meanwhile.
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
            // Later, so that the claim is still ours when the answer comes, and others have the place.
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
                // Nobody would take it.
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
        // One that declines, after others that only failed, must not end it.
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

    /// The wait until the account may send, unless that is short enough to sit it out.
    async fn wait_for_rate(&self, account: ProviderId, rate: u32) -> Result<Option<Duration>, StoreError> {
        let codes = &self.context.codes;
        let wait = codes.take(rate_take(account, rate)).await?;
        if wait.is_zero() {
            return Ok(None);
        }
        if wait > SHORT {
            return Ok(Some(wait));
        }
        sleep(wait).await;
        let wait = codes.take(rate_take(account, rate)).await?;
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
        self.context.codes.note_attempt(claim, attempt, self.event_id(claim)).await
    }

    fn callback(&self, claim: &Claim, account: &ProviderAccount) -> Option<Callback> {
        let url = self.public_url.as_deref()?;
        let secret = path_secret(&self.context.keyring, account);
        Some(Callback {
            url: format!("{url}/receipts/{}/{}/{secret}", account.tenant, account.id),
            reference: reference(claim.key, claim.message),
        })
    }
}

/// What the message comes from this way: what its start named, through the tenant's own account.
fn sender<'a>(claim: &Claim, named: Option<&'a SenderText>, way: &'a Candidate) -> &'a SenderText {
    named.filter(|_| way.account.tenant == claim.key.tenant).unwrap_or(&way.sender)
}

/// Counts what may come twice: it will be sent again, by whomever.
fn count_double(way: &Candidate, error: &SendError) {
    if matches!(error, SendError::Unknown { .. }) {
        metric::count_double(&metric_name(&way.account));
    }
}

fn accept(way: &Candidate, accepted: &Accepted, tried: &Tried, passed: Option<usize>) -> Settlement {
    let id = accepted.id.as_deref().filter(|_| tried.by_id);
    // Without a receipt, or one that names nothing known, every message would go out again.
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

/// In metrics an account of a tenant goes by its kind: names are the tenant's, and without a bound.
pub(crate) fn metric_name(account: &ProviderAccount) -> String {
    if account.tenant == OPERATOR { account.name.clone() } else { account.kind.clone() }
}
