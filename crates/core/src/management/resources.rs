//! Management of the resources that a tenant sets up for delivery: accounts at providers, senders, delivery
//! routes, templates.

use crate::{
    access::{actor::LiveByTest, change::Change, share::NotShared},
    context::Replica,
    id::TenantId,
    management::repeat::refuse_repeat,
    ports::{error::StoreError, gateways::SettingFault},
    tenant::{
        limits::LimitHit,
        profile::is_name,
        resource::{Basis, Resource, ResourceKind},
    },
    time::Timestamp,
    verification::idempotency::{IdempotencyError, Once},
};
use std::fmt;

/// Why a resource was not created or changed.
#[derive(Debug, thiserror::Error)]
pub enum ResourceError {
    /// The tenant has no such resource with this id.
    #[error("no such {}", .0.as_str())]
    NotFound(ResourceKind),
    /// Another resource of the tenant has the name.
    #[error("the tenant has a {} of this name", .0.as_str())]
    NameTaken(ResourceKind),
    /// Another request changed it at the same time.
    #[error("the {} was changed meanwhile", .0.as_str())]
    Changed(ResourceKind),
    /// These delivery routes use it.
    #[error("these routes lead through the account: {}", Names(.0))]
    InUse(Vec<String>),
    /// Delivery routes of these tenants use it.
    #[error("routes of these tenants lead through the account: {}", Names(.0))]
    InUseBy(Vec<String>),
    /// Fields that contradict the tenant's other resources.
    #[error("fields are not as they must be")]
    Fields(Vec<SettingFault>),
    /// The account's settings cannot be opened with the keys of this node.
    #[error("the settings cannot be opened")]
    Unreadable,
    /// The webhook is disabled, so nothing is sent to it.
    #[error("the webhook is disabled")]
    Disabled,
    /// The webhook got no such message, or the message is no longer stored.
    #[error("no such message")]
    NoMessage,
    /// The Idempotency-Key was used before.
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    /// An earlier request with this Idempotency-Key was carried out, but the resource that it created no
    /// longer exists under its name.
    #[error("the {} that the first request made was renamed or deleted", .0.as_str())]
    MadeBefore(ResourceKind),
    /// A test key tried to change a resource.
    #[error(transparent)]
    LiveByTest(#[from] LiveByTest),
    /// The actor's share lacks the resource, or would lack it.
    #[error(transparent)]
    NotShared(#[from] NotShared),
    /// A limit refused the request.
    #[error("the limit {} refused", .0.name)]
    Limited(LimitHit),
    /// The codes store did not answer.
    #[error("codes store")]
    Codes(#[source] StoreError),
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
    /// An error in one field.
    pub(super) fn field(field: &str, message: impl Into<String>) -> Self {
        Self::Fields(vec![SettingFault { field: field.to_owned(), message: message.into() }])
    }
}

/// How often a change is tried again after others came first. In each round one of the racing changes
/// succeeds.
const ROUNDS: usize = 64;

/// Reads, decides and writes. If the state that the decision is based on changes in between, does all of it
/// again.
pub(super) async fn in_rounds<T>(
    kind: ResourceKind,
    mut round: impl AsyncFnMut() -> Result<T, ResourceError>,
) -> Result<T, ResourceError> {
    for _ in 0..ROUNDS {
        match round().await {
            Err(ResourceError::Directory(StoreError::Moved)) => {}
            outcome => return outcome,
        }
    }
    Err(ResourceError::Changed(kind))
}

/// All resources of a kind, oldest first.
pub(super) async fn list(
    replica: &Replica,
    tenant: TenantId,
    kind: ResourceKind,
) -> Result<Vec<Resource>, StoreError> {
    let mut resources = replica.directory.list_resources(tenant).await?;
    resources.retain(|resource| resource.kind == kind);
    Ok(resources)
}

pub(super) async fn read(
    replica: &Replica,
    tenant: TenantId,
    kind: ResourceKind,
    id: [u8; 16],
) -> Result<Resource, ResourceError> {
    let found = list(replica, tenant, kind).await?.into_iter().find(|resource| resource.id == id);
    found.ok_or(ResourceError::NotFound(kind))
}

/// The resource that a request created, now or earlier.
#[derive(Debug)]
pub struct Made<T> {
    /// The resource in its present state.
    pub value: T,
    /// Whether an earlier request with the same Idempotency-Key created it.
    pub before: bool,
}

impl<T> Made<T> {
    pub(super) fn now(value: T) -> Self {
        Self { value, before: false }
    }
}

/// The resource that an earlier request with this Idempotency-Key created, if there was one. A repeat has the
/// same body, so the name finds the resource. The answer contains no secret.
pub(super) async fn made_before(
    replica: &Replica,
    (tenant, kind, name): (TenantId, ResourceKind, &str),
    once: Option<&Once>,
    now: Timestamp,
) -> Result<Option<Resource>, ResourceError> {
    match refuse_repeat::<ResourceError>(replica, tenant, once, now).await {
        Ok(()) => Ok(None),
        Err(ResourceError::Idempotency(IdempotencyError::SecretShown)) => {
            let found = list(replica, tenant, kind).await?.into_iter().find(|resource| resource.name == name);
            found.map(Some).ok_or(ResourceError::MadeBefore(kind))
        }
        Err(error) => Err(error),
    }
}

/// Creates a resource. If a repeat of the request came first, returns the resource that it created.
pub(super) async fn create(
    replica: &Replica,
    resource: &Resource,
    basis: &[Basis],
    once: Option<&Once>,
    by: &Change,
) -> Result<Option<Resource>, ResourceError> {
    replica.permit(resource.tenant, resource.kind.into())?;
    let Resource { tenant, kind, created_at: now, .. } = *resource;
    let created = replica.directory.create_resource(resource, basis, once, by).await;
    if matches!(created, Err(StoreError::Conflict | StoreError::Full { .. }))
        && let Some(first) = made_before(replica, (tenant, kind, &resource.name), once, now).await?
    {
        return Ok(Some(first));
    }
    match created {
        Err(StoreError::Conflict) => return Err(ResourceError::NameTaken(kind)),
        outcome => outcome?,
    }
    replica.catch_up().await;
    Ok(None)
}

/// Writes a resource, whose version must be one more than the version that was read.
pub(super) async fn update(
    replica: &Replica,
    resource: &Resource,
    basis: &[Basis],
    by: &Change,
) -> Result<(), ResourceError> {
    replica.permit(resource.tenant, resource.kind.into())?;
    match replica.directory.update_resource(resource, basis, by).await {
        Err(StoreError::Conflict) => {
            let others = list(replica, resource.tenant, resource.kind).await?;
            let taken = others.iter().any(|other| other.id != resource.id && other.name == resource.name);
            return Err(match taken {
                true => ResourceError::NameTaken(resource.kind),
                false => ResourceError::Changed(resource.kind),
            });
        }
        outcome => outcome?,
    }
    replica.catch_up().await;
    Ok(())
}

pub(super) async fn delete(
    replica: &Replica,
    tenant: TenantId,
    (kind, id): (ResourceKind, [u8; 16]),
    basis: &[Basis],
    by: &Change,
) -> Result<(), ResourceError> {
    replica.permit(tenant, kind.into())?;
    let deleted = replica.directory.delete_resource(tenant, (kind, id), basis, by).await?;
    replica.catch_up().await;
    if deleted { Ok(()) } else { Err(ResourceError::NotFound(kind)) }
}

/// A name of 1 to 32 of `[a-z0-9-]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceName(String);

impl ResourceName {
    /// Returns `None` unless the text is 1 to 32 of `[a-z0-9-]`.
    pub fn parse(text: &str) -> Option<Self> {
        is_name(text).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}
