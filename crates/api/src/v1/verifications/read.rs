//! The bodies of the verification operations.

use super::schema::{limits_schema, notes_schema};
use crate::http::values::{
    MAX_LIMIT_VALUE, MOST_LIMITS, locale, number, profile_name, sender, template_name, wide,
};
use countersign_core::{
    acts::start::request::StartRequest,
    code::{Code, payment},
    locale::Locale,
    message::{
        binding::{AppHash, Origin},
        sender_text::SenderText,
        template::set::TemplateName,
    },
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
    problem::{Fault, ProblemCode},
    request,
    request::{optional, required},
};
use serde_json::Value;
use std::{collections::BTreeMap, net::IpAddr, time::Duration};

request! {
    /// Starts a verification.
    pub struct StartVerification(mode: Mode) {
        /// The number with its country code, as people write it: `+` or `00`, then
        /// digits, spaces, hyphens, dots, parentheses.
        #[schema(pattern = r"^\s*(\+|00)[0-9 .()/-]{4,30}$", max_length = 32, example = "+48500500500")]
        to: PhoneNumber as String = required(|value| number(value, mode)),
        /// The profile whose policy applies; `default` when absent.
        #[schema(pattern = "^[a-z0-9-]{1,32}$", example = "default")]
        profile: Option<ProfileName> as Option<String> = optional(profile_name),
        /// Characters in the code; the profile's when absent.
        #[schema(minimum = 4, maximum = 10, example = 6)]
        code_length: Option<u32> as Option<u8> = optional(whole(wide(Policy::CODE_LENGTH))),
        /// Seconds until the code expires; the profile's when absent.
        #[schema(minimum = 30, maximum = 600, example = 300)]
        expires_in: Option<u32> = optional(whole(Policy::EXPIRES_IN)),
        /// A lower-case host name that browsers bind the code to.
        #[schema(
            pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$",
            max_length = 100,
            example = "login.example.com"
        )]
        origin: Option<Origin> as Option<String> = optional(origin),
        /// The 11 characters by which Android's SMS Retriever finds your app.
        #[schema(pattern = "^[A-Za-z0-9+/]{11}$", example = "FA+9qCX9VSu")]
        app_hash: Option<AppHash> as Option<String> = optional(app_hash),
        /// The name of a template of yours. When absent, the server uses the texts that come with the
        /// program.
        #[schema(pattern = "^[a-z0-9-]{1,32}$", example = "login")]
        template: Option<TemplateName> as Option<String> = optional(template_name),
        /// The language of the message: a language, optionally with a script and a region. If there is no
        /// text in it, the server takes the language alone (`pt` for `pt-BR`), then the tenant's locale, then
        /// English.
        #[schema(
            pattern = "^[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?$",
            max_length = 12,
            example = "pt-BR"
        )]
        locale: Option<Locale> as Option<String> = optional(locale),
        /// The sender of the message: one of your senders. When absent, the server takes that of the route,
        /// or your sender for the country.
        #[schema(
            pattern = r"^(\+[1-9][0-9]{6,14}|[0-9]{3,8}|(?=.*[A-Za-z])[A-Za-z0-9._&-]([A-Za-z0-9 ._&-]{0,9}[A-Za-z0-9._&-])?)$",
            example = "Acme"
        )]
        sender: Option<SenderText> as Option<String> = optional(sender),
        /// The payment that the code confirms. The message contains it, and each check must name the same.
        transaction: Option<payment::Transaction> as Option<Transaction> = payment,
        /// Your own notes: at most 10 keys, all keys and values together at most 512 bytes.
        #[schema(required = false, schema_with = notes_schema)]
        metadata: Metadata = |fields, _| Some(notes(fields)),
        /// The address of your visitor, as you see it. The limits of an end user count it; an IPv6 address
        /// counts as its /64. When absent, these limits do not apply.
        #[schema(max_length = 45, format = "ip", example = "203.0.113.7")]
        end_user_ip: Option<IpAddr> as Option<String> = optional(address),
        /// Values for limits that you named, at most 5 of 1 to 128 bytes.
        #[schema(required = false, schema_with = limits_schema)]
        limits: Vec<(LimitName, String)> = |fields, _| Some(named_values(fields)),
    }
}

