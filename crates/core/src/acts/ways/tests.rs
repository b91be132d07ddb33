use super::*;
use crate::{
    delivery::account::Shared,
    id::{RouteId, TenantId},
    phone::Country,
    tenant::{Tenant, TenantName},
    time::Timestamp,
};
use serde_json::json;
use std::{collections::BTreeSet, time::Duration};

fn tenant(id: TenantId, name: &str) -> TenantView {
    TenantView::new(Tenant::new(id, TenantName::parse(name).unwrap(), Timestamp::default()))
}

fn account(number: u8, tenant: TenantId, shared: Shared) -> Arc<ProviderAccount> {
    Arc::new(ProviderAccount {
        id: ProviderId::from_bytes([number; 16]),
        tenant,
        name: format!("account{number}"),
        kind: "smsapi".into(),
        enabled: true,
        rate: Some(50),
        shared,
        verified_at: None,
        shown: json!({"token": "***"}),
        sealed: vec![1],
        receipts: Default::default(),
        version: 1,
        created_at: Timestamp::default(),
    })
}

fn route(number: u8, tenant: TenantId, provider: u8) -> Route {
    Route {
        id: RouteId::from_bytes([number; 16]),
        tenant,
        name: format!("route{number}"),
        enabled: true,
        order: Route::ORDER,
        weight: 1,
        countries: BTreeSet::new(),
        prefixes: BTreeSet::new(),
        provider: ProviderId::from_bytes([provider; 16]),
        sender: None,
        receipt_timeout: None,
        version: 1,
        created_at: Timestamp::default(),
    }
}

const ACME: TenantId = TenantId::from_bytes([9; 16]);

fn polish() -> PhoneNumber {
    PhoneNumber::parse("+48500500500").unwrap()
}

fn names(ways: &Ways) -> Vec<&str> {
    ways.candidates.iter().map(|way| way.route.name.as_str()).collect()
}

fn message(n: u16) -> MessageId {
    let mut bytes = [0; 16];
    bytes[..2].copy_from_slice(&n.to_be_bytes());
    MessageId::from_bytes(bytes)
}

#[test]
fn the_order_decides_then_chance_by_weight_and_alike_for_one_message() {
    let mut view = tenant(ACME, "Acme");
    view.providers = (1..=3).map(|n| account(n, ACME, Shared::No)).collect();
    let heavy = Route { weight: 3, ..route(2, ACME, 2) };
    let last = Route { order: 200, ..route(3, ACME, 3) };
    view.routes = [route(1, ACME, 1), last, heavy].map(Arc::new).to_vec();
    let mut first = 0;
    for n in 0..4_000 {
        let ways = ways(&view, None, &polish(), message(n));
        assert_eq!(names(&ways), names(&super::ways(&view, None, &polish(), message(n))));
        assert_eq!(ways.candidates.len(), 3);
        assert_eq!(ways.candidates[2].route.name, "route3");
        first += usize::from(ways.candidates[0].route.name == "route2");
    }
    assert!((2_850..3_150).contains(&first), "three of four in 4,000: {first}");
}

#[test]
fn countries_and_prefixes_choose() {
    let mut view = tenant(ACME, "Acme");
    view.providers = (1..=2).map(|n| account(n, ACME, Shared::No)).collect();
    let polish_only = Route { countries: [Country::parse("PL").unwrap()].into(), ..route(1, ACME, 1) };
    let prefix = Route { prefixes: ["4850".to_owned()].into(), ..route(2, ACME, 2) };
    let other = Route { prefixes: ["4851".to_owned()].into(), ..route(3, ACME, 1) };
    let off = Route { enabled: false, ..route(4, ACME, 1) };
    let gone = route(5, ACME, 7);
    view.routes = [polish_only, prefix, other, off, gone].map(Arc::new).to_vec();
    let ways = ways(&view, None, &polish(), message(1));
    let mut found = names(&ways);
    found.sort_unstable();
    assert_eq!(found, ["route1", "route2"]);
    let skipped: Vec<_> = ways.skipped.iter().map(|(route, why)| (route.name.as_str(), *why)).collect();
    let expected =
        [("route3", Skipped::OtherNumbers), ("route4", Skipped::Disabled), ("route5", Skipped::NoAccount)];
    assert_eq!(skipped, expected);
    let german = PhoneNumber::parse("+4915112345678").unwrap();
    assert!(!is_served(&view, None, &german));
    assert!(is_served(&view, None, &polish()));
}

#[test]
fn countries_hold_for_a_number_out_of_a_record() {
    let mut view = tenant(ACME, "Acme");
    view.providers = vec![account(1, ACME, Shared::No)];
    let countries: BTreeSet<_> = [Country::parse("PL").unwrap()].into();
    view.routes = vec![Arc::new(Route { countries, ..route(1, ACME, 1) })];
    let stored = PhoneNumber::from_e164(polish().e164());
    assert_eq!(stored.country(), None);
    assert!(is_served(&view, None, &stored));
    assert_eq!(names(&ways(&view, None, &stored, message(1))), ["route1"]);
    let german = PhoneNumber::from_e164("+4915112345678");
    assert!(!is_served(&view, None, &german));
    assert!(ways(&view, None, &german, message(1)).candidates.is_empty());
}

