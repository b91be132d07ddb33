use super::*;
use crate::problem::{MAX_ERRORS, MAX_FIELD_NAME};
use actix_web::ResponseError;

/// The problem's own code, and its errors as `field:code`.
async fn told(problem: Problem) -> (String, Vec<String>) {
    let body = problem.error_response().into_body();
    let bytes = actix_web::body::to_bytes(body).await.unwrap();
    let body: Value = serde_json::from_slice(&bytes).unwrap();
    let part = |error: &Value, name: &str| error[name].as_str().unwrap().to_owned();
    let errors = body["errors"].as_array().cloned().unwrap_or_default();
    let errors = errors.iter().map(|e| format!("{}:{}", part(e, "field"), part(e, "code"))).collect();
    (part(&body, "code"), errors)
}

#[actix_web::test]
async fn everything_wrong_is_told_at_once() {
    let body = br#"{"length": 3, "flag": "yes", "name": 7, "more": 1, "twice": 1, "twice": 2}"#;
    let mut fields = Fields::from_json(body).unwrap();
    assert!(fields.required("to", text).is_none());
    assert!(fields.optional("length", whole(4..=10)).is_none());
    assert!(fields.optional("flag", boolean).is_none());
    assert!(fields.required("name", text).is_none());
    fields.optional("twice", whole(0..=9));
    let (code, errors) = told(fields.finish(Some(())).unwrap_err()).await;
    assert_eq!(code, "invalid_request");
    let expected = [
        "twice:duplicate",
        "to:required",
        "length:out_of_range",
        "flag:wrong_type",
        "name:wrong_type",
        "more:unknown_field",
    ];
    assert_eq!(errors, expected);
}

#[actix_web::test]
async fn a_name_stands_once_in_an_object_below_too() {
    let body = br#"{"metadata": {"a": "1", "b": null, "a": 2}, "list": [{"x": 1.5}], "on": true, "n": -7}"#;
    let mut fields = Fields::from_json(body).unwrap();
    let read = |fields: &mut Fields, name: &str| fields.required(name, Ok).unwrap();
    assert_eq!(read(&mut fields, "list"), serde_json::json!([{"x": 1.5}]));
    assert_eq!((read(&mut fields, "on"), read(&mut fields, "n")), (true.into(), (-7).into()));
    read(&mut fields, "metadata");
    let (_, errors) = told(fields.finish(Some(())).unwrap_err()).await;
    assert_eq!(errors, ["metadata.a:duplicate"]);
}

#[actix_web::test]
async fn what_is_wrong_in_an_array_names_its_place() {
    let body = br#"{"list": [{"a": "x"}, {"a": "x", "a": "y"}, 7, {"a": 1, "b": 2}]}"#;
    let mut fields = Fields::from_json(body).unwrap();
    let values = fields.required("list", array).unwrap();
    for (place, value) in values.into_iter().enumerate() {
        let read = fields.nested(&format!("list[{place}]"), value, |inner| inner.required("a", text));
        assert_eq!(read.is_some(), place < 2);
    }
    let (_, errors) = told(fields.finish(Some(())).unwrap_err()).await;
    let expected =
        ["list[1].a:duplicate", "list[2]:wrong_type", "list[3].a:wrong_type", "list[3].b:unknown_field"];
    assert_eq!(errors, expected);
}

#[actix_web::test]
async fn a_fault_alone_names_its_problem() {
    let read = |_| Err::<(), _>(Fault::format("no").alone(ProblemCode::InvalidPhoneNumber));
    let mut fields = Fields::from_json(br#"{"to": "x"}"#).unwrap();
    fields.required("to", read);
    assert_eq!(told(fields.finish(Some(())).unwrap_err()).await.0, "invalid_phone_number");
    let mut fields = Fields::from_json(br#"{"to": "x", "y": 1}"#).unwrap();
    fields.required("to", read);
    assert_eq!(told(fields.finish(Some(())).unwrap_err()).await.0, "invalid_request");
}

#[test]
fn null_is_absence_where_a_field_may_be_absent() {
    let mut fields = Fields::from_json(br#"{"a": null, "b": null, "c": null}"#).unwrap();
    assert_eq!(fields.optional("a", text), None);
    assert_eq!(fields.given_or_null("b", text), Some(None));
    assert_eq!(fields.given_or_null("absent", text), None);
    assert!(fields.given("c", text).is_none());
    assert_eq!(fields.errors.len(), 1, "only where null is no value");
}

#[test]
fn whole_numbers_are_those_of_json_schema() {
    let read = |text: &str| whole(4..=10)(serde_json::from_str(text).unwrap()).ok();
    assert_eq!(["4", "10", "6.0", "1e1"].map(read), [Some(4), Some(10), Some(6), Some(10)]);
    assert_eq!(["3", "11", "6.5", "-6", "1e300", "\"6\"", "true"].map(read), [None; 7]);
}

#[test]
fn what_is_no_json_object_is_refused_with_its_place() {
    for (body, place) in [
        (&b""[..], "(line 1, column 0)"),
        (b"{\"a\":\n 1,}", "(line 2, column 4)"),
        (b"[]", "must be a JSON object"),
        (b"{} {}", "not valid JSON"),
        (b"{\"a\": \"\xff\"}", "not valid JSON"),
    ] {
        let problem = Fields::from_json(body).unwrap_err();
        assert!(problem.chain().contains(place), "{} in {}", place, problem.chain());
    }
}

#[actix_web::test]
async fn the_list_is_bounded() {
    let names: Vec<_> = (0..100).map(|n| format!("\"{n}{}\": 1", "x".repeat(200))).collect();
    let fields = Fields::from_json(format!("{{{}}}", names.join(",")).as_bytes()).unwrap();
    let (_, errors) = told(fields.finish(Some(())).unwrap_err()).await;
    assert_eq!(errors.len(), MAX_ERRORS);
    assert!(errors.iter().all(|error| error.len() < MAX_FIELD_NAME + 20));
}
