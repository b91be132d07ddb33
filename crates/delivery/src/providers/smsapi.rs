//! `smsapi`: SMSAPI, `POST /sms.do`.
//!
//! SMSAPI recognises repeats by `idx` for 24 hours: it does not send the same message twice, even through
//! another host or after a lost answer. Its errors come with HTTP 200. Its reports are unsigned, so their URL
//! must be impossible to guess, and an account may list the addresses they come from.

use super::verdict::{Verdict, status_error};
use crate::{
    outbound::{
        Method, Outbound, OutboundError, Reply, Request, Url,
        header::{AUTHORIZATION, HeaderValue},
    },
    provider::{Accepted, Outgoing, Provider, SendError},
    receipt::{ReceiptError, ReceiptRequest, Receipts, Report, ReportOutcome},
    secret::Secret,
    settings::{Fault, Fields},
};
use ipnet::IpNet;
use serde_json::Value;
use std::{fmt, time::Duration};
use url::form_urlencoded::Serializer;
use zeroize::Zeroizing;

/// Two hosts can be tried within the worker's time-out.
const TIMEOUT: Duration = Duration::from_secs(4);
/// The maximum number of reports in one request; SMSAPI sends five.
const MOST_REPORTS: usize = 100;
const PATH: &str = "/sms.do";

struct Settings {
    token: Secret,
    hosts: Vec<Url>,
    from: Option<String>,
    fast: bool,
    max_parts: u64,
    receipt_addresses: Vec<IpNet>,
    timeout: Duration,
}

impl Settings {
    fn parse(settings: &Value, outbound: &Outbound) -> Result<Self, Vec<Fault>> {
        let mut fields = Fields::new(settings);
        let token = fields.secret("token", 200);
        let token = fields.require("token", token);
        let service = fields.read("service", "one of com, pl, se, bg", |value| match value.as_str()? {
            "com" => Some(&["https://api.smsapi.com", "https://api2.smsapi.com"][..]),
            "pl" => Some(&["https://api.smsapi.pl", "https://api2.smsapi.pl"][..]),
            "se" => Some(&["https://api.smsapi.se"][..]),
            "bg" => Some(&["https://api.smsapi.bg"][..]),
            _ => None,
        });
        let base = fields.base_url("base_url", outbound);
        let backup = fields.base_url("backup_url", outbound);
        match (fields.has("service"), fields.has("base_url")) {
            (false, false) => fields.fault("service", "must be set, or base_url"),
            (true, true) => fields.fault("base_url", "must not be set when service is"),
            (true, false) if backup.is_some() => {
                fields.fault("backup_url", "must not be set when service is")
            }
            _ => {}
        }
        let known = service.unwrap_or_default().iter().filter_map(|url| Url::parse(url).ok());
        let mut hosts: Vec<_> = known.chain(base).chain(backup).collect();
        hosts.iter_mut().for_each(|url| url.set_path(PATH));
        let read = (
            fields.text("from", 16),
            fields.flag("fast", true),
            fields.number("max_parts", 1..=10).unwrap_or(3),
            fields.networks("receipt_addresses"),
            fields.timeout(TIMEOUT),
        );
        let (from, fast, max_parts, receipt_addresses, timeout) = read;
        let settings =
            token.map(|token| Self { token, hosts, from, fast, max_parts, receipt_addresses, timeout });
        fields.finish(settings)
    }
}

/// A provider that sends through an account of SMSAPI.
pub(crate) struct Smsapi {
    name: String,
    outbound: Outbound,
    settings: Settings,
}

impl fmt::Debug for Smsapi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smsapi").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Smsapi {
    /// Reads the settings. Returns all their errors at once.
    pub(crate) fn new(name: &str, settings: &Value, outbound: &Outbound) -> Result<Self, Vec<Fault>> {
        let settings = Settings::parse(settings, outbound)?;
        Ok(Self { name: name.to_owned(), outbound: outbound.clone(), settings })
    }

    fn form(&self, message: &Outgoing) -> String {
        let Settings { from, fast, max_parts, .. } = &self.settings;
        let id = message.message.to_string();
        let idx = message.callback.as_ref().map_or(&id, |callback| &callback.reference);
        let mut form = Serializer::new(String::new());
        // No expiration_date: its minimum is longer than a code is valid.
        form.append_pair("format", "json")
            .append_pair("encoding", "utf-8")
            .append_pair("to", message.to.e164().trim_start_matches('+'))
            .append_pair("from", from.as_ref().unwrap_or(&message.from))
            .append_pair("message", &message.text)
            .append_pair("max_parts", &max_parts.to_string())
            .append_pair("idx", idx)
            .append_pair("check_idx", "1");
        if *fast {
            form.append_pair("fast", "1");
        }
        if let Some(callback) = &message.callback {
            form.append_pair("notify_url", &callback.url);
        }
        form.finish()
    }

    async fn ask(&self, host: &Url, form: &str) -> Result<Reply, OutboundError> {
        let token = Zeroizing::new(format!("Bearer {}", self.settings.token.expose()));
        let mut token = HeaderValue::from_str(&token).map_err(|_| OutboundError::Request)?;
        token.set_sensitive(true);
        let request = Request::new(Method::POST, host.clone(), self.settings.timeout)
            .header(AUTHORIZATION, token)
            .body("application/x-www-form-urlencoded", form.as_bytes().to_vec());
        self.outbound.call(request).await
    }
}

