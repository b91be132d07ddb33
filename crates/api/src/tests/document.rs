//! The OpenAPI document is the list of tests: each operation must do what it says.

use super::{Method, NOBODY, StatusCode, TestRequest, call, header, request, send_to, stores};
use crate::{compatible::FORMS, compatible_openapi, openapi};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use countersign_core::{
    access::scope::{Scope, Scopes},
    mode::Mode,
};
use countersign_web::form::{Form, Forms};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const METHODS: [&str; 5] = ["get", "post", "patch", "put", "delete"];

/// Every operation: method, path with example ids, and its description in the document.
fn operations() -> Vec<(Method, String, Value)> {
    let document = serde_json::to_value(openapi()).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let kind = match path.split('/').nth(2) {
            Some("keys") => "key",
            Some("members") => "mem",
            Some("invitations") => "inv",
            Some("review-numbers") => "rev",
            Some("providers") => "prv",
            Some("senders") => "snd",
            Some("routes") => "rte",
            Some("templates") => "tpl",
            Some("webhooks") => "whk",
            Some("tenants") => "ten",
            _ => "ver",
        };
        let uri = path.replace("{id}", &format!("{kind}_{NOBODY}")).replace("{name}", "number");
        for method in METHODS {
            if let Some(operation) = item.get(method) {
                operations.push((method.to_uppercase().parse().unwrap(), uri.clone(), operation.clone()));
            }
        }
    }
    operations
}

fn scope(operation: &Value) -> Option<Scope> {
    let name = operation.get("security")?[0]["key"][0].as_str().unwrap();
    Some(Scope::parse(name).unwrap())
}

#[actix_web::test]
async fn each_operation_asks_for_the_scope_that_it_names() {
    let mut guarded = 0;
    for (method, uri, operation) in operations() {
        let Some(right) = scope(&operation) else {
            assert!(!uri.starts_with("/v1/"), "{uri} names no scope");
            continue;
        };
        guarded += 1;
        let api = stores::api(Mode::Live, Scopes::all(), false);
        let nobody = send_to(api, request(method.clone(), &uri)).await;
        assert_eq!(nobody.status, StatusCode::UNAUTHORIZED, "{method} {uri}");
        // Those of a tenant: one of them is a key that holds everything.
        let others = Scopes::all().iter().filter(|scope| *scope != right).collect();
        let refused = call(Mode::Live, others, request(method.clone(), &uri)).await;
        let challenge = format!(r#"Bearer error="insufficient_scope", scope="{}""#, right.as_str());
        assert_eq!(refused.header(header::WWW_AUTHENTICATE), challenge, "{method} {uri}");
        let only = call(Mode::Live, [right].into_iter().collect(), request(method.clone(), &uri)).await;
        let stopped = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&only.status);
        assert!(!stopped, "{method} {uri}: {}", only.body);
        let declared = operation["responses"].get(only.status.as_str()).is_some();
        assert!(declared, "{method} {uri} does not declare {}", only.status);
    }
    assert_eq!(guarded, 93);
}

/// The compatible APIs have a document of their own and follow the same rules.
#[actix_web::test]
async fn compatible_operations_ask_for_one_scope_and_refuse_in_their_form() {
    let document = serde_json::to_value(compatible_openapi()).unwrap();
    let paths: Vec<_> = document["paths"].as_object().unwrap().iter().collect();
    // The Twilio paths have other credentials; a test below covers them.
    let (twilio, paths): (Vec<_>, Vec<_>) = paths.into_iter().partition(|(path, _)| path.starts_with("/v2/"));
    assert_eq!((twilio.len(), paths.len()), (9, 8));
    for (path, item) in paths {
        let (method, operation) = item.as_object().unwrap().iter().next().unwrap();
        let method: Method = method.to_uppercase().parse().unwrap();
        let &Form { schema, content_type: kind, .. } = Forms(&FORMS).of(path);
        for (status, answer) in operation["responses"].as_object().unwrap() {
            let found = answer["content"][kind]["schema"]["$ref"].as_str().unwrap_or_default();
            let expected = format!("#/components/schemas/{schema}");
            assert_eq!(found == expected, status.as_str() >= "400", "{path} {status}");
        }
        let Some(right) = scope(operation) else {
            assert!(path.ends_with("/ping"), "{path} names no scope");
            continue;
        };
        let nobody = stores::api(Mode::Live, Scopes::all(), false);
        let nobody = send_to(nobody, request(method.clone(), path)).await;
        assert_eq!(nobody.status, StatusCode::UNAUTHORIZED, "{path}");
        let others = Scopes::all().iter().filter(|scope| *scope != right).collect();
        let refused = call(Mode::Live, others, request(method.clone(), path)).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}");
        // The CAMARA paths treat a request without a body as one that lacks its body, whatever its media
        // type.
        let untyped = request(method.clone(), path).set_payload("x");
        let only = call(Mode::Live, [right].into_iter().collect(), untyped).await;
        assert_eq!(only.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{path}: {}", only.body);
        let body = request(method.clone(), path).set_json(json!({ "phone_number": "48500500500" }));
        let only = call(Mode::Live, [right].into_iter().collect(), body).await;
        let declared = operation["responses"].get(only.status.as_str()).is_some();
        assert!(declared, "{path} does not declare {}", only.status);
    }
}

