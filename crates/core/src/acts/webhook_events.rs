//! The messages to webhooks, and their bodies.
//!
//! A body never contains a code, a phone number, the client's notes on a verification, or a member's name and
//! e-mail address, because endpoints write bodies into logs. An endpoint that needs more reads the object.

use crate::{
    access::{key::Key, scope::Scope, share::Share},
    history::fold::{reached, status_after},
    id::{EventId, InvitationId, MessageId, ProfileId, RecordKey, WebhookMessageId},
    mode::Mode,
    people::{
        invitation::Invitation,
        member::{Limits, Member},
    },
    ports::webhooks::WebhookMessage,
    snapshot::view::TenantView,
    time::Timestamp,
    verification::{
        event::{Event, EventKind},
        status::{CancelReason, Delivery, Status},
    },
    webhook::{Webhook, event::WebhookEvent},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The type of a ping.
pub const PING: &str = "webhook.ping";

impl WebhookEvent {
    /// The webhook events that an event of a verification causes.
    fn of(kind: &EventKind) -> &'static [Self] {
        match kind {
            EventKind::Started(_) => &[Self::VerificationStarted],
            EventKind::MessageSent { .. } => &[Self::VerificationSent],
            EventKind::Delivered { .. } | EventKind::Receipt { delivery: Delivery::Delivered, .. } => {
                &[Self::VerificationDelivered]
            }
            EventKind::Undelivered { .. }
            | EventKind::Receipt { .. }
            | EventKind::MessageRejected { failed: false, .. } => &[Self::MessageFailed],
            EventKind::MessageRejected { failed: true, .. } => {
                &[Self::MessageFailed, Self::VerificationFailed]
            }
            EventKind::Approved => &[Self::VerificationApproved],
            EventKind::Exhausted { .. } => &[Self::VerificationExhausted],
            EventKind::Expired => &[Self::VerificationExpired],
            EventKind::Canceled(_) => &[Self::VerificationCanceled],
            EventKind::Resent { .. }
            | EventKind::CheckWrong { .. }
            | EventKind::MessageRetried { .. }
            | EventKind::MessageDropped { .. } => &[],
        }
    }
}

/// The facts about a verification that webhook messages contain.
#[derive(Clone, Debug)]
pub struct Known {
    /// The profile, if the start was recorded.
    pub profile: Option<ProfileId>,
    /// The country of the phone number; empty if unknown.
    pub country: String,
    /// The [`crate::phone::PhoneNumber::prefix`] of the phone number; empty if unknown.
    pub prefix: String,
    /// The provider that last accepted a message; empty if none did.
    pub provider: String,
    pub status: Status,
    /// The newest message.
    pub message: Option<MessageId>,
    /// The delivery state of the newest message.
    pub delivery: Delivery,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            profile: None,
            country: String::new(),
            prefix: String::new(),
            provider: String::new(),
            status: Status::Pending,
            message: None,
            delivery: Delivery::Queued,
        }
    }
}

impl Known {
    /// Updates the facts by an event.
    pub fn learn(&mut self, kind: &EventKind) {
        match kind {
            EventKind::Started(started) => {
                self.profile = Some(started.profile);
                self.country = started.country.map(|c| c.as_str().to_owned()).unwrap_or_default();
            }
            EventKind::MessageSent { provider, .. } => self.provider.clone_from(provider),
            _ => {}
        }
        self.status = status_after(self.status, kind);
        if let Some(message) = kind.message() {
            (self.message, self.delivery) = reached((self.message, self.delivery), message, kind);
        }
    }
}

fn body(kind: &str, at: Timestamp, data: Value) -> String {
    json!({ "type": kind, "timestamp": at.to_string(), "data": data }).to_string()
}

