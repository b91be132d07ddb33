//! The bodies of the provider operations.

use super::json::ProviderKind;
use crate::http::values::{number, resource_name};
use countersign_core::{
    context::Management,
    delivery::account::{ProviderAccount, Shared},
    management::{
        providers::{self, NewProvider, ProviderChange},
        resources::ResourceName,
    },
    mode::Mode,
    phone::PhoneNumber,
};
use countersign_web::{
    fields::{boolean, object, text, whole},
    problem::{Fault, setting_fault},
    request,
    request::{given, given_or_null, optional, required},
};
use serde_json::Value;

/// The kinds that an account can be of.
const KINDS: [&str; 5] = ["smsapi", "twilio", "http", "smpp", "relay"];

request! {
    /// Makes an account.
    pub struct CreateProvider(management: &Management) {
        /// A unique name. Timelines, logs and metrics show it.
        #[schema(pattern = "^[a-z0-9-]{1,32}$", example = "smsapi-main")]
        name: ResourceName as String = required(resource_name),
        /// The kind of provider.
        kind: String as ProviderKind = required(kind),
        /// The most messages in a second, of all nodes together; no limit when absent.
        #[schema(minimum = 1, maximum = 10_000, example = 50)]
        rate: Option<u32> = optional(whole(ProviderAccount::RATES)),
        /// The settings of this kind, such as addresses and credentials.
        #[schema(example = json!({"service": "pl", "token": "..."}))]
        settings: Value as Object = |fields, field| {
            let settings = fields.required(field, object)?;
            if let Some(kind) = &kind
                && let Err(faults) = providers::check_settings(management, kind, &settings)
            {
                faults.into_iter().for_each(|fault| fields.fail(&fault.field, setting_fault(fault.message)));
            }
            Some(settings)
        },
    }
}

impl From<CreateProvider> for NewProvider {
    fn from(CreateProvider { name, kind, rate, settings }: CreateProvider) -> Self {
        Self { name, kind, settings, rate, shared: Shared::No }
    }
}

request! {
    /// Changes an account. Absent fields stay as they are.
    pub struct UpdateProvider {
        /// Another name.
        #[schema(nullable = false, pattern = "^[a-z0-9-]{1,32}$", example = "smsapi-main")]
        name: Option<ResourceName> as Option<String> = given(resource_name),
        /// Whether the account may send messages.
        #[schema(nullable = false, example = true)]
        enabled: Option<bool> = given(boolean),
        /// A merge patch of its settings; a secret that is absent or `***` stays.
        #[schema(nullable = false, example = json!({"token": "..."}))]
        settings: Option<Value> as Option<Object> = given(object),
        /// The most messages in a second, of all nodes together; null: no limit.
        #[schema(minimum = 1, maximum = 10_000, example = 50)]
        rate: Option<Option<u32>> as Option<u32> = given_or_null(whole(ProviderAccount::RATES)),
    }
}

impl From<UpdateProvider> for ProviderChange {
    fn from(UpdateProvider { name, enabled, settings, rate }: UpdateProvider) -> Self {
        Self { name, enabled, settings, rate, shared: None }
    }
}

request! {
    /// Sends a test message.
    pub struct TestProvider {
        /// The number with its country code.
        #[schema(pattern = r"^\s*(\+|00)[0-9 .()/-]{4,30}$", max_length = 32, example = "+48500500500")]
        to: PhoneNumber as String = required(|value| number(value, Mode::Live)),
    }
}

fn kind(value: Value) -> Result<String, Fault> {
    let kind = text(value)?;
    let known = KINDS.contains(&kind.as_str());
    if known { Ok(kind) } else { Err(Fault::format("must be smsapi, twilio, http, smpp or relay")) }
}
