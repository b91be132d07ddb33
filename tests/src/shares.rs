//! Keys of one profile, and members with shares, over HTTP.

mod compatible;
mod members;
mod walk;

use crate::{
    app::{Answer, TestApp, TestKey},
    codes::rng,
};
use countersign_core::{
    access::{
        actor::{Actor, Who},
        change::Change,
        key::{Key, PresentedKey},
        scope::Scopes,
        share::Share,
    },
    id::{KeyId, ProfileId},
    mode::Mode,
    people::{
        hours::Zone,
        member::{Limits, Role},
        shares::Shares,
    },
    ports::clock::Clock as _,
    tenant::profile::ProfileName,
};
use serde_json::{Value, json};

pub const TO: &str = "+48500500500";
/// The profile that the bounded key does not reach.
pub const OTHER: &str = "other-shop";

impl TestApp {
    /// A live key with all scopes that reaches these profiles.
    pub async fn key_reaching(&self, caller: &Actor, profiles: Share<ProfileId>) -> TestKey {
        let (now, mut rng) = (self.clock.now(), rng());
        let id = KeyId::new(now, &mut rng);
        let presented = PresentedKey::generate(Mode::Live, id, &mut rng);
        let scopes = Scopes::all();
        let key = Key::new(&presented, caller.tenant, "bounded".into(), scopes, now);
        let key = Key { profiles: profiles.clone(), ..key };
        self.context.directory.create_key(&key, None, None, &[], &Change::by_system(now)).await.unwrap();
        self.context.refresh().await.unwrap();
        let caller = Actor { who: Who::Key(id), grants: scopes, profiles, ..caller.clone() };
        TestKey { caller, text: presented.expose().to_string() }
    }

    /// A live key with all scopes of a new member with these shares.
    pub async fn key_sharing(&self, caller: &Actor, shares: Shares) -> TestKey {
        let limits = Limits::of_owner(Zone::parse("Europe/Warsaw").unwrap());
        let limits = Limits { role: Role::Subuser, shares, ..limits };
        self.key_of_member(caller, limits).await.1
    }

    /// The id of a profile of the tenant.
    async fn profile_id(&self, owner: &TestKey, name: &str) -> ProfileId {
        let name = ProfileName::parse(name).unwrap();
        self.context.directory.profile(owner.caller.tenant, &name).await.unwrap().unwrap().id
    }
}

/// A tenant with a second profile, and a key that reaches only the first.
async fn shops(app: &TestApp) -> (TestKey, TestKey) {
    let owner = app.tenant("Shops").await;
    let made = app.send("PUT", &format!("/v1/profiles/{OTHER}"), Some(&owner.text), Some(&json!({}))).await;
    assert_eq!(made.status, 201, "{made:?}");
    let first = app.profile_id(&owner, "default").await;
    let key = app.key_reaching(&owner.caller, Share::one(first)).await;
    (owner, key)
}

/// Starts a verification of a profile and returns its id.
async fn start_in(app: &TestApp, key: &TestKey, profile: &str, to: &str) -> String {
    let started = app.post("/v1/verifications", key, json!({ "to": to, "profile": profile })).await;
    assert_eq!(started.status, 201, "{started:?}");
    started.json()["id"].as_str().unwrap().to_owned()
}

fn refused(answer: &Answer) {
    assert_eq!(answer.problem(), (403, "not_shared".into()), "{answer:?}");
}

/// The answer without what differs between two requests.
fn told(answer: &Answer) -> Value {
    let mut body = answer.json();
    body.as_object_mut().unwrap().remove("request_id");
    body.as_object_mut().unwrap().remove("instance");
    body
}

