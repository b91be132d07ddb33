//! The audit of acts that no transaction of the directory contains, such as an act on the codes store.

use crate::{
    access::{actor::Who, change::Change},
    audit::entry::Draft,
    context::{Context, Replica},
    id::TenantId,
    ports::error::StoreError,
    tenant::limits::{Bucket, LimitHit, LimitScope, Take},
    verification::receipt::digest,
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

/// The bound of the audited reads of a member: each writes entries that the log keeps for a year.
const READS: Bucket = Bucket::new(60, 60);

/// Why an audited read did not succeed.
#[derive(Debug)]
pub enum Unread<E> {
    /// The member has read as much as it may for now.
    Limited(LimitHit),
    /// The codes store, which counts the reads, did not answer.
    Uncounted(StoreError),
    /// The entry could not be written, or the read failed.
    Unrecorded(Unrecorded<E>),
}

/// Carries out a read between two entries, as [`recorded`] does. A member may do that a limited number of times in
/// a minute. If an owner acts as a member, the owner's reads are counted.
pub(crate) async fn recorded_read<T, E>(
    context: &Context,
    tenant: TenantId,
    named: (&str, &str),
    by: &Change,
    read: impl Future<Output = Result<(T, Value), E>>,
) -> Result<T, Unread<E>> {
    let reader = match by.who {
        Who::Member { id, acted_by } => Some(acted_by.unwrap_or(id)),
        Who::Operator(member) => member,
        Who::Key(_) | Who::System => None,
    };
    if let Some(member) = reader {
        let (name, scope) = (READS.name("audited_reads"), LimitScope::Caller);
        let key = digest(b"audited reads", &[member.bytes()]);
        let take = Take { key, name: name.clone(), scope, bucket: READS };
        let wait = context.codes.take(take).await.map_err(Unread::Uncounted)?;
        if !wait.is_zero() {
            let scope = scope.as_str();
            return Err(Unread::Limited(LimitHit { name, scope, retry_after: wait, states: Vec::new() }));
        }
    }
    recorded(context, tenant, named, by, read).await.map_err(Unread::Unrecorded)
}
