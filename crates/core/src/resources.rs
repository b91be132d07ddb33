//! Management of what a tenant sets up for delivery: accounts at providers,
//! senders, routes, templates.

use crate::{
    Caller, Context, LiveByTest,
    gateway::SettingFault,
    id::TenantId,
    idempotency::{IdempotencyError, Once, made_once, refuse_repeat},
    ports::StoreError,
    resource::{Resource, ResourceKind},
    time::Timestamp,
};
use std::fmt;

pub mod providers;
pub mod routes;
pub mod senders;
pub mod templates;

/// Why a resource was not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum ResourceError {
    /// The tenant has none with this id.
    #[error("no such {}", .0.as_str())]
    NotFound(ResourceKind),
    /// Another of the tenant's has the name.
    #[error("the tenant has a {} of this name", .0.as_str())]
    NameTaken(ResourceKind),
    /// Somebody else changed it at the same time.
    #[error("the {} was changed meanwhile", .0.as_str())]
    Changed(ResourceKind),
    /// Routes lead through it.
    #[error("these routes lead through the account: {}", Names(.0))]
    InUse(Vec<String>),
    /// Fields that do not hold together with what else is set up.
    #[error("fields are not as they must be")]
    Fields(Vec<SettingFault>),
    /// The account's settings cannot be opened with the keys of this node.
    #[error("the settings cannot be opened")]
    Unreadable,
    /// The request bears an Idempotency-Key that was used.
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    /// By a test key.
    #[error(transparent)]
    LiveByTest(#[from] LiveByTest),
    /// The directory did not answer.
    #[error("directory")]
    Directory(#[from] StoreError),
}

struct Names<'a>(&'a [String]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}

impl ResourceError {
    fn field(field: &str, message: impl Into<String>) -> Self {
        Self::Fields(vec![SettingFault { field: field.to_owned(), message: message.into() }])
    }
}

/// All of a kind, oldest first.
async fn list(context: &Context, tenant: TenantId, kind: ResourceKind) -> Result<Vec<Resource>, StoreError> {
    let mut resources = context.directory.list_resources(tenant).await?;
    resources.retain(|resource| resource.kind == kind);
    Ok(resources)
}

async fn read(
    context: &Context,
    tenant: TenantId,
    kind: ResourceKind,
    id: [u8; 16],
) -> Result<Resource, ResourceError> {
    let found = list(context, tenant, kind).await?.into_iter().find(|resource| resource.id == id);
    found.ok_or(ResourceError::NotFound(kind))
}

async fn create(context: &Context, resource: &Resource, once: Option<&Once>) -> Result<(), ResourceError> {
    let (tenant, now) = (resource.tenant, resource.created_at);
    refuse_repeat::<ResourceError>(context, tenant, once, now).await?;
    let created = context.directory.create_resource(resource, once).await;
    match made_once(context, tenant, once, now, created).await {
        Err(ResourceError::Directory(StoreError::Conflict)) => {
            return Err(ResourceError::NameTaken(resource.kind));
        }
        outcome => outcome?,
    }
    context.catch_up().await;
    Ok(())
}

/// Writes a resource whose version is one more than it was read with.
async fn update(context: &Context, resource: &Resource) -> Result<(), ResourceError> {
    match context.directory.update_resource(resource).await {
        Err(StoreError::Conflict) => {
            let others = list(context, resource.tenant, resource.kind).await?;
            let taken = others.iter().any(|other| other.id != resource.id && other.name == resource.name);
            return Err(match taken {
                true => ResourceError::NameTaken(resource.kind),
                false => ResourceError::Changed(resource.kind),
            });
        }
        outcome => outcome?,
    }
    context.catch_up().await;
    Ok(())
}

async fn delete(
    context: &Context,
    caller: &Caller,
    kind: ResourceKind,
    id: [u8; 16],
    now: Timestamp,
) -> Result<(), ResourceError> {
    caller.refuse_test()?;
    let deleted = context.directory.delete_resource(caller.tenant, kind, id, now).await?;
    context.catch_up().await;
    if deleted { Ok(()) } else { Err(ResourceError::NotFound(kind)) }
}

/// A name of 1 to 32 of `[a-z0-9-]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceName(String);

impl ResourceName {
    /// `None` when it is not 1 to 32 of `[a-z0-9-]`.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        (plain && (1..=32).contains(&text.len())).then(|| Self(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
