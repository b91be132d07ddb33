//! Members over HTTP.

mod invitations;
mod keys;
mod nodes;

use crate::{
    app::{Answer, TestApp, TestKey},
    codes::rng,
};
use countersign_core::{
    access::{
        actor::{Actor, Who},
        change::Change,
        key::{Key, PresentedKey},
        scope::{Scope, Scopes},
    },
    context::Context,
    id::{KeyId, MemberId, PersonId, TenantId},
    locale::Locale,
    mode::Mode,
    people::{
        hours::Zone,
        member::{Limits, Member, Role},
        password::PasswordText,
        person::{EmailAddress, Identity, Person, PersonName},
    },
    ports::{clock::Clock as _, directory::members::Joining},
    time::Timestamp,
};
use futures_util::future::join_all;
use serde_json::{Value, json};

pub fn owner() -> Limits {
    Limits::of_owner(Zone::parse("Europe/Warsaw").unwrap())
}

/// A subuser with all permissions and no bounds.
pub fn subuser() -> Limits {
    Limits { role: Role::Subuser, ..owner() }
}

/// Adds a member with a person of its own.
pub async fn join(app: &TestApp, tenant: TenantId, email: &str, limits: Limits) -> Member {
    join_at(&app.context, tenant, (email, limits), app.clock.now()).await
}

async fn join_at(
    context: &Context,
    tenant: TenantId,
    (email, limits): (&str, Limits),
    now: Timestamp,
) -> Member {
    let mut rng = rng();
    let (person, id) = (PersonId::new(&mut rng), MemberId::new(now, &mut rng));
    let name = PersonName::parse(email.split('@').next().unwrap()).unwrap();
    let identity = Identity { name, email: EmailAddress::parse(email).unwrap() };
    let whole = (Locale::default(), Zone::default());
    let person = Person::new(person, &identity, whole, &context.keyring, now, &mut rng);
    let member =
        Member { id, tenant, person: person.id, limits, disabled: false, version: 1, created_at: now };
    let password = PasswordText::stored("no hash".to_owned());
    let joining =
        Joining { member: &member, person: Some(&person), invitation: None, password: Some(&password) };
    context.directory.add_member(joining, None, &[], &Change::by_system(now)).await.unwrap();
    context.refresh().await.unwrap();
    member
}

/// A key of a member.
async fn key_of(app: &TestApp, member: &Member, scopes: Scopes) -> TestKey {
    key_at(&app.context, member, scopes, app.clock.now()).await
}

async fn key_at(context: &Context, member: &Member, scopes: Scopes, now: Timestamp) -> TestKey {
    let mut rng = rng();
    let presented = PresentedKey::generate(Mode::Live, KeyId::new(now, &mut rng), &mut rng);
    let made = Key::new(&presented, member.tenant, "of a member".into(), scopes, now);
    let key = Key { member: Some(member.id), made_by: Some(member.id), ..made };
    context.directory.create_key(&key, None, None, &[], &Change::by_system(now)).await.unwrap();
    context.refresh().await.unwrap();
    let who = Who::Key(key.id);
    let caller = Actor { who, member: Some(member.id), grants: scopes, ..Actor::operator(member.tenant) };
    TestKey { caller, text: presented.expose().to_string() }
}

async fn patch(app: &TestApp, key: &TestKey, path: &str, body: Value) -> Answer {
    app.send("PATCH", path, Some(&key.text), Some(&body)).await
}

async fn delete(app: &TestApp, key: &TestKey, path: &str) -> Answer {
    app.send("DELETE", path, Some(&key.text), None).await
}

fn path(member: &Member) -> String {
    format!("/v1/members/{}", member.id)
}

fn refused(answer: &Answer, words: &str) {
    assert_eq!(answer.problem(), (403, "insufficient_scope".into()), "{answer:?}");
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains(words), "{detail}");
}

