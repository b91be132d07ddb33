//! Who may change whom: a member grants and changes only what its own limits cover, and never its own.

use crate::{
    access::{
        actor::{Actor, Who},
        key::Key,
        scope::{Scope, Scopes},
        share::Share,
    },
    id::{MemberId, ProfileId},
    people::{
        hours::{Hours, Zone},
        member::{Limits, Member, Role, is_at_most},
        shares::Shares,
    },
};

/// Why an actor may not change a member, or grant some limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotCovered {
    /// The member would change itself.
    #[error("a member cannot change its own membership")]
    Oneself,
    /// Somebody who is no owner would make, change or remove an owner.
    #[error("only an owner or the operator makes, changes or removes an owner")]
    Owners,
    /// No member has this scope.
    #[error("no member can have the scope {}", .0.as_str())]
    Forbidden(Scope),
    /// The actor lacks some of these scopes.
    #[error("the actor does not have all of {0}")]
    Scopes(Scopes),
    #[error("the hours are not within those of the actor")]
    Hours,
    #[error("the shares are not within those of the actor")]
    Shares,
    #[error("the monthly pool is larger than that of the actor")]
    Pool,
    #[error("the most parts of a message are more than those of the actor")]
    Parts,
    /// The actor is a key that expires or has an allowlist. It would give a person more than it has itself.
    #[error("a key that expires or has an allowlist neither invites nor widens members")]
    BoundKey,
}

/// What an actor covers.
#[derive(Clone, Debug)]
pub enum Reach {
    /// The operator covers everything.
    Operator,
    /// A member, or a key: its member if it has one, and the limits within which it acts.
    Bounded { member: Option<MemberId>, limits: Box<Limits> },
}

impl Reach {
    /// The reach of an actor. `member` is the actor's member, if it has one. Without it, or if it is disabled, the
    /// actor has no reach.
    pub fn of(actor: &Actor, member: Option<&Member>) -> Option<Self> {
        if matches!(actor.who, Who::Operator(_) | Who::System) {
            return Some(Self::Operator);
        }
        let Some(id) = actor.member else { return Some(Self::of_company(actor.grants, &actor.profiles)) };
        let member = member.filter(|member| member.id == id && !member.disabled)?;
        let mut limits = member.limits.clone();
        limits.permissions = limits.permissions.within(actor.grants);
        limits.shares.profiles = limits.shares.profiles.within(&actor.profiles);
        Some(Self::Bounded { member: Some(id), limits: Box::new(limits) })
    }

    /// The reach of a member who acts with all that it has.
    pub fn of_member(member: &Member) -> Self {
        Self::Bounded { member: Some(member.id), limits: Box::new(member.limits.clone()) }
    }

    /// The reach of a key of this member.
    pub fn of_key(member: &Member, key: &Key) -> Self {
        Self::Bounded { member: Some(member.id), limits: Box::new(limits_of_key(member, key)) }
    }

    /// The reach of a key of the company. It has no limits but its scopes and profiles, and never touches owners.
    pub fn of_company(scopes: Scopes, profiles: &Share<ProfileId>) -> Self {
        let limits = Limits {
            role: Role::Subuser,
            permissions: scopes,
            zone: Zone::default(),
            hours: Hours::ALWAYS,
            shares: Shares { profiles: profiles.clone(), ..Shares::all() },
            pool: None,
            most_parts: None,
        };
        Self::Bounded { member: None, limits: Box::new(limits) }
    }

    /// Returns whether the actor has the rights of an owner.
    pub fn is_owner(&self) -> bool {
        match self {
            Self::Operator => true,
            Self::Bounded { limits, .. } => limits.role == Role::Owner,
        }
    }

    /// Judges a key with these scopes and profiles that belongs to a member: the member's limits bind it.
    pub fn covers_key(&self, scopes: Scopes, profiles: &Share<ProfileId>) -> Result<(), NotCovered> {
        let Self::Bounded { limits, .. } = self else { return Ok(()) };
        if !limits.permissions.covers(scopes) {
            return Err(NotCovered::Scopes(scopes));
        }
        if profiles.is_within(&limits.shares.profiles) { Ok(()) } else { Err(NotCovered::Shares) }
    }

    /// Judges a key of another member. It can do what both its own scopes and profiles and the limits of its member
    /// allow.
    pub fn covers_key_of(&self, member: &Member, key: &Key) -> Result<(), NotCovered> {
        self.covers(Some(member.id), &[&limits_of_key(member, key)])
    }

    /// Judges a key of the company with these scopes and profiles: no member's limits bind it. So a member with
    /// hours or a pool cannot escape them by such a key.
    pub fn covers_company_key(&self, scopes: Scopes, profiles: &Share<ProfileId>) -> Result<(), NotCovered> {
        match (self, Self::of_company(scopes, profiles)) {
            (Self::Bounded { limits: own, .. }, Self::Bounded { limits, .. }) => limits_cover(own, &limits),
            _ => Ok(()),
        }
    }

    /// Judges a change of a member, or of an invitation: `target` is the member that would be changed, `states`
    /// are the limits before and after. Each must be covered: somebody who could change a member with more
    /// could disable its betters.
    pub fn covers(&self, target: Option<MemberId>, states: &[&Limits]) -> Result<(), NotCovered> {
        for state in states {
            state.forbidden().map_or(Ok(()), |scope| Err(NotCovered::Forbidden(scope)))?;
        }
        let Self::Bounded { member, limits } = self else { return Ok(()) };
        if member.is_some() && *member == target {
            return Err(NotCovered::Oneself);
        }
        states.iter().try_for_each(|state| limits_cover(limits, state))
    }
}

/// What a key of this member can do.
fn limits_of_key(member: &Member, key: &Key) -> Limits {
    let mut limits = member.limits.clone();
    limits.permissions = limits.permissions.within(key.scopes);
    limits.shares.profiles = limits.shares.profiles.within(&key.profiles);
    limits
}

fn limits_cover(own: &Limits, other: &Limits) -> Result<(), NotCovered> {
    let unless = |covered: bool, refusal| if covered { Ok(()) } else { Err(refusal) };
    unless(own.role == Role::Owner || other.role == Role::Subuser, NotCovered::Owners)?;
    unless(own.permissions.covers(other.permissions), NotCovered::Scopes(other.permissions))?;
    unless(other.hours_are_within(own), NotCovered::Hours)?;
    unless(other.shares.is_within(&own.shares), NotCovered::Shares)?;
    unless(is_at_most(other.pool, own.pool), NotCovered::Pool)?;
    unless(is_at_most(other.most_parts, own.most_parts), NotCovered::Parts)
}

#[cfg(test)]
mod tests;
