//! The APIs that are compatible with SMSAPI and CAMARA, over HTTP.

mod camara;
mod smsapi;

use crate::app::{Answer, TestApp, TestKey, answer};
use countersign_core::{
    access::{
        actor::Actor,
        scope::{Scope, Scopes},
    },
    mode::Mode,
};
use serde_json::Value;

const TO: &str = "+48500500500";

/// A key of the tenant with exactly these scopes.
async fn client(app: &TestApp, caller: &Actor, mode: Mode, scopes: &[Scope]) -> TestKey {
    app.key_for(caller, mode, scopes.iter().copied().collect::<Scopes>()).await
}

/// Sends a body of any media type.
async fn send(app: &TestApp, key: &TestKey, path: &str, kind: &str, body: impl Into<String>) -> Answer {
    let request = app.client.post(format!("{}{path}", app.base_url)).bearer_auth(&key.text);
    answer(request.header("content-type", kind).body(body.into())).await
}

fn wrong(code: &str) -> String {
    let flip = |c: char| if c == '7' { '9' } else { '7' };
    code.chars().map(flip).collect()
}

/// The names of an object's members, in order.
fn names(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}
