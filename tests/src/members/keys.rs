//! The keys of members, and their profiles, over HTTP.

use super::{delete, join, key_of, owner, patch, path, refused, subuser, wrong_fields};
use crate::{
    app::{TestApp, TestKey},
    codes::seconds,
};
use serde_json::{Value, json};

#[tokio::test]
async fn keys_show_their_member_and_their_profiles() {
    let app = TestApp::spawn().await;
    let company = app.tenant("Acme").await;
    let tenant = company.caller.tenant;
    let boss = join(&app, tenant, "boss@example.com", owner()).await;
    let clerk = join(&app, tenant, "clerk@example.com", subuser()).await;
    let boss_key = key_of(&app, &boss, owner().permissions).await;
    let clerk_key = key_of(&app, &clerk, owner().permissions).await;
    for name in ["shop", "bank"] {
        let made =
            app.send("PUT", &format!("/v1/profiles/{name}"), Some(&company.text), Some(&json!({}))).await;
        assert_eq!(made.status, 201);
    }
    let create = async |key: &TestKey, more: Value| {
        let mut body = json!({ "name": "one", "scopes": ["keys:write", "settings:read"] });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        app.post("/v1/keys", key, body).await
    };
    let made = create(&clerk_key, json!({ "profiles": ["shop"] })).await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.json();
    assert_eq!((&made["member"], &made["profiles"]), (&json!(clerk.id.to_string()), &json!(["shop"])));
    let here = format!("/v1/keys/{}", made["id"].as_str().unwrap());
    let read = app.get(&here, &company).await.json();
    assert_eq!((&read["member"], &read["profiles"]), (&made["member"], &made["profiles"]));
    let own = TestKey { caller: clerk_key.caller.clone(), text: made["secret"].as_str().unwrap().to_owned() };
    // Its own profiles are the default, and it does not reach more by another key or a change of itself.
    let child = create(&own, json!({})).await.json();
    assert_eq!((&child["member"], &child["profiles"]), (&made["member"], &json!(["shop"])));
    refused(&create(&own, json!({ "profiles": "all" })).await, "profiles");
    refused(&patch(&app, &own, &here, json!({ "profiles": "all" })).await, "profiles");
    // A name that it does not reach and one that nobody has get the same answer.
    for profiles in [json!(["default"]), json!(["shop", "bank"]), json!(["none-such"])] {
        let made = create(&own, json!({ "profiles": profiles })).await;
        assert_eq!(made.problem(), (403, "not_shared".into()), "{made:?}");
        let changed = patch(&app, &own, &here, json!({ "profiles": profiles })).await;
        assert_eq!(changed.problem(), (403, "not_shared".into()), "{changed:?}");
    }
    assert_eq!(wrong_fields(&create(&clerk_key, json!({ "profiles": ["none-such"] })).await), ["profiles"]);
    // It sees the keys of its member, and of the others those that reach nothing else.
    let seen = app.get("/v1/keys", &own).await.json();
    let seen: Vec<_> = seen["data"].as_array().unwrap().iter().map(|key| key["member"].clone()).collect();
    assert_eq!(seen, vec![made["member"].clone(); 3]);
    let foreign = format!("/v1/keys/{}", boss_key.caller.key().unwrap());
    assert_eq!(app.get(&foreign, &own).await.problem(), (404, "not_found".into()));
    assert_eq!(app.get("/v1/keys?limit=1", &own).await.json()["data"].as_array().unwrap().len(), 1);
    let wider = patch(&app, &clerk_key, &here, json!({ "profiles": ["bank", "shop"] })).await.json();
    assert_eq!(wider["profiles"].as_array().unwrap().len(), 2);
    let none = patch(&app, &clerk_key, &here, json!({ "profiles": "none" })).await.json();
    assert_eq!(none["profiles"], "none");

    // A rotated key keeps its member and its profiles.
    app.clock.turn(seconds(1));
    let rotated = app.post(&format!("{here}/rotate"), &clerk_key, json!({})).await.json();
    assert_eq!((&rotated["member"], &rotated["profiles"]), (&made["member"], &json!("none")));

    // Only an owner makes keys of the company, and a member governs only its own keys.
    refused(&create(&clerk_key, json!({ "company": true })).await, "owner");
    let company_s = create(&boss_key, json!({ "company": true })).await.json();
    assert_eq!((&company_s["member"], &company_s["profiles"]), (&Value::Null, &json!("all")));
    let foreign = format!("/v1/keys/{}", boss_key.caller.key().unwrap());
    refused(&patch(&app, &clerk_key, &foreign, json!({ "name": "mine" })).await, "own");

    // The keys of a member are listed in pages, also after its removal.
    let of_clerk = format!("/v1/keys?member={}", clerk.id);
    let count = async |path: &str| app.get(path, &company).await.json()["data"].as_array().unwrap().len();
    assert_eq!(count(&of_clerk).await, 4);
    let first = app.get(&format!("{of_clerk}&limit=3"), &company).await.json();
    let rest = format!("{of_clerk}&limit=3&cursor={}", first["next_cursor"].as_str().unwrap());
    assert_eq!((first["data"].as_array().unwrap().len(), count(&rest).await), (3, 1));
    let nobody = format!("/v1/keys?member=mem_{}", "0".repeat(26));
    assert_eq!(count(&nobody).await, 0);
    assert_eq!(app.get("/v1/keys?member=x", &company).await.problem(), (400, "invalid_request".into()));

    let moved = format!("/v1/keys/{}/move", rotated["id"].as_str().unwrap());
    refused(&app.post(&moved, &clerk_key, json!({ "member": null })).await, "Only an owner");
    assert_eq!(delete(&app, &boss_key, &path(&clerk)).await.status, 204);
    let refused_now = app.send("GET", "/v1/keys", rotated["secret"].as_str(), None).await;
    assert_eq!(refused_now.problem(), (401, "invalid_key".into()), "its member is gone");
    assert_eq!(count(&of_clerk).await, 4);
    let stranger = json!({ "member": clerk.id.to_string() });
    let other = app.post(&format!("{foreign}/move"), &boss_key, stranger).await;
    assert_eq!(wrong_fields(&other), ["member"]);
    let taken = app.post(&moved, &boss_key, json!({ "member": boss.id.to_string() })).await;
    assert_eq!(taken.json()["member"], json!(boss.id.to_string()), "{taken:?}");
    assert_eq!(app.send("GET", "/v1/keys", rotated["secret"].as_str(), None).await.status, 200);
    let freed = app.post(&moved, &boss_key, json!({ "member": null })).await;
    assert_eq!((freed.status, &freed.json()["member"]), (200, &Value::Null));
}
