//! The functions of delivery for managing accounts at providers.

use crate::{
    delivery::account::{Health, ProviderAccount},
    id::TenantId,
    message::sender_text::SenderText,
    phone::PhoneNumber,
    verification::status::Delivery,
};
use async_trait::async_trait;
use serde_json::Value;
use std::{net::IpAddr, sync::Arc};

/// An error in one field of an account's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingFault {
    /// The field, with the objects around it: `answer.id`.
    pub field: String,
    /// What the field must be.
    pub message: String,
}

/// A test message, sent to see whether an account works.
pub struct Trial {
    pub to: PhoneNumber,
    pub sender: SenderText,
    pub text: String,
}

/// The result of a test message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum TrialOutcome {
    /// The provider accepted it.
    Accepted {
        /// The provider's id of the message, if it gave one.
        id: Option<String>,
        /// Whether a receipt will contain that id and no other name.
        by_id: bool,
    },
    /// The message was not accepted.
    Refused {
        /// What the server would do with another message after this error: `retry`, `reject`, `decline`,
        /// `throttle`, `account`, `unknown`.
        class: &'static str,
        reason: String,
    },
}

/// A request to the receipt URL of an account, as the HTTP server received it.
pub struct ReceiptCall {
    /// The full public URL as the provider called it. Signatures cover it.
    pub url: String,
    pub method: String,
    /// All headers, in their order.
    pub headers: Vec<(String, String)>,
    /// The decoded pairs of the query.
    pub query: Vec<(String, String)>,
    /// The media type of the body, without parameters; empty if there is none.
    pub content_type: String,
    pub body: Vec<u8>,
    /// The address of the caller, found behind trusted proxies.
    pub peer: IpAddr,
}

/// A provider's report about one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderReport {
    /// The reference that was sent with the message, if the provider returned it.
    pub reference: Option<String>,
    /// The provider's id of the message.
    pub id: Option<String>,
    /// The outcome; `None` if the message is neither delivered nor given up yet.
    pub delivery: Option<Delivery>,
    /// The provider's own code for the outcome.
    pub code: String,
}

/// The reasons why a request is not accepted as a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptRefusal {
    /// This provider has no receipts, or the account's provider cannot be built.
    #[error("this provider takes no receipts")]
    Unsupported,
    /// The signature, the secret or the address is wrong.
    #[error("the receipt does not come from the provider")]
    Forged,
    /// The provider sends no such request.
    #[error("the receipt cannot be read")]
    Unreadable,
}

/// The reports of a request, and the body of the answer that the provider expects.
pub type Reports = (Vec<ProviderReport>, &'static str);

/// The providers, for the management of accounts.
#[async_trait]
pub trait Gateways: Send + Sync {
    /// The kinds of providers.
    fn kinds(&self) -> &'static [&'static str];

    /// Checks the settings of a kind. Returns all errors at once.
    fn check(&self, kind: &str, settings: &Value) -> Result<(), Vec<SettingFault>>;

    /// The settings with their secrets hidden.
    fn redact(&self, kind: &str, settings: &Value) -> Value;

    /// Applies a merge patch by a client that never saw the secrets.
    fn update(&self, kind: &str, settings: &Value, patch: &Value) -> Result<Value, Vec<SettingFault>>;

    /// Sends one test message through an account, with its opened settings.
    async fn try_send(&self, account: &ProviderAccount, settings: &Value, trial: Trial) -> TrialOutcome;

    /// Refuses a URL to which no webhook may be sent. It does not look up the host name, so a call checks
    /// again.
    fn check_url(&self, url: &str) -> Result<(), String>;

    /// The sender of every message through an account, if its settings name one.
    fn own_sender(&self, account: &Arc<ProviderAccount>) -> Option<String>;

    /// The state of an account, as a tenant sees it; `None` if nothing was sent through it yet.
    fn health(&self, account: &ProviderAccount, tenant: TenantId) -> Option<Health>;

    /// Whether the circuit breaker lets none of a tenant's messages through now, not even a test. A breaker stays
    /// open until a message passes, so [`Gateways::health`] does not say it.
    fn is_shut(&self, account: &ProviderAccount, tenant: TenantId) -> bool;

    /// Reads a provider's reports about messages that were sent through an account.
    fn read_receipts(
        &self,
        account: &Arc<ProviderAccount>,
        call: &ReceiptCall,
    ) -> Result<Reports, ReceiptRefusal>;
}
