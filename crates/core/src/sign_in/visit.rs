//! A request in a session. The session, the account and the membership are read from the database each time, so a
//! change of them holds for the next request.

use crate::{
    access::{
        actor::{Actor, Who},
        allowlist::Allowlist,
    },
    acts::ways::portal_has_route,
    context::Management,
    id::TenantId,
    mode::Mode,
    people::{
        account::Account,
        invitation::LinkSecret,
        member::Member,
        session::{Factors, Session},
    },
    ports::error::StoreError,
    sign_in::{
        Entrance,
        tenants::{OpenTenant, opened},
    },
    snapshot::view::TenantView,
    tenant::{
        OPERATOR, PORTAL,
        security::{PasswordAge, Security, SecurityRules},
    },
    time::Timestamp,
};
use std::{net::IpAddr, sync::Arc, time::Duration};

/// A person in a session.
#[derive(Clone, Debug)]
pub struct Visit {
    pub session: Session,
    pub account: Account,
    pub place: Place,
    /// When the session ends, if no further request comes.
    pub ends_at: Timestamp,
}

/// Where a person is.
#[derive(Clone, Debug)]
pub enum Place {
    /// In no tenant.
    Outside,
    /// The tenant demands something first. Until then the person sees nothing of it.
    Barred {
        view: Arc<TenantView>,
        missing: Missing,
    },
    Inside(Box<Inside>),
}

/// A member in its tenant.
#[derive(Clone, Debug)]
pub struct Inside {
    pub view: Arc<TenantView>,
    pub member: Member,
    pub actor: Actor,
    /// The age of the password in days, if the tenant reminds of its change.
    pub old_password: Option<u32>,
}

/// What a tenant demands before it lets a person in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The tenant's portal list does not contain this address.
    Refused { address: IpAddr },
    /// A sign-in with a code.
    SecondFactor {
        /// Whether the person has a phone already, and only has to sign in again.
        has_phone: bool,
    },
    /// Another password: the present one has so many days.
    NewPassword { days: u32 },
}

/// Why a session is over.
#[derive(Debug, thiserror::Error)]
pub enum Gone {
    #[error("no such session")]
    Unknown,
    /// No request came since this time, for as long as the session may be idle.
    #[error("the session was idle for too long")]
    Idle { since: Timestamp, limit: Duration },
    /// The session has lasted as long as it may.
    #[error("the session is too old")]
    TooOld { limit: Duration },
    /// The person signed out everywhere, or changed what it signs in with.
    #[error("the person was signed out")]
    SignedOut,
    /// The database did not answer.
    #[error("people")]
    Unavailable(#[from] StoreError),
}

/// How long a session may be idle, and last in all: what the person chose, up to the tenant's rules.
pub(super) fn lengths(account: &Account, rules: SecurityRules) -> (Duration, Duration) {
    let shorter =
        |own: Option<u32>, rule: u32| Duration::from_secs(own.map_or(rule, |own| own.min(rule)).into());
    let idle = shorter(account.idle.map(|idle| idle.seconds()), rules.session_idle.seconds());
    let total = shorter(account.total.map(|total| total.seconds()), rules.session_total.seconds());
    (idle.min(total), total)
}

/// Looks a session up for a request. `quiet` is a request by script: the session does not last longer by it.
pub async fn visit(
    entrance: &Entrance,
    secret: &LinkSecret,
    address: IpAddr,
    quiet: bool,
    now: Timestamp,
) -> Result<Visit, Gone> {
    let (mut session, account) = entrance.people.session(secret.hash()).await?.ok_or(Gone::Unknown)?;
    if session.epoch != account.person.epoch {
        return Err(Gone::SignedOut);
    }
    let open = match session.tenant {
        Some(tenant) => {
            let member = entrance.context.directory.membership(tenant, session.person).await?;
            member.and_then(|member| opened(entrance, member))
        }
        None => None,
    };
    // A session of no tenant has the default lengths.
    let rules = match &open {
        Some(OpenTenant { view, member }) => view.settings.security.rules(member.tenant),
        None => Security::default().rules(session.tenant.unwrap_or(PORTAL)),
    };
    let (idle, total) = lengths(&account, rules);
    if session.signed_in_at + total <= now {
        return Err(Gone::TooOld { limit: total });
    }
    if session.seen_at + idle <= now {
        return Err(Gone::Idle { since: session.seen_at, limit: idle });
    }
    let place = match open {
        Some(open) => judged(&entrance.context, open, (&session, &account), rules, address, now),
        None => Place::Outside,
    };
    // A stolen cookie at a refused address does not keep the session.
    let refused = matches!(place, Place::Barred { missing: Missing::Refused { .. }, .. });
    if !quiet && !refused {
        entrance.people.touch_session(session.id, now, address).await?;
        (session.seen_at, session.address) = (session.seen_at.max(now), address);
    }
    let ends_at = (session.seen_at + idle).min(session.signed_in_at + total);
    Ok(Visit { session, account, place, ends_at })
}

/// Compares the facts of a session with the rules of its tenant.
fn judged(
    context: &Management,
    OpenTenant { view, member }: OpenTenant,
    (session, account): (&Session, &Account),
    rules: SecurityRules,
    address: IpAddr,
    now: Timestamp,
) -> Place {
    let age = account.password_at.map_or(Duration::ZERO, |at| now.since(at));
    let days = u32::try_from(age.as_secs() / 86_400).unwrap_or(u32::MAX);
    let old = days >= u32::from(rules.password_days.get());
    let missing = if !view.settings.portal_allowlist.allows(address) {
        Some(Missing::Refused { address })
    } else if session.factors < Factors::Code && needs_code(context, member.tenant, rules, now) {
        Some(Missing::SecondFactor { has_phone: account.phone.is_some() })
    } else if old && rules.password_age == PasswordAge::Force {
        Some(Missing::NewPassword { days })
    } else {
        None
    };
    if let Some(missing) = missing {
        return Place::Barred { view, missing };
    }
    let old_password = (old && rules.password_age == PasswordAge::Remind).then_some(days);
    let actor = actor_of(&member, address);
    Place::Inside(Box::new(Inside { view, member, actor, old_password }))
}

/// Whether members of the tenant must sign in with a code now. The operator's must as soon as codes can be sent.
pub(super) fn needs_code(
    context: &Management,
    tenant: TenantId,
    rules: SecurityRules,
    now: Timestamp,
) -> bool {
    let demanded = rules.require_2fa.is_some_and(|from| from <= now);
    demanded || (tenant == OPERATOR && portal_has_route(context))
}

/// A member who acts for itself, with all that it may.
fn actor_of(member: &Member, address: IpAddr) -> Actor {
    Actor {
        tenant: member.tenant,
        mode: Mode::Live,
        who: Who::Member { id: member.id, acted_by: None },
        member: Some(member.id),
        grants: member.limits.permissions,
        profiles: member.limits.shares.profiles.clone(),
        address: Some(address),
        until: None,
        allowlist: Allowlist::default(),
    }
}