/// The messages to the tenant's webhooks about an event of a verification. `known` must already include this
/// event.
pub fn of_verification(
    view: &TenantView,
    key: RecordKey,
    event: &Event,
    known: &Known,
) -> Vec<WebhookMessage> {
    let mut messages = Vec::new();
    for (place, told) in (0u8..).zip(WebhookEvent::of(&event.kind)) {
        let wanting: Vec<_> = view.webhooks.iter().filter(|one| one.wants(key.mode, *told)).collect();
        if wanting.is_empty() {
            continue;
        }
        let profile = view.profiles.values().find(|profile| Some(profile.id) == known.profile);
        let reason = match &event.kind {
            EventKind::MessageRejected { reason, .. } => Some(reason.as_str()),
            EventKind::Receipt { code, .. } => Some(code.as_str()).filter(|code| !code.is_empty()),
            EventKind::Canceled(CancelReason::Client) => Some("client"),
            EventKind::Canceled(CancelReason::TransactionMismatch) => Some("transaction_mismatch"),
            _ => None,
        };
        let provider = event.kind.provider().unwrap_or(&known.provider);
        let data = json!({
            "verification_id": key.id.to_string(),
            "mode": key.mode.as_str(),
            "profile": profile.map(|profile| profile.name.as_str()),
            "country": Some(&known.country).filter(|country| !country.is_empty()),
            "status": known.status.as_str(),
            "delivery": known.delivery.as_str(),
            "message_id": event.kind.message().or(known.message).map(|id| id.to_string()),
            "provider": Some(provider).filter(|provider| !provider.is_empty()),
            "reason": reason,
        });
        let body = body(told.as_str(), event.at, data);
        messages.extend(wanting.into_iter().map(|webhook| WebhookMessage {
            webhook: webhook.id,
            tenant: key.tenant,
            id: message_id(event.id, place),
            kind: told.as_str(),
            body: body.clone(),
            at: event.at,
        }));
    }
    messages
}

/// The id of the message about an event. `place` tells several messages about one event apart.
fn message_id(event: EventId, place: u8) -> WebhookMessageId {
    let mut bytes = *event.bytes();
    bytes[15] ^= place;
    WebhookMessageId::from_bytes(bytes)
}

/// The messages to the tenant's webhooks about a change of a key. `key` is its state after the change.
pub fn of_key<'a>(
    webhooks: impl IntoIterator<Item = &'a Webhook>,
    told: WebhookEvent,
    key: &Key,
    at: Timestamp,
) -> Vec<WebhookMessage> {
    let data = json!({
        "key_id": key.id.to_string(),
        "mode": key.mode.as_str(),
        "name": key.name,
        "scopes": key.scopes.iter().map(Scope::as_str).collect::<Vec<_>>(),
        "disabled": key.disabled,
        "expires_at": key.expires_at.map(|at| at.to_string()),
        "replaced_by": key.replaced_by.map(|id| id.to_string()),
        "member_id": key.member.map(|id| id.to_string()),
    });
    let id = derived_id(key.id.bytes(), told.as_str(), key.version, at);
    to_wanting(webhooks, (key.mode, told), id, at, data)
}

/// The messages about a change of a member, to the webhooks for live mode. `member` is its state after the
/// change, and `invitation` is the one that made it a member.
pub fn of_member<'a>(
    webhooks: impl IntoIterator<Item = &'a Webhook>,
    told: WebhookEvent,
    (member, invitation): (&Member, Option<InvitationId>),
    at: Timestamp,
) -> Vec<WebhookMessage> {
    let mut data = of_limits(&member.limits);
    data["member_id"] = member.id.to_string().into();
    data["invitation_id"] = invitation.map(|id| id.to_string()).into();
    data["disabled"] = member.disabled.into();
    let id = derived_id(member.id.bytes(), told.as_str(), member.version, at);
    to_wanting(webhooks, (Mode::Live, told), id, at, data)
}

