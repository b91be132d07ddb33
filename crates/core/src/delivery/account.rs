//! Accounts at providers: a tenant's own, or the operator's that tenants share.

use crate::{
    id::{ProviderId, TenantId},
    keyring::{Fingerprint, KeyRing, Place, Sealed},
    tenant::resource::{Resource, ResourceKind},
    time::Timestamp,
};
use rand::CryptoRng;
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};
use zeroize::Zeroizing;

/// The other tenants that may use an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Shared {
    /// No other tenant.
    #[default]
    No,
    /// These tenants.
    With(BTreeSet<TenantId>),
    /// Every tenant.
    All,
}

impl Shared {
    /// Whether a tenant is among them.
    pub fn covers(&self, tenant: TenantId) -> bool {
        match self {
            Self::No => false,
            Self::With(tenants) => tenants.contains(&tenant),
            Self::All => true,
        }
    }
}

/// The secret in the URL path at which a provider reports receipts for an account. It is derived from `turn`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReceiptPath {
    /// Counts the renewals of the path.
    pub turn: u32,
    /// The time of the last renewal.
    pub renewed_at: Option<Timestamp>,
}

impl ReceiptPath {
    /// How long the server accepts the previous path after a renewal.
    pub const OVERLAP: Duration = Duration::from_secs(24 * 3_600);
    /// A second request to renew within this time counts as a repeat of the first and changes nothing.
    pub const REPEAT: Duration = Duration::from_secs(60);

    /// The path after a renewal. Returns the same path if the last renewal was less than [`Self::REPEAT`]
    /// ago.
    pub fn renewed(self, now: Timestamp) -> Self {
        if self.renewed_at.is_some_and(|at| now.since(at) < Self::REPEAT) {
            return self;
        }
        Self { turn: self.turn.wrapping_add(1), renewed_at: Some(now) }
    }

    /// The turn of the previous path, while the server still accepts it.
    pub fn previous(self, now: Timestamp) -> Option<u32> {
        self.renewed_at.filter(|at| now.since(*at) < Self::OVERLAP).map(|_| self.turn.wrapping_sub(1))
    }
}

/// An account at a provider.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderAccount {
    pub id: ProviderId,
    /// The tenant that owns the account.
    pub tenant: TenantId,
    /// The name, as events, logs and metrics show it.
    pub name: String,
    /// The kind of provider.
    pub kind: String,
    /// Whether messages may go through the account.
    pub enabled: bool,
    /// The maximum number of messages a second, for all workers together.
    pub rate: Option<u32>,
    /// The other tenants that may use the account. Only the operator shares accounts.
    pub shared: Shared,
    /// When the provider first accepted a message with the current settings.
    pub verified_at: Option<Timestamp>,
    /// The settings without secrets.
    pub shown: Value,
    /// All settings, sealed.
    pub sealed: Vec<u8>,
    /// The secret path for receipts.
    pub receipts: ReceiptPath,
    /// The number of the current version; each change adds 1.
    pub version: i64,
    pub created_at: Timestamp,
}

impl ProviderAccount {
    /// The values that `rate` may have, in messages a second.
    pub const RATES: std::ops::RangeInclusive<u32> = 1..=10_000;

    /// Returns whether messages of `tenant` may go through the account.
    pub fn serves(&self, tenant: TenantId) -> bool {
        self.enabled
            && match &self.shared {
                _ if self.tenant == tenant => true,
                shared => shared.covers(tenant),
            }
    }

    /// The place to which the settings are sealed.
    pub(crate) fn place(id: ProviderId, tenant: TenantId) -> Place {
        Place { kind: Sealed::Provider, tenant, id: *id.bytes(), number: Fingerprint::default() }
    }

    /// Seals settings for an account.
    pub fn seal(
        keyring: &KeyRing,
        (tenant, id): (TenantId, ProviderId),
        settings: &Value,
        rng: &mut impl CryptoRng,
    ) -> Vec<u8> {
        let plain = Zeroizing::new(settings.to_string());
        keyring.seal(&Self::place(id, tenant), plain.as_bytes(), rng)
    }

    /// The settings with their secrets; `None` if they cannot be read.
    pub fn open(&self, keyring: &KeyRing) -> Option<Value> {
        let plain = keyring.open(&Self::place(self.id, self.tenant), &self.sealed).ok()?;
        serde_json::from_slice(&plain).ok()
    }

    /// The JSON that is stored without encryption.
    pub fn body(&self) -> String {
        let shared = match &self.shared {
            Shared::No => Value::Null,
            Shared::All => "all".into(),
            Shared::With(tenants) => tenants.iter().map(ToString::to_string).collect(),
        };
        json!({
            "kind": self.kind, "enabled": self.enabled, "rate": self.rate, "shared": shared,
            "verified_at": self.verified_at.map(Timestamp::micros), "settings": self.shown,
            "receipt_turn": self.receipts.turn,
            "receipts_renewed_at": self.receipts.renewed_at.map(Timestamp::micros),
        })
        .to_string()
    }

    /// Reads the stored form.
    pub fn read(resource: Resource) -> Option<Self> {
        let body: Value = serde_json::from_str(&resource.body).ok()?;
        let shared = match &body["shared"] {
            Value::Null => Shared::No,
            Value::String(_) => Shared::All,
            list => {
                let tenants = list.as_array()?.iter().map(|id| id.as_str()?.parse().ok());
                Shared::With(tenants.collect::<Option<_>>()?)
            }
        };
        Some(Self {
            id: ProviderId::from_bytes(resource.id),
            tenant: resource.tenant,
            name: resource.name,
            kind: body["kind"].as_str()?.to_owned(),
            enabled: body["enabled"].as_bool()?,
            rate: body["rate"].as_u64().and_then(|rate| rate.try_into().ok()),
            shared,
            verified_at: body["verified_at"].as_i64().map(Timestamp::from_micros),
            receipts: ReceiptPath {
                // An account that an older release wrote lacks this field.
                turn: body["receipt_turn"].as_u64().and_then(|turn| turn.try_into().ok()).unwrap_or_default(),
                renewed_at: body["receipts_renewed_at"].as_i64().map(Timestamp::from_micros),
            },
            shown: body["settings"].clone(),
            sealed: resource.sealed?,
            version: resource.version,
            created_at: resource.created_at,
        })
    }

    /// The stored form.
    pub fn resource(&self, now: Timestamp) -> Resource {
        Resource {
            tenant: self.tenant,
            kind: ResourceKind::Provider,
            id: *self.id.bytes(),
            name: self.name.clone(),
            body: self.body(),
            sealed: Some(self.sealed.clone()),
            version: self.version,
            created_at: self.created_at,
            updated_at: now,
        }
    }
}

/// The state of one account, as the worker of one process sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Whether messages go through the account.
    pub state: BreakerState,
    /// The percentage of recent attempts that the provider accepted; `None` without attempts.
    pub accepted_percent: Option<u8>,
    /// How long the provider took to answer recent attempts.
    pub latency: Option<Duration>,
    /// The last reason why the circuit breaker opened.
    pub reason: Option<String>,
}

/// Whether a circuit breaker lets messages through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// Messages go through.
    Closed,
    /// No messages go through for a while.
    Open,
    /// One message goes through, as a test.
    HalfOpen,
}

impl BreakerState {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}
