//! The allowlist of the portal and the security settings: who changes them, and what is refused.

use super::{
    Base,
    audit::chain,
    people::{join, member, owner},
    people_acts::signed_in,
    races::account,
};
use crate::{codes::rng, history::TENANT, webhooks::Place};
use anyhow::{Result, ensure};
use countersign_core::{
    access::{
        actor::{Actor, Who},
        allowlist::{Allowlist, Entry, ListChange, ListChangeError, parse_range},
        change::Change,
    },
    context::Management,
    delivery::account::Shared,
    management::{
        allowlists::{AllowlistError, change_portal_allowlist, read_portal_allowlist},
        resources::ResourceName,
        routes::{RouteChange, create_route, update_route},
        security::{SecurityError, change_security, read_security},
        system_tenants::prepare_system_tenants,
    },
    people::member::{Limits, Member, Role},
    phone::countries::Countries,
    ports::clock::Clock as _,
    tenant::{
        OPERATOR, PORTAL,
        security::{PasswordDays, SecurityChange, SessionIdle},
    },
    time::Timestamp,
};
use futures_util::future::join_all;
use serde_json::{Value, json};

fn add(range: &str) -> ListChange {
    ListChange::Add(vec![Entry { range: parse_range(range).unwrap(), description: Default::default() }])
}

fn days(days: u16) -> SecurityChange {
    SecurityChange { password_days: Some(PasswordDays::new(days)), ..SecurityChange::default() }
}

fn idle(seconds: u32) -> SecurityChange {
    SecurityChange { session_idle: Some(SessionIdle::new(seconds)), ..SecurityChange::default() }
}

pub async fn only_owners_and_the_operator_change_how_people_sign_in(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let (context, by) = (&place.context, Change::by_system(place.clock.now()));
    let boss = member(TENANT, 1, owner());
    let clerk = member(TENANT, 2, Limits { role: Role::Subuser, ..owner() });
    let gone = Member { disabled: true, ..member(TENANT, 3, owner()) };
    for one in [&boss, &clerk, &gone] {
        join(base, one).await?;
    }
    let acting = Who::Member { id: clerk.id, acted_by: Some(boss.id) };
    let elsewhere = Actor { tenant: OPERATOR, ..signed_in(&boss) };
    for refused in [
        place.caller.clone(),
        Actor { member: Some(boss.id), ..place.caller.clone() },
        signed_in(&clerk),
        signed_in(&gone),
        Actor { who: acting, ..signed_in(&clerk) },
        Actor { who: Who::System, ..Actor::operator(TENANT) },
        elsewhere,
    ] {
        let list = change_portal_allowlist(context, &refused, add("192.0.2.1"), true, &by).await;
        ensure!(matches!(list, Err(AllowlistError::OwnersOnly(_))), "{refused:?}: {list:?}");
        let rules = change_security(context, &refused, &days(60), &by).await;
        ensure!(matches!(rules, Err(SecurityError::OwnersOnly(_))), "{refused:?}: {rules:?}");
    }
    assert_eq!(read_security(context, TENANT).await?.password_days, PasswordDays::DEFAULT);
    ensure!(read_portal_allowlist(context, TENANT).await?.is_empty());
    for (n, allowed) in [Actor::operator(TENANT), signed_in(&boss)].iter().enumerate() {
        let wanted = 60 + n as u16;
        let rules = change_security(context, allowed, &days(wanted), &by).await?;
        assert_eq!(rules.password_days.get(), wanted);
        change_portal_allowlist(context, allowed, add(&format!("192.0.2.{n}")), true, &by).await?;
    }
    assert_eq!(read_security(context, TENANT).await?.password_days.get(), 61);
    assert_eq!(read_portal_allowlist(context, TENANT).await?.to_string(), "192.0.2.0/32\t\n192.0.2.1/32\t\n");
    // The operator's own members have a shorter session; a session is never idle for longer than it lasts.
    assert_eq!(read_security(context, OPERATOR).await?.session_idle.seconds(), 900);
    let beyond = change_security(context, &Actor::operator(TENANT), &idle(86_400), &by).await;
    ensure!(matches!(beyond, Err(SecurityError::IdleBeyondTotal(_))), "{beyond:?}");
    Ok(())
}

pub async fn an_owner_is_not_locked_out_unasked(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let (context, by) = (&place.context, Change::by_system(place.clock.now()));
    let boss = member(TENANT, 1, owner());
    join(base, &boss).await?;
    let boss = Actor { address: Some([198, 51, 100, 7].into()), ..signed_in(&boss) };
    let refused = change_portal_allowlist(context, &boss, add("192.0.2.0/24"), false, &by).await;
    ensure!(matches!(refused, Err(AllowlistError::LockOut(address)) if Some(address) == boss.address));
    change_portal_allowlist(context, &boss, add("198.51.100.0/24"), false, &by).await?;
    change_portal_allowlist(context, &boss, add("192.0.2.0/24"), false, &by).await?;
    let own = || ListChange::Remove(vec![parse_range("198.51.100.0/24").unwrap()]);
    let refused = change_portal_allowlist(context, &boss, own(), false, &by).await;
    ensure!(matches!(refused, Err(AllowlistError::LockOut(_))), "{refused:?}");
    let list = change_portal_allowlist(context, &boss, own(), true, &by).await?;
    assert_eq!(list.to_string(), "192.0.2.0/24\t\n");
    let last = ListChange::Remove(vec![parse_range("192.0.2.0/24").unwrap()]);
    let refused = change_portal_allowlist(context, &boss, last, true, &by).await;
    ensure!(matches!(refused, Err(AllowlistError::Change(ListChangeError::Empty))), "{refused:?}");
    let all = ListChange::Replace(Allowlist::default());
    ensure!(change_portal_allowlist(context, &boss, all, false, &by).await?.is_empty());
    Ok(())
}

