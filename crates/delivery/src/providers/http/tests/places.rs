//! No value can leave its place.

use super::super::{request::RequestTemplate, template::Values};
use crate::{
    outbound::Request,
    provider::{Outgoing, SendError, tests::outgoing},
    providers::testing::{NUMBER, outbound},
    settings::Fields,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::Duration;
use zeroize::Zeroizing;

fn template(settings: &Value) -> RequestTemplate {
    RequestTemplate::parse(&mut Fields::new(settings), &outbound(), Duration::from_secs(1)).unwrap()
}

fn build(template: &RequestTemplate, text: &str) -> Result<Request, SendError> {
    let message =
        Outgoing { text: Zeroizing::new(text.to_owned()), from: text.to_owned(), ..outgoing(NUMBER) };
    template.build(&Values::new(&message, None, &super::Secrets::new(), false))
}

/// Texts with characters that are special in a URL, in JSON, in a form or in a header.
fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("../".to_owned()),
        Just("..".to_owned()),
        Just(".".to_owned()),
        Just("%2e%2e".to_owned()),
        Just("\\".to_owned()),
        Just("\"".to_owned()),
        Just("\r\n".to_owned()),
        Just("&x=y".to_owned()),
        Just("#".to_owned()),
        Just("?".to_owned()),
        Just("{to}".to_owned()),
        Just("\",\"x\":\"".to_owned()),
        Just("@evil.example/".to_owned()),
        Just(";".to_owned()),
        Just("+".to_owned()),
        Just("%00".to_owned()),
        any::<char>().prop_map(String::from),
        "[a-z0-9 ]{0,8}",
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn of_a_path_and_a_query(text in texts()) {
        let url = "https://sms.example/a/{text}/b?t={text}&to={to}";
        let template = template(&json!({"method": "GET", "url": url}));
        let Ok(request) = build(&template, &text) else {
            prop_assert!([".", ".."].contains(&text.as_str()), "{text:?}");
            return Ok(());
        };
        let url = request.url();
        prop_assert_eq!(url.host_str(), Some("sms.example"));
        prop_assert_eq!(url.fragment(), None);
        let segments: Vec<_> = url.path_segments().unwrap().collect();
        prop_assert_eq!((segments.len(), segments[0], segments[2]), (3, "a", "b"));
        let segment = percent_encoding::percent_decode_str(segments[1]).decode_utf8().unwrap();
        prop_assert_eq!(segment.as_ref(), text.as_str());
        let query: Vec<_> = url.query_pairs().into_owned().collect();
        prop_assert_eq!(query, [("t".to_owned(), text), ("to".to_owned(), NUMBER.to_owned())]);
    }

    #[test]
    fn of_a_json_text(text in texts()) {
        let body = json!({"a": {"text": "<{text}>", "to": "{to}"}, "list": ["{text}", 7]});
        let template = template(&json!({"url": "https://sms.example", "content_type": "json", "body": body}));
        let request = build(&template, &text).unwrap();
        let sent: Value = serde_json::from_slice(request.body_bytes()).unwrap();
        let expected = json!({"a": {"text": format!("<{text}>"), "to": NUMBER}, "list": [text, 7]});
        prop_assert_eq!(sent, expected);
    }

    #[test]
    fn of_a_form_value(text in texts()) {
        let body = json!({"text": "{text}", "to": "{to}"});
        let template = template(&json!({"url": "https://sms.example", "content_type": "form", "body": body}));
        let request = build(&template, &text).unwrap();
        let sent: Vec<_> = url::form_urlencoded::parse(request.body_bytes()).into_owned().collect();
        prop_assert_eq!(sent, [("text".to_owned(), text), ("to".to_owned(), NUMBER.to_owned())]);
    }

    #[test]
    fn of_a_header(text in texts()) {
        let headers = json!({"X-From": "<{from}>"});
        let template = template(&json!({"method": "GET", "url": "https://sms.example", "headers": headers}));
        let printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        match build(&template, &text) {
            Ok(request) => {
                prop_assert!(printable);
                let value = request.headers().get("x-from").unwrap().to_str().unwrap();
                prop_assert_eq!(value, format!("<{text}>"));
            }
            Err(error) => {
                prop_assert!(!printable);
                prop_assert_eq!(error, SendError::decline("a value cannot stand in a header"));
            }
        }
    }
}
