//! Tenants: the client companies.

pub mod limits;
pub mod profile;
pub mod resource;
pub mod review;
pub mod security;
pub mod settings;
pub mod system;

pub use system::{OPERATOR, PORTAL, PORTAL_ENROL};

use crate::{
    access::scope::{Scope, Scopes},
    id::TenantId,
    mode::Mode,
    tenant::system::{Part, is_system, permit},
    time::Timestamp,
};
use std::time::Duration;

/// How long a deleted tenant can be enabled again. After this time the server erases it.
pub const ERASED_AFTER: Duration = Duration::from_secs(30 * 86_400);

/// A client company, as the directory stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    pub id: TenantId,
    /// The name that end users know. It appears in the SMS.
    pub name: TenantName,
    pub created_at: Timestamp,
    /// When the tenant was disabled: since then the server refuses its keys and sends nothing for it.
    pub disabled_at: Option<Timestamp>,
    pub deleted_at: Option<Timestamp>,
    /// True once the server has begun to erase its data. This cannot be undone.
    pub erasing: bool,
    /// The number of the current version, from 1. Each change adds 1.
    pub version: i64,
}

/// A change of a tenant by the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TenantChange {
    /// Gives the tenant another name.
    Rename(TenantName),
    /// Gives the tenant another name and makes the other change, both at once.
    RenameAnd(TenantName, Box<TenantChange>),
    /// The server refuses the tenant's keys and sends nothing for it.
    Disable,
    /// The server serves the tenant again, as if it had never been disabled or deleted.
    Enable,
    /// The server disables the tenant now, and erases it after [`ERASED_AFTER`].
    Delete,
}

impl TenantChange {
    /// Whether the server serves the tenant no more after this change.
    pub fn ends(&self) -> bool {
        match self {
            Self::Rename(_) | Self::Enable => false,
            Self::RenameAnd(_, other) => other.ends(),
            Self::Disable | Self::Delete => true,
        }
    }
}

impl Tenant {
    /// A new, enabled tenant.
    pub fn new(id: TenantId, name: TenantName, created_at: Timestamp) -> Self {
        Self { id, name, created_at, disabled_at: None, deleted_at: None, erasing: false, version: 1 }
    }

    /// The tenant after a change. Returns `None` if the change is impossible: a tenant of the server itself
    /// cannot change, and a tenant that is being erased stays deleted.
    pub fn changed(&self, change: &TenantChange, now: Timestamp) -> Option<Self> {
        if is_system(self.id) || self.erasing {
            return None;
        }
        let mut tenant = self.clone();
        match change {
            TenantChange::Rename(name) => tenant.name = name.clone(),
            TenantChange::RenameAnd(name, other) => {
                tenant = self.changed(other, now)?;
                (tenant.name, tenant.version) = (name.clone(), self.version);
            }
            TenantChange::Disable => tenant.disabled_at = self.disabled_at.or(Some(now)),
            TenantChange::Enable => (tenant.disabled_at, tenant.deleted_at) = (None, None),
            TenantChange::Delete => {
                tenant.disabled_at = self.disabled_at.or(Some(now));
                tenant.deleted_at = self.deleted_at.or(Some(now));
            }
        }
        tenant.version = if tenant == *self { self.version } else { self.version + 1 };
        Some(tenant)
    }

    /// The time from which the server may erase the tenant; `None` if it is not deleted.
    pub fn erased_from(&self) -> Option<Timestamp> {
        self.deleted_at.map(|at| at + ERASED_AFTER)
    }
}

/// A display name of 1 to 40 printable characters. The name appears in each SMS: with line breaks or control
/// characters, a tenant could forge lines of the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantName(String);

impl TenantName {
    /// The maximum length, in characters.
    pub const MAX: usize = 40;

