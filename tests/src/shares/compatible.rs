//! The compatible APIs with a key of one profile, each in its own form of refusals.

use super::{OTHER, TO, shops};
use crate::app::{Answer, TestApp, TestKey, answer};
use countersign_core::access::share::Share;
use serde_json::{Value, json};

const SMSAPI: &str = "/mfa/codes";
const CAMARA: &str = "/one-time-password-sms/v1";

/// SMSAPI's and CAMARA's operations use the profile `default`.
#[tokio::test]
async fn apis_of_the_default_profile_refuse_a_key_without_it() {
    let app = TestApp::spawn().await;
    let (owner, within) = shops(&app).await;
    let other = app.profile_id(&owner, OTHER).await;
    let without = app.key_reaching(&owner.caller, Share::one(other)).await;

    let create = async |key| app.post(SMSAPI, key, json!({ "phone_number": TO })).await;
    let verify = async |key, code: &str| {
        app.post(&format!("{SMSAPI}/verifications"), key, json!({ "phone_number": TO, "code": code })).await
    };
    let refused = create(&without).await;
    assert_eq!((refused.status, &refused.json()["error"]), (403, &json!("not_shared")), "{refused:?}");
    let made = create(&within).await;
    assert_eq!(made.status, 201, "{made:?}");
    let code = app.message(made.json()["id"].as_str().unwrap()).await.code;
    let refused = verify(&without, &code).await;
    assert_eq!((refused.status, &refused.json()["error"]), (403, &json!("not_shared")), "{refused:?}");
    assert_eq!(verify(&within, &code).await.status, 204);

    let send = json!({ "phoneNumber": TO, "message": "{{code}} is your code" });
    let refused = app.post(&format!("{CAMARA}/send-code"), &without, send.clone()).await;
    assert_eq!((refused.status, &refused.json()["code"]), (403, &json!("PERMISSION_DENIED")), "{refused:?}");
    let sent = app.post(&format!("{CAMARA}/send-code"), &within, send).await.json();
    let id = sent["authenticationId"].as_str().unwrap();
    let code = app.message(id).await.code;
    let validate = async |key| {
        let body = json!({ "authenticationId": id, "code": code });
        app.post(&format!("{CAMARA}/validate-code"), key, body).await
    };
    let unknown = validate(&without).await;
    assert_eq!((unknown.status, &unknown.json()["code"]), (404, &json!("NOT_FOUND")), "{unknown:?}");
    assert_eq!(validate(&within).await.status, 204);
}

fn sid(prefix: &str, bytes: &[u8; 16]) -> String {
    format!("{prefix}{:032x}", u128::from_be_bytes(*bytes))
}

async fn twilio(app: &TestApp, key: &TestKey, path: &str, form: Option<&str>) -> Answer {
    let url = format!("{}/v2/Services{path}", app.base_url);
    let account = sid("AC", key.caller.tenant.bytes());
    let request = match form {
        Some(form) => app
            .client
            .post(url)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.to_owned()),
        None => app.client.get(url),
    };
    answer(request.basic_auth(account, Some(&key.text))).await
}

#[tokio::test]
async fn a_key_sees_only_the_services_of_its_profiles() {
    let app = TestApp::spawn().await;
    let (owner, key) = shops(&app).await;
    let own = sid("VA", app.profile_id(&owner, "default").await.bytes());
    let foreign = sid("VA", app.profile_id(&owner, OTHER).await.bytes());
    let missing = sid("VA", &[9; 16]);
    let sids = async |key: &TestKey| {
        let page = twilio(&app, key, "?PageSize=1", None).await.json();
        let sids = page["services"].as_array().unwrap().iter().map(|one| one["sid"].clone());
        (sids.collect::<Vec<_>>(), page["meta"]["next_page_url"].clone())
    };
    assert_eq!(sids(&key).await, (vec![json!(own)], Value::Null));
    assert_ne!(sids(&owner).await.1, Value::Null, "the owner has a second page");
    // The verification of the foreign service, by its own SID in both services.
    let path = format!("/{foreign}/Verifications");
    let started = twilio(&app, &owner, &path, Some("To=%2B48500500500&Channel=sms")).await;
    let verification = started.json()["sid"].as_str().unwrap().to_owned();
    let start = "To=%2B48500500501&Channel=sms";
    for service in [&foreign, &missing] {
        for (path, form) in [
            (String::new(), None),
            (String::new(), Some("FriendlyName=Stolen")),
            ("/Verifications".to_owned(), Some(start)),
            (format!("/Verifications/{verification}"), None),
            (format!("/Verifications/{verification}"), Some("Status=canceled")),
            ("/VerificationCheck".to_owned(), Some("To=%2B48500500500&Code=123456")),
            ("/RateLimits".to_owned(), None),
            ("/RateLimits".to_owned(), Some("UniqueName=stolen")),
        ] {
            let answer = twilio(&app, &key, &format!("/{service}{path}"), form).await;
            assert_eq!((answer.status, &answer.json()["code"]), (404, &json!(20404)), "{path} {answer:?}");
        }
    }
    let through_own = twilio(&app, &key, &format!("/{own}/Verifications/{verification}"), None).await;
    assert_eq!(through_own.status, 404, "{through_own:?}");
    // It could not use a service that it makes.
    let made = twilio(&app, &key, "", Some("FriendlyName=Mine")).await;
    assert_eq!((made.status, &made.json()["code"]), (403, &json!(20403)), "{made:?}");
    let started = twilio(&app, &key, &format!("/{own}/Verifications"), Some(start)).await;
    assert_eq!(started.status, 201, "{started:?}");
    let seen = twilio(&app, &owner, &format!("/{foreign}/Verifications/{verification}"), None).await.json();
    assert_eq!(seen["status"], "pending");
}
