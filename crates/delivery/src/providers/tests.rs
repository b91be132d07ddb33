use super::{
    testing::{Fixed, fields, outbound},
    *,
};
use serde_json::json;

fn means(outbound: Outbound) -> Means {
    Means { outbound, clock: Arc::new(Fixed), reports: mpsc::channel(1).0 }
}

fn settings_of(kind: &str) -> Value {
    match kind {
        "smsapi" => json!({"token": "hunter2", "service": "pl"}),
        "twilio" => json!({"account_sid": format!("AC{}", "0".repeat(32)), "auth_token": "hunter2"}),
        "http" => json!({"preset": "vonage", "secrets": {"api_key": "hunter2", "api_secret": "hunter2"}}),
        "smpp" => json!({"host": "smsc.example", "system_id": "us", "password": "hunter2"}),
        _ => json!({"url": "https://sms.example", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}),
    }
}

#[test]
fn every_kind_is_built_under_its_name_and_shows_no_secret() {
    let outbound = outbound();
    for kind in KINDS {
        let settings = settings_of(kind);
        let provider = build(kind, "mine", &settings, &means(outbound.clone())).unwrap_or_else(|faults| {
            panic!("{kind}: {faults:?}");
        });
        assert_eq!(provider.name(), "mine");
        let shown = redact(kind, &settings).to_string();
        assert!(!shown.contains("hunter2") && !shown.contains("MfKQ"), "{shown}");
        assert_eq!(update(kind, &settings, &redact(kind, &settings)), Ok(settings));
    }
}

#[test]
fn what_cannot_be_built_says_why() {
    let faults = |kind: &str, settings: Value| {
        build(kind, "mine", &settings, &means(outbound())).err().unwrap_or_default()
    };
    assert_eq!(fields(&faults("fax", json!({}))), ["kind"]);
    assert_eq!(fields(&faults("relay", json!({}))), ["url", "secret"]);
    let relay =
        json!({"url": "http://sms.example:x", "secret": "whsec_hunter2", "timeout_seconds": 99, "x": 1});
    let all = faults("relay", relay);
    assert_eq!(fields(&all), ["url", "secret", "timeout_seconds", "x"]);
    assert!(!format!("{all:?}").contains("hunter2"));
    assert_eq!(fields(&faults("relay", json!({"url": "https://10.0.0.1", "secret": 1}))), ["url", "secret"]);
    for kind in KINDS {
        assert_eq!(fields(&faults(kind, json!(7)))[0], "", "{kind}");
        assert_eq!(fields(&faults(kind, json!({"x": "y".repeat(MAX_SETTINGS)}))), [""], "{kind}");
    }
}
