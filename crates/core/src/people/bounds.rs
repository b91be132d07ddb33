//! What a key may do at this moment.

use crate::{
    access::{key::Key, scope::Scopes, share::Share},
    id::ProfileId,
    people::member::Member,
    tenant::scopes_of,
};

/// The scopes and profiles of a key, within those of its member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    pub grants: Scopes,
    pub profiles: Share<ProfileId>,
}

impl Bounds {
    /// Computes the bounds from the key and its member, if it has one. Returns `None` if the server must refuse
    /// the key: its member is disabled, was removed, or is not the given one.
    pub fn of(key: &Key, member: Option<&Member>) -> Option<Self> {
        // Whatever its row says, a tenant's key does not manage tenants.
        let grants = key.scopes.within(scopes_of(key.tenant, key.mode));
        let Some(id) = key.member else { return Some(Self { grants, profiles: key.profiles.clone() }) };
        let member = member.filter(|member| member.id == id && member.tenant == key.tenant)?;
        let profiles = key.profiles.within(&member.limits.shares.profiles);
        (!member.disabled).then(|| Self { grants: grants.within(member.limits.permissions), profiles })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        access::{key::PresentedKey, scope::Scope},
        id::{KeyId, MemberId, PersonId, TenantId},
        mode::Mode,
        people::{hours::Zone, member::Limits},
        time::Timestamp,
    };

    const TENANT: TenantId = TenantId::from_bytes([1; 16]);

    fn key(member: Option<u8>) -> Key {
        let presented = PresentedKey::from_secret(Mode::Live, KeyId::from_bytes([1; 16]), [1; 32]);
        let scopes = Scopes::from_iter([Scope::KeysWrite, Scope::NumbersRead, Scope::Operator]);
        let profiles = Share::of([1, 2].map(|n| ProfileId::from_bytes([n; 16]))).unwrap();
        let key = Key::new(&presented, TENANT, "one".into(), scopes, Timestamp::default());
        Key { member: member.map(|n| MemberId::from_bytes([n; 16])), profiles, ..key }
    }

    fn member(number: u8) -> Member {
        let mut limits = Limits::of_owner(Zone::default());
        limits.permissions = Scopes::from_iter([Scope::KeysWrite, Scope::ReportsRead]);
        limits.shares.profiles = Share::of([2, 3].map(|n| ProfileId::from_bytes([n; 16]))).unwrap();
        Member {
            id: MemberId::from_bytes([number; 16]),
            tenant: TENANT,
            person: PersonId::from_bytes([1; 16]),
            limits,
            disabled: false,
            version: 1,
            created_at: Timestamp::default(),
        }
    }

    #[test]
    fn a_key_has_what_its_member_has_too() {
        let bounds = Bounds::of(&key(Some(1)), Some(&member(1))).unwrap();
        assert_eq!(bounds.grants, Scopes::from_iter([Scope::KeysWrite]));
        assert_eq!(bounds.profiles, Share::of([ProfileId::from_bytes([2; 16])]).unwrap());
        let company = Bounds::of(&key(None), None).unwrap();
        assert_eq!(company.grants, Scopes::from_iter([Scope::KeysWrite, Scope::NumbersRead]));
        assert_eq!(company.profiles, key(None).profiles);
    }

    #[test]
    fn the_key_of_a_member_who_is_not_there_is_refused() {
        let one = key(Some(1));
        let away = Member { disabled: true, ..member(1) };
        let elsewhere = Member { tenant: TenantId::from_bytes([2; 16]), ..member(1) };
        for member in [None, Some(&member(2)), Some(&away), Some(&elsewhere)] {
            assert_eq!(Bounds::of(&one, member), None, "{member:?}");
        }
    }
}
