//! What a tenant sets up for delivery, as the directory keeps it: providers,
//! senders, routes, templates, webhooks. Each is one text of its kind, found by
//! its id or by a name that is its kind's own.

use crate::{id, time::Timestamp};
use std::str::FromStr as _;

/// What a resource is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceKind {
    /// An account at a provider.
    Provider,
    /// What messages come from.
    Sender,
    /// Which provider takes which message.
    Route,
    /// What messages say.
    Template,
    /// Where events of the tenant are told.
    Webhook,
}

impl ResourceKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Provider, Self::Sender, Self::Route, Self::Template, Self::Webhook];

    /// The text form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Sender => "sender",
            Self::Route => "route",
            Self::Template => "template",
            Self::Webhook => "webhook",
        }
    }

    /// The kind with this text form.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Most of them at one tenant.
    pub const fn most(self) -> u32 {
        match self {
            Self::Provider => 20,
            Self::Sender | Self::Template => 100,
            Self::Route => 200,
            Self::Webhook => 10,
        }
    }

    /// Several of them, in words.
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Provider => "providers",
            Self::Sender => "senders",
            Self::Route => "routes",
            Self::Template => "templates",
            Self::Webhook => "webhooks",
        }
    }

    /// The text form of an id of this kind.
    pub fn id_text(self, id: [u8; 16]) -> String {
        match self {
            Self::Provider => id::ProviderId::from_bytes(id).to_string(),
            Self::Sender => id::SenderId::from_bytes(id).to_string(),
            Self::Route => id::RouteId::from_bytes(id).to_string(),
            Self::Template => id::TemplateId::from_bytes(id).to_string(),
            Self::Webhook => id::WebhookId::from_bytes(id).to_string(),
        }
    }

    /// The id with this text form.
    pub fn parse_id(self, text: &str) -> Option<[u8; 16]> {
        Some(match self {
            Self::Provider => *id::ProviderId::from_str(text).ok()?.bytes(),
            Self::Sender => *id::SenderId::from_str(text).ok()?.bytes(),
            Self::Route => *id::RouteId::from_str(text).ok()?.bytes(),
            Self::Template => *id::TemplateId::from_str(text).ok()?.bytes(),
            Self::Webhook => *id::WebhookId::from_str(text).ok()?.bytes(),
        })
    }
}

/// One of them, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// The tenant.
    pub tenant: id::TenantId,
    /// What it is.
    pub kind: ResourceKind,
    /// Its id, without the prefix of its kind.
    pub id: [u8; 16],
    /// Its name, which no other of its kind bears at the tenant.
    pub name: String,
    /// What it says: JSON without secrets.
    pub body: String,
    /// What it says in secret, sealed.
    pub sealed: Option<Vec<u8>>,
    /// Counts its changes, from 1.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Resource {
    /// The text form of its id.
    pub fn id_text(&self) -> String {
        self.kind.id_text(self.id)
    }
}

/// What a write was decided by. It is made only if this is still as it was read: the store
/// looks within the transaction, when no other writer can come between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Basis {
    /// All that the tenant has of a kind: what is counted or looked for stands in their bodies.
    Kind {
        /// The tenant.
        tenant: id::TenantId,
        /// What was listed.
        kind: ResourceKind,
        /// The id and the version of each. Their count and the sum of their versions would
        /// not do: one that goes and one that comes leave both as they were.
        listed: String,
    },
    /// One that the written one names.
    One {
        /// The tenant whose it is.
        tenant: id::TenantId,
        /// Its id in text form.
        id: String,
        /// The version that was read.
        version: i64,
    },
    /// All of the directory, as of the change with this number.
    Everything(i64),
}

impl Basis {
    /// All that a tenant has of a kind, as it was listed.
    pub fn kind(tenant: id::TenantId, kind: ResourceKind, listed: &[Resource]) -> Self {
        let mut each: Vec<_> =
            listed.iter().map(|one| format!("{} {}", one.id_text(), one.version)).collect();
        each.sort_unstable();
        Self::Kind { tenant, kind, listed: each.join(" ") }
    }
}