/// The messages about a new invitation, to the webhooks for live mode.
pub fn of_invitation<'a>(
    webhooks: impl IntoIterator<Item = &'a Webhook>,
    invitation: &Invitation,
    at: Timestamp,
) -> Vec<WebhookMessage> {
    let told = WebhookEvent::MemberInvited;
    let mut data = of_limits(&invitation.limits);
    data["invitation_id"] = invitation.id.to_string().into();
    data["invited_by"] = invitation.author.to_string().into();
    data["expires_at"] = invitation.expires_at.to_string().into();
    let id = derived_id(invitation.id.bytes(), told.as_str(), invitation.version, at);
    to_wanting(webhooks, (Mode::Live, told), id, at, data)
}

fn of_limits(limits: &Limits) -> Value {
    let shares = &limits.shares;
    json!({
        "role": limits.role.as_str(),
        "permissions": limits.permissions.iter().map(Scope::as_str).collect::<Vec<_>>(),
        "zone": limits.zone.as_str(),
        "hours": limits.hours.to_string(),
        "senders": listed(&shares.senders),
        "templates": listed(&shares.templates),
        "profiles": listed(&shares.profiles),
        "groups": listed(&shares.groups),
        "pool": limits.pool,
        "most_parts": limits.most_parts,
    })
}

/// The things of a share; `None` for all.
fn listed<T: Ord + ToString>(share: &Share<T>) -> Option<Vec<String>> {
    share.listed().map(|things| things.iter().map(ToString::to_string).collect())
}

/// A message to each webhook that wants the event.
fn to_wanting<'a>(
    webhooks: impl IntoIterator<Item = &'a Webhook>,
    (mode, told): (Mode, WebhookEvent),
    id: WebhookMessageId,
    at: Timestamp,
    data: Value,
) -> Vec<WebhookMessage> {
    let body = body(told.as_str(), at, data);
    let wanting = webhooks.into_iter().filter(|webhook| webhook.wants(mode, told));
    let message = |webhook: &Webhook| WebhookMessage {
        webhook: webhook.id,
        tenant: webhook.tenant,
        id,
        kind: told.as_str(),
        body: body.clone(),
        at,
    };
    wanting.map(message).collect()
}

/// The messages about a key that expires soon. The id depends only on the key and its expiry time, so several
/// nodes make the same message.
pub fn of_expiring_key<'a>(
    webhooks: impl IntoIterator<Item = &'a Webhook>,
    key: &Key,
    now: Timestamp,
) -> Vec<WebhookMessage> {
    let Some(end) = key.expires_at else { return Vec::new() };
    let id = derived_id(key.id.bytes(), WebhookEvent::KeyExpiring.as_str(), 0, end);
    let messages = of_key(webhooks, WebhookEvent::KeyExpiring, key, now);
    messages.into_iter().map(|message| WebhookMessage { id, ..message }).collect()
}

/// An id derived from a change: the same change always gets the same id. Like all ids, it begins with its
/// time.
fn derived_id(of: &[u8; 16], kind: &str, version: i64, at: Timestamp) -> WebhookMessageId {
    let mut hash = Sha256::new();
    for part in [of.as_slice(), kind.as_bytes(), &version.to_be_bytes(), &at.micros().to_be_bytes()] {
        hash.update(part);
    }
    let mut bytes = *WebhookMessageId::floor(at).bytes();
    bytes[6..].copy_from_slice(&hash.finalize()[..10]);
    WebhookMessageId::from_bytes(bytes)
}

/// The message that tests a webhook. There is at most one for each second, so that nobody can fill the outbox
/// with pings.
pub fn ping(webhook: &Webhook, now: Timestamp) -> WebhookMessage {
    let second = Timestamp::from_millis(now.millis().div_euclid(1_000) * 1_000);
    let data = json!({ "webhook_id": webhook.id.to_string(), "mode": webhook.mode.as_str() });
    WebhookMessage {
        webhook: webhook.id,
        tenant: webhook.tenant,
        id: derived_id(webhook.id.bytes(), PING, 0, second),
        kind: PING,
        body: body(PING, now, data),
        at: now,
    }
}

#[cfg(test)]
mod tests;
