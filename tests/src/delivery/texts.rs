//! Templates and the tenant's language.

use super::fields;
use crate::app::TestApp;
use serde_json::{Value, json};

#[tokio::test]
async fn templates_are_checked_when_they_are_saved() {
    let app = TestApp::spawn().await;
    let owner = app.tenant("Acme").await;
    let body = json!({
        "name": "Login", "transliterate": "yes", "more": 1,
        "texts": { "en": "no code", "english": "{code}", "pl": 7, "de": format!("{{code}}{}", "x".repeat(500)) },
        "transaction_texts": { "en": "{code} {amount}" },
    });
    let mut wrong = fields(&app.post("/v1/templates", &owner, body).await);
    wrong.sort();
    let expected = [
        "more",
        "name",
        "texts.de",
        "texts.en",
        "texts.english",
        "texts.pl",
        "transaction_texts.en",
        "transliterate",
    ];
    assert_eq!(wrong, expected);
    assert_eq!(fields(&app.post("/v1/templates", &owner, json!({ "name": "a" })).await), ["texts"]);
    let twice = json!({ "name": "a", "texts": { "pt-BR": "{code}", "pt-br": "{code}" } });
    assert_eq!(app.post("/v1/templates", &owner, twice).await.status, 400);

    let body = json!({ "name": "login", "texts": { "en": "{code} for {company}", "pt-br": "{code}!" } });
    let made = app.post("/v1/templates", &owner, body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.json();
    assert_eq!(made["texts"], json!({ "en": "{code} for {company}", "pt-BR": "{code}!" }));
    assert_eq!((&made["version"], &made["transliterate"]), (&json!(1), &json!(false)));
    let path = format!("/v1/templates/{}", made["id"].as_str().unwrap());
    let patch = json!({ "texts": { "PT-br": null, "pl": "Kod {code}" }, "transliterate": true });
    let changed = app.patch(&path, &owner, patch).await.json();
    assert_eq!(changed["texts"], json!({ "en": "{code} for {company}", "pl": "Kod {code}" }));
    assert_eq!((&changed["version"], &changed["transliterate"]), (&json!(2), &json!(true)));
    assert_eq!(
        fields(&app.patch(&path, &owner, json!({ "texts": null })).await),
        ["texts"],
        "one text stays"
    );
    assert_eq!(app.get(&path, &owner).await.json(), changed);
    assert_eq!(app.get("/v1/templates", &owner).await.json(), json!({ "data": [changed] }));

    let id = app.post(
        "/v1/verifications",
        &owner,
        json!({ "to": "+48503123970", "template": "login", "locale": "pl" }),
    );
    let id = id.await.json()["id"].as_str().unwrap().to_owned();
    let message = app.message(&id).await;
    assert_eq!(message.text, format!("Kod {}", message.code));
    assert_eq!(app.delete(&path, &owner).await.status, 204);
    assert_eq!(app.get(&path, &owner).await.status, 404);
}

#[tokio::test]
async fn a_text_is_shown_with_its_cost_before_it_is_saved() {
    let app = TestApp::spawn().await;
    let owner = app.tenant("Łódź").await;
    let preview = async |body: Value| app.post("/v1/templates/preview", &owner, body).await;
    let shown = preview(json!({ "text": "{company}: {code}" })).await;
    let expected = json!({ "text": "Łódź: 123456", "encoding": "ucs2", "units": 12, "segments": 1 });
    assert_eq!((shown.status, shown.json()), (200, expected));
    let shown = preview(json!({ "text": "{company}: {code}", "transliterate": true })).await.json();
    assert_eq!((&shown["text"], &shown["encoding"]), (&json!("Lodz: 123456"), &json!("gsm7")));
    let payment = "{code} pays {amount} {currency} to {payee}";
    let shown = preview(json!({ "text": payment, "kind": "transaction" })).await.json();
    assert_eq!(shown["text"], "123456 pays 49.90 EUR to Example Shop");
    assert_eq!(fields(&preview(json!({ "text": payment })).await), ["text"]);
    assert_eq!(fields(&preview(json!({ "text": "{cod}", "kind": "sms" })).await), ["kind", "text"]);
    let defaults = app.get("/v1/templates/defaults", &owner).await.json();
    assert!(defaults["data"].as_array().unwrap().iter().any(|text| text["locale"] == "pl"), "{defaults}");
}

#[tokio::test]
async fn the_tenant_says_in_which_language_its_messages_are() {
    let app = TestApp::spawn().await;
    let owner = app.tenant("Acme").await;
    let tenant = app.get("/v1/tenant", &owner).await.json();
    assert_eq!((&tenant["name"], &tenant["locale"]), (&json!("Acme"), &Value::Null));
    assert_eq!(
        fields(&app.patch("/v1/tenant", &owner, json!({ "locale": "polish", "name": "B" })).await),
        ["locale", "name"]
    );
    let changed = app.patch("/v1/tenant", &owner, json!({ "locale": "pl-pl" })).await.json();
    assert_eq!(changed["locale"], "pl-PL");
    let id = app.start(&owner, "+48503123971").await;
    assert!(app.message(&id).await.text.contains("Nie podawaj"));
    assert_eq!(app.patch("/v1/tenant", &owner, json!({})).await.json()["locale"], "pl-PL");
    assert_eq!(
        app.patch("/v1/tenant", &owner, json!({ "locale": null })).await.json()["locale"],
        Value::Null
    );
}
