use super::{Problem, ProblemCode};
use actix_web::{ResponseError, http::header};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// The table as the documentation prints it.
fn markdown() -> String {
    let mut text = String::from(
        "<!-- Generated: UPDATE_DOCS=1 cargo test -p countersign-web problem -->\n\
         # Problems\n\n\
         Every refusal is `application/problem+json` (RFC 9457). Match on `code`.\n\n\
         | status | code | title | type |\n|---|---|---|---|\n",
    );
    for code in ProblemCode::ALL {
        let (status, name, title) = code.row();
        text.push_str(&format!("| {status} | `{name}` | {title} | `{}` |\n", code.type_uri()));
    }
    text
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a switch of the test itself")]
fn the_documentation_prints_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/problems.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, markdown()).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), markdown(), "run with UPDATE_DOCS=1");
}

#[test]
fn codes_are_unique_and_statuses_are_errors() {
    let names: BTreeSet<_> = ProblemCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(names.len(), ProblemCode::ALL.len());
    for code in ProblemCode::ALL {
        assert_eq!(code.status().as_u16(), code.row().0);
        assert!(code.status().is_client_error() || code.status().is_server_error());
    }
}

#[test]
fn a_wait_is_rounded_up_and_stands_in_header_and_body() {
    let problem = Problem::new(ProblemCode::RateLimited, "wait").retry_after(Duration::from_millis(1_001));
    let response = problem.error_response();
    assert_eq!(response.headers().get(header::RETRY_AFTER).unwrap(), "2");
    assert_eq!(response.headers().get(header::CONTENT_TYPE).unwrap(), "application/problem+json");
}

#[test]
fn the_chain_names_every_cause_once() {
    let engine = countersign_core::ports::error::StoreError::unavailable("disk is full");
    let problem = Problem::new(ProblemCode::Internal, "start").caused_by(Arc::new(engine));
    assert_eq!(problem.chain(), "start: the store is unavailable: disk is full");
}
