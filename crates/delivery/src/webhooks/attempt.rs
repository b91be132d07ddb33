//! One attempt: sign the message, call the endpoint, record the result. Only the status of the answer is
//! stored: a tenant must not see the answer of an internal address.

use super::pool::Pace;
use crate::{
    metric,
    outbound::{Method, Outbound, Request, StatusCode, header::HeaderName},
    providers::signature::SigningSecret,
};
use countersign_core::{
    access::change::Change,
    acts::webhook_events::PING,
    context::Context,
    id::AttemptId,
    management::webhooks::disable_webhook,
    ports::{
        clock::Clock,
        error::StoreError,
        webhooks::{NextTry, Settled, WebhookAttempt, WebhookClaim, WebhookSettlement},
    },
    time::Timestamp,
    webhook::{DisabledReason, FAILING, FAILURES, Webhook, schedule::wait_after, secret::WebhookSecrets},
};
use hyper::header::HeaderValue;
use rand::{RngExt as _, rngs::StdRng};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The parts that every attempt uses.
pub(super) struct Sender {
    pub context: Context,
    pub outbound: Outbound,
    pub clock: Arc<dyn Clock>,
    pub rng: Mutex<StdRng>,
    pub timeout: Duration,
}

/// The result of a call.
struct Called {
    status: Option<StatusCode>,
    reason: Option<String>,
    retry_after: Option<Duration>,
    took: Duration,
}

impl Sender {
    /// Sends a claimed message and records the result.
    pub async fn handle(&self, webhook: &Webhook, claim: WebhookClaim) -> Result<Pace, StoreError> {
        let began = self.clock.now();
        let called = match self.request(webhook, &claim, began) {
            Some(request) => self.call(request).await,
            // Another node may have the key when the message is tried again.
            None => {
                tracing::error!(
                    webhook.id = %webhook.id, tenant.id = %webhook.tenant,
                    "The secret of a webhook cannot be read with the keys of this node"
                );
                let reason = Some("its secret cannot be read by the server".to_owned());
                Called { status: None, reason, retry_after: None, took: Duration::ZERO }
            }
        };
        let gone = called.status == Some(StatusCode::GONE);
        let now = self.clock.now();
        let next = match called.reason {
            None => NextTry::Delivered,
            // The author of a ping looks at its result at once, and can send another.
            Some(_) if gone || claim.kind == PING => NextTry::GivenUp,
            Some(_) => self.next_try(&claim, called.retry_after, now),
        };
        let settlement = WebhookSettlement { attempt: self.attempt(&claim, began, &called), next };
        metric::count_webhook(called.reason.is_none(), called.took);
        tracing::info!(
            webhook.id = %webhook.id, tenant.id = %webhook.tenant, message.id = %claim.id, kind = claim.kind,
            status = called.status.map(|status| status.as_u16()), reason = called.reason,
            duration_ms = called.took.as_millis() as u64, "webhook message sent"
        );
        let settled = self.context.webhooks.settle(&claim, &settlement).await?;
        if gone {
            self.disable(webhook, DisabledReason::Gone, now).await?;
        } else if let Settled::Noted { failing_since: Some(since) } = settled {
            let since = since.max(webhook.enabled_at);
            // A few failures over days say little about an endpoint that gets few messages.
            if now.since(since) >= FAILING
                && self.context.webhooks.failures(webhook.id, since, FAILURES).await? >= FAILURES.into()
            {
                self.disable(webhook, DisabledReason::Failing, now).await?;
            }
        }
        Ok(if called.reason.is_none() { Pace::Fine } else { Pace::Failed })
    }

    fn request(&self, webhook: &Webhook, claim: &WebhookClaim, now: Timestamp) -> Option<Request> {
        let of = (webhook.tenant, webhook.id);
        let secrets = WebhookSecrets::open(&self.context.keyring, of, &webhook.sealed)?;
        let (id, seconds) = (claim.id.to_string(), now.millis().div_euclid(1_000));
        let body = claim.body.as_bytes();
        let sign = |secret: &str| Some(SigningSecret::parse(secret)?.sign(&id, seconds, body));
        let signatures = secrets.signing(now).map(sign).collect::<Option<Vec<_>>>()?.join(" ");
        // The URL was valid when it was set. If the policy no longer allows it, the call fails like any
        // other.
        let url = self.outbound.parse_url(&webhook.url).or_else(|_| webhook.url.parse()).ok()?;
        let value = |text: &str| HeaderValue::from_str(text).ok();
        Some(
            Request::new(Method::POST, url, self.timeout)
                .body("application/json", body.to_vec())
                .header(HeaderName::from_static("webhook-id"), value(&id)?)
                .header(HeaderName::from_static("webhook-timestamp"), value(&seconds.to_string())?)
                .header(HeaderName::from_static("webhook-signature"), value(&signatures)?)
                .ignore_answer(),
        )
    }

    async fn call(&self, request: Request) -> Called {
        let began = Instant::now();
        let answer = self.outbound.call(request).await;
        let took = began.elapsed();
        match answer {
            Ok(reply) => {
                let reason = (!reply.status.is_success()).then(|| refusal(reply.status));
                Called { status: Some(reply.status), reason, retry_after: reply.retry_after, took }
            }
            Err(error) => Called { status: None, reason: Some(error.told()), retry_after: None, took },
        }
    }

    fn next_try(&self, claim: &WebhookClaim, asked: Option<Duration>, now: Timestamp) -> NextTry {
        let random = self.rng.lock().unwrap_or_else(PoisonError::into_inner).random();
        match wait_after(claim.attempts.saturating_add(1), asked, random) {
            Some(wait) => NextTry::At(now + wait),
            None => NextTry::GivenUp,
        }
    }

    fn attempt(&self, claim: &WebhookClaim, at: Timestamp, called: &Called) -> WebhookAttempt {
        let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
        WebhookAttempt {
            id: AttemptId::new(at, &mut *rng),
            message: claim.id,
            kind: claim.kind.clone(),
            at,
            status_code: called.status.map(|status| status.as_u16()),
            duration: called.took,
            reason: called.reason.clone(),
        }
    }

    async fn disable(
        &self,
        webhook: &Webhook,
        reason: DisabledReason,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let of = (webhook.tenant, webhook.id);
        // This does nothing if the webhook was enabled again in the meantime.
        if disable_webhook(&self.context, of, reason, webhook.enabled_at, &Change::by_system(now)).await? {
            tracing::warn!(
                event = "webhook.disabled", webhook.id = %webhook.id, tenant.id = %webhook.tenant,
                reason = reason.as_str(), "A webhook was disabled"
            );
        }
        Ok(())
    }
}

fn refusal(status: StatusCode) -> String {
    if status.is_redirection() {
        return "redirects are not followed".to_owned();
    }
    format!("status {}", status.as_u16())
}
