//! Canonical JSON (RFC 8785): one text for one value, so that its hash can be computed again.

use serde_json::{Map, Value};
use std::fmt::Write as _;

/// The largest whole number that every reader of JSON reads exactly: 2^53 - 1.
const MOST: u64 = (1 << 53) - 1;

/// Writes a value in canonical form: members sorted by name, no spaces. A number that is not whole, or too
/// large for some readers of JSON, becomes a text, because its digits could differ between writers.
pub fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => {
            let exact = number.as_i64().is_some_and(|number| number.unsigned_abs() <= MOST);
            let quote = if exact { "" } else { "\"" };
            let _ = write!(out, "{quote}{number}{quote}");
        }
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(members) => write_object(members, out),
    }
}

fn write_object(members: &Map<String, Value>, out: &mut String) {
    let mut sorted: Vec<_> = members.iter().collect();
    sorted.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
    out.push('{');
    for (index, (name, value)) in sorted.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_text(name, out);
        out.push(':');
        write(value, out);
    }
    out.push('}');
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0'..='\u{1f}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_form_is_that_of_rfc_8785() {
        // The examples of sections 3.2.2 and 3.2.3, without their numbers.
        let sample = json!({"string": "\u{20ac}$\u{f}\nA'B\"\\\\\"/", "literals": [null, true, false]});
        let expected =
            "{\"literals\":[null,true,false],\"string\":\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
        assert_eq!(canonical(&sample), expected);
        let names =
            json!({"\u{20ac}": 1, "\r": 2, "\u{fb33}": 3, "1": 4, "\u{1f600}": 5, "\u{80}": 6, "\u{f6}": 7});
        // The order of section 3.2.3: by UTF-16, so that the emoji comes before U+FB33.
        let order: Vec<_> =
            canonical(&names).split(':').skip(1).filter_map(|rest| rest.chars().next()).collect();
        assert_eq!(order.iter().collect::<String>(), "2467153");
    }

    #[test]
    fn numbers_that_readers_could_read_differently_become_texts() {
        let numbers = json!([0, -5, 9_007_199_254_740_991u64, 9_007_199_254_740_992u64, u64::MAX, 0.5]);
        let expected = r#"[0,-5,9007199254740991,"9007199254740992","18446744073709551615","0.5"]"#;
        assert_eq!(canonical(&numbers), expected);
    }

    #[test]
    fn the_text_reads_back_as_the_value() {
        let value = json!({"b": [1, {"z": "\u{1}", "a": null}], "a": "\u{7f}\u{2028}"});
        assert_eq!(serde_json::from_str::<Value>(&canonical(&value)).unwrap(), value);
    }
}
