//! What providers report of messages that they took.

use countersign_core::{ports::gateways::ProviderReport, verification::status::Delivery};
use ipnet::IpNet;
use std::{fmt, net::IpAddr};
use url::Url;
use url::form_urlencoded;

/// Longest code of a report, in characters.
const MAX_CODE: usize = 64;
/// Longest reference or id of a report; a longer one is none of ours.
const MAX_NAME: usize = 200;

/// A request to the URL of receipts, as the HTTP side had it. Debug hides what
/// names a number.
pub struct ReceiptRequest<'a> {
    /// The full public URL as the provider called it, since signatures cover it.
    pub url: &'a str,
    /// `GET`, `POST`, ...
    pub method: &'a str,
    /// All headers, in their order.
    pub headers: &'a [(String, String)],
    /// The pairs of the query, decoded.
    pub query: &'a [(String, String)],
    /// The media type of the body, without parameters; empty without one.
    pub content_type: &'a str,
    /// The body, bounded by the HTTP side.
    pub body: &'a [u8],
    /// Who calls, behind trusted proxies.
    pub peer: IpAddr,
}

impl fmt::Debug for ReceiptRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiptRequest").field("method", &self.method).finish_non_exhaustive()
    }
}

impl ReceiptRequest<'_> {
    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The first value of that name in the query.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The pairs of a body that is a form; none of any other.
    pub fn form(&self) -> Vec<(String, String)> {
        if !self.content_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Vec::new();
        }
        form_urlencoded::parse(self.body).into_owned().collect()
    }

    /// Whether it comes from one of these networks; an empty list is everybody.
    pub(crate) fn comes_from(&self, networks: &[IpNet]) -> bool {
        let peer = self.peer.to_canonical();
        networks.is_empty() || networks.iter().any(|network| network.contains(&peer))
    }
}

/// What a request reports, and what the provider wants to hear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipts {
    /// The reports, in their order.
    pub reports: Vec<Report>,
    /// The body of the answer, which has status 200.
    pub answer: &'static str,
}

/// What became of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The reference that went out with the message, if it came back.
    pub reference: Option<String>,
    /// What the provider calls the message.
    pub id: Option<String>,
    /// What became of it.
    pub outcome: ReportOutcome,
    /// The provider's own code for that, at most 64 printable characters.
    pub code: String,
}

impl Report {
    /// `None` if it names no message.
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
    /// As the core takes it.
    pub fn into_core(self) -> ProviderReport {
        let delivery = match self.outcome {
            ReportOutcome::Delivered => Some(Delivery::Delivered),
            ReportOutcome::Undelivered => Some(Delivery::Undelivered),
            ReportOutcome::Progress => None,
        };
        ProviderReport { reference: self.reference, id: self.id, delivery, code: self.code }
    }
}

/// A receipt that came on a provider's own connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// One that could be read.
    Report {
        /// What it says.
        report: Report,
        /// For one whose id turns out to name no message.
        others: Vec<OtherReading>,
    },
    /// It names no message, or not what became of it.
    Unreadable,
}

/// How another value of the setting `id_format` reads the id of a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherReading {
    /// That value.
    pub setting: &'static str,
    /// The id by which the message would then be known already.
    pub id: String,
}

/// What a report says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportOutcome {
    /// It is on the phone.
    Delivered,
    /// It will not reach the phone.
    Undelivered,
    /// Neither yet, or nobody knows.
    Progress,
}

/// Why a request is no receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// This provider takes none.
    #[error("this provider takes no receipts")]
    Unsupported,
    /// A wrong signature, secret or address.
    #[error("the receipt does not come from the provider")]
    Forged,
    /// Nothing that the provider sends.
    #[error("the receipt cannot be read")]
    Unreadable,
}

/// The callback with the reference in its query, as `ref`, for a provider that
/// echoes no text of ours.
pub(crate) fn callback_with_reference(callback: &crate::provider::Callback) -> Option<String> {
    let mut url = Url::parse(&callback.url).ok()?;
    url.query_pairs_mut().append_pair("ref", &callback.reference);
    Some(url.into())
}