#[async_trait::async_trait]
impl Provider for Smsapi {
    fn name(&self) -> &str {
        &self.name
    }

    fn reports(&self, message: &Outgoing) -> bool {
        message.callback.is_some()
    }

    async fn send(&self, message: &Outgoing) -> Result<Accepted, SendError> {
        let form = Zeroizing::new(self.form(message));
        let mut failure = None;
        for host in &self.settings.hosts {
            let error = match self.ask(host, &form).await {
                Ok(reply) if !reply.status.is_server_error() => {
                    return judge(&reply).map_err(|error| worse(failure, error));
                }
                Ok(reply) => status_error(reply.status.as_u16(), reply.retry_after),
                Err(error) => SendError::from(error),
            };
            failure = Some(worse(failure, error));
        }
        Err(failure.unwrap_or_else(|| SendError::account("no host")))
    }

    fn receipts(&self, request: &ReceiptRequest<'_>) -> Result<Receipts, ReceiptError> {
        if !request.comes_from(&self.settings.receipt_addresses) {
            return Err(ReceiptError::Forged);
        }
        let reports = read_reports(request).ok_or(ReceiptError::Unreadable)?;
        Ok(Receipts { reports, answer: "OK" })
    }
}

/// Combines the errors of two hosts. If the first host may have accepted the message, the result is not
/// surely unsent, even if the second could not be reached.
fn worse(earlier: Option<SendError>, later: SendError) -> SendError {
    match (earlier, later) {
        (Some(SendError::Unknown { reason }), SendError::Retry { .. } | SendError::Local(_)) => {
            SendError::Unknown { reason }
        }
        (_, later) => later,
    }
}

fn judge(reply: &Reply) -> Result<Accepted, SendError> {
    let json = reply.json().unwrap_or_default();
    let first = &json["list"][0];
    if let Some(code) = number(&json["error"]).or_else(|| number(&first["error"])) {
        return judge_error(code, reply.retry_after);
    }
    if !reply.status.is_success() {
        return Err(status_error(reply.status.as_u16(), reply.retry_after));
    }
    match first["id"].as_str() {
        Some(id) => Ok(Accepted { id: Some(id.to_owned()), receipt: None }),
        None => Err(SendError::unknown("the answer cannot be read")),
    }
}

/// Reads a number, or a number in a text.
fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// The meaning of SMSAPI's errors. Their texts are not passed on, because some contain the phone number.
fn judge_error(code: i64, after: Option<Duration>) -> Result<Accepted, SendError> {
    let (verdict, words, after) = match code {
        // SMSAPI accepted the message in an earlier attempt whose answer was lost.
        53 => return Ok(Accepted::default()),
        13 => (Verdict::Reject, "no number that it reaches", None),
        57 => (Verdict::Reject, "the number is blacklisted", None),
        14 => (Verdict::Decline, "the sender is not allowed", None),
        74 => (Verdict::Decline, "outside the allowed hours", None),
        112 => (Verdict::Decline, "the country is not allowed", None),
        // This concerns the phone number, so it does not count as a failure of the account.
        52 => (Verdict::Decline, "too many messages to the number", None),
        101 | 102 => (Verdict::Account, "wrong credentials", None),
        103 => (Verdict::Account, "no credit", None),
        105 => (Verdict::Account, "this address is not allowed", None),
        110 | 401 => (Verdict::Account, "the token may not send", None),
        202 | 203 => (Verdict::Throttle, "too many requests", after),
        8 | 201 | 666 | 999 => (Verdict::Retry, "internal error", after),
        _ => (Verdict::Decline, "refused", None),
    };
    Err(verdict.error(format!("SMSAPI error {code}: {words}"), after))
}

/// Reads reports. Each value may be a comma-separated list for several messages.
fn read_reports(request: &ReceiptRequest<'_>) -> Option<Vec<Report>> {
    let list = |name: &str| request.query(name).map(|text| text.split(',').collect::<Vec<_>>());
    let (ids, statuses) = (list("MsgId")?, list("status")?);
    let references = list("idx").filter(|list| list.len() == ids.len());
    if ids.len() != statuses.len() || ids.len() > MOST_REPORTS {
        return None;
    }
    let report = |(place, (id, status)): (usize, (&&str, &&str))| {
        let reference = references.as_ref().map(|list| list[place]);
        Report::new(reference, Some(id), outcome(status), status)
    };
    ids.iter().zip(&statuses).enumerate().map(report).collect()
}

fn outcome(status: &str) -> ReportOutcome {
    match status {
        "404" => ReportOutcome::Delivered,
        // Not found, expired, undelivered, failed, rejected, stopped.
        "401" | "402" | "405" | "406" | "407" | "412" => ReportOutcome::Undelivered,
        // Sent, unknown, queued, accepted, tried again.
        _ => ReportOutcome::Progress,
    }
}

#[cfg(test)]
mod tests;
