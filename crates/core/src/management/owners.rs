//! Settings that only an owner and the operator change: the allowlist of the portal and the security settings. They
//! decide how people sign in, so no key changes them.

use crate::{
    access::{
        actor::{Actor, Who},
        change::Change,
    },
    context::Replica,
    id::TenantId,
    people::member::Role,
    ports::error::StoreError,
    tenant::settings::{Setting, Settings},
    tenant::system::Part,
};

/// How often a change is decided again because others changed the same setting meanwhile.
const ROUNDS: usize = 64;

/// Somebody else tried to change what only an owner and the operator change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("only an owner who signed in and the operator change this")]
pub struct OwnersOnly;

/// Refuses every actor but the operator and an owner who signed in. An owner who acts as another member is refused,
/// too.
pub(super) async fn refuse_all_but_owners<E: From<OwnersOnly> + From<StoreError>>(
    replica: &Replica,
    actor: &Actor,
) -> Result<(), E> {
    match actor.who {
        Who::Operator(_) => return Ok(()),
        Who::Member { id, acted_by: None } => {
            // The copy in memory may be older than a demotion.
            let member = replica.directory.member(actor.tenant, id).await?;
            if member.is_some_and(|member| member.limits.role == Role::Owner && !member.disabled) {
                return Ok(());
            }
        }
        Who::Member { .. } | Who::Key(_) | Who::System => {}
    }
    Err(OwnersOnly.into())
}

/// Reads the settings, decides and writes, and repeats it while others change the same setting. `decide` returns its
/// result, the setting as it was, and the setting as it shall be.
pub(super) async fn revise<T, E: From<StoreError>>(
    replica: &Replica,
    tenant: TenantId,
    by: &Change,
    decide: impl Fn(&Settings) -> Result<(T, (Setting, Setting)), E>,
) -> Result<T, E> {
    replica.permit(tenant, Part::Security)?;
    for _ in 0..ROUNDS {
        let (result, (was, setting)) = decide(&replica.directory.settings(tenant).await?)?;
        match replica.directory.replace_setting(tenant, &was, &setting, by).await {
            Err(StoreError::Moved) => {}
            outcome => {
                replica.catch_up().await;
                return outcome.map(|()| result).map_err(E::from);
            }
        }
    }
    Err(StoreError::Busy.into())
}
