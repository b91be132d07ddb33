//! Reports of providers about messages that they accepted.

use countersign_core::{ports::gateways::ProviderReport, verification::status::Delivery};
use ipnet::IpNet;
use std::{fmt, net::IpAddr};
use url::Url;
use url::form_urlencoded;

/// The maximum length of a report's code, in characters.
const MAX_CODE: usize = 64;
/// The maximum length of a reference or id in a report. A longer one is not of a message of ours.
const MAX_NAME: usize = 200;

/// A request to the receipt URL, as the HTTP server received it. Debug hides the parts that may contain a
/// phone number.
pub struct ReceiptRequest<'a> {
    /// The full public URL as the provider called it. Signatures cover it.
    pub url: &'a str,
    pub method: &'a str,
    /// All headers, in their order.
    pub headers: &'a [(String, String)],
    /// The decoded pairs of the query.
    pub query: &'a [(String, String)],
    /// The media type of the body, without parameters; empty if there is none.
    pub content_type: &'a str,
    /// The body. The HTTP server limits its size.
    pub body: &'a [u8],
    /// The address of the caller, found behind trusted proxies.
    pub peer: IpAddr,
}

impl fmt::Debug for ReceiptRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiptRequest").field("method", &self.method).finish_non_exhaustive()
    }
}

impl ReceiptRequest<'_> {
    /// The first header with this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The first value with this name in the query.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The pairs of a form body; empty for any other body.
    pub fn form(&self) -> Vec<(String, String)> {
        if !self.content_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Vec::new();
        }
        form_urlencoded::parse(self.body).into_owned().collect()
    }

    /// Returns whether the caller is in one of these networks. An empty list admits everybody.
    pub(crate) fn comes_from(&self, networks: &[IpNet]) -> bool {
        let peer = self.peer.to_canonical();
        networks.is_empty() || networks.iter().any(|network| network.contains(&peer))
    }
}

/// The reports of a request, and the answer that the provider expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipts {
    pub reports: Vec<Report>,
    /// The body of the answer; its status is 200.
    pub answer: &'static str,
}

/// What a provider reports about one message: how to find the message, and its outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The reference that was sent with the message, if the provider returned it.
    pub reference: Option<String>,
    /// The provider's id of the message.
    pub id: Option<String>,
    pub outcome: ReportOutcome,
    /// The provider's own code for the outcome, at most 64 printable characters.
    pub code: String,
}

impl Report {
    /// Makes a report. Returns `None` if it names no message.
    pub(crate) fn new(
        reference: Option<&str>,
        id: Option<&str>,
        outcome: ReportOutcome,
        code: &str,
    ) -> Option<Self> {
        let fits = |name: &&str| !name.is_empty() && name.len() <= MAX_NAME;
        let (reference, id) = (reference.filter(fits), id.filter(fits));
        let code = code.chars().filter(|c| !c.is_control()).take(MAX_CODE).collect();
        (reference.is_some() || id.is_some()).then(|| Self {
            reference: reference.map(str::to_owned),
            id: id.map(str::to_owned),
            outcome,
            code,
        })
    }
}

impl Report {
    /// Converts it to core's form.
    pub fn into_core(self) -> ProviderReport {
        let delivery = match self.outcome {
            ReportOutcome::Delivered => Some(Delivery::Delivered),
            ReportOutcome::Undelivered => Some(Delivery::Undelivered),
            ReportOutcome::Progress => None,
        };
        ProviderReport { reference: self.reference, id: self.id, delivery, code: self.code }
    }
}

/// A receipt that arrived on a provider's own connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// The receipt was readable.
    Report {
        report: Report,
        /// Other readings of its id, in case the id names no message.
        others: Vec<OtherReading>,
    },
    /// The receipt names no message, or no outcome.
    Unreadable,
}

/// How another value of the setting `id_format` would read a receipt's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherReading {
    /// That value of the setting.
    pub setting: &'static str,
    /// The id under which the message would then be found.
    pub id: String,
}

/// The outcome in a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportOutcome {
    /// The message is on the phone.
    Delivered,
    /// The message will not reach the phone.
    Undelivered,
    /// Neither is certain yet.
    Progress,
}

/// The reasons why a request is not accepted as a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// This provider has no receipts.
    #[error("this provider takes no receipts")]
    Unsupported,
    /// The signature, the secret or the address is wrong.
    #[error("the receipt does not come from the provider")]
    Forged,
    /// The provider sends no such request.
    #[error("the receipt cannot be read")]
    Unreadable,
}

/// The callback URL with the reference in its query, as `ref`, for a provider that sends back no text of
/// ours.
pub(crate) fn callback_with_reference(callback: &crate::provider::Callback) -> Option<String> {
    let mut url = Url::parse(&callback.url).ok()?;
    url.query_pairs_mut().append_pair("ref", &callback.reference);
    Some(url.into())
}
