//! Keys of members with shares of senders and templates.

use super::{TO, refused, told};
use crate::{
    app::{TestApp, TestKey},
    codes::{number, seconds},
};
use countersign_core::{
    access::share::Share,
    id::{SenderId, TemplateId},
    people::shares::Shares,
};
use serde_json::{Value, json};

/// A tenant with two senders and two templates, and a member who may use the first of each.
struct Bench {
    app: TestApp,
    owner: TestKey,
    member: TestKey,
    /// The foreign sender and the foreign template.
    foreign: (String, String),
}

impl Bench {
    async fn new() -> Self {
        let app = TestApp::spawn_with_gateways().await;
        let owner = app.tenant("Shops").await;
        let make = async |path: &str, body: Value| {
            let made = app.post(path, &owner, body).await;
            assert_eq!(made.status, 201, "{made:?}");
            made.json()["id"].as_str().unwrap().to_owned()
        };
        let sender: SenderId = make("/v1/senders", json!({ "sender": "Mine" })).await.parse().unwrap();
        let theirs = make("/v1/senders", json!({ "sender": "Theirs", "countries": ["DE"] })).await;
        let texts = json!({ "en": "Code {code}" });
        let template = make("/v1/templates", json!({ "name": "mine", "texts": texts })).await;
        let template: TemplateId = template.parse().unwrap();
        let of_others = make("/v1/templates", json!({ "name": "theirs", "texts": texts })).await;
        let shares = Shares { senders: Share::one(sender), templates: Share::one(template), ..Shares::all() };
        let member = app.key_sharing(&owner.caller, shares).await;
        Self { app, owner, member, foreign: (theirs, of_others) }
    }

    async fn start(&self, key: &TestKey, more: Value) -> crate::app::Answer {
        let mut body = json!({ "to": TO });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.app.clock.turn(seconds(600));
        self.app.post("/v1/verifications", key, body).await
    }

    async fn route(&self, name: &str, provider: &str, sender: Option<&str>) {
        let body = json!({ "name": name, "provider": provider, "sender": sender });
        let made = self.app.post("/v1/routes", &self.owner, body).await;
        assert_eq!(made.status, 201, "{made:?}");
    }
}

#[tokio::test]
async fn a_member_sends_only_by_its_senders_and_templates() {
    let bench = Bench::new().await;
    let Bench { app, owner, member, .. } = &bench;
    let ok = bench.start(member, json!({ "sender": "Mine", "template": "mine" })).await;
    assert_eq!(ok.status, 201, "{ok:?}");
    // The shipped texts belong to nobody.
    assert_eq!(bench.start(member, json!({ "sender": "Mine" })).await.status, 201);
    // A foreign thing and a missing one get one answer.
    for field in ["sender", "template"] {
        let other = |name: &str| {
            let mut body = json!({ "sender": "Mine", "template": "mine" });
            body[field] = name.into();
            body
        };
        let foreign = bench.start(member, other(if field == "sender" { "Theirs" } else { "theirs" })).await;
        let missing = bench.start(member, other(if field == "sender" { "Nobody" } else { "nobody" })).await;
        refused(&foreign);
        assert_eq!(told(&foreign), told(&missing));
        let missing = bench.start(owner, other(if field == "sender" { "Nobody" } else { "nobody" })).await;
        assert_eq!(missing.problem(), (400, "invalid_request".into()));
    }
    // Without routes, the relay would send in the name of the company.
    refused(&bench.start(member, json!({})).await);
    // Words of its own are none of the templates.
    let words = json!({ "phone_number": TO, "content": "Code [%code%]", "from": "Mine" });
    let answer = app.post("/mfa/codes", member, words).await;
    assert_eq!((answer.status, &answer.json()["error"]), (403, &json!("not_shared")), "{answer:?}");
    let answer = app.post("/mfa/codes", member, json!({ "phone_number": TO, "from": "Mine" })).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let words = json!({ "phoneNumber": TO, "message": "{{code}} is your code" });
    let answer = app.post("/one-time-password-sms/v1/send-code", member, words).await;
    assert_eq!((answer.status, &answer.json()["code"]), (403, &json!("PERMISSION_DENIED")), "{answer:?}");
}

#[tokio::test]
async fn each_route_that_a_message_could_take_is_judged() {
    let bench = Bench::new().await;
    let Bench { app, owner, member, .. } = &bench;
    let main = app.verified_provider(owner, "main").await;
    bench.route("first", &main, Some("Mine")).await;
    let ok = bench.start(member, json!({})).await;
    assert_eq!(ok.status, 201, "the sender of the route is shared: {ok:?}");
    // The sender of the tenant for the country is used if the route has none.
    let second = app.verified_provider(owner, "second").await;
    bench.route("second", &second, None).await;
    assert_eq!(bench.start(member, json!({})).await.status, 201);
    let german = "+4915112345678";
    let to_germany = json!({ "to": german });
    refused(&bench.start(member, to_germany.clone()).await);
    let sent = bench.start(owner, to_germany).await;
    assert_eq!(sent.status, 201, "{sent:?}");
    // Another message of it would go out by the same senders.
    let path = format!("/v1/verifications/{}", sent.json()["id"].as_str().unwrap());
    app.clock.turn(seconds(60));
    refused(&app.act(&format!("{path}/resend"), member).await);
    assert_eq!(app.act(&format!("{path}/resend"), owner).await.status, 200);
    assert_eq!(app.get(&path, member).await.status, 200, "the member reaches its profile");
    assert_eq!(app.act(&format!("{path}/cancel"), member).await.status, 200);
    assert_eq!(app.act(&format!("{path}/resend"), member).await.problem().1, "verification_ended");

    // A route that is tried after others have failed counts too.
    let third = app.verified_provider(owner, "third").await;
    bench.route("third", &third, Some("Theirs")).await;
    refused(&bench.start(member, json!({})).await);
    let named = bench.start(member, json!({ "sender": "Mine" })).await;
    assert_eq!(named.status, 201, "a named sender replaces that of each route: {named:?}");
    // The settings of an account may have a sender of their own, which replaces each other one.
    let settings = json!({ "service": "pl", "token": "tok-1", "from": "Bank" });
    let fixed = app.verified_account(owner, ("fixed", "smsapi"), settings).await;
    bench.route("fixed", &fixed.id.to_string(), None).await;
    refused(&bench.start(member, json!({ "sender": "Mine" })).await);
    assert_eq!(bench.start(owner, json!({ "sender": "Mine" })).await.status, 201);
}

