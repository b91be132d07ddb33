//! Accounts at providers as JSON.

use countersign_core::{
    delivery::account::{self, ProviderAccount},
    ports::gateways::TrialOutcome,
    time::Timestamp,
};
use countersign_web::text_values;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

text_values! {
    /// The kind of provider. `http` is any HTTP API that the settings describe. `relay` is a signed request
    /// to your own system.
    ProviderKind = ["smsapi", "twilio", "http", "smpp", "relay"];
}

/// An account at a provider.
#[derive(Serialize, ToSchema)]
pub struct Provider {
    /// Its id.
    #[schema(pattern = "^prv_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "prv_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    id: String,
    /// Its name.
    #[schema(pattern = "^[a-z0-9-]{1,32}$", example = "smsapi-main")]
    name: String,
    /// The kind of provider.
    #[schema(value_type = ProviderKind, example = "smsapi")]
    kind: String,
    /// Whether the account belongs to the operator, who shares it with you. Only the operator can change it.
    shared: bool,
    /// Whether the account may send messages.
    enabled: bool,
    /// The most messages in a second, of all nodes together; null: no limit.
    #[schema(required = true, minimum = 1, maximum = 10_000, example = 50)]
    rate: Option<u32>,
    /// The settings, with `***` for each secret; null for an account of the operator.
    #[schema(required = true, value_type = Option<Object>, example = json!({"service": "pl", "token": "***"}))]
    settings: Option<Value>,
    /// When a message first succeeded with these settings; null before that.
    #[schema(required = true, format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    verified_at: Option<String>,
    /// When the URL of its receipts was last renewed; null if it never was.
    #[schema(required = true, format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    receipts_rotated_at: Option<String>,
    /// The health of the account, as the answering node sees it; null if it sent nothing recently.
    #[schema(required = true)]
    health: Option<Health>,
    /// When it was made.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    created_at: String,
}

impl Provider {
    /// An account of the caller's own tenant.
    pub fn own(account: &ProviderAccount, health: Option<account::Health>) -> Self {
        Self {
            id: account.id.to_string(),
            name: account.name.clone(),
            kind: account.kind.clone(),
            shared: false,
            enabled: account.enabled,
            rate: account.rate,
            settings: Some(account.shown.clone()),
            verified_at: account.verified_at.map(|at: Timestamp| at.to_string()),
            receipts_rotated_at: account.receipts.renewed_at.map(|at| at.to_string()),
            health: health.map(|health| Health::of(health, true)),
            created_at: account.created_at.to_string(),
        }
    }

    /// An account of the operator. The caller does not see where it leads or what its provider answers.
    pub fn of_operator(account: &ProviderAccount, health: Option<account::Health>) -> Self {
        let health = health.map(|health| Health::of(health, false));
        Self {
            shared: true,
            rate: None,
            settings: None,
            receipts_rotated_at: None,
            health,
            ..Self::own(account, None)
        }
    }
}

text_values! {
    /// Whether an account gets messages: `closed` gets all, `open` gets none for a while, `half_open` gets
    /// one as a test.
    BreakerState = ["closed", "open", "half_open"];
}

/// The health of an account.
#[derive(Serialize, ToSchema)]
#[schema(as = ProviderHealth)]
pub struct Health {
    /// Whether the account gets messages.
    #[schema(value_type = BreakerState, example = "closed")]
    state: &'static str,
    /// The accepted part of the recent attempts, in percent.
    #[schema(required = true, maximum = 100, example = 99)]
    accepted_percent: Option<u8>,
    /// The recent response time of the provider, in milliseconds.
    #[schema(required = true, example = 120)]
    latency_ms: Option<u64>,
    /// The reason why the server skips the account, or last did.
    #[schema(required = true, example = "HTTP 503")]
    reason: Option<String>,
}

impl Health {
    /// The health of an account. The provider's answers are shown only if the account is the caller's `own`.
    pub fn of(health: account::Health, own: bool) -> Self {
        let millis = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            state: health.state.as_str(),
            accepted_percent: health.accepted_percent,
            latency_ms: health.latency.map(millis),
            reason: health.reason.filter(|_| own),
        }
    }
}

/// The accounts that the tenant may use.
#[derive(Serialize, ToSchema)]
pub struct ProviderList {
    /// Your own accounts, oldest first, then those that the operator shares with you.
    #[schema(max_items = 40)]
    pub data: Vec<Provider>,
}

text_values! {
    /// Whether the provider accepted a message.
    TestResult = ["accepted", "refused"];
}

text_values! {
    /// What follows from this refusal. `retry`: the server asks the next provider at once, and this one again
    /// later. `reject`: no provider will accept the message. `decline`: another provider may accept it.
    /// `throttle`: the account sends too fast. `account`: the account sends nothing until a person acts.
    /// `unknown`: the provider may have accepted the message.
    RefusalClass = ["retry", "reject", "decline", "throttle", "account", "unknown"];
}

/// The outcome of a test message.
#[derive(Serialize, ToSchema)]
pub struct TestOutcome {
    /// Whether the provider accepted the message.
    #[schema(value_type = TestResult, example = "accepted")]
    outcome: &'static str,
    /// The provider's id of the message, if it reported one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "SM0123456789abcdef")]
    id: Option<String>,
    /// What follows from the refusal; only if the message was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<RefusalClass>, example = "account")]
    class: Option<&'static str>,
    /// The reason of the refusal; only if the message was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "HTTP 401")]
    reason: Option<String>,
}

impl From<TrialOutcome> for TestOutcome {
    fn from(outcome: TrialOutcome) -> Self {
        match outcome {
            TrialOutcome::Accepted { id, .. } => Self { outcome: "accepted", id, class: None, reason: None },
            TrialOutcome::Refused { class, reason } => {
                Self { outcome: "refused", id: None, class: Some(class), reason: Some(reason) }
            }
        }
    }
}