/// The fields that an answer says are wrong.
fn wrong_fields(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.problem(), (400, "invalid_request".into()), "{answer:?}");
    let errors = answer.json()["errors"].as_array().unwrap().clone();
    errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_member_is_listed_read_changed_and_removed() {
    let app = TestApp::spawn().await;
    let company = app.tenant("Acme").await;
    let tenant = company.caller.tenant;
    let boss = join(&app, tenant, "boss@example.com", owner()).await;
    app.clock.turn(crate::codes::seconds(1));
    let clerk =
        join(&app, tenant, "Clerk@example.com", Limits { permissions: Scopes::default(), ..subuser() }).await;
    let listed = app.get("/v1/members", &company).await.json();
    let emails = |page: &Value| -> Vec<String> {
        let data = page["data"].as_array().unwrap();
        data.iter().map(|one| one["email"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(emails(&listed), ["Clerk@example.com", "boss@example.com"]);
    let first = app.get("/v1/members?limit=1", &company).await.json();
    assert_eq!(emails(&first), ["Clerk@example.com"]);
    let next = format!("/v1/members?limit=1&cursor={}", first["next_cursor"].as_str().unwrap());
    let second = app.get(&next, &company).await.json();
    assert_eq!((emails(&second), &second["next_cursor"]), (vec!["boss@example.com".into()], &Value::Null));

    let read = app.get(&path(&clerk), &company).await.json();
    assert_eq!(read, listed["data"][0]);
    let shown = json!({
        "id": clerk.id.to_string(), "name": "Clerk", "email": "Clerk@example.com", "role": "subuser",
        "permissions": [], "time_zone": "Europe/Warsaw", "hours": null, "pool": null, "most_parts": null,
        "shares": { "senders": "all", "templates": "all", "profiles": "all", "groups": "all" },
        "disabled": false, "two_factor": false, "last_active_at": null,
        "created_at": clerk.created_at.to_string(),
    });
    assert_eq!(read, shown);
    assert_eq!(app.get(&path(&boss), &company).await.json()["role"], "owner");

    let change = json!({
        "permissions": ["verifications:start"], "time_zone": "asia/kathmandu",
        "hours": { "monday": ["08:00-12:00", "12:00-16:30"], "sunday": ["23:30-24:00"] },
        "shares": { "groups": ["vip", "a.b"], "senders": "none" }, "pool": 500, "most_parts": 2,
    });
    let changed = patch(&app, &company, &path(&clerk), change).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let changed = changed.json();
    assert_eq!(changed["permissions"], json!(["verifications:start"]));
    assert_eq!(changed["time_zone"], "Asia/Kathmandu");
    assert_eq!(changed["hours"]["monday"], json!(["08:00-16:30"]));
    assert_eq!(changed["hours"]["tuesday"], json!([]));
    assert_eq!(changed["hours"]["sunday"], json!(["23:30-24:00"]));
    let shares =
        json!({ "senders": "none", "templates": "all", "profiles": "all", "groups": ["a.b", "vip"] });
    assert_eq!(changed["shares"], shares);
    assert_eq!((&changed["pool"], &changed["most_parts"]), (&json!(500), &json!(2)));
    assert_eq!(app.get(&path(&clerk), &company).await.json(), changed);
    // Absent fields stay, null removes a bound, and the days of a new schedule replace all days.
    let again = json!({ "hours": { "friday": ["00:00-24:00"] }, "pool": null, "disabled": true });
    let again = patch(&app, &company, &path(&clerk), again).await.json();
    assert_eq!(
        (&again["hours"]["monday"], &again["pool"], &again["most_parts"]),
        (&json!([]), &Value::Null, &json!(2))
    );
    assert_eq!((&again["disabled"], &again["shares"]), (&json!(true), &shares));
    assert_eq!(
        patch(&app, &company, &path(&clerk), json!({ "hours": null })).await.json()["hours"],
        Value::Null
    );

    assert_eq!(delete(&app, &company, &path(&clerk)).await.status, 204);
    for gone in [app.get(&path(&clerk), &company).await, delete(&app, &company, &path(&clerk)).await] {
        assert_eq!(gone.problem(), (404, "not_found".into()));
    }
    assert_eq!(emails(&app.get("/v1/members", &company).await.json()), ["boss@example.com"]);
    // The audit log holds ids and no address.
    let log = app.get(&format!("/v1/audit?object={}", clerk.id), &company).await;
    assert!(log.text.contains("member.update") && !log.text.to_lowercase().contains("clerk@"), "{log:?}");
}

#[tokio::test]
async fn each_wrong_field_is_named() {
    let app = TestApp::spawn().await;
    let company = app.tenant("Acme").await;
    let clerk = join(&app, company.caller.tenant, "clerk@example.com", subuser()).await;
    let change = async |body: Value| patch(&app, &company, &path(&clerk), body).await;
    let wrong = json!({
        "role": "boss", "permissions": ["verifications:start", "fly"], "time_zone": "Europe/Lodz",
        "hours": { "monday": ["08:00-16:00", "8-16"], "mon": [] }, "pool": -1, "most_parts": 0, "disabled": null,
        "shares": { "senders": "some", "templates": ["A b"], "groups": ["all"], "numbers": "all", "profiles": null },
        "name": "Jan",
    });
    let mut named = wrong_fields(&change(wrong).await);
    named.sort();
    let fields = [
        "disabled",
        "hours.mon",
        "hours.monday[1]",
        "most_parts",
        "name",
        "permissions",
        "pool",
        "role",
        "shares.groups[0]",
        "shares.numbers",
        "shares.profiles",
        "shares.senders",
        "shares.templates[0]",
        "time_zone",
    ];
    assert_eq!(named, fields);
    let unknown =
        json!({ "shares": { "senders": ["Nobody"], "templates": ["no-such"], "profiles": ["other"] } });
    let unknown = change(unknown).await;
    assert_eq!(wrong_fields(&unknown), ["shares.senders", "shares.templates", "shares.profiles"]);
    assert_eq!(unknown.json()["errors"][0]["code"], "not_found");
    let operator = change(json!({ "permissions": ["operator"] })).await;
    assert_eq!(wrong_fields(&operator), ["permissions"], "no member manages tenants");
    let long =
        change(json!({ "shares": { "groups": (0..101).map(|n| format!("g{n}")).collect::<Vec<_>>() } }))
            .await;
    assert_eq!(wrong_fields(&long), ["shares.groups"]);
    assert_eq!(
        app.get(&path(&clerk), &company).await.json()["shares"]["senders"],
        "all",
        "nothing has changed"
    );
}

#[tokio::test]
async fn shares_have_names_outside_and_ids_inside() {
    let app = TestApp::spawn().await;
    let company = app.tenant("Acme").await;
    let clerk = join(&app, company.caller.tenant, "clerk@example.com", subuser()).await;
    let sender = app.post("/v1/senders", &company, json!({ "sender": "Acme" })).await.json();
    let text = json!({ "name": "login", "texts": { "en": "{code}" } });
    let template = app.post("/v1/templates", &company, text).await.json();
    assert_eq!(app.send("PUT", "/v1/profiles/all", Some(&company.text), Some(&json!({}))).await.status, 201);
    let shares =
        json!({ "senders": ["Acme"], "templates": ["login"], "profiles": ["all", "default"], "groups": [] });
    let changed = patch(&app, &company, &path(&clerk), json!({ "shares": shares })).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let shown = json!({ "senders": ["Acme"], "templates": ["login"], "profiles": ["default", "all"], "groups": "none" });
    let mut found = changed.json()["shares"].clone();
    assert_eq!(found["profiles"].as_array().unwrap().len(), 2);
    found["profiles"] = shown["profiles"].clone();
    assert_eq!(found, shown);
    // A template keeps its place when it is renamed; what is deleted is left out.
    let renamed = format!("/v1/templates/{}", template["id"].as_str().unwrap());
    assert_eq!(patch(&app, &company, &renamed, json!({ "name": "sign-in" })).await.status, 200);
    let gone = format!("/v1/senders/{}", sender["id"].as_str().unwrap());
    assert_eq!(delete(&app, &company, &gone).await.status, 204);
    let read = app.get(&path(&clerk), &company).await.json();
    assert_eq!(read["shares"]["templates"], json!(["sign-in"]));
    assert_eq!(read["shares"]["senders"], json!([]));
    let stored = app.context.snapshot.member(clerk.id).unwrap();
    assert_eq!(stored.limits.shares.senders.listed().unwrap().len(), 1);
}

#[tokio::test]
async fn a_key_changes_only_what_its_member_covers() {
    let app = TestApp::spawn().await;
    let company = app.tenant("Acme").await;
    let tenant = company.caller.tenant;
    let boss = join(&app, tenant, "boss@example.com", owner()).await;
    let manager = Limits { pool: Some(100), most_parts: Some(3), ..subuser() };
    let manager = join(&app, tenant, "manager@example.com", manager).await;
    let few = Scopes::from_iter([Scope::VerificationsStart]);
    let clerk = Limits { permissions: few, pool: Some(10), most_parts: Some(1), ..subuser() };
    let clerk = join(&app, tenant, "clerk@example.com", clerk).await;
    let boss_key = key_of(&app, &boss, Scopes::all()).await;
    let manager_key = key_of(&app, &manager, Scopes::all()).await;
    let change =
        async |key: &TestKey, member: &Member, body: Value| patch(&app, key, &path(member), body).await;

    // A key does not raise its own member, nor anybody beyond it.
    refused(&change(&manager_key, &manager, json!({ "pool": null })).await, "its own membership");
    refused(&delete(&app, &manager_key, &path(&manager)).await, "its own membership");
    refused(&change(&manager_key, &clerk, json!({ "role": "owner" })).await, "owner");
    refused(&change(&manager_key, &boss, json!({ "disabled": true })).await, "owner");
    refused(&change(&manager_key, &clerk, json!({ "permissions": ["codes:reveal"] })).await, "permissions");
    refused(&change(&manager_key, &clerk, json!({ "pool": 101 })).await, "pool");
    refused(&change(&manager_key, &clerk, json!({ "pool": null })).await, "pool");
    refused(&change(&manager_key, &clerk, json!({ "most_parts": 4 })).await, "most_parts");
    assert_eq!(change(&manager_key, &clerk, json!({ "pool": 100, "most_parts": 3 })).await.status, 200);
    // A key of the company never touches owners, whatever it holds.
    refused(&change(&company, &clerk, json!({ "role": "owner" })).await, "owner");
    refused(&delete(&app, &company, &path(&boss)).await, "owner");
    // Nothing but `members:write` changes members, also if the member has it.
    let reader = key_of(&app, &boss, Scopes::from_iter([Scope::SettingsRead, Scope::SettingsWrite])).await;
    refused(&change(&reader, &clerk, json!({ "disabled": true })).await, "scope");
    assert_eq!(app.get(&path(&clerk), &reader).await.status, 200);
    // A key grants no more than itself has, though its member has more.
    let narrow = key_of(&app, &boss, Scopes::from_iter([Scope::MembersWrite])).await;
    refused(&change(&narrow, &clerk, json!({ "disabled": true })).await, "permissions");

    // An owner makes an owner; the last one stays.
    assert_eq!(change(&boss_key, &manager, json!({ "role": "owner" })).await.json()["role"], "owner");
    assert_eq!(change(&boss_key, &manager, json!({ "role": "subuser" })).await.json()["role"], "subuser");
    let operator = Actor::operator(tenant);
    let by = Change::by_operator(app.clock.now());
    let other = join(&app, tenant, "other@example.com", owner()).await;
    let other_key = key_of(&app, &other, Scopes::all()).await;
    assert_eq!(change(&other_key, &boss, json!({ "disabled": true })).await.status, 200);
    // The disabled owner's keys are refused at once.
    assert_eq!(app.get(&path(&clerk), &boss_key).await.problem(), (401, "invalid_key".into()));
    let last =
        countersign_core::management::members::remove_member(&app.context, &operator, other.id, &by).await;
    assert!(last.is_err());
    assert_eq!(change(&other_key, &boss, json!({ "disabled": false })).await.status, 200);
    assert_eq!(delete(&app, &other_key, &path(&boss)).await.status, 204);
    refused(&delete(&app, &other_key, &path(&other)).await, "its own membership");
}

#[tokio::test]
async fn two_owners_cannot_remove_each_other() {
    let app = TestApp::spawn().await;
    let tenant = app.tenant("Acme").await.caller.tenant;
    let owners = [
        join(&app, tenant, "a@example.com", owner()).await,
        join(&app, tenant, "b@example.com", owner()).await,
    ];
    let keys = [key_of(&app, &owners[0], Scopes::all()).await, key_of(&app, &owners[1], Scopes::all()).await];
    let [first, second] = [path(&owners[0]), path(&owners[1])];
    let (one, other) = tokio::join!(
        delete(&app, &keys[0], &second),
        patch(&app, &keys[1], &first, json!({ "role": "subuser" })),
    );
    let mut statuses = [one.status, other.status];
    statuses.sort();
    // The second one has lost its rights: its member was removed or is a subuser.
    assert!(statuses[0] / 100 == 2 && [401, 403].contains(&statuses[1]), "{one:?} {other:?}");
}

#[tokio::test]
async fn fifty_changes_of_one_member_at_once_are_all_made() {
    let app = TestApp::spawn().await;
    let company = app.tenant("Acme").await;
    let clerk = join(&app, company.caller.tenant, "clerk@example.com", subuser()).await;
    let here = &path(&clerk);
    let changes = (1..=50).map(|pool| patch(&app, &company, here, json!({ "pool": pool })));
    let answers = join_all(changes).await;
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200; 50]);
    let mut pools: Vec<_> = answers.iter().map(|answer| answer.json()["pool"].as_u64().unwrap()).collect();
    pools.sort();
    assert_eq!(pools, (1..=50).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_page_of_a_hundred_members_shows_each_with_its_own_person() {
    let app = TestApp::spawn().await;
    let company = app.tenant("Acme").await;
    for n in 0..101 {
        join(&app, company.caller.tenant, &format!("p{n}@example.com"), subuser()).await;
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app.get(&format!("/v1/members?limit=100{cursor}"), &company).await.json();
        for one in page["data"].as_array().unwrap() {
            let name = one["name"].as_str().unwrap();
            assert_eq!(one["email"], format!("{name}@example.com"));
            seen.push(name.to_owned());
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 101);
}

#[tokio::test]
async fn another_tenant_s_members_are_not_there() {
    let app = TestApp::spawn().await;
    let (one, other) = (app.tenant("One").await, app.tenant("Other").await);
    let clerk = join(&app, one.caller.tenant, "clerk@example.com", subuser()).await;
    for answer in [
        app.get(&path(&clerk), &other).await,
        patch(&app, &other, &path(&clerk), json!({ "disabled": true })).await,
        delete(&app, &other, &path(&clerk)).await,
        app.get(&format!("/v1/members/mem_{}", "0".repeat(26)), &other).await,
        app.get("/v1/members/x", &other).await,
    ] {
        assert_eq!(answer.problem(), (404, "not_found".into()));
    }
    assert_eq!(app.get("/v1/members", &other).await.json()["data"], json!([]));
    let tester = app.key_for(&one.caller, Mode::Test, Scopes::all()).await;
    assert_eq!(app.get(&path(&clerk), &tester).await.status, 200);
    refused(&patch(&app, &tester, &path(&clerk), json!({ "disabled": true })).await, "test key");
    refused(&delete(&app, &tester, &path(&clerk)).await, "test key");
}
