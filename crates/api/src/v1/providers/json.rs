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
    /// Whose interface the provider speaks. `http` is any HTTP API, described in
    /// the settings; `relay` a signed request to a system of your own.
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
    /// Whether it is the operator's, who lets you use it and alone changes it.
    shared: bool,
    /// Whether messages may go through it.
    enabled: bool,
    /// Most messages a second, of all nodes together; null for as many as there are.
    #[schema(required = true, minimum = 1, maximum = 10_000, example = 50)]
    rate: Option<u32>,
    /// Its settings, with `***` for each secret; null for one that is the operator's.
    #[schema(required = true, value_type = Option<Object>, example = json!({"service": "pl", "token": "***"}))]
    settings: Option<Value>,
    /// Since when it is known to take messages with these settings; null until a test message went through it.
    #[schema(required = true, format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    verified_at: Option<String>,
    /// When the URL of its receipts was renewed; null if it never was.
    #[schema(required = true, format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    receipts_rotated_at: Option<String>,
    /// How it fares, as the node that answers sees it; null where nothing went through it of late.
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
    /// Whether messages go through an account: `closed`: all, `open`: none for a
    /// while, `half_open`: one, to find out.
    BreakerState = ["closed", "open", "half_open"];
}

/// How an account fares.
#[derive(Serialize, ToSchema)]
#[schema(as = ProviderHealth)]
pub struct Health {
    /// Whether messages go through it.
    #[schema(value_type = BreakerState, example = "closed")]
    state: &'static str,
    /// Of the attempts of late, those that were accepted, in percent.
    #[schema(required = true, maximum = 100, example = 99)]
    accepted_percent: Option<u8>,
    /// How long the provider took to answer, of late, in milliseconds.
    #[schema(required = true, example = 120)]
    latency_ms: Option<u64>,
    /// What kept it out, or did last.
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
    /// Your own, oldest first, then those that the operator shares with you.
    #[schema(max_items = 40)]
    pub data: Vec<Provider>,
}

text_values! {
    /// Whether the provider took a message.
    TestResult = ["accepted", "refused"];
}

text_values! {
    /// What happens to a message that is refused so: `retry` it is tried again,
    /// elsewhere at once; `reject`: nobody will take it; `decline`: another
    /// provider may; `throttle`: too many at once; `account`: nothing goes through
    /// until somebody acts; `unknown`: it may have been taken.
    RefusalClass = ["retry", "reject", "decline", "throttle", "account", "unknown"];
}

/// What became of a test message.
#[derive(Serialize, ToSchema)]
pub struct TestOutcome {
    /// Whether the provider took it.
    #[schema(value_type = TestResult, example = "accepted")]
    outcome: &'static str,
    /// What the provider calls the message, if it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "SM0123456789abcdef")]
    id: Option<String>,
    /// Of a refusal: what happens to messages that are refused so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<RefusalClass>, example = "account")]
    class: Option<&'static str>,
    /// Of a refusal: what happened.
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
