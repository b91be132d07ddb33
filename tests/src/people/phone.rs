//! The codes that go to persons, on a whole server: from the act to the virtual phone, and what others see of them.

use crate::{app::TestApp, codes::rng};
use countersign_core::{
    locale::Locale,
    message::binding::Origin,
    people::proof_act::ActName,
    phone::PhoneNumber,
    ports::clock::Clock as _,
    sign_in::{
        codes::{CodeCheck, NewCode, check_code, send_code},
        purpose::Purpose,
    },
};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_reaches_the_phone_of_a_person_and_nobody_else_sees_it() {
    let app = TestApp::spawn().await;
    let (key, operator) = (app.tenant("Acme").await, app.operator_key().await);
    let (entrance, _) = crate::portal::entrance(&app);
    let (to, origin) = (PhoneNumber::parse("+48500500500").unwrap(), Origin::parse("sms.example.com"));
    let caller = Some(std::net::Ipv4Addr::LOCALHOST.into());
    for (purpose, language, says) in [
        (Purpose::SignIn { tenant_name: None }, "en", "is your code to sign in."),
        (Purpose::Proof { act: ActName::Key }, "pl", "to kod do utworzenia lub wymiany klucza."),
    ] {
        let language = Locale::parse(language).unwrap();
        let new = NewCode {
            to: &to,
            purpose,
            language: &language,
            origin: origin.as_ref(),
            caller,
            stranger: None,
        };
        let now = app.clock.now();
        let sent = send_code(&app.context, &*entrance.people, &new, now, &mut rng()).await.unwrap();
        let message = app.message(&sent.verification.to_string()).await;
        let (begin, end) = (format!("Countersign: {} {says}", message.code), &message.code);
        assert!(message.text.starts_with(&begin), "{}", message.text);
        assert!(message.text.ends_with(&format!("\n\n@sms.example.com #{end}")), "{}", message.text);
        let theirs = app.get(&format!("/v1/verifications/{}", sent.verification), &key).await;
        assert_eq!(theirs.problem(), (404, "not_found".into()));
        let found = app.post("/v1/verifications/search", &key, json!({ "to": "+48500500500" })).await;
        assert_eq!(found.json()["data"], json!([]), "{found:?}");
        let checked =
            check_code(&app.context, &purpose, sent.verification, &message.code, now, &mut rng()).await;
        assert_eq!(checked.unwrap(), CodeCheck::Right);
    }
    let tenants = app.get("/v1/tenants", &operator).await.json();
    let names: Vec<_> = tenants["data"].as_array().unwrap().iter().map(|tenant| &tenant["name"]).collect();
    assert!(names.contains(&&json!("Acme")) && !names.contains(&&json!("Countersign")), "{names:?}");
}
