//! The tenants of the server itself: they are no client companies. Their ids are lower than those of all others.
//!
//! - `operator` has the operator's members and keys, and the accounts, routes and senders that the operator shares.
//!   It starts no verification.
//! - `portal` and `portal-enrol` send the codes that go to persons. They have nothing that anybody could set up or
//!   misuse: no keys, members, webhooks, review numbers or routes. Only the server itself acts in them.

use crate::{
    access::actor::{Actor, Who},
    id::TenantId,
    mode::Mode,
    tenant::resource::ResourceKind,
};

/// The tenant that owns what the operator shares with other tenants, and the operator's keys.
pub const OPERATOR: TenantId = TenantId::from_bytes([0; 16]);

/// The tenant that sends codes to the confirmed numbers of persons: for signing in and for proof.
pub const PORTAL: TenantId = TenantId::from_bytes(*b"\0\0\0\0\0\0\0\0\0\0portal");

/// The tenant `portal-enrol`, which sends codes to numbers that a person has not confirmed yet. It uses the routes of
/// [`PORTAL`]. The ten zeros of both ids are the time and a part of the random bits: also a tenant of `apply`, whose
/// id has the time zero, sorts after them.
pub const PORTAL_ENROL: TenantId = TenantId::from_bytes(*b"\0\0\0\0\0\0\0\0\0\0penrol");

/// All tenants of the server, by their ids.
pub const ALL: [TenantId; 3] = [OPERATOR, PORTAL_ENROL, PORTAL];

/// Returns whether the tenant is one of the server itself.
pub fn is_system(tenant: TenantId) -> bool {
    ALL.contains(&tenant)
}

/// A part of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Its name, and whether it is enabled.
    Existence,
    Keys,
    Members,
    /// The rules for its members' sign-ins.
    Security,
    /// Accounts at providers, routes and senders.
    Delivery,
    Profiles,
    /// Countries, limits and language.
    Settings,
    Templates,
    Webhooks,
    Reviews,
    /// Verifications, and all that is known of them.
    Verifications(Who, Mode),
}

impl Part {
    pub fn verifications(actor: &Actor) -> Self {
        Self::Verifications(actor.who, actor.mode)
    }
}

impl From<ResourceKind> for Part {
    fn from(kind: ResourceKind) -> Self {
        match kind {
            ResourceKind::Provider | ResourceKind::Route | ResourceKind::Sender => Self::Delivery,
            ResourceKind::Template => Self::Templates,
            ResourceKind::Webhook => Self::Webhooks,
        }
    }
}

/// Something was asked of a tenant of the server that this tenant does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the tenant belongs to the server itself and has no {0:?}")]
pub struct NotOfSystem(pub Part);

/// Refuses a part that a tenant of the server does not have. Every other tenant has all of them.
pub fn permit(tenant: TenantId, part: Part) -> Result<(), NotOfSystem> {
    let has = match (tenant, part) {
        (OPERATOR, part) => matches!(part, Part::Keys | Part::Members | Part::Security | Part::Delivery),
        (PORTAL | PORTAL_ENROL, part) => part == Part::Verifications(Who::System, Mode::Live),
        _ => true,
    };
    if has { Ok(()) } else { Err(NotOfSystem(part)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_server_acts_in_the_tenants_of_the_portal() {
        let acme = TenantId::from_bytes([1; 16]);
        let asked = |tenant, who, mode| permit(tenant, Part::Verifications(who, mode)).is_ok();
        let operator = Who::Operator(None);
        for tenant in [PORTAL, PORTAL_ENROL] {
            assert!(asked(tenant, Who::System, Mode::Live));
            assert!(!asked(tenant, Who::System, Mode::Test) && !asked(tenant, operator, Mode::Live));
            assert!(permit(tenant, Part::Keys).is_err() && permit(tenant, Part::Delivery).is_err());
        }
        assert!(!asked(OPERATOR, Who::System, Mode::Live) && permit(OPERATOR, Part::Keys).is_ok());
        assert!(asked(acme, operator, Mode::Test) && permit(acme, Part::Webhooks).is_ok());
    }

    #[test]
    fn their_ids_come_before_all_others() {
        assert!(
            ALL.is_sorted()
                && ALL
                    .iter()
                    .all(|id| *id < TenantId::floor(crate::time::Timestamp::from_millis(1_000_000_000)))
        );
    }
}