#[test]
fn the_operators_routes_serve_who_has_none_and_is_shared_with() {
    let (mut acme, mut shared) = (tenant(ACME, "Acme"), tenant(OPERATOR, "Operator"));
    let other = TenantId::from_bytes([8; 16]);
    shared.providers = vec![
        account(1, OPERATOR, Shared::With([ACME].into())),
        account(2, OPERATOR, Shared::With([other].into())),
    ];
    shared.routes = [route(1, OPERATOR, 1), route(2, OPERATOR, 2)].map(Arc::new).to_vec();
    let found = ways(&acme, Some(&shared), &polish(), message(1));
    assert_eq!(names(&found), ["route1"]);
    assert_eq!(found.candidates[0].sender.as_str(), "Acme", "the sender is the tenant's");
    // The tenant has a route of its own, through an account that the operator shares.
    acme.routes = vec![Arc::new(route(3, ACME, 1))];
    let found = ways(&acme, Some(&shared), &polish(), message(1));
    assert_eq!(names(&found), ["route3"]);
    assert!(found.skipped.iter().any(|(_, why)| *why == Skipped::OwnRoutes));
    // No tenant can use another tenant's account.
    acme.routes = vec![Arc::new(route(4, ACME, 2))];
    acme.providers = Vec::new();
    assert_eq!(names(&ways(&acme, Some(&shared), &polish(), message(1))), ["route1"]);
}

#[test]
fn each_account_is_asked_once_and_eight_at_most() {
    let mut view = tenant(ACME, "Acme");
    view.providers = (1..=20).map(|n| account(n, ACME, Shared::No)).collect();
    let twice = |n: u8| [route(n, ACME, n), route(n + 100, ACME, n)];
    view.routes = (1..=20).flat_map(twice).map(Arc::new).collect();
    let found = ways(&view, None, &polish(), message(1));
    let accounts: BTreeSet<_> = found.candidates.iter().map(|way| way.account.id).collect();
    assert_eq!((found.candidates.len(), accounts.len()), (8, 8));
    assert_eq!(found.skipped.iter().filter(|(_, why)| *why == Skipped::Enough).count(), 32);
}

#[test]
fn through_a_shared_account_no_tenant_says_who_it_is() {
    let (mut acme, mut shared) = (tenant(ACME, "Acme"), tenant(OPERATOR, "Operator"));
    shared.providers = vec![account(1, OPERATOR, Shared::All)];
    acme.providers = vec![account(2, ACME, Shared::No)];
    let named = |text: &str| crate::delivery::sender::Sender {
        id: crate::id::SenderId::from_bytes([1; 16]),
        text: SenderText::parse(text).unwrap(),
        countries: BTreeSet::new(),
        created_at: Timestamp::default(),
    };
    acme.senders = vec![named("YourBank")];
    let spoof = |n, provider| Route { sender: SenderText::parse("YourBank"), ..route(n, ACME, provider) };
    acme.routes = [spoof(1, 1), Route { order: 1, ..spoof(2, 2) }].map(Arc::new).to_vec();
    let senders = |acme: &TenantView, shared: &TenantView| {
        let found = ways(acme, Some(shared), &polish(), message(1)).candidates;
        found.iter().map(|way| way.sender.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(senders(&acme, &shared), ["YourBank", "Acme"], "its own account, then the shared one");
    shared.senders = vec![named("Verify")];
    assert_eq!(senders(&acme, &shared), ["YourBank", "Verify"]);
    acme.routes = Vec::new();
    shared.routes = vec![Arc::new(Route { sender: SenderText::parse("Ours"), ..route(3, OPERATOR, 1) })];
    assert_eq!(senders(&acme, &shared), ["Ours"]);
}

#[test]
fn stored_forms_round_trip() {
    let full = Route {
        countries: [Country::parse("PL").unwrap()].into(),
        prefixes: ["4850".to_owned()].into(),
        sender: SenderText::parse("Acme"),
        receipt_timeout: Some(Duration::from_secs(20)),
        ..route(1, ACME, 2)
    };
    for route in [full, route(2, ACME, 1)] {
        assert_eq!(Route::read(route.resource(Timestamp::default())), Some(route));
    }
    for shared in [Shared::No, Shared::All, Shared::With([ACME].into())] {
        let account = Arc::unwrap_or_clone(account(1, OPERATOR, shared));
        assert_eq!(ProviderAccount::read(account.resource(Timestamp::default())), Some(account));
    }
}

#[test]
fn prefixes_are_digits_after_a_plus() {
    assert_eq!(Route::parse_prefix("+4850").as_deref(), Some("4850"));
    for bad in ["", "+", "48", "+0", "+48 50", "+1234567890123456", "+4x"] {
        assert_eq!(Route::parse_prefix(bad), None, "{bad}");
    }
}
