//! The OpenAPI documents are the list of tests. For each operation, including the compatible ones: no key
//! gets 401, every wrong scope and a wrong address get 403, another tenant's id gets 404, and the right scope
//! with a broken body gets 400. What the operator does, every key of a tenant is refused.

use crate::{
    app::{Answer, TestApp, TestKey},
    codes::new_tenant,
    members,
};
use countersign_core::{
    access::{
        actor::Actor,
        allowlist::Allowlist,
        scope::{Scope, Scopes},
    },
    mode::Mode,
    tenant::{PORTAL, PORTAL_ENROL, system},
};
use futures_util::future::join_all;
use serde_json::{Value, json};

pub struct Operation {
    pub id: String,
    pub method: String,
    pub path: String,
    pub scope: Scope,
    pub has_body: bool,
}

pub fn operations() -> Vec<Operation> {
    let documents = [countersign_api::openapi(), countersign_api::compatible_openapi()];
    let documents = documents.map(|document| serde_json::to_value(document).unwrap());
    let paths = documents.iter().flat_map(|document| document["paths"].as_object().unwrap());
    // Twilio's clients have other credentials; `twilio.rs` tests their operations.
    let paths = paths.filter(|(path, _)| !path.starts_with("/v2/"));
    let mut operations = Vec::new();
    for (path, item) in paths {
        for (method, operation) in item.as_object().unwrap() {
            let Some(security) = operation["security"].as_array() else { continue };
            assert_eq!(security.len(), 1, "{path}: one way to authenticate");
            let scopes = security[0]["key"].as_array().unwrap();
            assert_eq!(scopes.len(), 1, "{path}: exactly one scope");
            operations.push(Operation {
                id: operation["operationId"].as_str().unwrap().to_owned(),
                method: method.to_uppercase(),
                path: path.clone(),
                scope: Scope::parse(scopes[0].as_str().unwrap()).unwrap(),
                has_body: operation["requestBody"]["required"] == true,
            });
        }
    }
    operations
}

impl Operation {
    /// The status and the code of a refusal, in the form of the path.
    pub fn refusal(&self, answer: &Answer) -> (u16, &'static str) {
        let code = if self.path.starts_with("/v1/") {
            let (_, code) = answer.problem();
            code
        } else {
            assert_eq!(answer.header("content-type"), "application/json", "{answer:?}");
            let body = answer.json();
            let code = if self.path.contains("/mfa/") { &body["error"] } else { &body["code"] };
            code.as_str().unwrap().to_owned()
        };
        let known = [
            (401, "invalid_key", "UNAUTHENTICATED"),
            (403, "insufficient_scope", "PERMISSION_DENIED"),
            (403, "ip_not_allowed", "PERMISSION_DENIED"),
        ];
        let found = known.into_iter().find(|(status, ours, theirs)| {
            *status == answer.status && [*ours, *theirs].contains(&code.as_str())
        });
        found.map_or((answer.status, "another"), |(status, ours, _)| {
            // CAMARA has one code for both.
            let listed = answer.header("www-authenticate").is_empty() && status == 403;
            (status, if listed { "ip_not_allowed" } else { ours })
        })
    }
}

/// The path with ids of existing things that belong to `owner`.
pub async fn concrete(app: &TestApp, operation: &Operation, owner: &TestKey, number: &str) -> String {
    if operation.path.contains("{name}") {
        // Names are unique only within a tenant: a stranger's thing with this name is his own.
        let name = format!("own-{}", operation.id.replace('_', "-"));
        let path = operation.path.replace("{name}", &name);
        let body = if path.starts_with("/v1/limits") {
            json!({ "buckets": [{ "max": 1, "window": 60 }] })
        } else {
            json!({})
        };
        let made = app.send("PUT", &path, Some(&owner.text), Some(&body)).await;
        assert!([200, 201].contains(&made.status), "{made:?}");
        return path;
    }
    let id = if operation.path.starts_with("/v1/keys") {
        app.key_for(&owner.caller, Mode::Live, Scopes::default()).await.caller.key().unwrap().to_string()
    } else if operation.path.starts_with("/v1/tenants/") {
        new_tenant(&app.context, &app.clock, "Managed").await.tenant.to_string()
    } else if operation.path.starts_with("/v1/review-numbers/") {
        let made = app.post("/v1/review-numbers", owner, json!({ "to": number })).await;
        made.json()["id"].as_str().unwrap().to_owned()
    } else if operation.path.starts_with("/v1/webhooks/") {
        // A tenant may have only a few of these, so each is created for this operation alone.
        let body = json!({ "name": operation.id.replace('_', "-"), "url": "https://webhooks.invalid/" });
        let made = app.post("/v1/webhooks", owner, body).await;
        made.json()["id"].as_str().unwrap().to_owned()
    } else if let Some(id) = setup(app, operation, owner).await {
        id
    } else if operation.path.contains("{id}") {
        app.start(owner, number).await
    } else {
        String::new()
    };
    operation.path.replace("{id}", &id)
}

