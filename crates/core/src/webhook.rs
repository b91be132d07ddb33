//! Webhooks: HTTP endpoints to which the server sends a tenant's events, in the form of Standard Webhooks
//! 1.0. Messages wait in the [outbox](crate::ports::webhooks) until they are sent.

pub mod event;
pub mod schedule;
pub mod secret;

use crate::{
    id::{TenantId, WebhookId},
    keyring::{Fingerprint, Place, Sealed},
    mode::Mode,
    tenant::resource::{Resource, ResourceKind},
    time::Timestamp,
    webhook::event::WebhookEvent,
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};

/// The maximum number of a tenant's webhooks for test mode. Test keys must not use up the number that live
/// keys need.
pub const MOST_TEST: usize = 4;
/// The maximum length of a URL, in bytes.
pub const MAX_URL: usize = 1_000;
/// The server disables a webhook that has failed for this long without a success.
pub const FAILING: Duration = Duration::from_secs(5 * 24 * 3_600);
/// The server disables it only after at least this many failures. Pings do not count.
pub const FAILURES: u16 = 10;
/// How long messages and attempts are stored.
pub const KEPT: Duration = Duration::from_secs(30 * 24 * 3_600);
/// The maximum number of finished messages, and of attempts, stored for one webhook.
pub const KEPT_MOST: u32 = 10_000;
/// The maximum number of messages that wait for one webhook. The oldest are deleted first.
pub const WAITING_MOST: u32 = 50_000;

/// The reasons for which the server disables a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisabledReason {
    /// The endpoint answered 410.
    Gone,
    /// The endpoint failed for [`FAILING`].
    Failing,
}

impl DisabledReason {
    pub const ALL: [Self; 2] = [Self::Gone, Self::Failing];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Failing => "failing",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

/// An HTTP endpoint of a tenant that gets events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    pub id: WebhookId,
    pub tenant: TenantId,
    /// The webhook gets the events of this mode.
    pub mode: Mode,
    /// The name, unique among the tenant's webhooks of this mode.
    pub name: String,
    pub url: String,
    /// The events that the webhook gets. `None` means all events, including those that later releases add.
    pub events: Option<BTreeSet<WebhookEvent>>,
    pub enabled: bool,
    /// Why the server disabled the webhook; `None` if it did not.
    pub disabled_reason: Option<DisabledReason>,
    /// When the webhook was last enabled. Failures before this time do not count.
    pub enabled_at: Timestamp,
    /// The secrets that sign its messages, sealed.
    pub sealed: Vec<u8>,
    /// The number of the current version; each change adds 1.
    pub version: i64,
    pub created_at: Timestamp,
}

impl Webhook {
    /// Returns whether this webhook gets `event` in `mode`.
    pub fn wants(&self, mode: Mode, event: WebhookEvent) -> bool {
        let chosen = self.events.as_ref().is_none_or(|events| events.contains(&event));
        self.enabled && self.mode == mode && chosen
    }

    /// The place to which its secrets are sealed.
    pub fn place(tenant: TenantId, id: WebhookId) -> Place {
        Place { kind: Sealed::Webhook, tenant, id: *id.bytes(), number: Fingerprint::default() }
    }

    /// The name of its resource. It contains the mode, so that a test key cannot take the name of a live
    /// webhook.
    fn resource_name(&self) -> String {
        format!("{}:{}", self.mode.as_str(), self.name)
    }

    /// Reads the stored form.
    pub fn read(resource: Resource) -> Option<Self> {
        let body: Value = serde_json::from_str(&resource.body).ok()?;
        let events = match &body["events"] {
            Value::Null => None,
            // Skip events that only a newer release knows: they never happen here.
            list => {
                Some(list.as_array()?.iter().filter_map(|one| WebhookEvent::parse(one.as_str()?)).collect())
            }
        };
        let (mode, name) = resource.name.split_once(':')?;
        Some(Self {
            id: WebhookId::from_bytes(resource.id),
            tenant: resource.tenant,
            mode: Mode::parse(mode)?,
            name: name.to_owned(),
            url: body["url"].as_str()?.to_owned(),
            events,
            enabled: body["enabled"].as_bool()?,
            disabled_reason: body["disabled_reason"].as_str().and_then(DisabledReason::parse),
            enabled_at: Timestamp::from_micros(body["enabled_at"].as_i64()?),
            sealed: resource.sealed?,
            version: resource.version,
            created_at: resource.created_at,
        })
    }

    /// The stored form.
    pub fn resource(&self, now: Timestamp) -> Resource {
        let events =
            self.events.as_ref().map(|events| events.iter().map(|one| one.as_str()).collect::<Vec<_>>());
        let body = json!({
            "url": self.url, "events": events, "enabled": self.enabled,
            "disabled_reason": self.disabled_reason.map(DisabledReason::as_str),
            "enabled_at": self.enabled_at.micros(),
        });
        Resource {
            tenant: self.tenant,
            kind: ResourceKind::Webhook,
            id: *self.id.bytes(),
            name: self.resource_name(),
            body: body.to_string(),
            sealed: Some(self.sealed.clone()),
            version: self.version,
            created_at: self.created_at,
            updated_at: now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhook(events: &[WebhookEvent]) -> Webhook {
        Webhook {
            id: WebhookId::from_bytes([1; 16]),
            tenant: TenantId::from_bytes([2; 16]),
            mode: Mode::Test,
            name: "orders".to_owned(),
            url: "https://example.com/hook".to_owned(),
            events: (!events.is_empty()).then(|| events.iter().copied().collect()),
            enabled: true,
            disabled_reason: None,
            enabled_at: Timestamp::from_micros(7),
            sealed: vec![1, 2],
            version: 3,
            created_at: Timestamp::from_micros(5),
        }
    }

    #[test]
    fn it_is_read_as_it_was_stored() {
        let all = webhook(&[]);
        let some = Webhook {
            disabled_reason: Some(DisabledReason::Gone),
            enabled: false,
            ..webhook(&[WebhookEvent::VerificationApproved, WebhookEvent::KeyDeleted])
        };
        for one in [all, some] {
            let resource = one.resource(Timestamp::from_micros(9));
            assert_eq!(resource.name, "test:orders");
            assert_eq!(Webhook::read(resource), Some(one));
        }
    }

    #[test]
    fn what_only_a_newer_release_tells_does_not_become_everything() {
        let mut resource = webhook(&[]).resource(Timestamp::default());
        resource.body = resource.body.replace("\"events\":null", "\"events\":[\"no.such\"]");
        let read = Webhook::read(resource).unwrap();
        assert!(!read.wants(Mode::Test, WebhookEvent::VerificationApproved));
    }

    #[test]
    fn it_is_told_what_it_asked_for_of_its_own_mode() {
        let one = webhook(&[WebhookEvent::VerificationApproved]);
        assert!(one.wants(Mode::Test, WebhookEvent::VerificationApproved));
        assert!(!one.wants(Mode::Live, WebhookEvent::VerificationApproved));
        assert!(!one.wants(Mode::Test, WebhookEvent::VerificationSent));
        assert!(webhook(&[]).wants(Mode::Test, WebhookEvent::VerificationSent));
        assert!(!Webhook { enabled: false, ..one }.wants(Mode::Test, WebhookEvent::VerificationApproved));
    }
}
