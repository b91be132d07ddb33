//! Senders, delivery routes, and the explanation for a phone number.

use super::fields;
use crate::app::TestApp;
use serde_json::{Value, json};

#[tokio::test]
async fn routes_are_checked_and_tried_in_their_order() {
    let app = TestApp::spawn_with_gateways().await;
    let owner = app.tenant("Acme").await;
    let provider = app.verified_provider(&owner, "main").await;
    let body = json!({
        "name": "A", "provider": "prv_x", "order": -1, "weight": 0, "countries": ["PL", "pl", 7],
        "prefixes": ["48", "+48"], "sender": "Far too long a name", "receipt_timeout": 4, "speed": 1,
    });
    let wrong = fields(&app.post("/v1/routes", &owner, body).await);
    let expected = [
        "name",
        "provider",
        "order",
        "weight",
        "receipt_timeout",
        "prefixes[0]",
        "countries[1]",
        "countries[2]",
        "sender",
        "speed",
    ];
    assert_eq!(
        wrong.iter().collect::<std::collections::BTreeSet<_>>(),
        expected.map(str::to_owned).iter().collect()
    );
    let create = async |body: Value| {
        let made = app.post("/v1/routes", &owner, body).await;
        assert_eq!(made.status, 201, "{made:?}");
        made.json()
    };
    let last = create(json!({ "name": "rest", "provider": provider })).await;
    assert_eq!(
        (&last["enabled"], &last["order"], &last["weight"], &last["countries"], &last["sender"]),
        (&json!(true), &json!(100), &json!(1), &json!([]), &Value::Null)
    );
    let first = create(json!({
        "name": "poland", "provider": provider, "order": 10, "countries": ["PL"], "prefixes": ["+4850"],
        "sender": "AcmePL", "receipt_timeout": 30,
    }))
    .await;
    let listed = app.get("/v1/routes", &owner).await.json()["data"].clone();
    assert_eq!(listed, json!([first, last]));
    let path = format!("/v1/routes/{}", first["id"].as_str().unwrap());
    assert_eq!(app.get(&path, &owner).await.json(), first);
    let patch =
        json!({ "countries": null, "prefixes": [], "sender": null, "receipt_timeout": null, "order": 200 });
    let changed = app.patch(&path, &owner, patch).await.json();
    assert_eq!(
        (&changed["countries"], &changed["prefixes"], &changed["sender"], &changed["receipt_timeout"]),
        (&json!([]), &json!([]), &Value::Null, &Value::Null)
    );
    let taken = app.patch(&path, &owner, json!({ "name": "rest" })).await;
    assert_eq!(taken.problem(), (409, "conflict".into()));
    assert_eq!(
        fields(&app.patch(&path, &owner, json!({ "name": null, "weight": 1001 })).await),
        ["name", "weight"]
    );
    // A route cannot use an untested account, but a disabled route may name one.
    let untried = app.provider(&owner, "untried").await;
    assert_eq!(fields(&app.patch(&path, &owner, json!({ "provider": untried })).await), ["provider"]);
    let off = app.patch(&path, &owner, json!({ "provider": untried, "enabled": false })).await;
    assert_eq!((off.status, &off.json()["enabled"]), (200, &json!(false)), "{off:?}");
    assert_eq!(fields(&app.patch(&path, &owner, json!({ "enabled": true })).await), ["provider"]);
    assert_eq!(app.delete(&path, &owner).await.status, 204);
    assert_eq!(app.delete(&path, &owner).await.status, 404);
}

#[tokio::test]
async fn senders_are_made_listed_and_deleted() {
    let app = TestApp::spawn().await;
    let owner = app.tenant("Acme").await;
    let wrong = app.post("/v1/senders", &owner, json!({ "sender": "Żabka", "countries": ["XX"] })).await;
    assert_eq!(fields(&wrong), ["sender", "countries[0]"].map(str::to_owned));
    let made = app.post("/v1/senders", &owner, json!({ "sender": "Acme PL", "countries": ["PL"] })).await;
    assert_eq!((made.status, &made.json()["sender"]), (201, &json!("Acme PL")), "{made:?}");
    let again = app.post("/v1/senders", &owner, json!({ "sender": "Acme PL" })).await;
    assert_eq!(again.problem(), (409, "conflict".into()));
    assert_eq!(app.get("/v1/senders", &owner).await.json(), json!({ "data": [made.json()] }));
    let path = format!("/v1/senders/{}", made.json()["id"].as_str().unwrap());
    assert_eq!(app.delete(&path, &owner).await.status, 204);
    assert_eq!(app.delete(&path, &owner).await.status, 404);
}