impl From<StartVerification> for StartRequest {
    fn from(asked: StartVerification) -> Self {
        Self {
            to: asked.to,
            profile: asked.profile.unwrap_or_default(),
            code_length: asked.code_length.map(|length| length as u8),
            expires_in: asked.expires_in.map(|seconds| Duration::from_secs(seconds.into())),
            origin: asked.origin,
            app_hash: asked.app_hash,
            template: asked.template,
            locale: asked.locale,
            transaction: asked.transaction,
            text: None,
            sender: asked.sender,
            metadata: asked.metadata,
            end_user_ip: asked.end_user_ip,
            limits: asked.limits,
        }
    }
}

request! {
    /// A payment. A code for this payment confirms no other.
    pub struct Transaction {
        /// A decimal number with at most the decimals of its currency; `49.9` and `49.90` are the same.
        #[schema(pattern = r"^(0|[1-9][0-9]{0,14})(\.[0-9]{1,4})?$", max_length = 20, example = "49.90")]
        amount: String = required(text),
        /// ISO 4217.
        #[schema(pattern = "^[A-Z]{3}$", example = "EUR")]
        currency: String = required(text),
        /// The payee, on one line.
        #[schema(min_length = 1, max_length = 140, example = "Example Shop")]
        payee: String = required(text),
    }
}

request! {
    /// Submits a code.
    pub struct CheckCode {
        /// The code as the person typed it. The server strips spaces and hyphens.
        #[schema(pattern = r"^[ \-]*([0-9A-Za-z][ \-]*){4,10}$", max_length = 64, example = "123456")]
        code: Code as String = required(typed),
        /// The payment that the code confirms. It must be the payment of the start.
        transaction: Option<payment::Transaction> as Option<Transaction> = payment,
    }
}

request! {
    /// Submits a code for a number.
    pub struct CheckByNumber(mode: Mode) {
        /// The number that the code was sent to.
        #[schema(pattern = r"^\s*(\+|00)[0-9 .()/-]{4,30}$", max_length = 32, example = "+48500500500")]
        to: PhoneNumber as String = required(|value| number(value, mode)),
        /// The code as the person typed it. The server strips spaces and hyphens.
        #[schema(pattern = r"^[ \-]*([0-9A-Za-z][ \-]*){4,10}$", max_length = 64, example = "123456")]
        code: Code as String = required(typed),
        /// The profile that the verification was started for; `default` when absent.
        #[schema(pattern = "^[a-z0-9-]{1,32}$", example = "default")]
        profile: Option<ProfileName> as Option<String> = optional(profile_name),
        /// The payment that the code confirms. It must be the payment of the start.
        transaction: Option<payment::Transaction> as Option<Transaction> = payment,
    }
}

fn origin(value: Value) -> Result<Origin, Fault> {
    let message = "must be a lower-case host name such as login.example.com";
    Origin::parse(&text(value)?).ok_or(Fault::format(message))
}

fn app_hash(value: Value) -> Result<AppHash, Fault> {
    AppHash::parse(&text(value)?).ok_or(Fault::format("must be 11 characters of base64"))
}

fn address(value: Value) -> Result<IpAddr, Fault> {
    text(value)?.parse().map_err(|_| Fault::format("must be an IPv4 or IPv6 address"))
}

/// Reads values for named limits. Each wrong value is an error of its own, named `limits.<name>`.
fn named_values(fields: &mut Fields) -> Vec<(LimitName, String)> {
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

/// Reads the payment of a start or a check.
fn payment(fields: &mut Fields, name: &'static str) -> Option<Option<payment::Transaction>> {
    let Some(value) = fields.optional(name, Ok) else { return Some(None) };
    fields.nested(name, value, |fields| {
        let Transaction { amount, currency, payee } = Transaction::read(fields)?;
        let read = payment::Transaction::parse(&amount, &currency, &payee).map_err(|errors| {
            for error in errors {
                fields.fail(error.field(), Fault::new("invalid_format", error.to_string()));
            }
        });
        read.ok().map(Some)
    })
}

fn typed(value: Value) -> Result<Code, Fault> {
    let fault = || Fault::format("must be 4 to 10 letters and digits").alone(ProblemCode::InvalidCode);
    Code::parse(&text(value)?).ok_or_else(fault)
}

/// Reads the client's notes. Each value that is not a string is an error of its own, named `metadata.<key>`.
fn notes(fields: &mut Fields) -> Metadata {
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
