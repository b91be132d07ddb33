//! `relay`: sends each message to the operator's own system as a signed HTTP request, in the form of Standard
//! Webhooks 1.0.
//!
//! The receiving side must verify `webhook-signature`, refuse a `webhook-timestamp` that is more than a few
//! minutes old, and drop repeats by `webhook-id`. The same message is sent again under the same id if a
//! worker crashed, or if an answer was lost. `Idempotency-Key` contains that id too, for gateways that
//! understand it.

use super::signature::SigningSecret;
use crate::{
    backoff::MAX_WAIT,
    outbound::{
        AddressPolicy, Method, Outbound, OutboundError, Reply, Request, Url,
        header::{HeaderName, HeaderValue},
    },
    provider::{Accepted, Outgoing, Provider, SendError},
    settings::{Fault, Fields},
};
use arc_swap::ArcSwap;
use countersign_core::ports::clock::Clock;
use serde::Serialize;
use serde_json::Value;
use std::{fmt, net::IpAddr, sync::Arc, time::Duration};
use zeroize::Zeroizing;

/// The URL of the relay and its signing secret.
pub struct RelaySettings {
    /// `https://...`; `http` only to this machine.
    pub url: String,
    /// `whsec_` and the base64 of 24 to 64 random bytes.
    pub secret: Zeroizing<String>,
    /// The longest time from connecting to the end of the answer; [`RelaySettings::TIMEOUT`] is the default.
    pub timeout: Duration,
}

impl RelaySettings {
    /// The default time-out. It is shorter than the worker's, so that the relay can report the reason.
    pub const TIMEOUT: Duration = Duration::from_secs(5);
}

impl fmt::Debug for RelaySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RelaySettings").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

/// The reasons why settings are refused. The error never repeats the URL, because its path may be a secret.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// Not a URL, or a URL with a user name, a password or a fragment.
    #[error("the relay's URL is not a valid https URL without user name, password and fragment")]
    Url,
    /// Plain HTTP to another machine: a code would cross a network in clear text.
    #[error("the relay's URL must be https; http is accepted only to this machine")]
    Insecure,
    /// The policy does not allow this address.
    #[error("the address in the relay's URL is not allowed")]
    Blocked,
    /// The secret does not have the right form.
    #[error("the relay's secret must be whsec_ and the base64 of 24 to 64 bytes")]
    Secret,
    /// The time-out is zero.
    #[error("the relay's time-out must be longer than 0")]
    Timeout,
    /// The HTTP client cannot be made, for example because there is no root certificate.
    #[error("the relay's HTTP client cannot be made")]
    Client(#[source] OutboundError),
}

impl From<OutboundError> for RelayError {
    fn from(error: OutboundError) -> Self {
        match error {
            OutboundError::Url => Self::Url,
            OutboundError::Insecure => Self::Insecure,
            OutboundError::Blocked => Self::Blocked,
            error => Self::Client(error),
        }
    }
}

/// A provider that sends messages to the operator's own system.
pub struct Relay {
    name: String,
    outbound: Outbound,
    url: Url,
    secret: ArcSwap<SigningSecret>,
    timeout: Duration,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

impl Relay {
    /// Checks the settings and makes the HTTP client. The settings come from the configuration, so the
    /// operator has chosen their address.
    pub fn new(settings: RelaySettings, clock: Arc<dyn Clock>) -> Result<Self, RelayError> {
        let outbound = Outbound::new(AddressPolicy::of_configuration())?;
        let url = outbound.parse_url(&settings.url)?;
        // The resolver would refuse it too, but only when the first message is sent.
        if url.scheme() == "http" && !is_here(&url) {
            return Err(RelayError::Insecure);
        }
        let secret = SigningSecret::parse(&settings.secret).ok_or(RelayError::Secret)?;
        if settings.timeout.is_zero() {
            return Err(RelayError::Timeout);
        }
        let secret = ArcSwap::from_pointee(secret);
        Ok(Self { name: "relay".to_owned(), outbound, url, secret, timeout: settings.timeout, clock })
    }