/// The id of an existing provider, sender, route or template, for an operation that needs one.
async fn setup(app: &TestApp, operation: &Operation, owner: &TestKey) -> Option<String> {
    let name = format!("own-{}", operation.id.replace('_', "-"));
    let make = async |path: &str, body: Value| {
        let made = app.post(path, owner, body).await;
        assert_eq!(made.status, 201, "{made:?}");
        made.json()["id"].as_str().unwrap().to_owned()
    };
    let kind = operation.path.strip_prefix("/v1/")?.split("/{id}").next()?;
    Some(match kind {
        _ if !operation.path.contains("{id}") => return None,
        "members" => {
            let email = format!("{name}@example.com");
            members::join(app, owner.caller.tenant, &email, members::subuser()).await.id.to_string()
        }
        "invitations" => {
            let email = format!("{name}@example.com");
            make("/v1/invitations", json!({ "email": email, "role": "subuser", "permissions": [] })).await
        }
        "providers" => app.provider(owner, &name).await,
        "senders" => make("/v1/senders", json!({ "sender": "Acme" })).await,
        "routes" => {
            let provider = app.verified_provider(owner, &name).await;
            make("/v1/routes", json!({ "name": name, "provider": provider })).await
        }
        "templates" => make("/v1/templates", json!({ "name": name, "texts": { "en": "{code}" } })).await,
        _ => return None,
    })
}

/// Both modes may read a tenant's settings. Only live keys may change settings that affect live keys.
fn is_setting(operation: &Operation) -> bool {
    let settings = [
        "/v1/keys/",
        "/v1/members/",
        "/v1/invitations/",
        "/v1/review-numbers/",
        "/v1/providers/",
        "/v1/senders/",
        "/v1/routes/",
        "/v1/templates/",
    ];
    settings.iter().any(|path| operation.path.starts_with(path))
}

