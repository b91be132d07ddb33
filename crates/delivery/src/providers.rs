//! The providers, one file for each.

pub mod console;
mod http;
mod merge;
mod redact;
pub mod relay;
pub(crate) mod signature;
pub mod simulator;
pub mod smpp;
mod smsapi;
mod twilio;
mod verdict;

pub use http::PRESETS;
pub use redact::{redact, update};

use crate::{outbound::Outbound, provider::Provider, receipt::Told, settings::Fault};
use countersign_core::ports::clock::Clock;
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::mpsc;

/// The kinds of providers that an account can have.
pub const KINDS: [&str; 5] = ["smsapi", "twilio", "http", "smpp", "relay"];

/// The maximum size of settings, written as JSON.
const MAX_SETTINGS: usize = 64 * 1024;

/// The means that providers use.
#[derive(Clone)]
pub struct Means {
    /// The client for calls to the outside.
    pub outbound: Outbound,
    pub clock: Arc<dyn Clock>,
    /// The channel for receipts that arrive on a provider's own connection.
    pub reports: mpsc::Sender<Told>,
}

/// Builds the provider `name` of a kind. Returns all errors of its settings. No error repeats a value of the
/// settings.
pub fn build(
    kind: &str,
    name: &str,
    settings: &Value,
    means: &Means,
) -> Result<Arc<dyn Provider>, Vec<Fault>> {
    let Means { outbound, clock, reports } = means;
    let fault = |field: &str, message: String| vec![Fault { field: field.to_owned(), message }];
    if settings.to_string().len() > MAX_SETTINGS {
        return Err(fault("", "must be at most 64 KiB long".to_owned()));
    }
    Ok(match kind {
        "smsapi" => Arc::new(smsapi::Smsapi::new(name, settings, outbound)?),
        "twilio" => Arc::new(twilio::Twilio::new(name, settings, outbound, Arc::clone(clock))?),
        "http" => Arc::new(http::Http::new(name, settings, outbound)?),
        "smpp" => {
            let settings = smpp::SmppSettings::parse(settings)?;
            let connect = Arc::new(outbound.clone());
            let made = smpp::Smpp::new(name, settings, connect, reports.clone(), Arc::clone(clock));
            Arc::new(made.map_err(|error| fault("ca", error.to_string()))?)
        }
        "relay" => Arc::new(relay::Relay::from_json(name, settings, outbound, Arc::clone(clock))?),
        _ => return Err(fault("kind", format!("must be one of {}", KINDS.join(", ")))),
    })
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
