//! Walks all operations of the OpenAPI documents with a key of one profile. Beside it there is a second profile
//! with a verification. No answer contains anything of the second profile, and nothing of it changes.

use super::{OTHER, shops, start_in};
use crate::{
    app::TestApp,
    codes::number,
    spec::{Operation, body_for, concrete, operations},
};
use countersign_core::access::scope::Scope;
use serde_json::{Value, json};

/// The number of the foreign verification. No other request of this test has it.
const FOREIGN: &str = "+48606707808";
const MASKED: &str = "+48******808";

/// The operations on settings and reports that keep to the shares of the caller. All others are refused.
const WITHIN: [&str; 16] = [
    "list_profiles",
    "read_profile",
    "save_profile",
    "update_profile",
    "delete_profile",
    "list_senders",
    "create_sender",
    "delete_sender",
    "list_templates",
    "read_template",
    "create_template",
    "update_template",
    "delete_template",
    "list_limits",
    "read_countries",
    "read_tenant",
];
const ALSO_WITHIN: [&str; 5] =
    ["list_default_texts", "preview_template", "read_hourly_report", "list_keys", "read_key"];
/// They change something that each profile uses.
const FOR_ALL_PROFILES: [&str; 5] =
    ["create_sender", "delete_sender", "create_template", "update_template", "delete_template"];
/// The operations that name the foreign profile or its verification.
const NAMING: [&str; 14] = [
    "start_verification",
    "check_code",
    "check_code_by_number",
    "resend_verification",
    "cancel_verification",
    "read_verification",
    "read_timeline",
    "list_verifications",
    "read_hourly_report",
    "read_profile",
    "save_profile",
    "update_profile",
    "delete_profile",
    "validate_code",
];

fn concerns_the_tenant(operation: &Operation) -> bool {
    let scopes = [Scope::SettingsRead, Scope::SettingsWrite, Scope::ReportsRead, Scope::AuditRead];
    let id = operation.id.as_str();
    scopes.contains(&operation.scope) && !WITHIN.contains(&id) && !ALSO_WITHIN.contains(&id)
}

fn body_naming(operation: &str, foreign: &str) -> Option<Value> {
    match operation {
        "start_verification" => Some(json!({ "to": FOREIGN, "profile": OTHER })),
        "check_code_by_number" => Some(json!({ "to": FOREIGN, "profile": OTHER, "code": "123456" })),
        "search_verifications" => Some(json!({ "to": FOREIGN })),
        "validate_code" => Some(json!({ "authenticationId": foreign, "code": "123456" })),
        "create_sender" => Some(json!({ "sender": "Mine" })),
        "create_template" => Some(json!({ "name": "mine", "texts": { "en": "{code}" } })),
        "save_profile" => Some(json!({})),
        "create_key" => Some(json!({ "name": "mine", "scopes": ["settings:read"] })),
        _ => body_for(operation),
    }
}

#[tokio::test]
async fn a_key_of_one_profile_learns_nothing_of_another() {
    let app = TestApp::spawn().await;
    let (owner, key) = shops(&app).await;
    let foreign = start_in(&app, &owner, OTHER, FOREIGN).await;
    app.message(&foreign).await;
    let profile = app.profile_id(&owner, OTHER).await.to_string();
    let markers = [FOREIGN, MASKED, OTHER, &foreign, &profile];
    let state = async || {
        let seen = app.get(&format!("/v1/verifications/{foreign}"), &owner).await.json();
        let kept = ["status", "attempts_left", "sends_left", "to"].map(|name| seen[name].clone());
        (kept, app.get(&format!("/v1/profiles/{OTHER}"), &owner).await.json())
    };
    let before = state().await;
    let (mut named, mut refused_whole) = (0, 0);
    for (n, operation) in operations().iter().enumerate() {
        let Operation { id, method, path, scope, .. } = operation;
        if *scope == Scope::Operator {
            continue;
        }
        let mut path = match path.as_str() {
            verification if verification.starts_with("/v1/verifications/{id}") => {
                verification.replace("{id}", &foreign)
            }
            "/v1/profiles/{name}" if method != "DELETE" => format!("/v1/profiles/{OTHER}"),
            _ => concrete(&app, operation, &owner, &number(n)).await,
        };
        match id.as_str() {
            "list_verifications" => path += &format!("?profile={OTHER}"),
            "read_hourly_report" => {
                path += &format!("?from=2026-09-21T00:00:00Z&to=2026-10-21T00:00:00Z&profile={OTHER}");
            }
            _ => {}
        }
        // An operation that takes no body takes `{}` too.
        let empty = (method != "GET").then(|| json!({}));
        let body = body_naming(id, &foreign).or(empty);
        let answer = app.send(method, &path, Some(&key.text), body.as_ref()).await;
        for marker in markers {
            // The answer to a bad path repeats it in no member.
            assert!(!answer.text.contains(marker), "{id} tells {marker}: {answer:?}");
        }
        if concerns_the_tenant(operation) || FOR_ALL_PROFILES.contains(&id.as_str()) {
            assert_eq!(answer.problem(), (403, "not_shared".into()), "{id}");
            refused_whole += 1;
        } else if NAMING.contains(&id.as_str()) {
            let told = (answer.status, answer.json()["code"].as_str().unwrap_or_default().to_owned());
            let unknown = [(403, "not_shared"), (404, "not_found"), (404, "NOT_FOUND")];
            assert!(unknown.contains(&(told.0, told.1.as_str())), "{id}: {answer:?}");
            named += 1;
        } else {
            let foreseen = [200, 201, 204, 400, 403, 404, 409];
            assert!(foreseen.contains(&answer.status), "{id}: {answer:?}");
        }
        // The lists of the API without a filter are part of the walk too.
        if path.contains('?') {
            let path =
                path.replace(&format!("&profile={OTHER}"), "").replace(&format!("?profile={OTHER}"), "");
            let answer = app.get(&path, &key).await;
            assert_eq!(answer.status, 200, "{id}: {answer:?}");
            assert!(!markers.iter().any(|marker| answer.text.contains(marker)), "{id}: {answer:?}");
        }
    }
    assert_eq!(named, NAMING.len(), "each of them is in a document");
    assert!(refused_whole > 30, "{refused_whole}");
    assert_eq!(state().await, before);
}
