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

/// Who else may use an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Shared {
    /// Nobody.
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

/// Which secret the path of an account's receipts has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReceiptPath {
    /// Counts how often it was renewed.
    pub turn: u32,
    /// When that was last.
    pub renewed_at: Option<Timestamp>,
}

impl ReceiptPath {
    /// The path before is taken for so long.
    pub const OVERLAP: Duration = Duration::from_secs(24 * 3_600);
    /// A request to renew it that comes again within this is the same request.
    pub const REPEAT: Duration = Duration::from_secs(60);

    /// The next one, or this one where it was renewed just now.
    pub fn renewed(self, now: Timestamp) -> Self {
        if self.renewed_at.is_some_and(|at| now.since(at) < Self::REPEAT) {
            return self;
        }
        Self { turn: self.turn.wrapping_add(1), renewed_at: Some(now) }
    }

    /// The one before, if it is still taken.
    pub fn previous(self, now: Timestamp) -> Option<u32> {
        self.renewed_at.filter(|at| now.since(*at) < Self::OVERLAP).map(|_| self.turn.wrapping_sub(1))
    }
}

/// An account at a provider.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderAccount {
    /// Its id.
    pub id: ProviderId,
    /// The tenant whose it is.
    pub tenant: TenantId,
    /// Its name: what events, logs and metrics say.
    pub name: String,
    /// The kind of provider.
    pub kind: String,
    /// Whether messages may go through it.
    pub enabled: bool,
    /// Most messages a second, of all workers together.
    pub rate: Option<u32>,
    /// Who else may use it; of the operator's accounts only.
    pub shared: Shared,
    /// Since when it is known to take messages, with the settings that it has.
    pub verified_at: Option<Timestamp>,
    /// Its settings without secrets.
    pub shown: Value,
    /// Its settings, sealed.
    pub sealed: Vec<u8>,
    /// What its receipts are told at.
    pub receipts: ReceiptPath,
    /// Counts its changes.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
}

impl ProviderAccount {
    /// Most messages a second that may be set.
    pub const RATES: std::ops::RangeInclusive<u32> = 1..=10_000;

    /// Whether messages of a tenant may go through it.
    pub fn serves(&self, tenant: TenantId) -> bool {
        self.enabled
            && match &self.shared {
                _ if self.tenant == tenant => true,
                shared => shared.covers(tenant),
            }
    }

    /// Where its settings are sealed to.
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

    /// Its settings, with their secrets; `None` where they cannot be read.
    pub fn open(&self, keyring: &KeyRing) -> Option<Value> {
        let plain = keyring.open(&Self::place(self.id, self.tenant), &self.sealed).ok()?;
        serde_json::from_slice(&plain).ok()
    }

    /// What is stored in clear.
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

    /// As it is stored.
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
                // A former release writes none.
                turn: body["receipt_turn"].as_u64().and_then(|turn| turn.try_into().ok()).unwrap_or_default(),
                renewed_at: body["receipts_renewed_at"].as_i64().map(Timestamp::from_micros),
            },
            shown: body["settings"].clone(),
            sealed: resource.sealed?,
            version: resource.version,
            created_at: resource.created_at,
        })
    }

    /// To be stored.
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

/// How one account fares, as the worker of one process sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Whether messages go through it.
    pub state: BreakerState,
    /// Of the attempts of late, those that were accepted, in percent; `None` without any.
    pub accepted_percent: Option<u8>,
    /// How long the provider took to answer, of late.
    pub latency: Option<Duration>,
    /// What kept it out, or did last.
    pub reason: Option<String>,
}

/// Whether a circuit breaker lets messages through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// All of them.
    Closed,
    /// None, for a while.
    Open,
    /// One, to find out.
    HalfOpen,
}

impl BreakerState {
    /// The text form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}
