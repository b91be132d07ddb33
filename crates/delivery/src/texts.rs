//! SMS notices: texts to persons that contain no code. They go through the routes of the tenant `portal`, like the
//! codes to persons, and are counted in no limit of a number and in no history.

use crate::{
    Accounts,
    failover::metric_name,
    metric,
    provider::{Outgoing, Provider, SendError},
};
use countersign_core::{
    acts::ways::{operator, ways},
    code::Code,
    context::Management,
    id::{MessageId, NoticeId, VerificationId},
    phone::PhoneNumber,
    ports::codes::outbox::Outbox,
    tenant::PORTAL,
    time::Timestamp,
    verification::receipt::rate_take,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::timeout;
use zeroize::Zeroizing;

/// Why a text was not taken.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    /// No provider will ever take it.
    #[error("{0}")]
    Refused(String),
    /// Another try may succeed.
    #[error("{0}")]
    Later(String),
}

/// Sends texts.
pub struct Texts {
    pub management: Management,
    pub outbox: Arc<dyn Outbox>,
    pub accounts: Arc<Accounts>,
    /// The virtual phone of `dev`, for numbers that no route serves.
    pub phone: Option<Arc<dyn Provider>>,
    /// The longest time for a provider's answer.
    pub send_timeout: Duration,
    /// The number of messages in flight after which a slow account is left out.
    pub slow_account: usize,
}

impl Texts {
    /// Sends one text. The accounts of the routes are asked in turn; those whose breaker is open are left out.
    pub async fn send(
        &self,
        id: NoticeId,
        to: &PhoneNumber,
        text: &str,
        now: Timestamp,
    ) -> Result<(), TextError> {
        // The same message at each try, so that a provider which recognises repeats sends it once.
        let message = MessageId::from_bytes(*id.bytes());
        let mut outgoing = Outgoing {
            message,
            verification: VerificationId::from_bytes(*id.bytes()),
            attempt: 1,
            to: to.clone(),
            from: String::new(),
            text: Zeroizing::new(text.to_owned()),
            code: Code::of_test_mode(6),
            expires_at: now + Duration::from_secs(600),
            callback: None,
        };
        let snapshot = &self.management.snapshot;
        let view = snapshot.tenant(PORTAL);
        let ways = view.as_ref().map(|view| ways(view, operator(snapshot).as_deref(), to, message));
        let candidates = ways.map(|ways| ways.candidates).unwrap_or_default();
        if candidates.is_empty() {
            let Some(phone) = &self.phone else {
                return Err(TextError::Later("no route serves this number".to_owned()));
            };
            "Countersign".clone_into(&mut outgoing.from);
            return match self.ask(&**phone, &outgoing).await {
                Ok(()) => Ok(()),
                Err(error) => Err(TextError::Later(error.to_string())),
            };
        }
        let (mut last, started) = (String::new(), Instant::now());
        for way in &candidates {
            // The claim must not end before the answer comes. The next try asks again.
            if started.elapsed() > self.send_timeout {
                break;
            }
            let account = &way.account;
            if let Some(rate) = account.rate {
                match self.outbox.take(rate_take(account.id, rate)).await {
                    Ok(wait) if wait.is_zero() => {}
                    Ok(_) => {
                        "the account's rate is used up".clone_into(&mut last);
                        continue;
                    }
                    Err(_) => return Err(TextError::Later("the codes store does not answer".to_owned())),
                }
            }
            let flight = match self.accounts.breakers.admit(account, PORTAL, self.slow_account) {
                Ok(flight) => flight,
                Err(reason) => {
                    last = reason.to_string();
                    continue;
                }
            };
            way.sender.as_str().clone_into(&mut outgoing.from);
            let begun = Instant::now();
            let answer = match self.accounts.provider(account) {
                Ok(provider) => match timeout(self.send_timeout, provider.send(&outgoing)).await {
                    Ok(answer) => answer,
                    Err(_) => Err(SendError::Unknown { reason: "no answer in time".to_owned() }),
                },
                Err(error) => Err(error),
            };
            let took = begun.elapsed();
            drop(flight);
            self.accounts.breakers.note(account, PORTAL, &answer, took);
            let outcome = if answer.is_ok() { "accepted" } else { "retried" };
            metric::count_message(&metric_name(account), outcome);
            match answer.map_err(SendError::meaning) {
                Ok(_) => return Ok(()),
                Err(SendError::Reject { reason }) => return Err(TextError::Refused(reason)),
                Err(error) => last = error.to_string(),
            }
        }
        Err(TextError::Later(last))
    }

    async fn ask(&self, provider: &dyn Provider, message: &Outgoing) -> Result<(), SendError> {
        match timeout(self.send_timeout, provider.send(message)).await {
            Ok(answer) => answer.map(drop),
            Err(_) => Err(SendError::Unknown { reason: "no answer in time".to_owned() }),
        }
    }
}
