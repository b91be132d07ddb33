//! Hides secrets in settings, and applies changes by people who saw only the hidden form.

use super::merge::merge;
use crate::settings::{Fault, REDACTED};
use serde_json::Value;

/// The fields that are never shown again. If one is an object, all its fields are secret.
fn secrets(kind: &str) -> Option<&'static [&'static str]> {
    Some(match kind {
        "smsapi" => &["token"],
        "twilio" => &["auth_token", "api_key_secret"],
        "http" => &["secrets"],
        "smpp" => &["password"],
        "relay" => &["secret"],
        _ => return None,
    })
}

/// The fields that decide where the secrets are sent.
fn carriers(kind: &str) -> &'static [&'static str] {
    match kind {
        "smsapi" => &["service", "base_url", "backup_url"],
        "twilio" => &["base_url"],
        "smpp" => &["host", "port", "tls", "ca"],
        // A template could put a secret into the text of a message.
        "http" => &["preset", "method", "url", "headers", "basic", "content_type", "body"],
        // The secret of this kind only signs; it is never sent.
        _ => &[],
    }
}

/// The settings with [`REDACTED`] in place of each secret. For an unknown kind, everything is hidden.
pub fn redact(kind: &str, settings: &Value) -> Value {
    let Some(names) = secrets(kind) else { return REDACTED.into() };
    let mut shown = settings.clone();
    for name in names {
        match shown.get_mut(name) {
            None | Some(Value::Null) => {}
            Some(Value::Object(inner)) => {
                inner
                    .values_mut()
                    .filter(|value| !value.is_null())
                    .for_each(|value| *value = REDACTED.into());
            }
            Some(value) => *value = REDACTED.into(),
        }
    }
    shown
}

/// Changes the settings by a JSON Merge Patch (RFC 7396). A secret that the patch leaves out, or gives as
/// [`REDACTED`], stays as it was. [`super::build`] checks the result.
///
/// If a field that decides where secrets are sent changes, the secrets must be given again. Otherwise a
/// person who may change an address, but never saw the secrets, could have them sent to an address of his
/// own.
pub fn update(kind: &str, settings: &Value, patch: &Value) -> Result<Value, Vec<Fault>> {
    let names = secrets(kind).unwrap_or_default();
    let mut given = patch.clone();
    for name in names {
        match given.get_mut(name) {
            Some(Value::Object(inner)) => inner.retain(|_, value| *value != REDACTED),
            Some(value) if *value == REDACTED => {
                given.as_object_mut().map(|object| object.remove(*name));
            }
            _ => {}
        }
    }
    let mut whole = settings.clone();
    merge(&mut whole, &given);
    let Some(changed) = carriers(kind).iter().find(|name| settings.get(**name) != whole.get(**name)) else {
        return Ok(whole);
    };
    let kept = names.iter().flat_map(|name| kept(name, &whole, &given));
    let message = format!("must be given again when {changed} changes");
    let faults: Vec<_> = kept.map(|field| Fault { field, message: message.clone() }).collect();
    if faults.is_empty() { Ok(whole) } else { Err(faults) }
}

