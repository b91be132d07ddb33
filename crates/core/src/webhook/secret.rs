//! The secrets that sign a webhook's messages: the newest one and, for a limited time, the ones before it.

use crate::{
    id::{TenantId, WebhookId},
    keyring::KeyRing,
    time::Timestamp,
    webhook::Webhook,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rand::CryptoRng;
use serde_json::{Value, json};
use std::{fmt, time::Duration};
use zeroize::Zeroizing;

/// The maximum number of former secrets that still sign. There are two, so that a client that repeats a
/// rotation, because it lost the answer, does not end the secret in use.
const FORMER: usize = 2;
const BYTES: usize = 32;

/// The secrets of a webhook, each `whsec_` and the base64 of 32 random bytes.
pub struct WebhookSecrets {
    current: Zeroizing<String>,
    /// The former secrets, newest first, each with the time until which it signs.
    former: Vec<(Zeroizing<String>, Timestamp)>,
}

impl fmt::Debug for WebhookSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecrets")
    }
}

fn generate(rng: &mut impl CryptoRng) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0; BYTES]);
    rng.fill_bytes(&mut *bytes);
    let text = Zeroizing::new(STANDARD.encode(*bytes));
    Zeroizing::new(format!("whsec_{}", *text))
}

impl WebhookSecrets {
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self { current: generate(rng), former: Vec::new() }
    }

    /// Draws a new secret. The current one still signs for `overlap`.
    pub fn rotate(self, overlap: Duration, now: Timestamp, rng: &mut impl CryptoRng) -> Self {
        let mut former = vec![(self.current, now + overlap)];
        former.extend(self.former);
        former.retain(|(_, ends_at)| now < *ends_at);
        former.truncate(FORMER);
        Self { current: generate(rng), former }
    }

    /// The newest secret. The server shows it once.
    pub fn expose(&self) -> &str {
        &self.current
    }

    /// All secrets that sign at `now`, newest first.
    pub fn signing(&self, now: Timestamp) -> impl Iterator<Item = &str> {
        let former = self.former.iter().filter(move |(_, ends_at)| now < *ends_at);
        std::iter::once(self.current.as_str()).chain(former.map(|(secret, _)| secret.as_str()))
    }

    /// Seals the secrets for one webhook.
    pub fn seal(
        &self,
        keyring: &KeyRing,
        (tenant, id): (TenantId, WebhookId),
        rng: &mut impl CryptoRng,
    ) -> Vec<u8> {
        let former: Vec<_> = self.former.iter().map(|(secret, at)| json!([**secret, at.micros()])).collect();
        let plain = Zeroizing::new(json!({ "current": *self.current, "former": former }).to_string());
        keyring.seal(&Webhook::place(tenant, id), plain.as_bytes(), rng)
    }

    /// Opens what [`WebhookSecrets::seal`] made for the same webhook.
    pub fn open(keyring: &KeyRing, (tenant, id): (TenantId, WebhookId), sealed: &[u8]) -> Option<Self> {
        let plain = keyring.open(&Webhook::place(tenant, id), sealed).ok()?;
        let value: Value = serde_json::from_slice(&plain).ok()?;
        let text = |value: &Value| Some(Zeroizing::new(value.as_str()?.to_owned()));
        let former = value["former"].as_array()?.iter();
        let former = former.map(|one| Some((text(&one[0])?, Timestamp::from_micros(one[1].as_i64()?))));
        Some(Self { current: text(&value["current"])?, former: former.collect::<Option<_>>()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::VersionedKey;
    use rand::{SeedableRng, rngs::StdRng};

    #[test]
    fn a_former_secret_signs_until_its_end() {
        let (mut rng, now) = (StdRng::seed_from_u64(1), Timestamp::from_millis(1_000));
        let first = WebhookSecrets::generate(&mut rng);
        let shown = first.expose().to_owned();
        assert_eq!(STANDARD.decode(shown.strip_prefix("whsec_").unwrap()).unwrap().len(), BYTES);
        let hour = Duration::from_secs(3_600);
        let second = first.rotate(hour, now, &mut rng);
        let all: Vec<_> = second.signing(now).collect();
        assert_eq!(all, [second.expose(), shown.as_str()]);
        assert_eq!(second.signing(now + hour).count(), 1);
        assert!(!format!("{second:?}").contains(second.expose()));
        // The client repeats a rotation because it lost the answer: the secret in use still signs.
        let third = second.rotate(hour, now, &mut rng);
        assert!(third.signing(now).any(|secret| secret == shown));
        let fourth = third.rotate(hour, now, &mut rng);
        assert_eq!(fourth.signing(now).count(), 1 + FORMER);
        let at_once = fourth.rotate(Duration::ZERO, now, &mut rng);
        assert!(!at_once.signing(now).any(|secret| secret == shown));
    }

    #[test]
    fn they_open_at_their_own_webhook_only() {
        let mut rng = StdRng::seed_from_u64(2);
        let keys = |byte: u8| vec![VersionedKey { version: 1, key: [byte; 32] }];
        let keyring = KeyRing::new([1; 32], keys(2), keys(3)).unwrap();
        let secrets = WebhookSecrets::generate(&mut rng);
        let secrets = secrets.rotate(Duration::from_secs(9), Timestamp::default(), &mut rng);
        let of = (TenantId::from_bytes([1; 16]), WebhookId::from_bytes([2; 16]));
        let sealed = secrets.seal(&keyring, of, &mut rng);
        let opened = WebhookSecrets::open(&keyring, of, &sealed).unwrap();
        let now = Timestamp::default();
        assert_eq!(opened.signing(now).collect::<Vec<_>>(), secrets.signing(now).collect::<Vec<_>>());
        let other = (of.0, WebhookId::from_bytes([3; 16]));
        assert!(WebhookSecrets::open(&keyring, other, &sealed).is_none());
    }
}
