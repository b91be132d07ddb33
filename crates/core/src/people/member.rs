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

/// The maximum number of members of a tenant. Disabled members count too.
pub const MOST_MEMBERS: u32 = 100_000;

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
}
