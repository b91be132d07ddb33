//! The rules of Countersign: numbers, codes, keys, the verification state
//! machine, and the acts on it (`start`, `check`, `resend`, `cancel`).
//!
//! This crate must never do I/O, read a clock or draw randomness of its own:
//! `now` and `rng` are parameters, stores and providers are traits in
//! [`ports`]. Start reading at [`start`], then [`verification`].
#![deny(missing_docs)]

pub mod address;
pub mod allowlist;
pub mod allowlists;
pub mod cancel;
pub mod cause;
pub mod check;
pub mod code;
pub mod console;
pub mod countries;
pub mod event;
pub mod family;
pub mod gateway;
pub mod guard;
pub mod guess;
pub mod history;
pub mod id;
pub mod idempotency;
pub mod key;
pub mod keyring;
pub mod keys;
pub mod limits;
pub mod locale;
pub mod message;
pub mod node;
pub mod number;
mod pack;
pub mod phone;
pub mod places;
pub mod ports;
mod printable;
pub mod profile;
pub mod profiles;
pub mod provider;
pub mod rate_limits;
pub mod read;
pub mod receipt;
pub mod refusal;
pub mod report;
pub mod resend;
pub mod resource;
pub mod resources;
pub mod review;
pub mod rotation;
pub mod route;
pub mod scope;
pub mod sender;
pub mod setting;
pub mod settings;
pub mod sms;
pub mod snapshot;
pub mod start;
pub mod successor;
pub mod template;
pub mod tenant;
pub mod tenants;
pub mod testmode;
pub mod text;
pub mod time;
pub mod transaction;
pub mod usage;
pub mod verification;
pub mod webhook;

use std::sync::Arc;

/// What every act needs: the stores, the snapshot and the key ring.
#[derive(Clone)]
pub struct Context {
    /// Live verifications, their limits and the outbox.
    pub codes: Arc<dyn ports::Codes>,
    /// Tenants, keys, profiles and settings; only their management asks it.
    pub directory: Arc<dyn ports::Directory>,
    /// The directory in memory, for everything else.
    pub snapshot: Arc<snapshot::Snapshot>,
    /// What became of every verification.
    pub history: Arc<dyn history::History>,
    /// The keys that seal, sign and fingerprint.
    pub keyring: Arc<keyring::KeyRing>,
    /// Number of partitions, fixed at install.
    pub partitions: u16,
    /// The providers, as they are managed.
    pub gateways: Arc<dyn gateway::Gateways>,
    /// What is to be told to webhooks.
    pub webhooks: Arc<dyn webhook::WebhookOutbox>,
    /// Whether the operator's relay takes live messages that no route does.
    pub live_route: bool,
}

impl Context {
    /// A tenant as the snapshot has it. Its caller was authenticated by the
    /// same snapshot, so it is missing only where it cannot be read.
    pub fn tenant_view(&self, tenant: id::TenantId) -> Result<Arc<snapshot::TenantView>, ports::StoreError> {
        let view = self.snapshot.tenant(tenant);
        view.ok_or_else(|| ports::StoreError::unavailable("the tenant is not in the snapshot"))
    }
}

/// A test key would change what holds for live keys too. Test keys lie about in
/// scripts and on laptops, so they must not decide what live ones may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a test key does not change what holds for live keys too")]
pub struct LiveByTest;

/// Who calls: the facts of an accepted API key.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The tenant the key belongs to; every store call begins with it.
    pub tenant: id::TenantId,
    /// The key that was presented.
    pub key: id::KeyId,
    /// Live or test; the two never see each other's data.
    pub mode: key::Mode,
    /// What the key may do.
    pub scopes: scope::Scopes,
    /// When the key ends, if it does.
    pub expires_at: Option<time::Timestamp>,
    /// The addresses that the key may be used from.
    pub allowlist: allowlist::Allowlist,
    /// Where the request came from; not where the end user is.
    pub address: std::net::IpAddr,
}

impl Caller {
    fn refuse_test(&self) -> Result<(), LiveByTest> {
        if self.mode == key::Mode::Test { Err(LiveByTest) } else { Ok(()) }
    }

    /// The tenant, for an act that changes what live keys feel. Acts that the
    /// operator carries out too ask for a tenant; a caller of the API gets it here.
    pub fn live_tenant(&self) -> Result<id::TenantId, LiveByTest> {
        self.refuse_test().map(|()| self.tenant)
    }
}