#[tokio::test]
async fn every_operation_asks_for_its_key_scope_tenant_and_body() {
    let app = TestApp::spawn().await;
    let owner = app.tenant("Owner").await;
    let stranger = app.tenant("Stranger").await;
    let operator = app.operator_key().await;
    let operations = operations();
    // One key for each scope, used throughout, because a tenant may have only a thousand keys.
    let keys = join_all(Scope::ALL.map(|scope| app.key_with(&owner.caller, scope))).await;
    let keys: Vec<_> = Scope::ALL.into_iter().zip(keys).collect();
    assert!(operations.len() >= 15, "the document lists {} operations", operations.len());
    for (n, operation) in operations.iter().enumerate() {
        let Operation { id, method, scope, .. } = operation;
        let path = concrete(&app, operation, &owner, &crate::codes::number(n)).await;
        let broken = json!({ "no_such_field": true });

        let none = app.send(method, &path, None, Some(&broken)).await;
        assert_eq!(operation.refusal(&none), (401, "invalid_key"), "{id}");
        assert!(none.header("www-authenticate").starts_with("Bearer"), "{id}");
        let slip = if owner.text.ends_with('x') { "y" } else { "x" };
        let unknown = format!("{}{slip}", &owner.text[..owner.text.len() - 1]);
        assert_eq!(app.send(method, &path, Some(&unknown), None).await.status, 401, "{id}");

        // A row may say so, and yet no key of a tenant does what the operator does.
        let operators = *scope == Scope::Operator;
        for (other, key) in keys.iter().filter(|(other, _)| operators || other != scope) {
            let refused = app.send(method, &path, Some(&key.text), Some(&broken)).await;
            assert_eq!(
                operation.refusal(&refused),
                (403, "insufficient_scope"),
                "{id} with {}",
                other.as_str()
            );
            assert!(refused.header("www-authenticate").contains(scope.as_str()), "{id}");
        }

        let (scopes, elsewhere) =
            ([*scope].into_iter().collect(), Allowlist::parse("203.0.113.0/24\telsewhere").unwrap());
        let caller = if operators { &operator.caller } else { &owner.caller };
        let far = app.key_within(caller, Mode::Live, scopes, elsewhere).await;
        let refused = app.send(method, &path, Some(&far.text), Some(&broken)).await;
        assert_eq!(operation.refusal(&refused), (403, "ip_not_allowed"), "{id}");

        let (_, tenant_s) = keys.iter().find(|(one, _)| one == scope).unwrap();
        let right = if operators { &operator } else { tenant_s };
        if operation.has_body {
            let refused = app.send(method, &path, Some(&right.text), Some(&broken)).await;
            assert_eq!(refused.status, 400, "{id}: {refused:?}");
        }
        if operators {
            let foreign = app.send(method, &path, Some(&stranger.text), body_for(id).as_ref()).await;
            assert_eq!(foreign.problem(), (403, "insufficient_scope".into()), "{id}");
            if operation.path.contains("{id}") {
                for tenant in system::ALL {
                    let own = operation.path.replace("{id}", &tenant.to_string());
                    let none = app.send(method, &own, Some(&right.text), body_for(id).as_ref()).await;
                    assert_eq!(none.problem(), (404, "not_found".into()), "{id}");
                }
            }
            continue;
        }
        let makes = method == "PUT";
        if operation.path.contains("{name}") && !makes {
            let foreign = app.send(method, &path, Some(&stranger.text), body_for(id).as_ref()).await;
            assert_eq!(foreign.problem(), (404, "not_found".into()), "{id}");
        }
        if operation.path.contains("{id}") {
            let body = body_for(id);
            let foreign = app.send(method, &path, Some(&stranger.text), body.as_ref()).await;
            assert_eq!(foreign.problem(), (404, "not_found".into()), "{id}");
            let other_mode = app.key_for(&owner.caller, Mode::Test, Scopes::all()).await;
            let foreign = app.send(method, &path, Some(&other_mode.text), body.as_ref()).await;
            if is_setting(operation) && method == "GET" {
                assert_eq!(foreign.status, 200, "{id} from test mode");
                continue;
            }
            // A test key changes test keys, but moves none: moves are judged like changes of members.
            let of_test_keys = operation.path.starts_with("/v1/keys/") && id != "move_key";
            if is_setting(operation) && !of_test_keys {
                assert_eq!(foreign.problem(), (403, "insufficient_scope".into()), "{id} from test mode");
                continue;
            }
            assert_eq!(foreign.problem(), (404, "not_found".into()), "{id} from test mode");
        }
    }
}

pub fn body_for(operation: &str) -> Option<Value> {
    match operation {
        "check_code" => Some(json!({ "code": "123456" })),
        "rotate_key" => Some(json!({})),
        "move_key" => Some(json!({ "member": null })),
        "update_member" => Some(json!({ "disabled": true })),
        "update_key" => Some(json!({ "name": "stolen" })),
        "rotate_webhook" => Some(json!({})),
        "update_webhook" => Some(json!({ "enabled": false })),
        "redeliver_message" => Some(json!({ "message_id": format!("whm_{}", "0".repeat(26)) })),
        "update_profile" => Some(json!({ "code_length": 4 })),
        "update_provider" => Some(json!({ "rate": 5 })),
        "test_provider" => Some(json!({ "to": "+48500500500" })),
        "update_route" => Some(json!({ "weight": 5 })),
        "update_managed_tenant" => Some(json!({ "disabled": true })),
        "create_tenant_key" => Some(json!({ "name": "first", "scopes": ["settings:read"] })),
        "replace_tenant_portal_allowlist" => Some(json!({ "entries": [] })),
        "update_tenant_security" => Some(json!({ "password_days": 60 })),
        "update_template" => Some(json!({ "transliterate": true })),
        _ => None,
    }
}

/// No command and no operation makes such a key. This one was written into the database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_in_a_tenant_of_the_portal_opens_nothing() {
    let app = TestApp::spawn().await;
    for tenant in [PORTAL, PORTAL_ENROL] {
        let forged = app.key_for(&Actor::operator(tenant), Mode::Live, Scopes::all()).await;
        for operation in operations() {
            let path = operation.path.replace("{id}", &tenant.to_string()).replace("{name}", "default");
            let refused = app.send(&operation.method, &path, Some(&forged.text), Some(&json!({}))).await;
            assert_eq!(operation.refusal(&refused), (401, "invalid_key"), "{}", operation.id);
        }
    }
}
