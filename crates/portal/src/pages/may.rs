//! What a member may do, a sentence each, as invitations and the first page say it.

use crate::text::Text;
use countersign_core::{
    access::scope::Scope,
    people::{
        hours::Hours,
        member::{Limits, Role},
    },
};

pub fn sentences(t: Text, limits: &Limits) -> Vec<String> {
    let word = |scope| {
        Some(match scope {
            Scope::VerificationsStart => "may-send",
            Scope::VerificationsRead => "may-read",
            Scope::NumbersRead => "may-see-numbers",
            Scope::ReportsRead => "may-see-reports",
            Scope::SettingsWrite => "may-set",
            Scope::KeysWrite => "may-make-keys",
            Scope::MembersWrite => "may-change-members",
            Scope::AuditRead => "may-read-audit",
            Scope::CodesReveal => "may-see-codes",
            // Other scopes are details of keys, or follow from these.
            _ => return None,
        })
    };
    let scopes = Scope::ALL.into_iter().filter(|scope| limits.permissions.contains(*scope));
    let owner = (limits.role == Role::Owner).then_some("may-own");
    let words = owner.into_iter().chain(scopes.filter_map(word));
    let mut sentences: Vec<_> = words.map(|word| t.get(word).into_owned()).collect();
    sentences.extend(limits.pool.map(|parts| t.one("may-pool", "count", parts)));
    if limits.hours != Hours::ALWAYS {
        sentences.push(t.get("may-hours").into_owned());
    }
    sentences
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::{access::scope::Scopes, people::hours::Zone};

    #[test]
    fn limits_are_said_too() {
        let t = Text::default();
        let owner = Limits::of_owner(Zone::default());
        assert_eq!(sentences(t, &owner)[0], t.get("may-own"));
        let limits = Limits {
            role: Role::Subuser,
            permissions: Scopes::from_iter([Scope::VerificationsStart, Scope::VerificationsCheck]),
            pool: Some(500),
            hours: Hours::NEVER,
            ..owner
        };
        let expected = [
            t.get("may-send").into_owned(),
            t.one("may-pool", "count", 500),
            t.get("may-hours").into_owned(),
        ];
        assert_eq!(sentences(t, &limits), expected);
    }
}
