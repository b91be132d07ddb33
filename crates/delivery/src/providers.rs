//! One file for each provider, and which there are.

pub mod console;
mod http;
mod merge;
mod redact;
pub mod relay;
mod signature;
pub mod simulator;
mod smsapi;
mod twilio;
mod verdict;

pub use http::PRESETS;
pub use redact::{redact, update};

use crate::{outbound::Outbound, provider::Provider, settings::Fault};
use countersign_core::ports::Clock;
use serde_json::Value;
use std::sync::Arc;

/// The kinds of providers that settings describe.
pub const KINDS: [&str; 4] = ["smsapi", "twilio", "http", "relay"];

/// Longest settings, written as JSON.
const MAX_SETTINGS: usize = 64 * 1024;

/// The provider `name` of a kind, or all that is wrong with its settings. No
/// fault repeats a value.
pub fn build(
    kind: &str,
    name: &str,
    settings: &Value,
    outbound: &Outbound,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn Provider>, Vec<Fault>> {
    let fault = |field: &str, message: String| Err(vec![Fault { field: field.to_owned(), message }]);
    if settings.to_string().len() > MAX_SETTINGS {
        return fault("", "must be at most 64 KiB long".to_owned());
    }
    Ok(match kind {
        "smsapi" => Arc::new(smsapi::Smsapi::new(name, settings, outbound)?),
        "twilio" => Arc::new(twilio::Twilio::new(name, settings, outbound, clock)?),
        "http" => Arc::new(http::Http::new(name, settings, outbound)?),
        "relay" => Arc::new(relay::Relay::from_json(name, settings, outbound, clock)?),
        _ => return fault("kind", format!("must be one of {}", KINDS.join(", "))),
    })
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
