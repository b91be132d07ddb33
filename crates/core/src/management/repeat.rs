//! Management requests with an Idempotency-Key: the second of two equal requests changes nothing.

use crate::{
    context::Replica,
    id::TenantId,
    ports::error::StoreError,
    time::Timestamp,
    verification::idempotency::{IdempotencyError, KEPT, Once},
};

/// Refuses the repeat of a request that made a secret: the server cannot show the secret again.
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

/// Turns a conflict into the refusal of a repeat, if a repeat came first.
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
