//! The permissions of members over HTTP. A member's key is admitted exactly to the operations whose scope both the
//! key and its member have.

use crate::{
    app::{TestApp, TestKey},
    codes::rng,
    directory::people,
    spec::{Operation, operations},
};
use countersign_core::{
    access::{
        change::Change,
        key::{Key, PresentedKey},
        scope::{Scope, Scopes},
    },
    id::{KeyId, TenantId},
    management::members::{MemberChange, remove_member, update_member},
    mode::Mode,
    people::member::{Limits, Member, Role},
    ports::{clock::Clock as _, directory::members::Joining},
};
use futures_util::future::join_all;
use serde_json::json;

async fn join(app: &TestApp, tenant: TenantId, number: u8, permissions: Scopes) -> Member {
    let limits = Limits { role: Role::Subuser, permissions, ..people::owner() };
    let joining = people::member(tenant, number, limits);
    let person = people::person(number, joining.person);
    let joining = Joining { member: &joining, person: Some(&person), invitation: None, password: None };
    let by = Change::by_system(app.clock.now());
    app.context.directory.add_member(joining, None, &[], &by).await.unwrap();
    joining.member.clone()
}

/// A key of the member with these scopes, which may be more than its member has.
async fn key(app: &TestApp, member: &Member, scopes: Scopes) -> TestKey {
    let now = app.clock.now();
    let presented = PresentedKey::generate(Mode::Live, KeyId::new(now, &mut rng()), &mut rng());
    let key = Key {
        member: Some(member.id),
        ..Key::new(&presented, member.tenant, "of a member".into(), scopes, now)
    };
    app.context.directory.create_key(&key, None, None, &[], &Change::by_system(now)).await.unwrap();
    let caller = countersign_core::access::actor::Actor::operator(member.tenant);
    TestKey { caller, text: presented.expose().to_string() }
}

/// Sends a request that no operation accepts: its body has an unknown field, its id is none.
async fn ask(app: &TestApp, operation: &Operation, key: &TestKey) -> (u16, &'static str) {
    let path = operation.path.replace("{id}", "none").replace("{name}", "none");
    let body = json!({ "no_such_field": true });
    let body = operation.has_body.then_some(&body);
    let answer = app.send(&operation.method, &path, Some(&key.text), body).await;
    if answer.status < 300 { (answer.status, "done") } else { operation.refusal(&answer) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_admitted_to_what_both_it_and_its_member_may_do() {
    let app = TestApp::spawn().await;
    let tenant = app.tenant("Acme").await.caller.tenant;
    let operations = operations();
    let whole = join(&app, tenant, 100, Scopes::all()).await;
    let mut keys = Vec::new();
    for (scope, number) in Scopes::all().iter().zip(1..) {
        let one = Scopes::from_iter([scope]);
        let narrow = join(&app, tenant, number, one).await;
        keys.push((scope, "the member", key(&app, &narrow, Scopes::all()).await));
        keys.push((scope, "the key", key(&app, &whole, one).await));
    }
    app.context.refresh().await.unwrap();
    let mut admitted = 0;
    for operation in &operations {
        let asked = join_all(keys.iter().map(|(_, _, key)| ask(&app, operation, key))).await;
        for ((scope, who, _), answer) in keys.iter().zip(asked) {
            let what = format!("{} where {who} has {}: {answer:?}", operation.id, scope.as_str());
            let refused = answer == (403, "insufficient_scope");
            assert_eq!(!refused, *scope == operation.scope, "{what}");
            assert!(answer.0 < 500 && answer.0 != 401, "{what}");
            admitted += usize::from(!refused);
        }
    }
    let of_tenants = operations.iter().filter(|one| one.scope != Scope::Operator).count();
    assert_eq!(admitted, 2 * of_tenants);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_key_of_a_disabled_or_removed_member_is_admitted_to_nothing() {
    let app = TestApp::spawn().await;
    let owner = app.tenant("Acme").await.caller;
    let mut keys = Vec::new();
    for number in [1, 2] {
        let member = join(&app, owner.tenant, number, Scopes::all()).await;
        keys.push((key(&app, &member, Scopes::all()).await, member));
    }
    app.context.refresh().await.unwrap();
    let settings = operations().into_iter().find(|one| one.id == "list_keys").unwrap();
    for (key, _) in &keys {
        assert_eq!(ask(&app, &settings, key).await, (200, "done"));
    }
    let (by, operator) = (Change::by_system(app.clock.now()), keys[0].0.caller.clone());
    let disable = MemberChange { disabled: Some(true), ..MemberChange::default() };
    update_member(&app.context, &operator, keys[0].1.id, &disable, &by, &mut rng()).await.unwrap();
    remove_member(&app.context, &operator, keys[1].1.id, &by).await.unwrap();
    for operation in operations() {
        for (key, _) in &keys {
            assert_eq!(ask(&app, &operation, key).await, (401, "invalid_key"), "{}", operation.id);
        }
    }
    let enable = MemberChange { disabled: Some(false), ..MemberChange::default() };
    update_member(&app.context, &operator, keys[0].1.id, &enable, &by, &mut rng()).await.unwrap();
    assert_eq!(ask(&app, &settings, &keys[0].0).await, (200, "done"));
}
