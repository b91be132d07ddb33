//! Requests of management with an Idempotency-Key: the second of two equal ones changes nothing.

use crate::{
    context::Replica,
    id::TenantId,
    ports::error::StoreError,
    time::Timestamp,
    verification::idempotency::{IdempotencyError, KEPT, Once},
};

/// A repeat of a request that made a secret cannot be answered as the first was.
pub(crate) async fn refuse_repeat<E: From<IdempotencyError> + From<StoreError>>(
    replica: &Replica,
    tenant: TenantId,
    once: Option<&Once>,
    now: Timestamp,
) -> Result<(), E> {
    let Some(once) = once else { return Ok(()) };
    match replica.directory.answered(tenant, once, now - KEPT).await? {
        None => Ok(()),
        Some(request) if once.is_same(&request) => Err(IdempotencyError::SecretShown.into()),
        Some(_) => Err(IdempotencyError::Mismatch.into()),
    }
}

/// A conflict may be that of a repeat which came first.
pub(crate) async fn made_once<E: From<IdempotencyError> + From<StoreError>>(
    replica: &Replica,
    tenant: TenantId,
    once: Option<&Once>,
    now: Timestamp,
    made: Result<(), StoreError>,
) -> Result<(), E> {
    if matches!(made, Err(StoreError::Conflict | StoreError::Full { .. })) {
        refuse_repeat::<E>(replica, tenant, once, now).await?;
    }
    Ok(made?)
}
