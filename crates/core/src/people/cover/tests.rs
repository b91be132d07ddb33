use super::*;
use crate::{
    access::share::Share,
    id::{KeyId, PersonId, ProfileId, SenderId, TenantId},
    time::Timestamp,
};
use proptest::prelude::*;
use std::collections::BTreeSet;

const TENANT: TenantId = TenantId::from_bytes([1; 16]);

fn scopes() -> impl Strategy<Value = Scopes> {
    proptest::sample::subsequence(Scope::ALL.to_vec(), 0..=4).prop_map(Scopes::from_iter)
}

fn shares() -> impl Strategy<Value = Shares> {
    let of = |count| proptest::option::of(proptest::collection::vec(0u8..3, 0..count));
    (of(3), of(3)).prop_map(|(senders, profiles)| Shares {
        senders: senders.map_or(Share::all(), |ids| {
            Share::of(ids.into_iter().map(|n| SenderId::from_bytes([n; 16]))).unwrap()
        }),
        profiles: profiles.map_or(Share::all(), |ids| {
            Share::of(ids.into_iter().map(|n| ProfileId::from_bytes([n; 16]))).unwrap()
        }),
        ..Shares::all()
    })
}

fn hours() -> impl Strategy<Value = Hours> {
    let places = proptest::collection::vec((0usize..2, 0usize..3), 0..4);
    let some =
        places.prop_map(|all| all.iter().fold(Hours::NEVER, |hours, (day, half)| hours.with(*day, *half)));
    prop_oneof![Just(Hours::ALWAYS), some]
}

prop_compose! {
    fn limits()(
        owner: bool,
        permissions in scopes(),
        zone in proptest::sample::select(vec!["UTC", "Europe/Warsaw"]),
        hours in hours(),
        shares in shares(),
        pool in proptest::option::of(0u32..3),
        most_parts in proptest::option::of(1u8..3),
    ) -> Limits {
        let role = if owner { Role::Owner } else { Role::Subuser };
        Limits { role, permissions, zone: Zone::parse(zone).unwrap(), hours, shares, pool, most_parts }
    }
}

fn member(number: u8, limits: Limits) -> Member {
    Member {
        id: MemberId::from_bytes([number; 16]),
        tenant: TENANT,
        person: PersonId::from_bytes([number; 16]),
        limits,
        disabled: false,
        version: 1,
        created_at: Timestamp::default(),
    }
}

/// The key of a member or of the company, with these scopes.
fn key(member: Option<&Member>, grants: Scopes) -> Actor {
    let grants = member.map_or(grants, |member| grants.within(member.limits.permissions));
    let who = Who::Key(KeyId::from_bytes([1; 16]));
    Actor { who, member: member.map(|member| member.id), grants, ..Actor::operator(TENANT) }
}

