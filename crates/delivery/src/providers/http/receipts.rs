//! The rules for reading receipts of a generic provider.

use super::{
    answer::{MAX_POINTER, scalar},
    template::{Secrets, is_name},
};
use crate::{
    receipt::{ReceiptError, ReceiptRequest, Receipts, Report, ReportOutcome},
    settings::{Fields, plain_text},
};
use ipnet::IpNet;
use serde_json::Value;

const MOST: usize = 100;
const MAX_STATUS: usize = 64;

/// The place of a value: a JSON Pointer, or the name of a field in the query, in a form, or in a JSON object.
struct Place(String);

/// The rules for reading receipts.
pub(super) struct ReceiptRules {
    reference: Place,
    id: Option<Place>,
    status: Place,
    code: Option<Place>,
    delivered: Vec<String>,
    undelivered: Vec<String>,
    addresses: Vec<IpNet>,
    /// A header, and the name of the secret that it must contain.
    header: Option<(String, String)>,
}

impl ReceiptRules {
    pub(super) fn parse(fields: &mut Fields<'_>, secrets: &Secrets) -> Option<Self> {
        let place = |fields: &mut Fields<'_>, name| {
            let place = fields.read(name, "a JSON Pointer or the name of a field", |value| {
                plain_text(value, MAX_POINTER).map(str::to_owned)
            });
            place.map(Place)
        };
        // Even if the provider sends no text back, its URL contains the reference.
        let reference = place(fields, "reference").unwrap_or_else(|| Place("ref".to_owned()));
        let (id, code, status) = (place(fields, "id"), place(fields, "code"), place(fields, "status"));
        let status = fields.require("status", status);
        let values = |fields: &mut Fields<'_>, name| {
            fields
                .list(name, "a list of texts", MOST, |value| plain_text(value, MAX_STATUS).map(str::to_owned))
        };
        let delivered = values(fields, "delivered");
        let delivered = fields.require("delivered", delivered);
        let undelivered = values(fields, "undelivered").unwrap_or_default();
        let addresses = fields.networks("addresses");
        let header = fields.text("header", 100);
        let secret = fields.read("secret", "the name of one of the secrets", |value| {
            value.as_str().filter(|name| is_name(name) && secrets.contains_key(*name)).map(str::to_owned)
        });
        for (one, other) in [("header", "secret"), ("secret", "header")] {
            if fields.has(one) && !fields.has(other) {
                fields.fault(other, format!("must be set when {one} is"));
            }
        }
        let (status, delivered) = status.zip(delivered)?;
        let header = header.zip(secret);
        Some(Self { reference, id, status, code, delivered, undelivered, addresses, header })
    }

    pub(super) fn read(
        &self,
        request: &ReceiptRequest<'_>,
        secrets: &Secrets,
    ) -> Result<Receipts, ReceiptError> {
        let knows = |(header, secret): &(String, String)| {
            let secret = secrets.get(secret);
            secret.zip(request.header(header)).is_some_and(|(secret, given)| secret.is(given))
        };
        if !request.comes_from(&self.addresses) || !self.header.as_ref().is_none_or(knows) {
            return Err(ReceiptError::Forged);
        }
        let source = Source {
            request,
            form: request.form(),
            json: serde_json::from_slice(request.body).unwrap_or_default(),
        };
        let report = self.read_report(&source).ok_or(ReceiptError::Unreadable)?;
        Ok(Receipts { reports: vec![report], answer: "OK" })
    }

    fn read_report(&self, source: &Source<'_>) -> Option<Report> {
        let status = source.find(&self.status)?;
        let outcome = match () {
            () if self.delivered.contains(&status) => ReportOutcome::Delivered,
            () if self.undelivered.contains(&status) => ReportOutcome::Undelivered,
            () => ReportOutcome::Progress,
        };
        let reference = source.find(&self.reference).or_else(|| source.find(&Place("ref".to_owned())));
        let id = self.id.as_ref().and_then(|place| source.find(place));
        let code = self.code.as_ref().and_then(|place| source.find(place)).unwrap_or(status);
        Report::new(reference.as_deref(), id.as_deref(), outcome, &code)
    }
}

struct Source<'a> {
    request: &'a ReceiptRequest<'a>,
    form: Vec<(String, String)>,
    json: Value,
}

impl Source<'_> {
    fn find(&self, Place(name): &Place) -> Option<String> {
        if name.starts_with('/') {
            return scalar(self.json.pointer(name)?);
        }
        let form = || self.form.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        let json = || scalar(self.json.get(name)?);
        self.request.query(name).map(str::to_owned).or_else(form).or_else(json)
    }
}
