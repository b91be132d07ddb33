//! Reads the bodies of the SMSAPI-compatible API. Its clients send them in three media types.

use super::multipart::{self, MAX_FIELDS};
use crate::http::values::number;
use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use countersign_core::{
    code::Code,
    message::{caller_text::CallerText, sender_text::SenderText},
    mode::Mode,
    phone::PhoneNumber,
};
use countersign_web::{
    body::{Query, content_type, read},
    fields::{Fields, text},
    problem::{Fault, Problem, ProblemCode},
    request,
    request::{optional, required},
};
use futures_util::{FutureExt, future::LocalBoxFuture};
use serde_json::Value;
use utoipa::ToSchema;

/// The placeholder for the code in a message.
const PLACEHOLDER: &str = "[%code%]";
/// The maximum length of a message, in characters.
const MAX_CONTENT: usize = 500;
/// The message for a sender that the tenant does not have.
pub const UNKNOWN_SENDER: &str = "names no sender of the tenant";

const INVALID_NUMBER: &str = "The value is not valid mobile number.";
const INVALID_FORMAT: &str = "MFA code has invalid format";

/// The fields of a body of any media type.
pub struct SmsapiFields(pub Fields);

impl FromRequest for SmsapiFields {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        async move {
            let mut query = Query::extract(&request).await?.0;
            query.optional("format", json);
            query.finish(Some(()))?;
            let (kind, parameters) = content_type(&request);
            let is = |known: &str| kind.eq_ignore_ascii_case(known);
            let fields = if is("application/json") {
                Fields::from_json(&read(&request, payload).await?)?
            } else if is("application/x-www-form-urlencoded") {
                form(&read(&request, payload).await?)?
            } else if is("multipart/form-data") {
                let boundary = multipart::boundary(parameters).ok_or_else(unreadable)?;
                let pairs = multipart::read(&read(&request, payload).await?, &boundary);
                Fields::from_pairs(pairs.ok_or_else(unreadable)?)
            } else {
                let detail = "Send the body as application/json, application/x-www-form-urlencoded \
                    or multipart/form-data.";
                return Err(Problem::new(ProblemCode::UnsupportedMediaType, detail));
            };
            Ok(Self(fields))
        }
        .boxed_local()
    }
}

fn unreadable() -> Problem {
    Problem::new(ProblemCode::InvalidRequest, "The body is not a readable form of its type.")
}

fn form(bytes: &[u8]) -> Result<Fields, Problem> {
    let body = std::str::from_utf8(bytes).map_err(|_| unreadable())?;
    if body.split('&').count() > MAX_FIELDS {
        return Err(unreadable());
    }
    let pairs = web::Query::<Vec<(String, String)>>::from_query(body).map_err(|_| unreadable())?;
    Ok(Fields::from_pairs(pairs.into_inner()))
}

/// Accepts the request for JSON, which every answer is.
fn json(value: Value) -> Result<(), Fault> {
    match value.as_str() {
        Some("json") => Ok(()),
        _ => Err(Fault::format("must be json")),
    }
}

request! {
    /// A code to send.
    pub struct CreateCode(mode: Mode) {
        /// The server ignores it: every answer is JSON.
        #[schema(example = "json")]
        format: Option<()> as Option<String> = optional(json),
        /// The number: 8 to 16 digits, international, with or without `+`.
        #[schema(pattern = r"^\+?[0-9]{8,16}$", example = "48500500500")]
        phone_number: PhoneNumber as String = required(|value| phone_number(value, mode)),
        /// The whole message, up to 500 characters and 4 SMS. It contains `[%code%]` once, for the code.
        #[schema(max_length = 500, example = "Your code: [%code%]")]
        content: Option<CallerText> as Option<String> = optional(content),
        /// A sender of the tenant.
        #[schema(example = "Acme")]
        from: Option<(SenderText, String)> as Option<String> = optional(from),
        /// true, false, 0, 1, "0" or "1". The server ignores it: every message is fast.
        #[schema(default = true)]
        fast: Option<()> as Option<bool> = optional(flag),
    }
}

/// A code to check.
#[derive(ToSchema)]
pub struct VerifyCode {
    /// The code.
    #[schema(value_type = String, example = "123456")]
    pub code: Code,
    /// The number that got the code.
    #[schema(value_type = String, pattern = r"^\+?[0-9]{8,16}$", example = "48500500500")]
    pub phone_number: PhoneNumber,
    /// The server ignores it: every answer is JSON.
    #[schema(value_type = Option<String>, example = "json")]
    pub format: (),
}

impl VerifyCode {
    /// Reads it. The answer names a fault of the number before one of the code; the document lists the code first.
    pub fn read(fields: &mut Fields, mode: Mode) -> Option<Self> {
        fields.optional("format", json);
        let phone_number = fields.required("phone_number", |value| phone_number(value, mode));
        let code = fields.required("code", code);
        Some(Self { code: code?, phone_number: phone_number?, format: () })
    }
}

/// The problem for a code with the wrong length, or with letters in a code of digits.
pub fn invalid_format() -> Problem {
    Problem::field(ProblemCode::InvalidCode, "code", "invalid_format", INVALID_FORMAT)
}