#[tokio::test]
async fn a_key_of_one_profile_sees_and_changes_nothing_of_another() {
    let app = TestApp::spawn().await;
    let (owner, key) = shops(&app).await;
    let foreign = start_in(&app, &owner, OTHER, TO).await;
    let own = start_in(&app, &key, "default", TO).await;
    let code = app.message(&foreign).await.code;
    let missing = format!("ver_{}", "0".repeat(26));
    for (method, act, body) in [
        ("GET", "", None),
        ("GET", "/timeline", None),
        ("POST", "/check", Some(json!({ "code": code }))),
        ("POST", "/resend", None),
        ("POST", "/cancel", None),
    ] {
        let ask = async |id: &str| {
            let path = format!("/v1/verifications/{id}{act}");
            app.send(method, &path, Some(&key.text), body.as_ref()).await
        };
        let (foreign, missing) = (ask(&foreign).await, ask(&missing).await);
        assert_eq!(foreign.problem(), (404, "not_found".into()), "{act}");
        assert_eq!(told(&foreign), told(&missing), "{act}");
    }
    let seen = app.get(&format!("/v1/verifications/{foreign}"), &owner).await.json();
    assert_eq!(
        (&seen["status"], &seen["attempts_left"], &seen["sends_left"]),
        (&json!("pending"), &json!(5), &json!(4)),
    );
    // A foreign profile and a missing one get one answer, and the owner learns which is missing.
    for profile in [OTHER, "missing"] {
        let start = json!({ "to": TO, "profile": profile });
        refused(&app.post("/v1/verifications", &key, start).await);
        let check = json!({ "to": TO, "profile": profile, "code": code });
        refused(&app.post("/v1/checks", &key, check).await);
        refused(&app.get(&format!("/v1/verifications?profile={profile}"), &key).await);
        let span = "from=2026-09-21T00:00:00Z&to=2026-10-21T00:00:00Z";
        refused(&app.get(&format!("/v1/reports/hourly?{span}&profile={profile}"), &key).await);
        let path = format!("/v1/profiles/{profile}");
        refused(&app.send("PUT", &path, Some(&key.text), Some(&json!({}))).await);
        for (method, body) in [("GET", None), ("PATCH", Some(json!({ "code_length": 8 }))), ("DELETE", None)]
        {
            let answer = app.send(method, &path, Some(&key.text), body.as_ref()).await;
            assert_eq!(answer.problem(), (404, "not_found".into()), "{method} {path}");
        }
    }
    let missing = app.post("/v1/verifications", &owner, json!({ "to": TO, "profile": "missing" })).await;
    assert_eq!(missing.problem(), (400, "invalid_request".into()));
    let listed = app.get("/v1/profiles", &key).await.json();
    let names: Vec<_> = listed["data"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
    assert_eq!(names, ["default"]);
    let change = json!({ "code_length": 8 });
    let changed = app.send("PATCH", "/v1/profiles/default", Some(&key.text), Some(&change)).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!(app.get(&format!("/v1/verifications/{own}"), &key).await.status, 200);
}

#[tokio::test]
async fn lists_pages_and_reports_hold_only_the_profiles_of_the_key() {
    let app = TestApp::spawn().await;
    let (owner, key) = shops(&app).await;
    let mut own = Vec::new();
    for n in 0..6 {
        let profile = if n % 2 == 0 { "default" } else { OTHER };
        let id = start_in(&app, &owner, profile, &crate::codes::number(n)).await;
        if n % 2 == 0 {
            own.insert(0, id);
        }
        app.clock.turn(crate::codes::seconds(1));
    }
    let to = start_in(&app, &owner, OTHER, TO).await;
    // Everything is recorded when the owner sees all of it.
    for _ in 0..300 {
        let page = app.get("/v1/verifications", &owner).await.json();
        if page["data"].as_array().unwrap().len() == 7 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app.get(&format!("/v1/verifications?limit=1{cursor}"), &key).await.json();
        let data = page["data"].as_array().unwrap();
        seen.extend(data.iter().map(|one| one["id"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, own);
    for query in ["?status=pending", "?profile=default", "?status=pending&profile=default"] {
        let page = app.get(&format!("/v1/verifications{query}"), &key).await.json();
        assert_eq!(
            (page["data"].as_array().unwrap().len(), &page["next_cursor"]),
            (3, &Value::Null),
            "{query}"
        );
    }
    let found = async |key| app.post("/v1/verifications/search", key, json!({ "to": TO })).await.json();
    assert_eq!(found(&owner).await["data"][0]["id"], json!(to));
    assert_eq!(found(&key).await, json!({ "data": [], "next_cursor": null }));
    let started = async |key| {
        let path = "/v1/reports/hourly?from=2026-09-21T00:00:00Z&to=2026-10-21T00:00:00Z";
        let report = app.get(path, key).await.json();
        let hours = report["data"].as_array().unwrap();
        hours.iter().map(|hour| hour["started"].as_u64().unwrap()).sum::<u64>()
    };
    assert_eq!((started(&owner).await, started(&key).await), (7, 3));
    let nothing = app.key_reaching(&owner.caller, Share::none()).await;
    assert_eq!(started(&nothing).await, 0);
    let page = app.get("/v1/verifications", &nothing).await.json();
    assert_eq!(page, json!({ "data": [], "next_cursor": null }));
}
