//! Tests what the document says about deprecated operations.

use super::*;
use jiff::civil::date;
use serde_json::json;

const OLD: Deprecation = Deprecation {
    method: "GET",
    path: "/v1/tenant",
    since: date(2026, 1, 1),
    sunset: date(2027, 1, 1),
    link: "https://example.com/docs/versioning",
};

#[test]
fn the_document_marks_what_the_table_names_and_nothing_else() {
    let table = [OLD, Deprecation { method: "POST", path: "/v1/verifications/{id}/check", ..OLD }];
    let marked = serde_json::to_value(openapi_deprecating(&table)).unwrap();
    let plain = serde_json::to_value(openapi_deprecating(&[])).unwrap();
    let mut changed = Vec::new();
    for (path, item) in marked["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if *operation != plain["paths"][path][method] {
                changed.push(format!("{method} {path}"));
            }
        }
    }
    assert_eq!(changed, ["get /v1/tenant", "post /v1/verifications/{id}/check"]);
    let operation = &marked["paths"]["/v1/tenant"]["get"];
    assert_eq!((&operation["deprecated"], &operation["x-sunset"]), (&json!(true), &json!("2027-01-01")));
    let words = "Deprecated since 2026-01-01; it may be gone from 2027-01-01 on.";
    assert!(operation["description"].as_str().unwrap().contains(words));
    for status in ["200", "401"] {
        assert!(operation["responses"][status]["headers"]["Sunset"].is_object(), "{status}");
    }
}

#[test]
fn what_is_deprecated_is_there_and_stays_its_time() {
    let mut document = openapi_deprecating(DEPRECATED);
    for one in DEPRECATED {
        let item = document.paths.paths.get_mut(one.path);
        let there = item.is_some_and(|item| operations(item).any(|(m, _)| m == one.method));
        assert!(there, "there is no {} {}", one.method, one.path);
    }
    assert_eq!(too_soon(env!("CARGO_PKG_VERSION"), DEPRECATED), Vec::<&str>::new());
}

/// From 1.0 on there must be 12 months between the notice and the end.
fn too_soon(version: &str, table: &[Deprecation]) -> Vec<&'static str> {
    let months = if version.starts_with("0.") { 0 } else { 12 };
    let soon = |one: &&Deprecation| one.sunset < one.since.saturating_add(jiff::Span::new().months(months));
    table.iter().filter(soon).map(|one| one.path).collect()
}

#[test]
fn twelve_months_count_from_one_on() {
    let table = [OLD, Deprecation { sunset: date(2026, 12, 31), path: "/v1/keys", ..OLD }];
    assert_eq!(too_soon("1.3.0", &table), ["/v1/keys"]);
    assert_eq!(too_soon("0.3.0", &table), Vec::<&str>::new());
}
