use super::*;
use countersign_core::{
    id::{ProviderId, RouteId},
    snapshot::news::News,
    tenant::{
        OPERATOR, PORTAL, Tenant, TenantName,
        resource::{Resource, ResourceKind},
    },
    time::Timestamp,
};
use serde_json::json;

const TENANT: TenantId = TenantId::from_bytes([7; 16]);
const OTHER: TenantId = TenantId::from_bytes([8; 16]);
const ACCOUNT: ProviderId = ProviderId::from_bytes([1; 16]);

fn settings(flags: &[(&'static str, &str)]) -> Settings {
    // Without the portal nothing is said of mails.
    let flags = [("server.portal", "off")].iter().chain(flags);
    Settings::load(None, [], flags.map(|(key, value)| (*key, (*value).to_owned(), "test"))).unwrap()
}

fn resource(tenant: TenantId, kind: ResourceKind, id: [u8; 16], body: &serde_json::Value) -> Resource {
    let at = Timestamp::default();
    let sealed = (kind == ResourceKind::Provider).then(|| vec![1]);
    let (name, body) = ("main".to_owned(), body.to_string());
    Resource { tenant, kind, id, name, body, sealed, version: 1, created_at: at, updated_at: at }
}

fn view(id: TenantId) -> TenantView {
    let name = TenantName::parse("Acme").unwrap();
    TenantView::new(Tenant::new(id, name, Timestamp::default()))
}

/// A tenant with an account of this kind and a route to it.
fn with_route(id: TenantId, shared: &serde_json::Value, kind: &str, enabled: bool) -> TenantView {
    let mut view = view(id);
    let account = json!({"kind": kind, "enabled": enabled, "shared": shared, "settings": {}});
    let route = json!({
        "enabled": true, "order": 100, "weight": 1, "countries": [], "prefixes": [],
        "provider": ACCOUNT.to_string(), "receipt_timeout": 30,
    });
    view.take(resource(id, ResourceKind::Provider, *ACCOUNT.bytes(), &account)).unwrap();
    let route_id = RouteId::from_bytes([2; 16]);
    view.take(resource(id, ResourceKind::Route, *route_id.bytes(), &route)).unwrap();
    view
}

fn said(settings: &Settings, views: Vec<TenantView>) -> Vec<Advice> {
    let snapshot = Snapshot::default();
    let tenants = views.into_iter().map(|view| (view.tenant.id, Some(view))).collect();
    assert!(snapshot.apply(0, News { up_to: 1, whole: true, tenants, ..News::default() }));
    advise(settings, &snapshot)
}

#[test]
fn the_routes_say_whether_live_messages_have_a_way() {
    let plain = settings(&[("server.public_url", "https://sms.example")]);
    let none =
        |views| said(&plain, views).iter().any(|advice| advice.urgent && advice.text.contains("no_route"));
    assert!(none(vec![]), "a fresh installation");
    assert!(none(vec![view(TENANT), view(OPERATOR), view(PORTAL)]));
    let own = with_route(TENANT, &json!(null), "http", true);
    assert_eq!(said(&plain, vec![own.clone()]), []);
    assert!(none(vec![with_route(TENANT, &json!(null), "http", false)]), "its account is disabled");
    let all = with_route(OPERATOR, &json!("all"), "http", true);
    assert_eq!(said(&plain, vec![all.clone(), view(TENANT), view(OTHER)]), []);
    assert!(none(vec![with_route(OPERATOR, &json!(null), "http", true), view(TENANT)]), "shared with nobody");
    let some = said(&plain, vec![own, view(OTHER)]);
    assert!(!some[0].urgent && some[0].text.contains(&OTHER.to_string()), "{some:?}");
    assert!(some[0].text.starts_with("1 of 2 tenants"), "{some:?}");
    let relay = settings(&[
        ("delivery.relay.url", "https://relay.example/"),
        ("delivery.relay.secret", "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="),
    ]);
    assert_eq!(said(&relay, vec![view(TENANT)]), []);
}

#[test]
fn a_portal_without_mails_is_named() {
    let told = |flags: &[(&'static str, &str)]| {
        let own = with_route(TENANT, &json!(null), "http", true);
        said(&settings(flags), vec![own]).iter().any(|advice| advice.text.contains("mail.url"))
    };
    let url = ("server.public_url", "https://sms.example");
    assert!(told(&[("server.portal", "on"), url]) && !told(&[url]));
    let mail = [("mail.url", "smtp://localhost"), ("mail.from", "a@b.example")];
    assert!(!told(&[("server.portal", "on"), url, mail[0], mail[1]]));
}

#[test]
fn receipts_that_nobody_is_asked_for_are_named() {
    let heard = |settings: &Settings, kind| {
        let views = vec![with_route(TENANT, &json!(null), kind, true)];
        !said(settings, views).iter().any(|advice| advice.text.contains("does nothing for that: 1"))
    };
    assert!(!heard(&settings(&[]), "http"));
    assert!(heard(&settings(&[]), "smpp"), "on its own connection");
    assert!(heard(&settings(&[("server.public_url", "https://sms.example")]), "http"));
}
