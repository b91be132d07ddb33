//! Resources: the things that a tenant sets up for delivery, in the form in which the directory stores them.
//! They are providers, senders, routes, templates and webhooks. The stores find each by its id, or by its
//! name among the resources of its kind.

use crate::{id, time::Timestamp};
use std::str::FromStr as _;

/// The kind of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceKind {
    /// An account at a provider.
    Provider,
    /// A sender of messages.
    Sender,
    /// A delivery route.
    Route,
    /// A set of message texts.
    Template,
    /// An HTTP endpoint of the tenant that gets events.
    Webhook,
}

impl ResourceKind {
    pub const ALL: [Self; 5] = [Self::Provider, Self::Sender, Self::Route, Self::Template, Self::Webhook];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Sender => "sender",
            Self::Route => "route",
            Self::Template => "template",
            Self::Webhook => "webhook",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// The maximum number of such resources of one tenant.
    pub const fn most(self) -> u32 {
        match self {
            Self::Provider => 20,
            Self::Sender | Self::Template => 100,
            Self::Route => 200,
            Self::Webhook => 10,
        }
    }

    /// The plural in words.
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

/// A resource, in its stored form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    pub tenant: id::TenantId,
    pub kind: ResourceKind,
    /// The id, without the prefix of its kind.
    pub id: [u8; 16],
    /// The name, unique among the tenant's resources of this kind.
    pub name: String,
    /// The content without secrets, as JSON.
    pub body: String,
    /// The secret content, sealed.
    pub sealed: Option<Vec<u8>>,
    /// The number of the current version, from 1. Each change adds 1.
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Resource {
    pub fn id_text(&self) -> String {
        self.kind.id_text(self.id)
    }
}

/// The state that a caller read before it decided on a write. The store makes the write only if this state is
/// still current. It checks that inside the transaction, when no other writer can come in between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Basis {
    /// All resources of a kind that the tenant has: the writer counted them, or searched their contents.
    Kind {
        tenant: id::TenantId,
        kind: ResourceKind,
        /// The id and the version of each. Their count and the sum of their versions would not be enough:
        /// deleting one resource and adding another could leave both unchanged.
        listed: String,
    },
    /// The one resource that the written one refers to.
    One {
        /// The tenant that owns it.
        tenant: id::TenantId,
        id: String,
        version: i64,
    },
    /// The whole directory, as of the change with this number.
    Everything(i64),
}

impl Basis {
    /// All resources of a kind, as the writer listed them.
    pub fn kind(tenant: id::TenantId, kind: ResourceKind, listed: &[Resource]) -> Self {
        let mut each: Vec<_> =
            listed.iter().map(|one| format!("{} {}", one.id_text(), one.version)).collect();
        each.sort_unstable();
        Self::Kind { tenant, kind, listed: each.join(" ") }
    }
}
