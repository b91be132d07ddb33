//! The columns of the limits, which members and invitations have alike.

use crate::sql::{Row, Value};
use countersign_core::{
    access::{scope::Scope, share::Share},
    people::{
        hours::{Hours, Zone},
        member::{Limits, Role},
        shares::Shares,
    },
    ports::error::StoreError,
};

/// Reads ten columns from `first` on: role, permissions, zone, hours, senders, templates, profiles,
/// subject_groups, pool, most_parts.
pub(super) fn read_limits(row: &Row, first: usize) -> Result<Limits, StoreError> {
    Ok(Limits {
        role: row.parsed(first, Role::parse)?,
        // Unknown scopes of a newer release are skipped, so the member has the others.
        permissions: row.text(first + 1)?.split_whitespace().filter_map(Scope::parse).collect(),
        zone: row.parsed(first + 2, Zone::parse)?,
        hours: row.parsed(first + 3, Hours::parse)?,
        shares: Shares {
            senders: row.parsed(first + 4, Share::parse)?,
            templates: row.parsed(first + 5, Share::parse)?,
            profiles: row.parsed(first + 6, Share::parse)?,
            groups: row.parsed(first + 7, Share::parse)?,
        },
        pool: bound(row, first + 8)?,
        most_parts: bound(row, first + 9)?,
    })
}

/// The first scope that only a newer release knows, of the limits whose columns begin at `first`.
pub(super) fn unknown_scope(row: &Row, first: usize) -> Result<Option<&str>, StoreError> {
    Ok(row.text(first + 1)?.split_whitespace().find(|scope| Scope::parse(scope).is_none()))
}

fn bound<T: TryFrom<i64>>(row: &Row, index: usize) -> Result<Option<T>, StoreError> {
    row.optional_int(index)?.map(T::try_from).transpose().map_err(|_| row.corrupt())
}

/// The values of the columns, in the order in which [`read_limits`] reads them.
pub(super) fn limits_values(limits: &Limits) -> [Value; 10] {
    let Shares { senders, templates, profiles, groups } = &limits.shares;
    [
        limits.role.as_str().into(),
        limits.permissions.to_string().into(),
        limits.zone.as_str().into(),
        limits.hours.to_string().into(),
        senders.to_string().into(),
        templates.to_string().into(),
        profiles.to_string().into(),
        groups.to_string().into(),
        limits.pool.map(i64::from).into(),
        limits.most_parts.map(i64::from).into(),
    ]
}
