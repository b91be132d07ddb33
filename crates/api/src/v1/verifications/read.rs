//! Reads the bodies of the verification operations.

use crate::http::values::{
    MAX_LIMIT_VALUE, MOST_LIMITS, locale, number, profile_name, sender, template_name,
};
use countersign_core::{
    acts::start::request::StartRequest,
    code::{Code, payment::Transaction},
    message::binding::{AppHash, Origin},
    mode::Mode,
    phone::PhoneNumber,
    tenant::{
        limits::{LimitName, LimitScope},
        profile::{Policy, ProfileName},
    },
    verification::contact::Metadata,
};
use countersign_web::{
    fields::{Fields, text, whole},
    problem::{Fault, Problem, ProblemCode},
};
use serde_json::Value;
use std::{collections::BTreeMap, net::IpAddr, time::Duration};

/// The body of a start.
pub fn start_request(mut fields: Fields, mode: Mode) -> Result<StartRequest, Problem> {
    let to = fields.required("to", |value| number(value, mode));
    let profile = fields.optional("profile", profile_name).unwrap_or_default();
    let lengths = u32::from(*Policy::CODE_LENGTH.start())..=u32::from(*Policy::CODE_LENGTH.end());
    let code_length = fields.optional("code_length", whole(lengths)).map(|length| length as u8);
    let expires_in = fields.optional("expires_in", whole(Policy::EXPIRES_IN));
    let origin = fields.optional("origin", |value| {
        let message = "must be a lower-case host name such as login.example.com";
        Origin::parse(&text(value)?).ok_or(Fault::format(message))
    });
    let app_hash = fields.optional("app_hash", |value| {
        AppHash::parse(&text(value)?).ok_or(Fault::format("must be 11 characters of base64"))
    });
    let template = fields.optional("template", template_name);
    let locale = fields.optional("locale", locale);
    let sender = fields.optional("sender", sender);
    let transaction = transaction(&mut fields);
    let metadata = metadata(&mut fields);
    let end_user_ip = fields.optional("end_user_ip", |value| {
        text(value)?.parse::<IpAddr>().map_err(|_| Fault::format("must be an IPv4 or IPv6 address"))
    });
    let limits = limits(&mut fields);
    let request = to.map(|to| StartRequest {
        to,
        profile,
        code_length,
        expires_in: expires_in.map(|seconds| Duration::from_secs(seconds.into())),
        origin,
        app_hash,
        template,
        locale,
        transaction,
        text: None,
        sender,
        metadata,
        end_user_ip,
        limits,
    });
    fields.finish(request)
}

/// Values for named limits; each that is wrong is a fault of its own, named `limits.<name>`.
fn limits(fields: &mut Fields) -> Vec<(LimitName, String)> {
    let object = fields.optional("limits", |value| match value {
        Value::Object(object) if object.len() <= MOST_LIMITS => Ok(object),
        Value::Object(_) => Err(Fault::new("too_long", "must have at most 5 names")),
        _ => Err(Fault::new("wrong_type", "must be an object of strings")),
    });
    let mut limits = Vec::new();
    for (name, value) in object.into_iter().flatten() {
        let read = text(value).and_then(|value| {
            let fits = (1..=MAX_LIMIT_VALUE).contains(&value.len());
            let name = LimitName::parse(&name).filter(|name| name.scope() == LimitScope::Caller);
            let name = name.ok_or(Fault::new("not_found", "names no limit that takes a value"))?;
            if fits { Ok((name, value)) } else { Err(Fault::new("too_long", "must hold 1 to 128 bytes")) }
        });
        match read {
            Ok(limit) => limits.push(limit),
            Err(fault) => fields.fail(&format!("limits.{name}"), fault),
        }
    }
    limits
}

/// The payment of a start or a check.
fn transaction(fields: &mut Fields) -> Option<Transaction> {
    let value = fields.optional("transaction", Ok)?;
    fields.nested("transaction", value, |fields| {
        let [amount, currency, payee] =
            ["amount", "currency", "payee"].map(|name| fields.required(name, text));
        match Transaction::parse(&amount?, &currency?, &payee?) {
            Ok(transaction) => Some(transaction),
            Err(errors) => {
                for error in errors {
                    fields.fail(error.field(), Fault::new("invalid_format", error.to_string()));
                }
                None
            }
        }
    })
}

/// The body of a check: what was typed, and the payment that it is to confirm.
pub fn check_request(mut fields: Fields) -> Result<(Code, Option<Transaction>), Problem> {
    let code = fields.required("code", code);
    let transaction = transaction(&mut fields);
    fields.finish(code.map(|code| (code, transaction)))
}

/// A check by number.
pub struct CheckByNumberRequest {
    /// The number.
    pub to: PhoneNumber,
    /// The profile that the verification was started for.
    pub profile: ProfileName,
    /// What was typed.
    pub code: Code,
    /// The payment that it is to confirm.
    pub transaction: Option<Transaction>,
}

/// The body of a check by number.
pub fn check_by_number_request(mut fields: Fields, mode: Mode) -> Result<CheckByNumberRequest, Problem> {
    let to = fields.required("to", |value| number(value, mode));
    let code = fields.required("code", code);
    let profile = fields.optional("profile", profile_name).unwrap_or_default();
    let transaction = transaction(&mut fields);
    let request = to.zip(code).map(|(to, code)| CheckByNumberRequest { to, profile, code, transaction });
    fields.finish(request)
}

fn code(value: Value) -> Result<Code, Fault> {
    let fault = || Fault::format("must be 4 to 10 letters and digits").alone(ProblemCode::InvalidCode);
    Code::parse(&text(value)?).ok_or_else(fault)
}

/// Each value that is no string is a fault of its own, named `metadata.<key>`.
fn metadata(fields: &mut Fields) -> Metadata {
    let object = fields.optional("metadata", |value| match value {
        Value::Object(object) => Ok(object),
        _ => Err(Fault::new("wrong_type", "must be an object of strings")),
    });
    let mut notes = BTreeMap::new();
    for (key, value) in object.into_iter().flatten() {
        match text(value) {
            Ok(text) => {
                notes.insert(key, text);
            }
            Err(fault) => fields.fail(&format!("metadata.{key}"), fault),
        }
    }
    if notes.contains_key("") {
        fields.fail("metadata.", Fault::format("must have a name"));
    } else if notes.len() > Metadata::MAX_KEYS {
        fields.fail("metadata", Fault::new("too_long", "must have at most 10 keys"));
    } else if let Some(metadata) = Metadata::new(notes) {
        return metadata;
    } else {
        fields.fail("metadata", Fault::new("too_long", "must hold at most 512 bytes, keys and values"));
    }
    Metadata::default()
}
