//! A route: which account takes the messages to which numbers.

use crate::{
    id::{MessageId, ProviderId, RouteId, TenantId},
    message::sender_text::SenderText,
    phone::{Country, PhoneNumber},
    tenant::resource::{Resource, ResourceKind},
    time::Timestamp,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeSet, ops::RangeInclusive, time::Duration};

/// One way for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Its id.
    pub id: RouteId,
    /// The tenant whose it is.
    pub tenant: TenantId,
    /// Its name.
    pub name: String,
    /// Whether it is used.
    pub enabled: bool,
    /// Lower ones are tried first.
    pub order: u16,
    /// Its share among those of the same order.
    pub weight: u16,
    /// Numbers of these countries; of all if empty.
    pub countries: BTreeSet<Country>,
    /// Numbers that begin so, digits after the `+`; all if empty.
    pub prefixes: BTreeSet<String>,
    /// The account that takes the message.
    pub provider: ProviderId,
    /// What the message comes from, in place of the tenant's senders.
    pub sender: Option<SenderText>,
    /// How long a receipt is waited for before the next provider sends the message again.
    pub receipt_timeout: Option<Duration>,
    /// Counts its changes.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Route {
    /// Where it stands among others, unless it is said.
    pub const ORDER: u16 = 100;
    /// Its weight, unless it is said.
    pub const WEIGHT: u16 = 1;
    /// The weights that it may have.
    pub const WEIGHTS: RangeInclusive<u32> = 1..=1_000;
    /// Most prefixes of one route.
    pub const MOST_PREFIXES: usize = 100;
    /// How long a receipt may be waited for, in seconds.
    pub const RECEIPT_TIMEOUT: RangeInclusive<u32> = 5..=300;

    /// Digits after a `+`, 1 to 15, as a route names the beginning of numbers.
    pub fn parse_prefix(text: &str) -> Option<String> {
        let digits = text.strip_prefix('+')?;
        let fits = (1..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        (fits && !digits.starts_with('0')).then(|| digits.to_owned())
    }

    /// Whether it is for messages to this number.
    pub fn matches(&self, to: &PhoneNumber) -> bool {
        let digits = to.e164().trim_start_matches('+');
        let country = || to.country().is_some_and(|country| self.countries.contains(&country));
        (self.countries.is_empty() || country())
            && (self.prefixes.is_empty() || self.prefixes.iter().any(|prefix| digits.starts_with(prefix)))
    }

    /// Where chance puts it among those of its order, for one message: the
    /// smaller, the earlier. The smallest of exponential values of these rates
    /// is each one's in proportion to its weight.
    pub(crate) fn draw(&self, message: MessageId) -> f64 {
        let hash = Sha256::new().chain_update(message.bytes()).chain_update(self.id.bytes()).finalize();
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&hash[..8]);
        // 53 bits, and never 0, whose logarithm is none.
        let uniform = ((u64::from_be_bytes(bytes) >> 11) as f64 + 1.0) / (1u64 << 53) as f64;
        -uniform.ln() / f64::from(self.weight)
    }

    /// What is stored.
    pub fn resource(&self, now: Timestamp) -> Resource {
        let countries: Vec<_> = self.countries.iter().map(Country::as_str).collect();
        let body = json!({
            "enabled": self.enabled, "order": self.order, "weight": self.weight, "countries": countries,
            "prefixes": self.prefixes, "provider": self.provider.to_string(),
            "sender": self.sender.as_ref().map(SenderText::as_str),
            "receipt_timeout": self.receipt_timeout.map(|time| time.as_secs()),
        });
        Resource {
            tenant: self.tenant,
            kind: ResourceKind::Route,
            id: *self.id.bytes(),
            name: self.name.clone(),
            body: body.to_string(),
            sealed: None,
            version: self.version,
            created_at: self.created_at,
            updated_at: now,
        }
    }

    /// As it is stored.
    pub fn read(resource: Resource) -> Option<Self> {
        let body: Value = serde_json::from_str(&resource.body).ok()?;
        let texts = |name: &str| body[name].as_array()?.iter().map(Value::as_str).collect::<Option<Vec<_>>>();
        let small = |name: &str| u16::try_from(body[name].as_u64()?).ok();
        Some(Self {
            id: RouteId::from_bytes(resource.id),
            tenant: resource.tenant,
            name: resource.name,
            enabled: body["enabled"].as_bool()?,
            order: small("order")?,
            weight: small("weight")?.max(1),
            countries: texts("countries")?.into_iter().map(Country::parse).collect::<Option<_>>()?,
            prefixes: texts("prefixes")?.into_iter().map(str::to_owned).collect(),
            provider: body["provider"].as_str()?.parse().ok()?,
            sender: body["sender"].as_str().and_then(SenderText::parse),
            receipt_timeout: body["receipt_timeout"].as_u64().map(Duration::from_secs),
            version: resource.version,
            created_at: resource.created_at,
        })
    }
}