/// The same rules for the Twilio paths.
#[actix_web::test]
async fn each_operation_of_twilio_s_asks_for_its_scope_in_its_own_form() {
    let document = serde_json::to_value(compatible_openapi()).unwrap();
    let mut guarded = 0;
    let paths = document["paths"].as_object().unwrap().iter();
    for (path, item) in paths.filter(|(path, _)| path.starts_with("/v2/")) {
        let sid = |name: &str, prefix: &str| (format!("{{{name}}}"), format!("{prefix}{}", "0".repeat(32)));
        let sids = [sid("service", "VA"), sid("limit", "RK"), sid("bucket", "BL"), sid("verification", "VE")];
        let uri = sids.iter().fold(path.clone(), |uri, (name, sid)| uri.replace(name, sid));
        for method in METHODS {
            let Some(operation) = item.get(method) else { continue };
            let method: Method = method.to_uppercase().parse().unwrap();
            let scopes = operation["security"][0]["twilio"].as_array().unwrap().iter();
            let right: Vec<_> = scopes.map(|scope| Scope::parse(scope.as_str().unwrap()).unwrap()).collect();
            assert_eq!(right[0], Scope::CompatTwilio, "{method} {uri}");
            guarded += 1;
            let basic = |request: TestRequest| {
                let account = format!("AC{:032x}", u128::from_be_bytes([7; 16]));
                let credentials = STANDARD.encode(format!("{account}:{}", stores::key_text(Mode::Live)));
                request.insert_header((header::AUTHORIZATION, format!("Basic {credentials}")))
            };
            let ask = |scopes, key: bool| {
                let request = request(method.clone(), &uri);
                let request = if key { basic(request) } else { request };
                send_to(stores::api(Mode::Live, scopes, false), request)
            };
            let refused = |answer: &super::Answer, status: u16, code: u32| {
                assert_eq!(answer.status.as_u16(), status, "{method} {uri}: {}", answer.body);
                assert_eq!(answer.body["code"], code, "{method} {uri}");
                assert_eq!(answer.body.as_object().unwrap().len(), 4, "{method} {uri}");
            };
            refused(&ask(Scopes::all(), false).await, 401, 20003);
            // A browser adds a password that a person once typed to every request that a page makes.
            for page in [("origin", "https://elsewhere.example"), ("sec-fetch-site", "cross-site")] {
                let request = basic(request(method.clone(), &uri)).insert_header(page);
                let answer = send_to(stores::api(Mode::Live, Scopes::all(), false), request).await;
                refused(&answer, 401, 20003);
            }
            for missing in &right {
                let others = Scopes::all().iter().filter(|scope| scope != missing).collect();
                refused(&ask(others, true).await, 403, 20403);
            }
            let only = ask(right.into_iter().collect(), true).await;
            assert!(![401, 403].contains(&only.status.as_u16()), "{method} {uri}: {}", only.body);
            let declared = operation["responses"].get(only.status.as_str()).is_some();
            assert!(declared, "{method} {uri} does not declare {}", only.status);
        }
    }
    assert_eq!(guarded, 19);
}