/// Reads a mobile phone number of 8 to 16 digits, with or without `+`.
fn phone_number(value: Value, mode: Mode) -> Result<PhoneNumber, Fault> {
    let fault = || Fault::format(INVALID_NUMBER).alone(ProblemCode::InvalidPhoneNumber);
    let typed = digits_or_text(value)?;
    let digits = typed.trim();
    let digits = digits.strip_prefix('+').unwrap_or(digits);
    let plain = digits.bytes().all(|b| b.is_ascii_digit()) && (8..=16).contains(&digits.len());
    let number = plain.then(|| number(Value::from(format!("+{digits}")), mode));
    number.and_then(Result::ok).ok_or_else(fault)
}

/// Reads digits in a text or a number, because some clients write a number.
fn digits_or_text(value: Value) -> Result<String, Fault> {
    match value {
        Value::Number(number) if number.is_u64() => Ok(number.to_string()),
        value => text(value),
    }
}

fn content(value: Value) -> Result<CallerText, Fault> {
    let content = CallerText::parse(&text(value)?, PLACEHOLDER, MAX_CONTENT);
    content.map_err(|error| Fault::new("invalid_format", error.to_string()))
}

/// Reads a sender, and keeps its written form: phone numbers have no `+` here.
fn from(value: Value) -> Result<(SenderText, String), Fault> {
    let from = text(value)?;
    let sender = SenderText::parse(&from).or_else(|| SenderText::parse(&format!("+{from}")));
    sender.map(|sender| (sender, from)).ok_or(Fault::new("not_found", UNKNOWN_SENDER))
}

fn code(value: Value) -> Result<Code, Fault> {
    let typed = digits_or_text(value)?;
    let typed = typed.trim();
    if typed.is_empty() {
        return Err(Fault::new("empty", "MFA code cannot be empty"));
    }
    Code::parse(typed).ok_or(Fault::format(INVALID_FORMAT))
}

fn flag(value: Value) -> Result<(), Fault> {
    let known = match &value {
        Value::Bool(_) => true,
        Value::Number(number) => matches!(number.as_u64(), Some(0 | 1)),
        Value::String(text) => {
            ["0", "1", "true", "false"].iter().any(|known| text.eq_ignore_ascii_case(known))
        }
        _ => false,
    };
    if known { Ok(()) } else { Err(Fault::format("must be true, false, 0 or 1")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn create(body: Value) -> Result<CreateCode, Problem> {
        let fields = Fields::from_json(body.to_string().as_bytes()).unwrap();
        fields.read(|fields| CreateCode::read(fields, Mode::Live))
    }

    #[test]
    fn numbers_are_digits_with_or_without_plus() {
        for number in [json!("48500500500"), json!("+48500500500"), json!(48_500_500_500_u64)] {
            assert_eq!(
                create(json!({ "phone_number": number })).unwrap().phone_number.e164(),
                "+48500500500"
            );
        }
        for bad in ["", "4850050", "48 500 500 500", "0048500500500", "12345678901234567", "++48500500500"] {
            let problem = create(json!({ "phone_number": bad })).err().unwrap();
            assert_eq!(problem.code(), ProblemCode::InvalidPhoneNumber, "{bad}");
            assert_eq!(problem.errors()[0].message, INVALID_NUMBER, "{bad}");
        }
    }

    #[test]
    fn everything_else_may_be_absent_and_must_be_right() {
        let full = json!({ "phone_number": "48500500500", "from": "48500500500", "content": "[%code%]!",
            "fast": "1" });
        let read = create(full).unwrap();
        let (sender, from) = read.from.unwrap();
        assert_eq!((sender.as_str(), from.as_str()), ("+48500500500", "48500500500"));
        assert!(read.content.is_some());
        for fast in [json!(true), json!(0), json!("0"), json!("True"), json!(null)] {
            assert!(create(json!({ "phone_number": "48500500500", "fast": fast })).is_ok());
        }
        for (field, bad) in [
            ("fast", json!("2")),
            ("fast", json!([])),
            ("content", json!("no place")),
            ("content", json!(7)),
            ("from", json!("Ünïcode")),
            ("from", json!("TwelveLetter")),
            ("idx", json!("1")),
        ] {
            let problem = create(json!({ "phone_number": "48500500500", field: bad })).err().unwrap();
            assert_eq!(problem.errors()[0].field, field);
        }
    }

    #[test]
    fn codes_are_refused_in_the_words_that_clients_know() {
        let verify = |code: Value| {
            let body = json!({ "phone_number": "48500500500", "code": code }).to_string();
            let fields = Fields::from_json(body.as_bytes()).unwrap();
            fields.read(|fields| VerifyCode::read(fields, Mode::Live))
        };
        for (code, message) in [
            ("", "MFA code cannot be empty"),
            (" ", "MFA code cannot be empty"),
            ("12é456", INVALID_FORMAT),
            ("123", INVALID_FORMAT),
            ("12345678901", INVALID_FORMAT),
        ] {
            assert_eq!(verify(json!(code)).err().unwrap().errors()[0].message, message, "{code:?}");
        }
        assert_eq!(verify(json!(123_456)).unwrap().code.expose(), "123456");
        assert_eq!(verify(json!("acd347")).unwrap().code.expose(), "ACD347", "a profile may have letters");
    }

    #[test]
    fn forms_are_bounded() {
        assert!(form(b"a=1&b=2").is_ok());
        assert!(form("a&".repeat(MAX_FIELDS).as_bytes()).is_err());
        assert!(form(b"\xff=1").is_err());
    }
}
