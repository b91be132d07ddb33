//! What `countersign apply` made, so that it deletes nothing else.

use crate::{id::TenantId, ports::error::StoreError, time::Timestamp};
use async_trait::async_trait;

/// What a note is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AppliedKind {
    /// A tenant.
    Tenant,
    /// A limit of a tenant.
    Limit,
    /// A profile.
    Profile,
    /// A sender.
    Sender,
    /// A template.
    Template,
    /// An API key.
    Key,
    /// An account at a provider.
    Provider,
    /// A route.
    Route,
}

impl AppliedKind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Tenant,
        Self::Limit,
        Self::Profile,
        Self::Sender,
        Self::Template,
        Self::Key,
        Self::Provider,
        Self::Route,
    ];

    /// The text form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Limit => "limit",
            Self::Profile => "profile",
            Self::Sender => "sender",
            Self::Template => "template",
            Self::Key => "key",
            Self::Provider => "provider",
            Self::Route => "route",
        }
    }

    /// Reads the text form.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// One thing that a source made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Applied {
    /// Its tenant; a tenant's own id where it is about a tenant.
    pub tenant: TenantId,
    /// What it is.
    pub kind: AppliedKind,
    /// Its id; the name of a limit.
    pub entity: String,
}

/// The notes of `countersign apply`. A note is no change of the directory, and ends with its tenant.
#[async_trait]
pub trait AppliedNotes: Send + Sync {
    /// Notes that a source made it. Noted before, it stays as it is.
    async fn note_applied(&self, source: &str, applied: &Applied, at: Timestamp) -> Result<(), StoreError>;

    /// All that a source made and that is not forgotten, by tenant, kind and entity.
    async fn list_applied(&self, source: &str) -> Result<Vec<Applied>, StoreError>;

    /// Forgets that a source made it.
    async fn forget_applied(&self, source: &str, applied: &Applied) -> Result<(), StoreError>;
}
