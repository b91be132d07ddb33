//! Webhooks: where a tenant is told what happens, in the form of Standard
//! Webhooks 1.0. What is to be told waits in the [outbox](crate::ports::webhooks).

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

/// Most webhooks for test mode at one tenant: test keys must not use up the
/// places of live ones.
pub const MOST_TEST: usize = 4;
/// Longest URL, in bytes.
pub const MAX_URL: usize = 1_000;
/// A webhook that fails for so long, and never succeeds, is disabled.
pub const FAILING: Duration = Duration::from_secs(5 * 24 * 3_600);
/// It has failed so often by then; pings do not count.
pub const FAILURES: u16 = 10;
/// How long messages and attempts are kept.
pub const KEPT: Duration = Duration::from_secs(30 * 24 * 3_600);
/// Messages that are over, and attempts, kept of one webhook at most.
pub const KEPT_MOST: u32 = 10_000;
/// Messages that wait for one webhook at most; the oldest go first.
pub const WAITING_MOST: u32 = 50_000;

/// Why a webhook was disabled by the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisabledReason {
    /// Its endpoint answered 410.
    Gone,
    /// It failed for [`FAILING`].
    Failing,
}

impl DisabledReason {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Gone, Self::Failing];

    /// The text form.
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

/// Where a tenant is told what happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// The tenant.
    pub tenant: TenantId,
    /// The events of this mode are told.
    pub mode: Mode,
    /// Its name, which no other of its mode bears at the tenant.
    pub name: String,
    /// Where the messages go.
    pub url: String,
    /// What is told; everything if `None`, also what later releases add.
    pub events: Option<BTreeSet<WebhookEvent>>,
    /// Whether anything is told.
    pub enabled: bool,
    /// Why the server disabled it, if it did.
    pub disabled_reason: Option<DisabledReason>,
    /// Failures from before then say nothing.
    pub enabled_at: Timestamp,
    /// What it signs with, sealed.
    pub sealed: Vec<u8>,
    /// Counts its changes.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Webhook {
    /// Whether it is told of this.
    pub fn wants(&self, mode: Mode, event: WebhookEvent) -> bool {
        let chosen = self.events.as_ref().is_none_or(|events| events.contains(&event));
        self.enabled && self.mode == mode && chosen
    }

    /// Where its secrets are sealed.
    pub fn place(tenant: TenantId, id: WebhookId) -> Place {
        Place { kind: Sealed::Webhook, tenant, id: *id.bytes(), number: Fingerprint::default() }
    }

    /// The name of its resource: test keys take no names of live webhooks.
    fn resource_name(&self) -> String {
        format!("{}:{}", self.mode.as_str(), self.name)
    }

    /// As it is stored.
    pub fn read(resource: Resource) -> Option<Self> {
        let body: Value = serde_json::from_str(&resource.body).ok()?;
        let events = match &body["events"] {
            Value::Null => None,
            // Events of a newer release never happen here.
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

    /// To be stored.
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