#[actix_web::test]
async fn bodies_have_the_fields_that_the_document_names() {
    let document = serde_json::to_value(openapi()).unwrap();
    let names = |errors: &Value, wanted: fn(&Value) -> bool| -> BTreeSet<String> {
        let errors = errors.as_array().into_iter().flatten().filter(|error| wanted(error));
        // An error in a list names its position in brackets.
        let name = |error: &Value| error["field"].as_str().unwrap().split('[').next().unwrap().to_owned();
        errors.map(name).collect()
    };
    let mut bodies = 0;
    for (method, uri, operation) in operations() {
        let Some(content) = operation.pointer("/requestBody/content/application~1json/schema") else {
            continue;
        };
        bodies += 1;
        let name = content["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
        let schema = &document["components"]["schemas"][name];
        let properties = schema["properties"].as_object().unwrap();
        assert_eq!(schema["additionalProperties"], false, "{name}");
        let wrong: Value = properties.keys().map(|name| (name.clone(), json!([[]]))).collect();
        let scopes = match scope(&operation) {
            Some(Scope::Operator) => [Scope::Operator].into_iter().collect(),
            _ => Scopes::all(),
        };
        let send = |body: Value| call(Mode::Live, scopes, request(method.clone(), &uri).set_json(body));
        let answer = send(wrong).await;
        let read = names(&answer.body["errors"], |error| error["code"] != "unknown_field");
        assert_eq!(read, properties.keys().cloned().collect(), "{name}: {}", answer.body);
        let empty = send(json!({})).await;
        let missing = names(&empty.body["errors"], |error| error["code"] == "required");
        let required = schema["required"].as_array().into_iter().flatten();
        assert_eq!(missing, required.map(|n| n.as_str().unwrap().to_owned()).collect(), "{name}");
    }
    assert_eq!(bodies, 38);
}

#[actix_web::test]
async fn other_methods_are_405_with_those_that_are_there() {
    let operations = operations();
    for (_, uri, _) in &operations {
        let known = operations.iter().filter(|o| o.1 == *uri).map(|o| o.0.as_str());
        let mut known: BTreeSet<_> = known.collect();
        if known.contains("GET") {
            known.insert("HEAD");
        }
        for method in ["GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "TRACE", "BREW"] {
            if known.contains(method) {
                continue;
            }
            let answer = call(Mode::Live, Scopes::all(), request(method.parse().unwrap(), uri)).await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {uri}");
            let allow = answer.header(header::ALLOW).split(", ").collect();
            assert_eq!(known, allow, "{method} {uri}");
        }
    }
    let nowhere = call(Mode::Live, Scopes::all(), request(Method::GET, "/v1/nothing")).await;
    assert_eq!((nowhere.status.as_u16(), &nowhere.body["code"]), (404, &json!("not_found")));
}

#[test]
fn headers_that_some_refusals_lack_say_when_they_are_there() {
    for (method, uri, operation) in operations() {
        for (status, header) in [("403", "WWW-Authenticate"), ("429", "Retry-After")] {
            let Some(answer) = operation["responses"].get(status) else { continue };
            let header = &answer["headers"][header];
            assert!(header["description"].as_str().unwrap().contains("present when"), "{method} {uri}");
            assert_ne!(header["required"], true, "{method} {uri}");
        }
    }
}

#[test]
fn every_answer_is_described_and_every_refusal_is_a_problem() {
    for (method, uri, operation) in operations() {
        assert!(operation["operationId"].is_string() && operation["summary"].is_string(), "{method} {uri}");
        assert_eq!(operation["tags"].as_array().unwrap().len(), 1, "{method} {uri}");
        for (status, answer) in operation["responses"].as_object().unwrap() {
            let place = format!("{method} {uri} {status}");
            assert_ne!(answer["description"].as_str().unwrap(), "", "{place}");
            assert!(answer["headers"]["X-Request-Id"].is_object(), "{place}");
            let problem = &answer["content"]["application/problem+json"]["schema"]["$ref"];
            let refusal = status.as_str() >= "400";
            assert_eq!(problem == "#/components/schemas/Problem", refusal, "{place}");
        }
    }
}
