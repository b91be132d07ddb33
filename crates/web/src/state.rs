//! What every handler works with.

use countersign_core::{access::address::TrustedProxies, context::Context, ports::clock::Clock};
use rand::CryptoRng;
use std::{sync::Arc, time::Duration};

/// What the handlers work with. App data.
pub struct State {
    /// The stores and the key ring.
    pub context: Context,
    /// The time of this node.
    pub clock: Arc<dyn Clock>,
    /// Proxies whose headers say the caller's address.
    pub proxies: TrustedProxies,
    /// Where others reach the API, without a slash at the end, if that is known.
    pub public_url: Option<String>,
    /// Whether this process itself speaks TLS.
    pub secure: bool,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
}

/// The generator of this thread, seeded by the operating system.
#[expect(clippy::disallowed_methods, reason = "the edge of the process: the core takes it as a parameter")]
pub fn rng() -> impl CryptoRng {
    rand::rng()
}
