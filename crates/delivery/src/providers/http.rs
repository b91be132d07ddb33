//! `http`: any service with an HTTP interface. Templates in the settings describe its requests.
//!
//! The settings say which request to send and what the answers mean; presets contain the settings of known
//! services. All settings are checked when they are read. If a service recognises repeats, its templates send
//! `{id}` or `{reference}`.

mod answer;
mod body;
mod preset;
mod receipts;
mod request;
mod template;
mod url;

pub use preset::NAMES as PRESETS;

use crate::{
    outbound::Outbound,
    provider::{Accepted, Outgoing, Provider, SendError},
    receipt::{ReceiptError, ReceiptRequest, Receipts},
    settings::{Fault, Fields, secret},
};
use answer::AnswerRules;
use receipts::ReceiptRules;
use request::{RequestTemplate, missing_secrets};
use serde_json::Value;
use std::{fmt, time::Duration};
use template::{Placeholder, Secrets, Values, is_name};

const TIMEOUT: Duration = Duration::from_secs(8);
const MOST_SECRETS: usize = 10;
const MAX_SECRET: usize = 500;

/// A provider that templates describe.
pub(crate) struct Http {
    name: String,
    outbound: Outbound,
    request: RequestTemplate,
    from: Option<String>,
    secrets: Secrets,
    answer: AnswerRules,
    receipts: Option<ReceiptRules>,
    /// Whether requests contain the name that receipts must contain. Without it, no receipt can be matched.
    tells: bool,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Http {
    /// Reads the settings. Returns all their errors at once.
    pub(crate) fn new(name: &str, settings: &Value, outbound: &Outbound) -> Result<Self, Vec<Fault>> {
        let settings = preset::apply(settings)?;
        let mut fields = Fields::new(&settings);
        let secrets = read_secrets(&mut fields);
        let from = fields.text("from", 16);
        let timeout = fields.timeout(TIMEOUT);
        let request = RequestTemplate::parse(&mut fields, outbound, timeout);
        if let Some(request) = &request {
            check_placeholders(&mut fields, &request.placeholders(), &settings["secrets"]);
        }
        let answer = fields.object("answer", AnswerRules::parse);
        let has_receipts = fields.has("receipts");
        let receipts = match has_receipts {
            true => fields.object("receipts", |fields| ReceiptRules::parse(fields, &secrets)),
            false => fields.value("receipts").and(None),
        };
        let (name, outbound) = (name.to_owned(), outbound.clone());
        let whole = request.map(|request| {
            let names = |one: &&Placeholder| matches!(one, Placeholder::CallbackUrl | Placeholder::Reference);
            let tells = receipts.is_some() && request.placeholders().iter().any(names);
            Self { name, outbound, request, from, secrets, answer, receipts, tells }
        });
        fields.finish(whole)
    }
}

fn read_secrets(fields: &mut Fields<'_>) -> Secrets {
    let what = format!("an object of at most {MOST_SECRETS} secrets");
    let object = fields
        .read("secrets", &what, |value| value.as_object().filter(|object| object.len() <= MOST_SECRETS));
    let mut secrets = Secrets::new();
    for (name, value) in object.into_iter().flatten() {
        match secret(value, MAX_SECRET) {
            _ if !is_name(name) => fields.fault("secrets", "must have names of a-z, 0-9 and _"),
            Some(secret) => drop(secrets.insert(name.clone(), secret)),
            None => fields.fault(
                &format!("secrets.{name}"),
                format!("must be a text of 1 to {MAX_SECRET} printable ASCII characters"),
            ),
        }
    }
    secrets
}

fn check_placeholders(fields: &mut Fields<'_>, used: &[&Placeholder], secrets: &Value) {
    // A secret that is set but wrong has been reported already.
    for name in missing_secrets(used, |name| !secrets[name].is_null()) {
        fields.fault(&format!("secrets.{name}"), "must be set");
    }
    if !used.contains(&&Placeholder::Text) {
        fields.fault("body", "or url must hold {text}");
    }
    if !used.contains(&&Placeholder::To) && !used.contains(&&Placeholder::ToDigits) {
        fields.fault("body", "or url must hold {to} or {to_digits}");
    }
}

#[async_trait::async_trait]
impl Provider for Http {
    fn name(&self) -> &str {
        &self.name
    }

    fn reports(&self, message: &Outgoing) -> bool {
        self.tells && message.callback.is_some()
    }

    async fn send(&self, message: &Outgoing) -> Result<Accepted, SendError> {
        let from = self.from.as_deref();
        let values = Values::new(message, from, &self.secrets, self.receipts.is_some());
        let request = self.request.build(&values).map_err(SendError::local)?;
        self.answer.judge(&self.outbound.call(request).await?)
    }

    fn receipts(&self, request: &ReceiptRequest<'_>) -> Result<Receipts, ReceiptError> {
        let rules = self.receipts.as_ref().ok_or(ReceiptError::Unsupported)?;
        rules.read(request, &self.secrets)
    }
}

#[cfg(test)]
mod tests;
