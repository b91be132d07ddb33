//! The rules of Countersign: numbers, codes, keys, the verification state
//! machine, and the acts on it (`start`, `check`, `resend`, `cancel`).
//!
//! This crate must never do I/O, read a clock or draw randomness of its own:
//! `now` and `rng` are parameters, stores and providers are traits in
//! [`ports`]. Start reading at [`acts::start`], then [`verification::record`].
#![deny(missing_docs)]

pub mod access;
pub mod acts;
pub mod code;
pub mod delivery;
pub mod error;
pub mod history;
pub mod id;
pub mod keyring;
pub mod locale;
pub mod management;
pub mod message;
pub mod pack;
pub mod phone;
pub mod ports;
mod printable;
pub mod snapshot;
pub mod tenant;
pub mod time;
pub mod verification;
pub mod webhook;

use std::sync::Arc;

/// What every act needs: the stores, the snapshot and the key ring.
#[derive(Clone)]
pub struct Context {
    /// Live verifications, their limits and the outbox.
    pub codes: Arc<dyn ports::codes::Codes>,
    /// Tenants, keys, profiles and settings; only their management asks it.
    pub directory: Arc<dyn ports::codes::Directory>,
    /// The directory in memory, for everything else.
    pub snapshot: Arc<snapshot::Snapshot>,
    /// What became of every verification.
    pub history: Arc<dyn history::query::History>,
    /// The keys that seal, sign and fingerprint.
    pub keyring: Arc<keyring::KeyRing>,
    /// Number of partitions, fixed at install.
    pub partitions: u16,
    /// The providers, as they are managed.
    pub gateways: Arc<dyn ports::gateways::Gateways>,
    /// What is to be told to webhooks.
    pub webhooks: Arc<dyn ports::webhooks::WebhookOutbox>,
    /// Whether the operator's relay takes live messages that no route does.
    pub live_route: bool,
}

impl Context {
    /// A tenant as the snapshot has it. Its caller was authenticated by the
    /// same snapshot, so it is missing only where it cannot be read.
    pub fn tenant_view(
        &self,
        tenant: id::TenantId,
    ) -> Result<Arc<snapshot::TenantView>, ports::codes::StoreError> {
        let view = self.snapshot.tenant(tenant);
        view.ok_or_else(|| ports::codes::StoreError::unavailable("the tenant is not in the snapshot"))
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
    pub mode: access::key::Mode,
    /// What the key may do.
    pub scopes: access::scope::Scopes,
    /// When the key ends, if it does.
    pub expires_at: Option<time::Timestamp>,
    /// The addresses that the key may be used from.
    pub allowlist: access::allowlist::Allowlist,
    /// Where the request came from; not where the end user is.
    pub address: std::net::IpAddr,
}

impl Caller {
    fn refuse_test(&self) -> Result<(), LiveByTest> {
        if self.mode == access::key::Mode::Test { Err(LiveByTest) } else { Ok(()) }
    }

    /// The tenant, for an act that changes what live keys feel. Acts that the
    /// operator carries out too ask for a tenant; a caller of the API gets it here.
    pub fn live_tenant(&self) -> Result<id::TenantId, LiveByTest> {
        self.refuse_test().map(|()| self.tenant)
    }
}
