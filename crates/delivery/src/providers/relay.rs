//! `relay`: hands each message to the operator's own system as a signed HTTP
//! request, in the form of Standard Webhooks 1.0.
//!
//! The receiving side must verify `webhook-signature`, refuse a
//! `webhook-timestamp` that is more than a few minutes old, and deduplicate by
//! `webhook-id`: a worker that takes over after a crash, or after an answer
//! that was lost, sends the same message again under the same id.
//! `Idempotency-Key` carries that id too, for gateways that understand it.

use super::signature::SigningSecret;
use crate::{
    backoff::MAX_WAIT,
    provider::{Accepted, Outgoing, Provider, SendError},
};
use countersign_core::ports::Clock;
use reqwest::{
    Client, Response, StatusCode, Url,
    header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER},
    redirect,
};
use serde::Serialize;
use std::{fmt, net::IpAddr, sync::Arc, time::Duration};
use zeroize::Zeroizing;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// An answer is read only so that its connection can serve the next message.
const MAX_ANSWER_BYTES: usize = 16 * 1024;
const ANSWER_TIMEOUT: Duration = Duration::from_millis(500);

/// Where the relay sends, and how it signs.
pub struct RelaySettings {
    /// `https://...`; `http` only to this machine.
    pub url: String,
    /// `whsec_` and the base64 of 24 to 64 random bytes.
    pub secret: Zeroizing<String>,
    /// From connecting to the end of the answer; [`RelaySettings::TIMEOUT`] is the default.
    pub timeout: Duration,
}

impl RelaySettings {
    /// The default time-out. Below the worker's, so that the relay says what happened.
    pub const TIMEOUT: Duration = Duration::from_secs(5);
}

impl fmt::Debug for RelaySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RelaySettings").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

/// Why there is no relay with these settings. The URL is never repeated: its
/// path may be a secret.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// Not a URL, or one with a user name, a password or a fragment.
    #[error("the relay's URL is not a valid https URL without user name, password and fragment")]
    Url,
    /// A code would cross a network in the clear.
    #[error("the relay's URL must be https; http is accepted only to this machine")]
    Insecure,
    /// Not a signing secret.
    #[error("the relay's secret must be whsec_ and the base64 of 24 to 64 bytes")]
    Secret,
    /// No time to answer in.
    #[error("the relay's time-out must be longer than 0")]
    Timeout,
    /// The HTTP client cannot be made, such as without any root certificate.
    #[error("the relay's HTTP client cannot be made")]
    Client(#[source] reqwest::Error),
}

/// The provider that hands messages to the operator's own system.
pub struct Relay {
    client: Client,
    url: Url,
    secret: SigningSecret,
    timeout: Duration,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

impl Relay {
    /// Checks the settings and makes the HTTP client; the process must have
    /// installed a rustls crypto provider before.
    pub fn new(settings: RelaySettings, clock: Arc<dyn Clock>) -> Result<Self, RelayError> {
        let url = parse_url(&settings.url)?;
        let secret = SigningSecret::parse(&settings.secret).ok_or(RelayError::Secret)?;
        if settings.timeout.is_zero() {
            return Err(RelayError::Timeout);
        }
        let client = Client::builder()
            .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(settings.timeout)
            // A redirect would carry the code to an address that nobody configured.
            .redirect(redirect::Policy::none())
            // The worker alone repeats, so that each attempt is counted.
            .retry(reqwest::retry::never())
            .no_proxy()
            .build()
            .map_err(RelayError::Client)?;
        Ok(Self { client, url, secret, timeout: settings.timeout, clock })
    }

    fn failure(&self, error: &reqwest::Error) -> SendError {
        SendError::retry(if error.is_connect() {
            "connection failed".to_owned()
        } else if error.is_timeout() {
            format!("no answer in {} s", self.timeout.as_secs_f32())
        } else {
            "connection broken".to_owned()
        })
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
        "relay"
    }

    async fn send(&self, message: &Outgoing) -> Result<Accepted, SendError> {
        let id = message.message.to_string();
        let body = serde_json::to_vec(&RelayMessage {
            id: &id,
            verification_id: message.verification.to_string(),
            to: message.to.e164(),
            from: &message.from,
            text: &message.text,
            expires_at: message.expires_at.to_string(),
        })
        .map_err(|_| SendError::reject("unreadable"))?;
        let seconds = self.clock.now().millis().div_euclid(1_000);
        let request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-signature", self.secret.sign(&id, seconds, &body))
            .header("webhook-timestamp", seconds)
            .header("idempotency-key", format!("\"{id}\""))
            .header("webhook-id", id)
            .body(body);
        let response = request.send().await.map_err(|error| self.failure(&error))?;
        let answer = judge(response.status(), response.headers());
        discard(response).await;
        answer
    }
}

/// What a status means: later, never, or taken.
fn judge(status: StatusCode, headers: &HeaderMap) -> Result<Accepted, SendError> {
    let reason = format!("HTTP {}", status.as_u16());
    match status.as_u16() {
        200..=299 => Ok(Accepted::default()),
        408 | 425 | 429 | 500..=599 => Err(SendError::Retry { reason, after: retry_after(headers) }),
        _ => Err(SendError::Reject { reason }),
    }
}

/// The header in its form of seconds; a date is ignored, since the two clocks may differ.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(MAX_WAIT))
}

/// Reads a short answer to its end; a long or slow one costs the connection.
async fn discard(mut response: Response) {
    let read = async {
        let mut bytes = 0;
        while let Ok(Some(chunk)) = response.chunk().await {
            bytes += chunk.len();
            if bytes > MAX_ANSWER_BYTES {
                break;
            }
        }
    };
    // Status and headers have decided already, so running out of time changes nothing.
    let _ = tokio::time::timeout(ANSWER_TIMEOUT, read).await;
}

fn parse_url(text: &str) -> Result<Url, RelayError> {
    let url = Url::parse(text).map_err(|_| RelayError::Url)?;
    let host = url.host_str().ok_or(RelayError::Url)?;
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(RelayError::Url);
    }
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    let is_loopback = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback => Ok(url),
        "http" => Err(RelayError::Insecure),
        _ => Err(RelayError::Url),
    }
}

#[cfg(test)]
mod tests;