    /// Reads a name without surrounding spaces. Returns `None` if it is empty, too long or not printable.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let fits = (1..=Self::MAX).contains(&text.chars().count());
        (fits && !text.chars().any(char::is_control)).then(|| Self(text.to_owned()))
    }

    /// The name of the tenants that send codes to persons. Messages have it as their sender where a route names no
    /// other.
    pub(crate) fn of_server() -> Self {
        Self("Countersign".to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The scopes that keys of a tenant may hold. Keys of the operator only manage tenants. No other key
/// manages tenants.
pub fn scopes_of(tenant: TenantId, mode: Mode) -> Scopes {
    match (tenant, mode) {
        (OPERATOR, Mode::Live) => Scopes::from_iter([Scope::Operator]),
        // There is no test mode of tenants.
        (OPERATOR, Mode::Test) => Scopes::default(),
        (tenant, _) if permit(tenant, Part::Keys).is_err() => Scopes::default(),
        _ => Scopes::all(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_is_disabled_and_deleted_once_and_enabled_of_both() {
        let at = |seconds: u64| Timestamp::default() + Duration::from_secs(seconds);
        let name = TenantName::parse("Acme").unwrap();
        let made = Tenant::new(TenantId::from_bytes([1; 16]), name.clone(), at(1));
        let after = |tenant: &Tenant, change, now| tenant.changed(&change, now).unwrap();
        assert_eq!(after(&made, TenantChange::Enable, at(2)), made, "nothing changes");
        assert_eq!(after(&made, TenantChange::Rename(name), at(2)), made);
        let disabled = after(&made, TenantChange::Disable, at(2));
        assert_eq!((disabled.disabled_at, disabled.version), (Some(at(2)), 2));
        assert_eq!(after(&disabled, TenantChange::Disable, at(3)), disabled, "it keeps its time");
        let deleted = after(&disabled, TenantChange::Delete, at(4));
        assert_eq!((deleted.disabled_at, deleted.deleted_at), (Some(at(2)), Some(at(4))));
        assert_eq!(after(&deleted, TenantChange::Delete, at(5)), deleted);
        assert_eq!(deleted.erased_from(), Some(at(4) + ERASED_AFTER));
        let enabled = after(&deleted, TenantChange::Enable, at(6));
        assert_eq!((enabled.disabled_at, enabled.deleted_at, enabled.version), (None, None, 4));
        let other = TenantName::parse("Other").unwrap();
        let both = after(&made, TenantChange::RenameAnd(other, Box::new(TenantChange::Disable)), at(6));
        assert_eq!((both.name.as_str(), both.disabled_at, both.version), ("Other", Some(at(6)), 2));
        let direct = after(&made, TenantChange::Delete, at(7));
        assert_eq!((direct.disabled_at, direct.deleted_at), (Some(at(7)), Some(at(7))));
    }

    #[test]
    fn only_live_keys_of_the_operator_manage_tenants_and_they_do_nothing_else() {
        let acme = TenantId::from_bytes([1; 16]);
        let every: Scopes = Scope::ALL.into_iter().collect();
        for mode in [Mode::Live, Mode::Test] {
            let scopes = scopes_of(acme, mode);
            assert_eq!(scopes, Scopes::all());
            assert!(!scopes.contains(Scope::Operator) && !scopes.covers(every));
        }
        let operator = every.within(scopes_of(OPERATOR, Mode::Live));
        assert_eq!(operator.iter().collect::<Vec<_>>(), [Scope::Operator]);
        assert!(scopes_of(OPERATOR, Mode::Test).is_empty());
        assert!(scopes_of(PORTAL, Mode::Live).is_empty());
    }

    #[test]
    fn neither_the_servers_own_nor_what_is_being_erased_changes() {
        let name = TenantName::parse("Operator").unwrap();
        let made = |id| Tenant::new(id, name.clone(), Timestamp::default());
        let erasing = Tenant { erasing: true, ..made(TenantId::from_bytes([1; 16])) };
        for tenant in system::ALL.map(made).into_iter().chain([erasing]) {
            let rename = TenantChange::Rename(TenantName::parse("Other").unwrap());
            for change in [rename, TenantChange::Disable, TenantChange::Enable, TenantChange::Delete] {
                assert_eq!(tenant.changed(&change, Timestamp::default()), None);
            }
        }
    }
}
