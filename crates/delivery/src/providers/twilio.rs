//! `twilio`: Twilio Programmable Messaging, `POST /2010-04-01/Accounts/{AC}/Messages.json`.
//!
//! Twilio cannot recognise repeats. It signs its reports with the account's auth token; an account with only
//! an API key requests no reports.

mod error;
mod signature;

use super::verdict::status_error;
use crate::{
    outbound::{
        Method, Outbound, Reply, Request, Url,
        header::{AUTHORIZATION, HeaderValue},
    },
    provider::{Accepted, Outgoing, Provider, SendError},
    receipt::{ReceiptError, ReceiptRequest, Receipts, Report, ReportOutcome, callback_with_reference},
    secret::Secret,
    settings::{Fault, Fields},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use countersign_core::{
    ports::clock::Clock,
    time::{Timestamp, ceil_seconds},
};
use serde_json::Value;
use std::{fmt, sync::Arc, time::Duration};
use url::form_urlencoded::Serializer;
use zeroize::Zeroizing;

const TIMEOUT: Duration = Duration::from_secs(8);
const BASE_URL: &str = "https://api.twilio.com";
/// The longest time that Twilio keeps a message in its queue, in seconds.
const MAX_VALIDITY: u64 = 36_000;

/// The sender of messages.
enum Sender {
    /// The sender that the message has.
    Message,
    /// A phone number, a short code or an alphanumeric name.
    From(String),
    /// A messaging service, which chooses the sender.
    Service(String),
}

struct Settings {
    url: Url,
    /// The user and the password of every call.
    credentials: (String, Secret),
    auth_token: Option<Secret>,
    sender: Sender,
    timeout: Duration,
}

impl Settings {
    fn parse(settings: &Value, outbound: &Outbound) -> Result<Self, Vec<Fault>> {
        let mut fields = Fields::new(settings);
        let account = read_sid(&mut fields, "account_sid", "AC");
        let account = fields.require("account_sid", account);
        let auth_token = fields.secret("auth_token", 200);
        let key = (read_sid(&mut fields, "api_key_sid", "SK"), fields.secret("api_key_secret", 200));
        for (one, other) in [("api_key_sid", "api_key_secret"), ("api_key_secret", "api_key_sid")] {
            if fields.has(one) && !fields.has(other) {
                fields.fault(other, format!("must be set when {one} is"));
            }
        }
        if !fields.has("auth_token") && !fields.has("api_key_sid") && !fields.has("api_key_secret") {
            fields.fault("auth_token", "must be set, or api_key_sid and api_key_secret");
        }
        let sender = match (fields.text("from", 16), read_sid(&mut fields, "messaging_service_sid", "MG")) {
            (Some(_), Some(_)) => {
                fields.fault("from", "must not be set when messaging_service_sid is");
                None
            }
            (Some(from), None) => Some(Sender::From(from)),
            (None, Some(service)) => Some(Sender::Service(service)),
            (None, None) => Some(Sender::Message),
        };
        let base = fields.base_url("base_url", outbound).or_else(|| Url::parse(BASE_URL).ok());
        let timeout = fields.timeout(TIMEOUT);
        let read = account.zip(base).zip(sender).and_then(|((account, mut url), sender)| {
            url.set_path(&format!("/2010-04-01/Accounts/{account}/Messages.json"));
            let of_account = auth_token.clone().map(|token| (account, token));
            let credentials = key.0.zip(key.1).or(of_account)?;
            Some(Self { url, credentials, auth_token, sender, timeout })
        });
        fields.finish(read)
    }
}

fn read_sid(fields: &mut Fields<'_>, name: &'static str, prefix: &str) -> Option<String> {
    fields.read(name, &format!("{prefix} and 32 hexadecimal digits"), |value| {
        let text = value.as_str()?;
        let digits = text.strip_prefix(prefix)?;
        let is_sid = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_sid.then(|| text.to_owned())
    })
}

/// A provider that sends through an account of Twilio.
pub(crate) struct Twilio {
    name: String,
    outbound: Outbound,
    settings: Settings,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Twilio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Twilio").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Twilio {
    /// Reads the settings. Returns all their errors at once.
    pub(crate) fn new(
        name: &str,
        settings: &Value,
        outbound: &Outbound,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Vec<Fault>> {
        let settings = Settings::parse(settings, outbound)?;
        Ok(Self { name: name.to_owned(), outbound: outbound.clone(), settings, clock })
    }

    fn form(&self, message: &Outgoing) -> String {
        let mut form = Serializer::new(String::new());
        form.append_pair("To", message.to.e164())
            .append_pair("Body", &message.text)
            .append_pair("ValidityPeriod", &validity(message.expires_at, self.clock.now()).to_string());
        match &self.settings.sender {
            Sender::Message => form.append_pair("From", &message.from),
            Sender::From(from) => form.append_pair("From", from),
            Sender::Service(service) => form.append_pair("MessagingServiceSid", service),
        };
        if let Some(url) = self.callback(message) {
            form.append_pair("StatusCallback", &url);
        }
        form.finish()
    }

    /// The receipt URL. `None` without an auth token, because nobody could verify the reports.
    fn callback(&self, message: &Outgoing) -> Option<String> {
        let callback = message.callback.as_ref().filter(|_| self.settings.auth_token.is_some());
        callback.and_then(callback_with_reference)
    }

    fn authorization(&self) -> Option<HeaderValue> {
        let (user, password) = &self.settings.credentials;
        let pair = Zeroizing::new(format!("{user}:{}", password.expose()));
        let basic = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
        let mut value = HeaderValue::from_str(&basic).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

#[async_trait::async_trait]
impl Provider for Twilio {
    fn name(&self) -> &str {
        &self.name
    }

    fn reports(&self, message: &Outgoing) -> bool {
        self.callback(message).is_some()
    }

    async fn send(&self, message: &Outgoing) -> Result<Accepted, SendError> {
        let authorization =
            self.authorization().ok_or_else(|| SendError::account("wrong credentials").local())?;
        let request = Request::new(Method::POST, self.settings.url.clone(), self.settings.timeout)
            .header(AUTHORIZATION, authorization)
            .body("application/x-www-form-urlencoded", self.form(message).into_bytes());
        judge(&self.outbound.call(request).await?)
    }

    fn receipts(&self, request: &ReceiptRequest<'_>) -> Result<Receipts, ReceiptError> {
        let token = self.settings.auth_token.as_ref().ok_or(ReceiptError::Unsupported)?;
        let form = request.form();
        if !signature::is_valid(token, request, &form) {
            return Err(ReceiptError::Forged);
        }
        let report = read_report(request, &form).ok_or(ReceiptError::Unreadable)?;
        Ok(Receipts { reports: vec![report], answer: "" })
    }
}

/// How long the message is useful, in seconds.
fn validity(expires_at: Timestamp, now: Timestamp) -> u64 {
    ceil_seconds(expires_at.since(now)).clamp(1, MAX_VALIDITY)
}

fn judge(reply: &Reply) -> Result<Accepted, SendError> {
    let (status, after) = (reply.status.as_u16(), reply.retry_after);
    let json = reply.json().unwrap_or_default();
    if !reply.status.is_success() {
        return Err(json["code"]
            .as_i64()
            .map_or_else(|| status_error(status, after), |code| error::judge(code, status, after)));
    }
    if let Some(code) = json["error_code"].as_i64() {
        return Err(error::judge(code, status, after));
    }
    match json["sid"].as_str() {
        Some(sid) => Ok(Accepted { id: Some(sid.to_owned()), receipt: None }),
        None => Err(SendError::unknown("the answer cannot be read")),
    }
}

fn read_report(request: &ReceiptRequest<'_>, form: &[(String, String)]) -> Option<Report> {
    let value = |name: &str| form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let status = value("MessageStatus").or_else(|| value("SmsStatus"))?;
    let outcome = match status {
        "delivered" | "read" => ReportOutcome::Delivered,
        "undelivered" | "failed" | "canceled" => ReportOutcome::Undelivered,
        _ => ReportOutcome::Progress,
    };
    let code = value("ErrorCode").filter(|code| !code.is_empty() && *code != "0").unwrap_or(status);
    Report::new(request.query("ref"), value("MessageSid").or_else(|| value("SmsSid")), outcome, code)
}

#[cfg(test)]
mod tests;
