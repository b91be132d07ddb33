//! The state that every handler uses.

use countersign_core::{
    access::address::TrustedProxies,
    context::Context,
    ports::{clock::Clock, people::notices::Notices},
};
use rand::CryptoRng;
use std::{sync::Arc, time::Duration};

/// The state that the handlers use. It is app data.
pub struct State {
    /// The stores and the key ring.
    pub context: Context,
    /// The clock of this node.
    pub clock: Arc<dyn Clock>,
    /// The proxies whose `X-Forwarded-For` the server believes.
    pub proxies: TrustedProxies,
    /// The URL at which clients reach the API, without a slash at the end, if it is configured.
    pub public_url: Option<String>,
    /// The outbox of mails, if a mail server is configured.
    pub notices: Option<Arc<dyn Notices>>,
    /// Whether this process itself serves TLS.
    pub secure: bool,
    /// The longest time for a body to arrive.
    pub body_timeout: Duration,
}

/// This thread's random generator, seeded by the operating system.
#[expect(clippy::disallowed_methods, reason = "the edge of the process: the core takes it as a parameter")]
pub fn rng() -> impl CryptoRng {
    rand::rng()
}
