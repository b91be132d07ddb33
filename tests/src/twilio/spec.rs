//! The Twilio operations of the OpenAPI document as a list of tests.

use super::{Bench, refusal};
use crate::{
    app::{TestKey, answer},
    codes::number,
};
use countersign_core::{
    access::scope::{Scope, Scopes},
    mode::Mode,
};
use reqwest::Method;
use serde_json::json;

fn form_for(operation: &str, to: &'static str) -> Vec<(&'static str, &'static str)> {
    match operation {
        "create_service" | "update_service" => vec![("FriendlyName", "Stolen")],
        "create_rate_limit" => vec![("UniqueName", "stolen")],
        "update_rate_limit" => vec![("Description", "stolen")],
        "create_bucket" => vec![("Max", "1"), ("Interval", "1")],
        "update_bucket" => vec![("Max", "7")],
        "create_verification" => vec![("To", to), ("Channel", "sms")],
        "update_verification" => vec![("Status", "canceled")],
        "create_verification_check" => vec![("To", to), ("Code", "123456")],
        _ => vec![],
    }
}

/// The document is the list of tests here too.
#[tokio::test]
async fn every_operation_asks_for_its_key_scope_tenant_and_address() {
    let bench = Bench::new().await;
    let stranger = bench.app.tenant("Stranger").await;
    let others: Scopes = Scope::ALL.into_iter().filter(|scope| *scope != Scope::CompatTwilio).collect();
    let others = bench.app.key_for(&bench.key.caller, Mode::Live, others).await;
    let elsewhere = json!({
        "name": "elsewhere", "scopes": ["compat:twilio"], "allowlist": [{ "range": "192.0.2.0/24" }],
    });
    let elsewhere = bench.app.post("/v1/keys", &bench.key, elsewhere).await;
    let elsewhere = elsewhere.json()["secret"].as_str().unwrap().to_owned();
    let elsewhere = TestKey { caller: bench.key.caller.clone(), text: elsewhere };
    let only = bench.app.key_with(&bench.key.caller, Scope::CompatTwilio).await;
    let both = [Scope::CompatTwilio, Scope::SettingsWrite].into_iter().collect();
    let both = bench.app.key_for(&bench.key.caller, Mode::Live, both).await;
    let document = serde_json::to_value(countersign_api::compatible_openapi()).unwrap();
    let mut seen = 0;
    for (path, item) in
        document["paths"].as_object().unwrap().iter().filter(|(path, _)| path.starts_with("/v2/"))
    {
        for (method, operation) in item.as_object().unwrap() {
            seen += 1;
            let id = operation["operationId"].as_str().unwrap();
            // An operation that changes a setting also requires the scope that `/v1` requires.
            let changes = method != "get" && !id.contains("verification");
            let scopes = if changes { &["compat:twilio", "settings:write"][..] } else { &["compat:twilio"] };
            assert_eq!(operation["security"], json!([{ "twilio": scopes }]), "{id}");
            // Creates one of each for this operation alone.
            let text = async |path: &str, form: &[(&str, &str)]| {
                let made = bench.post(path, form).await;
                assert_eq!(made.status, 201, "{made:?}");
                made.json()["sid"].as_str().unwrap().to_owned()
            };
            let to: &'static str = number(100 + seen).leak();
            let service = text("/v2/Services", &[("FriendlyName", "Mine")]).await;
            let limits = format!("/v2/Services/{service}/RateLimits");
            let limit = text(&limits, &[("UniqueName", "mine")]).await;
            let bucket = text(&format!("{limits}/{limit}/Buckets"), &[("Max", "9"), ("Interval", "9")]).await;
            let starts = format!("/v2/Services/{service}/Verifications");
            let verification = text(&starts, &[("To", to), ("Channel", "sms")]).await;
            let path = path.replace("{service}", &service).replace("{limit}", &limit);
            let path = path.replace("{bucket}", &bucket).replace("{verification}", &verification);
            let method: Method = method.to_uppercase().parse().unwrap();
            let form = form_for(id, to);
            let form = (method == Method::POST).then_some(form.as_slice());
            let send = async |key: &TestKey| bench.send(key, method.clone(), &path, form).await;
            let url = format!("{}{path}", bench.app.base_url);
            let nobody = answer(bench.app.client.request(method.clone(), url)).await;
            assert_eq!(refusal(&nobody), (401, 20003), "{id}");
            assert_eq!(refusal(&send(&others).await), (403, 20403), "{id}");
            assert_eq!(refusal(&send(&elsewhere).await), (403, 20403), "{id}");
            if changes {
                assert_eq!(refusal(&send(&only).await), (403, 20403), "{id}");
            }
            if path.contains(&service) {
                assert_eq!(refusal(&send(&stranger).await), (404, 20404), "{id}");
            }
            if operation["requestBody"]["required"] == true {
                let broken = bench.send(&both, method.clone(), &path, Some(&[("No.Such", "1")])).await;
                assert_eq!(refusal(&broken), (400, 60200), "{id}");
            }
            // Send this last, because some operations end the verification.
            let right = send(if changes { &both } else { &only }).await;
            let expected = if id == "create_verification" { 429 } else { right.status };
            assert_eq!(right.status, expected, "{id}: the cooldown runs");
            assert!(expected == 429 || (200..300).contains(&right.status), "{id}: {right:?}");
            bench.send(&bench.key, Method::DELETE, &format!("/v2/Services/{service}"), None).await;
        }
    }
    assert_eq!(seen, 19);
}
