//! The meaning of an answer, by its status and by a code in its JSON.

use crate::{
    outbound::{Reply, header::HeaderName},
    provider::{Accepted, SendError},
    providers::verdict::Verdict,
    settings::{Fields, plain_text},
};
use serde_json::Value;

const MOST: usize = 100;
const MAX_CODE: usize = 64;
const MAX_ID: usize = 200;
pub(super) const MAX_POINTER: usize = 200;

const CLASSES: [(&str, Verdict); 6] = [
    ("retry", Verdict::Retry),
    ("reject", Verdict::Reject),
    ("decline", Verdict::Decline),
    ("throttle", Verdict::Throttle),
    ("account", Verdict::Account),
    ("unknown", Verdict::Unknown),
];

/// The rules for reading answers.
pub(super) struct AnswerRules {
    /// An empty list means every 2xx status.
    accepted: Vec<u16>,
    statuses: Vec<(u16, Verdict)>,
    /// The place of the code, the codes of success, and the meanings of other codes.
    code: Option<(String, Vec<String>)>,
    codes: Vec<(String, Verdict)>,
    id: Option<String>,
    id_header: Option<HeaderName>,
}

impl AnswerRules {
    pub(super) fn parse(fields: &mut Fields<'_>) -> Self {
        let status = |value: &Value| {
            value
                .as_u64()
                .filter(|status| (100..=599).contains(status))
                .and_then(|one| u16::try_from(one).ok())
        };
        let what = "a list of HTTP statuses";
        let accepted = fields.list("accepted", what, MOST, status).unwrap_or_default();
        let mut statuses = Vec::new();
        for (name, verdict) in CLASSES {
            let list = fields.list(name, what, MOST, status).unwrap_or_default();
            statuses.extend(list.into_iter().map(|status| (status, verdict)));
        }
        let pointer = read_pointer(fields, "code");
        let (successes, codes) = fields.object("codes", |fields| {
            let what = "a list of texts";
            let code = |value: &Value| plain_text(value, MAX_CODE).map(str::to_owned);
            let successes = fields.list("accepted", what, MOST, code).unwrap_or_default();
            let mut codes = Vec::new();
            for (name, verdict) in CLASSES {
                let list = fields.list(name, what, MOST, code).unwrap_or_default();
                codes.extend(list.into_iter().map(|code| (code, verdict)));
            }
            (successes, codes)
        });
        match (pointer.is_some(), successes.is_empty()) {
            (true, true) if codes.is_empty() => fields.fault("codes", "must be set when code is"),
            (false, false) if !fields.has("code") => fields.fault("code", "must be set when codes are"),
            _ => {}
        }
        let id = read_pointer(fields, "id");
        let id_header = fields
            .read("id_header", "the name of a header", |value| HeaderName::try_from(value.as_str()?).ok());
        let code = pointer.map(|pointer| (pointer, successes));
        Self { accepted, statuses, code, codes, id, id_header }
    }

    pub(super) fn judge(&self, reply: &Reply) -> Result<Accepted, SendError> {
        let (status, after) = (reply.status.as_u16(), reply.retry_after);
        let json = reply.json().unwrap_or_default();
        let pointer = self.code.as_ref().map(|(pointer, _)| pointer);
        let code = pointer.and_then(|pointer| scalar(json.pointer(pointer)?));
        let known = code.as_ref().and_then(|code| self.codes.iter().find(|(known, _)| known == code));
        if let Some((code, verdict)) = known {
            // A code that the settings list contains no phone number, so the error may show it.
            return Err(verdict.error(format!("HTTP {status}, code {code}"), after));
        }
        if !self.accepts(status) {
            let chosen = self.statuses.iter().find(|(known, _)| *known == status);
            let verdict = chosen.map_or_else(|| Verdict::of_status(status), |(_, verdict)| *verdict);
            return Err(verdict.error(format!("HTTP {status}"), after));
        }
        if let Some((_, successes)) = self.code.as_ref().filter(|(_, successes)| !successes.is_empty()) {
            match code {
                None => return Err(SendError::unknown("the answer cannot be read")),
                Some(code) if !successes.contains(&code) => {
                    return Err(SendError::decline(format!("HTTP {status}, an unknown code")));
                }
                Some(_) => {}
            }
        }
        Ok(Accepted { id: self.read_id(reply, &json), receipt: None })
    }

    fn accepts(&self, status: u16) -> bool {
        match self.accepted.is_empty() {
            true => (200..=299).contains(&status),
            false => self.accepted.contains(&status),
        }
    }

    fn read_id(&self, reply: &Reply, json: &Value) -> Option<String> {
        let pointed = self.id.as_ref().and_then(|pointer| scalar(json.pointer(pointer)?));
        let header = || reply.headers.get(self.id_header.as_ref()?)?.to_str().ok().map(str::to_owned);
        pointed.or_else(header).filter(|id| !id.is_empty() && id.len() <= MAX_ID)
    }
}

pub(super) fn read_pointer(fields: &mut Fields<'_>, name: &'static str) -> Option<String> {
    let what = "a JSON Pointer, such as /messages/0/id";
    let pointer =
        fields.read(name, what, |value| plain_text(value, MAX_POINTER).filter(|text| text.starts_with('/')));
    pointer.map(str::to_owned)
}

/// Returns a text; writes a number or a boolean as text.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
