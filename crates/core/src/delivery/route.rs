//! Delivery routes: a route decides which account sends the messages to which phone numbers.

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

/// A delivery route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pub id: RouteId,
    /// The tenant that owns the route.
    pub tenant: TenantId,
    pub name: String,
    /// Whether the worker uses the route.
    pub enabled: bool,
    /// Routes with a lower order are tried first.
    pub order: u16,
    /// The share of this route among those with the same order.
    pub weight: u16,
    /// The countries whose phone numbers the route serves; all countries if empty.
    pub countries: BTreeSet<Country>,
    /// The beginnings of the phone numbers that the route serves, as digits after the `+`; all numbers if
    /// empty.
    pub prefixes: BTreeSet<String>,
    /// The account that sends the message.
    pub provider: ProviderId,
    /// The sender of the messages, used instead of the tenant's senders.
    pub sender: Option<SenderText>,
    /// How long the worker waits for a receipt before the next provider sends the message again.
    pub receipt_timeout: Option<Duration>,
    /// The number of the current version; each change adds 1.
    pub version: i64,
    pub created_at: Timestamp,
}

impl Route {
    /// The default of `order`.
    pub const ORDER: u16 = 100;
    /// The default of `weight`.
    pub const WEIGHT: u16 = 1;
    /// The values that `weight` may have.
    pub const WEIGHTS: RangeInclusive<u32> = 1..=1_000;
    /// The maximum number of prefixes of one route.
    pub const MOST_PREFIXES: usize = 100;
    /// The values that `receipt_timeout` may have, in seconds.
    pub const RECEIPT_TIMEOUT: RangeInclusive<u32> = 5..=300;

    /// Reads the beginning of phone numbers: `+` and 1 to 15 digits. Returns the digits.
    pub fn parse_prefix(text: &str) -> Option<String> {
        let digits = text.strip_prefix('+')?;
        let fits = (1..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        (fits && !digits.starts_with('0')).then(|| digits.to_owned())
    }

    /// Returns whether the route serves messages to this phone number.
    pub fn matches(&self, to: &PhoneNumber) -> bool {
        let digits = to.e164().trim_start_matches('+');
        let country = || to.country().is_some_and(|country| self.countries.contains(&country));
        (self.countries.is_empty() || country())
            && (self.prefixes.is_empty() || self.prefixes.iter().any(|prefix| digits.starts_with(prefix)))
    }

    /// A random position for one message among the routes of the same order; the smallest goes first. The
    /// value is exponentially distributed with the weight as its rate. So each route comes first with a
    /// probability in proportion to its weight.
    pub(crate) fn draw(&self, message: MessageId) -> f64 {
        let hash = Sha256::new().chain_update(message.bytes()).chain_update(self.id.bytes()).finalize();
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&hash[..8]);
        // 53 random bits, and never 0, because 0 has no logarithm.
        let uniform = ((u64::from_be_bytes(bytes) >> 11) as f64 + 1.0) / (1u64 << 53) as f64;
        -uniform.ln() / f64::from(self.weight)
    }

    /// The stored form.
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

    /// Reads the stored form.
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