/// The secrets under this name that the patch did not give.
fn kept(name: &str, whole: &Value, given: &Value) -> Vec<String> {
    match whole.get(name) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Object(inner)) => {
            let stays = |field: &&String| given.get(name).and_then(|given| given.get(*field)).is_none();
            inner.keys().filter(stays).map(|field| format!("{name}.{field}")).collect()
        }
        Some(_) if given.get(name).is_some() => Vec::new(),
        Some(_) => vec![name.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_are_never_shown() {
        for (kind, settings, shown) in [
            (
                "smsapi",
                json!({"token": "hunter2", "service": "pl"}),
                json!({"token": "***", "service": "pl"}),
            ),
            ("smsapi", json!({"service": "pl", "token": null}), json!({"service": "pl", "token": null})),
            ("smsapi", json!({"token": ["hunter2"]}), json!({"token": "***"})),
            (
                "twilio",
                json!({"auth_token": "hunter2", "api_key_secret": "hunter2", "from": "A"}),
                json!({"auth_token": "***", "api_key_secret": "***", "from": "A"}),
            ),
            (
                "http",
                json!({"secrets": {"a": "hunter2", "b": 2}}),
                json!({"secrets": {"a": "***", "b": "***"}}),
            ),
            ("http", json!({"secrets": "hunter2"}), json!({"secrets": "***"})),
            ("relay", json!({"secret": "hunter2"}), json!({"secret": "***"})),
            ("other", json!({"token": "hunter2"}), json!("***")),
            ("smsapi", json!("hunter2x"), json!("hunter2x")),
        ] {
            assert_eq!(redact(kind, &settings), shown, "{kind}");
        }
    }

    #[test]
    fn a_change_leaves_what_it_did_not_see() {
        let old = json!({"token": "hunter2", "service": "pl", "from": "Bank"});
        let new = update("smsapi", &old, &json!({"token": "***", "from": "Shop", "fast": false})).unwrap();
        assert_eq!(new, json!({"token": "hunter2", "service": "pl", "from": "Shop", "fast": false}));
        assert_eq!(update("smsapi", &old, &redact("smsapi", &old)), Ok(old.clone()));
        let new = update("smsapi", &old, &json!({"token": "hunter3", "from": null})).unwrap();
        assert_eq!(new, json!({"token": "hunter3", "service": "pl"}));

        let old =
            json!({"secrets": {"a": "hunter2", "b": "hunter2"}, "url": "https://sms.example/a", "from": "A"});
        let patch = json!({"secrets": {"a": "***", "b": null, "c": "hunter3"}, "from": "B"});
        let new = update("http", &old, &patch).unwrap();
        let secrets = json!({"a": "hunter2", "c": "hunter3"});
        assert_eq!(new, json!({"secrets": secrets, "url": "https://sms.example/a", "from": "B"}));
        // A secret that was never set is not kept.
        let new = update("smsapi", &json!({}), &json!({"token": "***"})).unwrap();
        assert_eq!(new, json!({}));
    }

    #[test]
    fn secrets_do_not_stay_where_what_carries_them_changes() {
        let refused = |kind: &str, old: Value, patch: Value| {
            let faults = update(kind, &old, &patch).unwrap_err();
            faults.into_iter().map(|fault| fault.field).collect::<Vec<_>>()
        };
        let smsapi = json!({"token": "hunter2", "base_url": "https://sms.example"});
        let to = json!({"base_url": "https://evil.example", "token": "***"});
        assert_eq!(refused("smsapi", smsapi.clone(), to), ["token"]);
        assert_eq!(refused("smsapi", smsapi.clone(), json!({"base_url": null, "service": "pl"})), ["token"]);
        assert_eq!(
            refused("smsapi", smsapi.clone(), json!({"backup_url": "https://evil.example"})),
            ["token"]
        );
        let given = json!({"base_url": "https://other.example", "token": "hunter3"});
        assert!(update("smsapi", &smsapi, &given).is_ok());

        let http =
            json!({"secrets": {"a": "hunter2", "b": "hunter2"}, "url": "https://sms.example/{secret.a}"});
        let to = |secrets: Value| json!({"url": "https://evil.example/{secret.a}", "secrets": secrets});
        assert_eq!(refused("http", http.clone(), to(json!({"b": "hunter3"}))), ["secrets.a"]);
        assert_eq!(refused("http", http.clone(), json!({"preset": "vonage"})), ["secrets.a", "secrets.b"]);
        let into_text = json!({"body": {"text": "{text} {secret.a}"}});
        assert_eq!(refused("http", http.clone(), into_text), ["secrets.a", "secrets.b"]);
        assert!(update("http", &http, &to(json!({"a": "hunter3", "b": null}))).is_ok());
    }
}