pub async fn codes_are_required_only_while_they_can_be_sent(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let by = Change::by_system(place.clock.now());
    let relayed = &place.context.management;
    let context = &Management { live_route: false, ..relayed.clone() };
    let operator = Actor::operator(TENANT);
    let from = Timestamp::from_millis(1_900_000_000_000);
    let on = SecurityChange { require_2fa: Some(Some(from)), ..SecurityChange::default() };
    let refused = change_security(context, &operator, &on, &by).await;
    ensure!(matches!(refused, Err(SecurityError::NoPortalRoute)), "{refused:?}");
    prepare_system_tenants(context, &Countries::default(), &by, &mut rng()).await?;
    // The operator's accounts and routes send the codes. An account without a route sends nothing, and one that is
    // shared with others only sends nothing for the portal.
    let others = account(&place, OPERATOR, Shared::With([TENANT].into())).await?;
    let (name, route) = (ResourceName::parse("others").unwrap(), RouteChange::default());
    create_route(context, OPERATOR, (name, others), route, None, &by, &mut rng()).await?;
    let provider = account(&place, OPERATOR, Shared::With([PORTAL].into())).await?;
    let refused = change_security(context, &operator, &on, &by).await;
    ensure!(matches!(refused, Err(SecurityError::NoPortalRoute)), "{refused:?}");
    let (name, route) = (ResourceName::parse("all").unwrap(), RouteChange::default());
    let made = create_route(context, OPERATOR, (name, provider), route, None, &by, &mut rng()).await?;
    assert_eq!(change_security(context, &operator, &on, &by).await?.require_2fa, Some(from));
    let enabled = |enabled| RouteChange { enabled: Some(enabled), ..RouteChange::default() };
    update_route(context, OPERATOR, made.value.id, enabled(false), &by).await?;
    let refused = change_security(context, &operator, &on, &by).await;
    ensure!(matches!(refused, Err(SecurityError::NoPortalRoute)), "{refused:?}");
    change_security(relayed, &operator, &on, &by).await?;
    // What holds stays, and can always be switched off.
    assert_eq!(change_security(context, &operator, &days(7), &by).await?.require_2fa, Some(from));
    let off = SecurityChange { require_2fa: Some(None), ..SecurityChange::default() };
    assert_eq!(change_security(context, &operator, &off, &by).await?.require_2fa, None);
    Ok(())
}

pub async fn of_changes_at_once_each_counts_and_each_has_its_entry(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let (context, by) = (&place.context, Change::by_operator(place.clock.now()));
    let operator = Actor::operator(TENANT);
    let before = chain(base, TENANT).await?.len();
    let listed = (0..8).map(async |n: u8| {
        change_portal_allowlist(context, &operator, add(&format!("192.0.2.{n}")), true, &by).await.map(drop)
    });
    let (short, old) = (idle(300), days(90));
    let (listed, one, two) = tokio::join!(
        join_all(listed),
        change_security(context, &operator, &short, &by),
        change_security(context, &operator, &old, &by),
    );
    listed.into_iter().collect::<Result<Vec<_>, _>>()?;
    one?;
    two?;
    let rules = read_security(context, TENANT).await?;
    assert_eq!((rules.session_idle.seconds(), rules.password_days.get()), (300, 90), "neither is lost");
    assert_eq!(read_portal_allowlist(context, TENANT).await?.entries().len(), 8);
    change_security(context, &operator, &days(90), &by).await?;

    let (entries, operators) = (chain(base, TENANT).await?, chain(base, OPERATOR).await?);
    let entries = &entries[before..];
    assert_eq!(entries.len(), 10, "what changes nothing has no entry");
    for (object, action) in [("allowlist:portal", "allowlist.update"), ("security", "security.update")] {
        let mut state = Value::Null;
        for entry in entries.iter().filter(|entry| entry.object == object) {
            assert_eq!((entry.action.as_str(), entry.author.actor.as_str()), (action, "operator"));
            assert_eq!(read(entry.before.as_ref()), state, "each before is the former after");
            state = read(entry.after.as_ref());
        }
        let expected = if object == "security" {
            json!({ "require_2fa": null, "password_age": null, "password_days": 90,
                "session_idle": 300, "session_total": null })
        } else {
            let list = read_portal_allowlist(context, TENANT).await?;
            let ranges: Vec<_> = list.entries().iter().map(|entry| entry.range.to_string()).collect();
            json!({ "entries": ranges })
        };
        assert_eq!(state, expected);
    }
    let told = |action| operators.iter().filter(|entry| entry.action == action).count();
    assert_eq!((told("allowlist.update"), told("security.update")), (8, 2), "in the operator's chain too");
    Ok(())
}

fn read(state: Option<&String>) -> Value {
    state.map_or(Value::Null, |state| serde_json::from_str(state).unwrap())
}