    /// The way to it.
    pub fn outbound(&self) -> &Outbound {
        &self.outbound
    }

    /// Signs with this secret from now on; whether it is another one.
    pub fn change_secret(&self, text: &str) -> Result<bool, RelayError> {
        let secret = Arc::new(SigningSecret::parse(text).ok_or(RelayError::Secret)?);
        let before = self.secret.swap(Arc::clone(&secret));
        Ok(*before != *secret)
    }

    /// A relay that stands among the providers: its address is judged as
    /// theirs. All faults of the settings at once.
    pub(crate) fn from_json(
        name: &str,
        settings: &Value,
        outbound: &Outbound,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Vec<Fault>> {
        let mut fields = Fields::new(settings);
        let url = fields.url("url", outbound);
        let url = fields.require("url", url);
        let secret = fields.read("secret", "whsec_ and the base64 of 24 to 64 bytes", |value| {
            SigningSecret::parse(value.as_str()?)
        });
        let secret = fields.require("secret", secret);
        let timeout = fields.timeout(RelaySettings::TIMEOUT);
        let (name, outbound) = (name.to_owned(), outbound.clone());
        fields.finish(url.zip(secret).map(|(url, secret)| Self {
            name,
            outbound,
            url,
            secret: ArcSwap::from_pointee(secret),
            timeout,
            clock,
        }))
    }

    fn request(&self, message: &Outgoing) -> Option<Request> {
        let id = message.message.to_string();
        let body = serde_json::to_vec(&RelayMessage {
            id: &id,
            verification_id: message.verification.to_string(),
            to: message.to.e164(),
            from: &message.from,
            text: &message.text,
            expires_at: message.expires_at.to_string(),
        })
        .ok()?;
        let seconds = self.clock.now().millis().div_euclid(1_000);
        let headers = [
            ("webhook-signature", self.secret.load().sign(&id, seconds, &body)),
            ("webhook-timestamp", seconds.to_string()),
            ("idempotency-key", format!("\"{id}\"")),
            ("webhook-id", id),
        ];
        let mut request = Request::new(Method::POST, self.url.clone(), self.timeout)
            .body("application/json", body)
            .ignore_answer();
        for (name, value) in headers {
            request = request.header(HeaderName::from_static(name), HeaderValue::from_str(&value).ok()?);
        }
        Some(request)
    }

    fn failure(&self, error: OutboundError) -> SendError {
        match error {
            OutboundError::Timeout { sent: true } => {
                SendError::unknown(format!("no answer in {} s", self.timeout.as_secs_f32()))
            }
            error => error.into(),
        }
    }
}

#[derive(Serialize)]
struct RelayMessage<'a> {
    id: &'a str,
    verification_id: String,
    to: &'a str,
    from: &'a str,
    text: &'a str,
    expires_at: String,
}

#[async_trait::async_trait]
impl Provider for Relay {
    fn name(&self) -> &str {
        &self.name
    }

    async fn send(&self, message: &Outgoing) -> Result<Accepted, SendError> {
        let request = self.request(message).ok_or_else(|| SendError::reject("unreadable").local())?;
        let reply = self.outbound.call(request).await;
        judge(&reply.map_err(|error| self.failure(error))?)
    }
}

/// The meaning of a status: accepted, try again, or never.
fn judge(reply: &Reply) -> Result<Accepted, SendError> {
    let reason = format!("HTTP {}", reply.status.as_u16());
    match reply.status.as_u16() {
        200..=299 => Ok(Accepted::default()),
        408 | 425 | 429 | 500..=599 => {
            Err(SendError::Retry { reason, after: reply.retry_after.map(|after| after.min(MAX_WAIT)) })
        }
        _ => Err(SendError::Reject { reason }),
    }
}

fn is_here(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests;
