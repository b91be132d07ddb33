//! No providers.

use crate::{
    delivery::account::{Health, ProviderAccount},
    id::TenantId,
    ports::gateways::{Gateways, ReceiptCall, ReceiptRefusal, Reports, SettingFault, Trial, TrialOutcome},
};
use async_trait::async_trait;
use serde_json::Value;
use std::sync::Arc;

/// An installation without providers.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoGateways {
    /// Whether the breaker of every account stops its messages.
    pub shut: bool,
}

#[async_trait]
impl Gateways for NoGateways {
    fn kinds(&self) -> &'static [&'static str] {
        &[]
    }

    fn check(&self, _: &str, _: &Value) -> Result<(), Vec<SettingFault>> {
        Err(vec![SettingFault { field: "kind".to_owned(), message: "is not known".to_owned() }])
    }

    fn redact(&self, _: &str, _: &Value) -> Value {
        Value::Null
    }

    fn update(&self, kind: &str, settings: &Value, _: &Value) -> Result<Value, Vec<SettingFault>> {
        self.check(kind, settings).map(|()| Value::Null)
    }

    fn check_url(&self, _: &str) -> Result<(), String> {
        Err("cannot be called from here".to_owned())
    }

    async fn try_send(&self, _: &ProviderAccount, _: &Value, _: Trial) -> TrialOutcome {
        TrialOutcome::Refused { class: "account", reason: "no such provider".to_owned() }
    }

    fn own_sender(&self, _: &Arc<ProviderAccount>) -> Option<String> {
        None
    }

    fn health(&self, _: &ProviderAccount, _: TenantId) -> Option<Health> {
        None
    }

    fn is_shut(&self, _: &ProviderAccount, _: TenantId) -> bool {
        self.shut
    }

    fn read_receipts(&self, _: &Arc<ProviderAccount>, _: &ReceiptCall) -> Result<Reports, ReceiptRefusal> {
        Err(ReceiptRefusal::Unsupported)
    }
}
