//! Entries of a person's change in the audit logs of its tenants. Each log names its own member as the author,
//! and no other tenant.

use super::SqlPeople;
use crate::{
    directory::{Chains, lock_number},
    sql::Batch,
};
use countersign_core::{
    access::{actor::Who, change::Change},
    audit::entry::Draft,
    id::{MemberId, PersonId, TenantId},
    ports::{directory::members::Members as _, error::StoreError},
    tenant::OPERATOR,
};
use std::{iter, sync::Arc};

/// A change of a person, before it has its entries.
pub(super) struct Act<'a> {
    pub person: PersonId,
    /// The only tenant that the change concerns; `None` for all.
    pub tenant: Option<TenantId>,
    pub draft: &'a Draft,
    pub by: &'a Change,
    /// Whether it counts in the bounds on entries. What ends something does not, and neither does a sign-in, which
    /// costs a hash and must not fail because others made many entries.
    pub counted: bool,
    /// Whether it ends something. Then it is repeated for as long as the caller waits.
    pub ends: bool,
}

/// The author in the log of one tenant: the person's own member, unless the operator, a job of the server or a
/// member of this tenant makes the change.
fn author((tenant, member): (TenantId, MemberId), by: &Change) -> Change {
    let own = match by.who {
        Who::Operator(_) => false,
        // A job has no address. A person who opens a link in a mail has one.
        Who::System => by.address.is_some(),
        Who::Key(_) | Who::Member { .. } => by.of != Some(tenant),
    };
    if own {
        let who = Who::Member { id: member, acted_by: None };
        Change { who, member: Some(member), of: Some(tenant), ..*by }
    } else {
        *by
    }
}

/// Begins the batch: with the lock, and with the entry in each log. What the operator does is also in the
/// operator's own log.
fn entries(chains: Chains, members: &[(TenantId, MemberId)], act: &Act<'_>) -> Batch {
    let Chains { keyring, mut heads, .. } = chains;
    let mut operators = if heads.len() > members.len() { heads.pop() } else { None };
    let mut batch = lock_number(Batch::default());
    for (member, head) in members.iter().zip(heads) {
        let heads = iter::once(head).chain(operators.take()).collect();
        let mut chains = Chains { keyring: Arc::clone(&keyring), heads, ends: !act.counted };
        batch = chains.append(batch, act.draft, &author(*member, act.by));
        operators = chains.heads.into_iter().nth(1);
    }
    batch
}

impl SqlPeople {
    /// The person's memberships, with that of the operator's tenant last.
    async fn members_in(
        &self,
        person: PersonId,
        only: Option<TenantId>,
    ) -> Result<Vec<(TenantId, MemberId)>, StoreError> {
        let all = self.directory.memberships(person).await?;
        let mut members: Vec<_> = all
            .iter()
            .filter(|member| only.is_none_or(|only| only == member.tenant))
            .map(|member| (member.tenant, member.id))
            .collect();
        members.sort_by_key(|(tenant, _)| (*tenant == OPERATOR, *tenant.bytes()));
        Ok(members)
    }

    /// Makes a change of a person with its entries. `round` gets the begun batch, adds the rest and runs it. It runs
    /// again if a log has moved meanwhile. Returns `Moved` if the person is in no tenant.
    pub(super) async fn audited<T, F>(
        &self,
        act: Act<'_>,
        mut round: impl FnMut(Batch) -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let act = &act;
        loop {
            let members = &self.members_in(act.person, act.tenant).await?;
            let mut tenants: Vec<_> = members.iter().map(|(tenant, _)| *tenant).collect();
            if tenants.is_empty() {
                return Err(StoreError::Moved);
            }
            if matches!(act.by.who, Who::Operator(_)) && !tenants.contains(&OPERATOR) {
                tenants.push(OPERATOR);
            }
            let outcome = self.directory.audited_in_each(&tenants, act.ends, |chains| {
                let next = round(entries(chains, members, act));
                async move {
                    // Each change of members moves the head, which was read before.
                    if self.members_in(act.person, act.tenant).await? != *members {
                        return Err(StoreError::Moved);
                    }
                    next.await
                }
            });
            match outcome.await {
                Err(StoreError::Moved) if self.members_in(act.person, act.tenant).await? != *members => {}
                outcome => return outcome,
            }
        }
    }
}
