//! What delivery knows of providers, for those who manage accounts.

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

/// What is wrong with one field of an account's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingFault {
    /// The field, with the objects around it: `answer.id`.
    pub field: String,
    /// What it must be.
    pub message: String,
}

/// One message that somebody sends to see whether an account works.
pub struct Trial {
    /// To whom.
    pub to: PhoneNumber,
    /// What it comes from.
    pub sender: SenderText,
    /// What it says.
    pub text: String,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum TrialOutcome {
    /// The provider took it, and perhaps gave it an id.
    Accepted {
        /// What the provider calls it.
        id: Option<String>,
        /// Whether a receipt of it will name that id and nothing else.
        by_id: bool,
    },
    /// It did not, in the words of the attempt.
    Refused {
        /// What happens to a message that fails so: `retry`, `reject`, `decline`, `throttle`, `account`, `unknown`.
        class: &'static str,
        /// What happened.
        reason: String,
    },
}

/// A request to the URL of an account's receipts, as the HTTP side had it.
pub struct ReceiptCall {
    /// The full public URL as the provider called it, since signatures cover it.
    pub url: String,
    /// `GET` or `POST`.
    pub method: String,
    /// All headers, in their order.
    pub headers: Vec<(String, String)>,
    /// The pairs of the query, decoded.
    pub query: Vec<(String, String)>,
    /// The media type of the body, without parameters; empty without one.
    pub content_type: String,
    /// The body.
    pub body: Vec<u8>,
    /// Who calls, behind trusted proxies.
    pub peer: IpAddr,
}

/// What a provider reports of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderReport {
    /// The reference that went out with the message, if it came back.
    pub reference: Option<String>,
    /// What the provider calls the message.
    pub id: Option<String>,
    /// What became of it; `None` when it is neither delivered nor given up yet.
    pub delivery: Option<Delivery>,
    /// The provider's own code for that.
    pub code: String,
}

/// Why a request is no receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptRefusal {
    /// This provider takes none, or cannot be built.
    #[error("this provider takes no receipts")]
    Unsupported,
    /// A wrong signature, secret or address.
    #[error("the receipt does not come from the provider")]
    Forged,
    /// Nothing that the provider sends.
    #[error("the receipt cannot be read")]
    Unreadable,
}

/// What a request reports, and the body that the provider wants to hear.
pub type Reports = (Vec<ProviderReport>, &'static str);

/// The providers, as they are managed.
#[async_trait]
pub trait Gateways: Send + Sync {
    /// The kinds that settings can be of.
    fn kinds(&self) -> &'static [&'static str];

    /// All that is wrong with the settings of a kind.
    fn check(&self, kind: &str, settings: &Value) -> Result<(), Vec<SettingFault>>;

    /// The settings without their secrets.
    fn redact(&self, kind: &str, settings: &Value) -> Value;

    /// The settings changed by a merge patch, from somebody who never saw the secrets.
    fn update(&self, kind: &str, settings: &Value, patch: &Value) -> Result<Value, Vec<SettingFault>>;

    /// Sends one message through an account, with its opened settings.
    async fn try_send(&self, account: &ProviderAccount, settings: &Value, trial: Trial) -> TrialOutcome;

    /// Why a webhook cannot be at this URL, as far as can be said without a look at the name in it.
    fn check_url(&self, url: &str) -> Result<(), String>;

    /// What every message through an account comes from, if its settings say so.
    fn own_sender(&self, account: &Arc<ProviderAccount>) -> Option<String>;

    /// How an account fares for a tenant; `None` where nothing was sent through it yet.
    fn health(&self, account: &ProviderAccount, tenant: TenantId) -> Option<Health>;

    /// Reads what a provider reports of messages that went through an account.
    fn read_receipts(
        &self,
        account: &Arc<ProviderAccount>,
        call: &ReceiptCall,
    ) -> Result<Reports, ReceiptRefusal>;
}