/// The single things that limits allow, so that a test needs no subset of its own.
fn powers(limits: &Limits) -> BTreeSet<String> {
    let mut powers: BTreeSet<String> =
        limits.permissions.iter().map(|scope| scope.as_str().to_owned()).collect();
    if limits.role == Role::Owner {
        powers.insert("owner".to_owned());
    }
    // Eight days from 24 March 2026 by the half hour, with a change of the clock.
    let first = 1_774_310_400_000_000;
    for step in (0..8 * 48).map(|n| Timestamp::from_micros(first + n * 1_800_000_000)) {
        if limits.hours.admits(&limits.zone, step) {
            powers.insert(step.to_string());
        }
    }
    for n in 0..4 {
        if limits.shares.senders.admits(&SenderId::from_bytes([n; 16])) {
            powers.insert(format!("sender {n}"));
        }
        if limits.shares.profiles.admits(&ProfileId::from_bytes([n; 16])) {
            powers.insert(format!("profile {n}"));
        }
    }
    let parts = |most: Option<u32>| 1..=most.unwrap_or(5);
    powers.extend(parts(limits.pool).map(|n| format!("pool of {n}")));
    powers.extend(parts(limits.most_parts.map(u32::from)).map(|n| format!("{n} parts")));
    powers
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// A member, through whichever key, gives nobody what it does not have, and changes nobody with more.
    #[test]
    fn nobody_raises_anybody_above_what_the_actor_covers(
        own in limits(), before in limits(), after in limits(), through_key: bool, grants in scopes(),
    ) {
        let actor = member(1, own);
        let caller = match through_key {
            true => key(Some(&actor), grants),
            false => Actor { who: Who::Member { id: actor.id, acted_by: None }, ..key(Some(&actor), Scopes::all()) },
        };
        let reach = Reach::of(&caller, Some(&actor)).unwrap();
        if reach.covers(Some(MemberId::from_bytes([2; 16])), &[&before, &after]).is_ok() {
            let own = powers(&Limits { permissions: caller.grants, ..actor.limits.clone() });
            prop_assert!(powers(&before).is_subset(&own) && powers(&after).is_subset(&own));
            prop_assert!(!after.permissions.contains(Scope::Operator));
        }
        prop_assert!(reach.covers(Some(actor.id), &[&before, &after]).is_err(), "never oneself");
    }

    #[test]
    fn a_key_of_the_company_never_touches_owners(before in limits(), after in limits(), grants in scopes()) {
        let reach = Reach::of(&key(None, grants), None).unwrap();
        let target = Some(MemberId::from_bytes([2; 16]));
        if reach.covers(target, &[&before, &after]).is_ok() {
            for state in [before, after] {
                prop_assert!(state.role == Role::Subuser && grants.covers(state.permissions));
            }
        }
    }

    /// After any number of acts, nobody has anything that no member had at the beginning.
    #[test]
    fn together_members_gain_nothing(
        first in proptest::collection::vec(limits(), 2..4),
        acts in proptest::collection::vec((0usize..4, 0usize..4, limits()), 1..20),
    ) {
        let mut members: Vec<_> = (1..).zip(first).map(|(n, limits)| member(n, limits)).collect();
        let at_first: BTreeSet<_> = members.iter().flat_map(|member| powers(&member.limits)).collect();
        for (actor, target, limits) in acts {
            let (actor, target) = (actor % members.len(), target % members.len());
            let caller = key(Some(&members[actor]), Scopes::all());
            let reach = Reach::of(&caller, Some(&members[actor])).unwrap();
            let old = &members[target];
            if reach.covers(Some(old.id), &[&old.limits, &limits]).is_ok() {
                prop_assert!(actor != target);
                members[target].limits = limits;
            }
        }
        for member in &members {
            let gained = powers(&member.limits).into_iter().find(|power| !at_first.contains(power));
            // The forbidden scope may have been there at the beginning, but nobody grants it.
            prop_assert_eq!(gained, None);
        }
    }

    /// A change after which something is forbidden that was allowed counts as narrower.
    #[test]
    fn whatever_is_lost_is_a_narrowing(before in limits(), after in limits()) {
        let (old, new) = (member(1, before), member(1, after));
        if !powers(&old.limits).is_subset(&powers(&new.limits)) {
            prop_assert!(new.is_narrower_than(&old));
        }
        prop_assert!(!old.is_narrower_than(&old));
        let disabled = Member { disabled: true, ..old.clone() };
        prop_assert!(disabled.is_narrower_than(&old) && !old.is_narrower_than(&disabled));
    }
}

#[test]
fn an_actor_whose_member_is_away_has_no_reach() {
    let one = member(1, Limits::of_owner(Zone::default()));
    let caller = key(Some(&one), Scopes::all());
    assert!(Reach::of(&caller, Some(&one)).is_some());
    let disabled = Member { disabled: true, ..one.clone() };
    let other = member(2, one.limits.clone());
    for member in [None, Some(&disabled), Some(&other)] {
        assert!(Reach::of(&caller, member).is_none(), "{member:?}");
    }
}

#[test]
fn each_bound_is_asked() {
    let owner = Limits::of_owner(Zone::default());
    let own = Limits { pool: Some(10), most_parts: Some(2), hours: Hours::NEVER.with(0, 1), ..owner.clone() };
    let reach =
        Reach::of(&key(Some(&member(1, own.clone())), Scopes::all()), Some(&member(1, own.clone()))).unwrap();
    let refused = |state: Limits| reach.covers(Some(MemberId::from_bytes([2; 16])), &[&state]).unwrap_err();
    assert_eq!(refused(Limits { pool: None, ..own.clone() }), NotCovered::Pool);
    assert_eq!(refused(Limits { pool: Some(11), ..own.clone() }), NotCovered::Pool);
    assert_eq!(refused(Limits { most_parts: Some(3), ..own.clone() }), NotCovered::Parts);
    assert_eq!(refused(Limits { hours: Hours::ALWAYS, ..own.clone() }), NotCovered::Hours);
    let moved = Limits { zone: Zone::parse("Europe/Warsaw").unwrap(), ..own.clone() };
    assert_eq!(refused(moved), NotCovered::Hours, "another zone moves the hours");
    let codes = Scopes::from_iter([Scope::CodesReveal]);
    assert_eq!(refused(Limits { permissions: codes, ..own.clone() }), NotCovered::Scopes(codes));
    let tenants = Scopes::from_iter([Scope::Operator]);
    let operators = Limits { permissions: tenants, ..own.clone() };
    assert_eq!(refused(operators.clone()), NotCovered::Forbidden(Scope::Operator));
    assert_eq!(Reach::Operator.covers(None, &[&operators]), Err(NotCovered::Forbidden(Scope::Operator)));
    let subuser = Limits { role: Role::Subuser, ..own.clone() };
    let reach = Reach::Bounded { member: None, limits: Box::new(subuser) };
    assert_eq!(reach.covers(None, &[&own]), Err(NotCovered::Owners));
    assert_eq!(Reach::Operator.covers(None, &[&own]), Ok(()));
}