#[tokio::test]
async fn a_shared_account_of_the_operator_sends_by_no_sender_of_the_tenant() {
    let bench = Bench::new().await;
    let Bench { app, owner, member, .. } = &bench;
    let shared = app.shared_account("shared", crate::delivery::settings("https://sms.example")).await;
    bench.route("shared", &shared.id.to_string(), Some("Mine")).await;
    refused(&bench.start(member, json!({ "sender": "Mine" })).await);
    assert_eq!(bench.start(owner, json!({ "sender": "Mine" })).await.status, 201);
}

#[tokio::test]
async fn a_member_sees_and_changes_only_its_senders_and_templates() {
    let bench = Bench::new().await;
    let Bench { app, owner, member, foreign } = &bench;
    let names = async |key: &TestKey, path: &str, name: &str| {
        let listed = app.get(path, key).await.json();
        let names =
            listed["data"].as_array().unwrap().iter().map(|one| one[name].as_str().unwrap().to_owned());
        // Things of the same millisecond are in no order.
        names.collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(names(member, "/v1/senders", "sender").await, ["Mine"].map(str::to_owned).into());
    assert_eq!(names(owner, "/v1/senders", "sender").await, ["Mine", "Theirs"].map(str::to_owned).into());
    assert_eq!(names(member, "/v1/templates", "name").await, ["mine"].map(str::to_owned).into());
    refused(&app.post("/v1/senders", member, json!({ "sender": "New" })).await);
    let made = json!({ "name": "new", "texts": { "en": "{code}" } });
    refused(&app.post("/v1/templates", member, made).await);
    let send = async |method: &str, path: String, body: Option<Value>| {
        app.send(method, &path, Some(&member.text), body.as_ref()).await.problem()
    };
    let missing = (404, "not_found".to_owned());
    assert_eq!(send("DELETE", format!("/v1/senders/{}", foreign.0), None).await, missing);
    let template = format!("/v1/templates/{}", foreign.1);
    assert_eq!(send("GET", template.clone(), None).await, missing);
    assert_eq!(send("PATCH", template.clone(), Some(json!({ "transliterate": true }))).await, missing);
    assert_eq!(send("DELETE", template.clone(), None).await, missing);
    assert_eq!(app.get(&template, owner).await.status, 200);
    // Routes and accounts of the tenant show and change other senders.
    for path in ["/v1/routes", "/v1/providers", "/v1/webhooks", "/v1/review-numbers", "/v1/audit"] {
        refused(&app.get(path, member).await);
    }
    for path in ["/v1/numbers/clear", "/v1/numbers/erase"] {
        refused(&app.post(path, member, json!({ "to": number(1) })).await);
    }
    let own = app.get("/v1/templates", member).await.json()["data"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/templates/{own}");
    let changed = app.send("PATCH", &path, Some(&member.text), Some(&json!({ "transliterate": true }))).await;
    assert_eq!(changed.status, 200, "{changed:?}");
}

#[tokio::test]
async fn a_member_without_senders_sends_nothing_and_one_without_bounds_everything() {
    let bench = Bench::new().await;
    let Bench { app, owner, .. } = &bench;
    let nothing = app.key_sharing(&owner.caller, Shares { senders: Share::none(), ..Shares::all() }).await;
    for body in [json!({}), json!({ "sender": "Mine" })] {
        refused(&bench.start(&nothing, body).await);
    }
    let all = app.key_sharing(&owner.caller, Shares::all()).await;
    for body in [json!({}), json!({ "sender": "Theirs", "template": "theirs" })] {
        assert_eq!(bench.start(&all, body).await.status, 201);
    }
    let missing = bench.start(&all, json!({ "profile": "missing" })).await;
    assert_eq!(missing.problem(), (400, "invalid_request".into()));
    assert_eq!(app.get("/v1/routes", &all).await.status, 200);
    // A share of profiles bounds the member's key as one of its own does.
    let first = app.profile_id(owner, "default").await;
    let bounded = Shares { profiles: Share::one(first), ..Shares::all() };
    let key = app.key_sharing(&owner.caller, bounded).await;
    refused(&bench.start(&key, json!({ "profile": "missing" })).await);
    assert_eq!(bench.start(&key, json!({})).await.status, 201);
    refused(&app.get("/v1/routes", &key).await);
}
