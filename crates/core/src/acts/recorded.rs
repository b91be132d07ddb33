//! The audit of acts that no transaction of the directory contains, such as an act on the codes store.

use crate::{
    access::{actor::Who, change::Change},
    audit::entry::Draft,
    context::Replica,
    id::TenantId,
    ports::error::StoreError,
};
use serde_json::Value;

/// Why a recorded act did not succeed.
#[derive(Debug)]
pub enum Unrecorded<E> {
    /// The entry that announces the act could not be written, so the act was not begun.
    NotBegun(StoreError),
    /// The act itself failed. It may have had an effect.
    Failed(E),
}

/// Carries out an act between two entries: the first says `asked`, the second `done` with what the act
/// returned, or `failed`. If the second cannot be written, the first still shows the act.
pub async fn recorded<T, E>(
    replica: &Replica,
    tenant: TenantId,
    (action, object): (&str, &str),
    by: &Change,
    act: impl Future<Output = Result<(T, Value), E>>,
) -> Result<T, Unrecorded<E>> {
    let entry = |step: &str, after| Draft { after, ..Draft::act(format!("{action}.{step}"), object) };
    replica.directory.append(tenant, &entry("asked", None), by).await.map_err(Unrecorded::NotBegun)?;
    let (result, last) = match act.await {
        Ok((value, after)) => (Ok(value), entry("done", Some(after))),
        Err(error) => (Err(Unrecorded::Failed(error)), entry("failed", None)),
    };
    // The act has happened: its author must not take it for refused.
    let _ = replica.directory.append(tenant, &last, by).await;
    result
}

/// Carries out an act, and records it as [`recorded`] does if a member or the operator acts in person. The act of
/// a key is not recorded: its event is in the history, and it goes on while the database is away.
pub(crate) async fn recorded_in_person<T, E>(
    replica: &Replica,
    tenant: TenantId,
    named: (&str, &str),
    by: &Change,
    act: impl Future<Output = Result<(T, Value), E>>,
) -> Result<T, Unrecorded<E>> {
    match by.who {
        Who::Member { .. } | Who::Operator(_) => recorded(replica, tenant, named, by, act).await,
        Who::Key(_) | Who::System => act.await.map(|(value, _)| value).map_err(Unrecorded::Failed),
    }
}
