//! The security rules and the portal list, as an owner changes them in the portal.

use crate::{
    access::{
        actor::Actor,
        allowlist::{Allowlist, ListChange},
        change::Change,
    },
    management::{
        allowlists::{AllowlistError, change_portal_allowlist, read_portal_allowlist},
        owner_mails::owners_in,
        security::{SecurityError, change_security, judge_security},
    },
    people::{
        invitation::LinkSecret,
        notice::{List, News, Words},
    },
    ports::error::StoreError,
    sign_in::{
        own::owners::{NoOwner, owner_of, tell_owners},
        proof::Proven,
        signed_in::{OwnError, SignedIn, identity},
    },
    tenant::security::{SecurityChange, SecurityRules},
};
use rand::CryptoRng;

/// How many sessions are read to find one of an owner.
const MOST_SESSIONS: u16 = 1_000;

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    #[error(transparent)]
    NoOwner(#[from] NoOwner),
    /// The list would leave no owner's live session. No confirmation helps.
    #[error("the list would shut all owners out")]
    AllOwnersOut,
    #[error(transparent)]
    List(#[from] AllowlistError),
    #[error(transparent)]
    Security(#[from] SecurityError),
    #[error(transparent)]
    Own(#[from] OwnError),
}

impl From<StoreError> for RulesError {
    fn from(error: StoreError) -> Self {
        Self::Own(error.into())
    }
}

/// Judges a change of the security rules before the proof is used up.
pub async fn judge_rules(
    own: &SignedIn<'_>,
    actor: &Actor,
    change: &SecurityChange,
) -> Result<(), RulesError> {
    owner_of(own.entrance, actor).await??;
    Ok(judge_security(&own.entrance.context, actor, change).await?)
}

/// Changes the security rules. Returns them with the next secret of the session.
pub async fn change_rules(
    own: &SignedIn<'_>,
    actor: &Actor,
    change: &SecurityChange,
    proven: &Proven,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<(SecurityRules, Option<LinkSecret>), RulesError> {
    judge_rules(own, actor, change).await?;
    let taken = proven.take(own).await?;
    let rules = change_security(&own.entrance.context, actor, change, by).await?;
    Ok((rules, taken.renew(own, rng).await))
}

/// Judges a change of the portal list before the proof is used up. A list without the author's address is refused
/// unless the author confirmed it.
pub async fn judge_portal_list(
    own: &SignedIn<'_>,
    actor: &Actor,
    change: &ListChange,
    confirmed: bool,
) -> Result<(), RulesError> {
    owner_of(own.entrance, actor).await??;
    let present = read_portal_allowlist(&own.entrance.context, actor.tenant).await?;
    let list = present.changed(change.clone()).map_err(AllowlistError::from)?;
    if list.allows(own.visitor.address) {
        return Ok(());
    }
    if !has_owner_inside(own, actor, &list).await? {
        return Err(RulesError::AllOwnersOut);
    }
    if confirmed { Ok(()) } else { Err(AllowlistError::LockOut(own.visitor.address).into()) }
}

/// Changes the portal list. The owners hear of it.
pub async fn change_portal_list(
    own: &SignedIn<'_>,
    actor: &Actor,
    (change, confirmed): (ListChange, bool),
    proven: &Proven,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<(Allowlist, Option<LinkSecret>), RulesError> {
    judge_portal_list(own, actor, &change, confirmed).await?;
    let taken = proven.take(own).await?;
    let list = change_portal_allowlist(&own.entrance.context, actor, change, confirmed, by).await?;
    let name = identity(&own.entrance.context, own.account)?.name;
    let author = Some(Words::new(name.expose()));
    let news = |tenant| News::ListChanged { tenant, list: List::Portal, by: author.clone() };
    tell_owners(own.entrance, actor.tenant, news, own.now, rng).await?;
    Ok((list, taken.renew(own, rng).await))
}

/// Whether an owner with a live session in the tenant is at an address of this list.
async fn has_owner_inside(own: &SignedIn<'_>, actor: &Actor, list: &Allowlist) -> Result<bool, StoreError> {
    let tenant = actor.tenant;
    let owners = owners_in(&own.entrance.context, tenant).await?;
    let rules = own.entrance.context.directory.settings(tenant).await?.security.rules(tenant);
    let sessions = own.people().list_tenant_sessions(tenant, None, MOST_SESSIONS).await?;
    Ok(sessions.iter().any(|session| {
        let is_owner = owners.iter().any(|owner| owner.person == session.person);
        let idle = own.now.since(session.seen_at).as_secs();
        let total = own.now.since(session.signed_in_at).as_secs();
        let is_live =
            idle < rules.session_idle.seconds().into() && total < rules.session_total.seconds().into();
        is_owner && is_live && list.allows(session.address)
    }))
}