#[tokio::test]
async fn a_number_is_told_its_way_and_its_text() {
    let app = TestApp::spawn_with_gateways().await;
    let owner = app.tenant("Acme").await;
    let explain = async |body: Value| app.post("/v1/routes/explain", &owner, body).await;
    let to = "+48500500500";
    let none = explain(json!({ "to": to })).await.json();
    assert_eq!((&none["ways"], &none["relay"], &none["country"]), (&json!([]), &json!(true), &json!("PL")));
    assert_eq!(none["text"]["text"], "123456 is your Acme code. Don't share it.");
    assert_eq!((&none["text"]["encoding"], &none["text"]["segments"]), (&json!("gsm7"), &json!(1)));

    let provider = app.verified_provider(&owner, "main").await;
    let other = app.verified_provider(&owner, "other").await;
    for body in [
        json!({ "name": "second", "provider": other, "order": 20, "sender": "Second" }),
        json!({ "name": "again", "provider": provider, "order": 30 }),
        json!({ "name": "first", "provider": provider, "order": 10, "prefixes": ["+4850"] }),
        json!({ "name": "germany", "provider": provider, "countries": ["DE"] }),
        json!({ "name": "off", "provider": provider, "enabled": false }),
    ] {
        assert_eq!(app.post("/v1/routes", &owner, body).await.status, 201);
    }
    assert_eq!(
        app.post("/v1/senders", &owner, json!({ "sender": "Own", "countries": ["PL"] })).await.status,
        201
    );
    let texts = json!({ "name": "login", "texts": { "pl": "Kod {code} żółw" } });
    assert_eq!(app.post("/v1/templates", &owner, texts).await.status, 201);
    assert_eq!(app.patch("/v1/tenant", &owner, json!({ "locale": "PL" })).await.json()["locale"], "pl");
    let found = explain(json!({ "to": to, "template": "login" })).await.json();
    let ways: Vec<_> =
        found["ways"].as_array().unwrap().iter().map(|w| (&w["route_name"], &w["sender"])).collect();
    assert_eq!(ways, [(&json!("first"), &json!("Own")), (&json!("second"), &json!("Second"))]);
    assert_eq!(found["ways"][0]["provider_name"], "main");
    let skipped = found["skipped"].as_array().unwrap();
    let mut skipped: Vec<_> =
        skipped.iter().map(|s| format!("{}: {}", s["route_name"], s["reason"])).collect();
    skipped.sort();
    let expected = [r#""again": "enough""#, r#""germany": "other_numbers""#, r#""off": "disabled""#];
    assert_eq!(skipped, expected);
    assert_eq!((&found["relay"], &found["country_allowed"]), (&json!(false), &json!(true)));
    assert_eq!(
        (&found["text"]["text"], &found["text"]["encoding"]),
        (&json!("Kod 123456 żółw"), &json!("ucs2"))
    );
    // The sender in an account's settings has precedence over all others.
    let own = app
        .patch(&format!("/v1/providers/{other}"), &owner, json!({ "settings": { "from": "Fixed" } }))
        .await;
    assert_eq!(own.status, 200, "{own:?}");
    let found_then = explain(json!({ "to": to })).await.json();
    let senders: Vec<_> = found_then["ways"].as_array().unwrap().iter().map(|way| &way["sender"]).collect();
    assert_eq!(senders, ["Own", "Fixed"]);
    assert_eq!(fields(&explain(json!({ "to": to, "template": "none" })).await), ["template"]);
    assert_eq!(explain(json!({ "to": "1" })).await.problem(), (400, "invalid_phone_number".into()));
    let listed = json!({ "default": "allow", "countries": { "PL": "block" } });
    assert_eq!(app.send("PUT", "/v1/countries", Some(&owner.text), Some(&listed)).await.status, 200);
    assert_eq!(explain(json!({ "to": to })).await.json()["country_allowed"], false);
}

#[tokio::test]
async fn a_start_names_one_of_the_tenants_senders() {
    let app = TestApp::spawn().await;
    let owner = app.tenant("Acme").await;
    let start = async |sender: &str| {
        app.post("/v1/verifications", &owner, json!({ "to": "+48503123972", "sender": sender })).await
    };
    assert_eq!(fields(&start("Own").await), ["sender"]);
    assert_eq!(app.post("/v1/senders", &owner, json!({ "sender": "Own" })).await.status, 201);
    assert_eq!(start("Own").await.status, 201);
    assert_eq!(fields(&start("Żabka").await), ["sender"]);
}
