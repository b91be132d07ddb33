//! Members: persons in a tenant, and their limits there.

use crate::{
    access::scope::{Scope, Scopes},
    id::{MemberId, PersonId, TenantId},
    people::{
        hours::{Hours, Zone},
        shares::Shares,
    },
    time::Timestamp,
};
use std::time::Duration;

/// The maximum number of members of a tenant. Disabled members count too.
pub const MOST_MEMBERS: u32 = 100_000;

/// The maximum number of changes of members in [`CHANGES_IN`], apart from those that only take rights. Each may end
/// the former versions of a member's keys, and all nodes read these ends.
pub const MOST_CHANGES: u32 = 600;
/// The time of [`MOST_CHANGES`].
pub const CHANGES_IN: Duration = Duration::from_secs(3_600);

/// Whether a member may change owners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Makes, changes and removes owners, and governs all keys.
    Owner,
    /// Governs only keys of its own.
    Subuser,
}

impl Role {
    pub const ALL: [Self; 2] = [Self::Owner, Self::Subuser];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Subuser => "subuser",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

/// What a member may do in its tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    pub role: Role,
    /// The scopes that the member and its keys may have at most.
    pub permissions: Scopes,
    /// The zone of the hours, and of the month of the pool.
    pub zone: Zone,
    pub hours: Hours,
    pub shares: Shares,
    /// The message parts of a month; `None` without a bound.
    pub pool: Option<u32>,
    /// The parts of one message; `None` without a bound.
    pub most_parts: Option<u8>,
}

impl Limits {
    /// An owner without any bounds, who does not see codes.
    pub fn of_owner(zone: Zone) -> Self {
        Self {
            role: Role::Owner,
            permissions: Scopes::all_but_codes(),
            zone,
            hours: Hours::ALWAYS,
            shares: Shares::all(),
            pool: None,
            most_parts: None,
        }
    }

    /// The scopes that no member may have: no member of a tenant manages tenants.
    pub fn forbidden(&self) -> Option<Scope> {
        Some(Scope::Operator).filter(|scope| self.permissions.contains(*scope))
    }

    /// Returns whether these hours are within the other's at each time. Hours of two zones are compared only if
    /// one side is open always: a change of the clock would move the ones against the others.
    pub fn hours_are_within(&self, other: &Self) -> bool {
        let of_one_zone = self.zone == other.zone && self.hours.is_within(&other.hours);
        other.hours == Hours::ALWAYS || self.hours == Hours::NEVER || of_one_zone
    }

    /// Returns whether the other limits allow everything that these allow. With another zone they never do,
    /// because the zone moves the hours and the month of the pool.
    pub fn are_within(&self, other: &Self) -> bool {
        self.zone == other.zone
            && (self.role == Role::Subuser || other.role == Role::Owner)
            && other.permissions.covers(self.permissions)
            && self.hours.is_within(&other.hours)
            && self.shares.is_within(&other.shares)
            && is_at_most(self.pool, other.pool)
            && is_at_most(self.most_parts, other.most_parts)
    }
}

/// Compares two bounds, of which `None` is the largest.
pub(super) fn is_at_most<T: Ord>(one: Option<T>, other: Option<T>) -> bool {
    other.is_none_or(|other| one.is_some_and(|one| one <= other))
}

/// A member, as the directory stores it. It contains no personal data, so the copy in memory holds it too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub id: MemberId,
    pub tenant: TenantId,
    pub person: PersonId,
    pub limits: Limits,
    /// While true, the member and its keys can do nothing.
    pub disabled: bool,
    /// The number of the current version. A change names the version that it read.
    pub version: i64,
    pub created_at: Timestamp,
}

impl Member {
    /// Whether the member was narrowed: it may no longer do something that it could do before. Its keys then
    /// get a new version, so that no node accepts a copy from before.
    pub fn is_narrower_than(&self, before: &Self) -> bool {
        (self.disabled && !before.disabled) || !before.limits.are_within(&self.limits)
    }

    /// Whether the change only takes from the member, and takes a right as a whole: it is disabled, is no owner any
    /// more, loses scopes, or can send nothing. Such a change must always be possible. It cannot be repeated without
    /// a change that gives something. A pool, hours and shares could be narrowed in thousands of steps.
    pub fn is_ended_since(&self, before: &Self) -> bool {
        let (now, former) = (&self.limits, &before.limits);
        let takes = (self.disabled && !before.disabled)
            || now.role != former.role
            || now.permissions != former.permissions
            || (now.pool == Some(0) && former.pool != Some(0))
            || (now.hours == Hours::NEVER && former.hours != Hours::NEVER);
        takes && self.disabled >= before.disabled && now.are_within(former)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::hours::Zone;

    #[test]
    fn an_ending_only_takes_and_takes_a_whole_right() {
        let limits = Limits { pool: Some(9), ..Limits::of_owner(Zone::default()) };
        let before = Member {
            id: MemberId::from_bytes([1; 16]),
            tenant: TenantId::from_bytes([1; 16]),
            person: PersonId::from_bytes([1; 16]),
            limits: limits.clone(),
            disabled: false,
            version: 1,
            created_at: Timestamp::default(),
        };
        let few = Scopes::from_iter([Scope::KeysWrite]);
        let with = |limits: Limits, disabled| Member { limits, disabled, ..before.clone() };
        for after in [
            with(limits.clone(), true),
            with(Limits { role: Role::Subuser, ..limits.clone() }, false),
            with(Limits { permissions: few, pool: Some(3), ..limits.clone() }, false),
            with(Limits { pool: Some(0), ..limits.clone() }, false),
            with(Limits { hours: Hours::NEVER, ..limits.clone() }, true),
        ] {
            assert!(after.is_ended_since(&before), "{after:?}");
            assert!(!before.is_ended_since(&after), "{after:?}");
            assert!(!after.is_ended_since(&after), "{after:?}");
        }
        for after in [
            with(Limits { pool: Some(8), ..limits.clone() }, false),
            with(Limits { hours: Hours::NEVER.with(0, 0), ..limits.clone() }, false),
            // It gives something, too.
            with(Limits { permissions: few, pool: None, ..limits.clone() }, false),
            with(Limits { pool: None, ..limits.clone() }, true),
        ] {
            assert!(!after.is_ended_since(&before), "{after:?}");
        }
        let disabled = with(limits.clone(), true);
        let enabled = with(Limits { permissions: few, ..limits }, false);
        assert!(!enabled.is_ended_since(&disabled));
    }
}
