//! The queries of the history, and their results.

use crate::{
    access::share::Share,
    history::fold::{Conversions, Counts},
    id::{ProfileId, VerificationId},
    keyring::Fingerprint,
    phone::Country,
    time::Timestamp,
    verification::status::{Delivery, Status},
};

/// A verification as the history stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastVerification {
    pub id: VerificationId,
    pub profile: ProfileId,
    /// The fingerprint of the phone number; `None` after an erasure.
    pub number: Option<Fingerprint>,
    /// Phone number, profile name and metadata, sealed; `None` after an erasure.
    pub contact: Option<Vec<u8>>,
    /// The status as stored. A stored `pending` may have expired since.
    pub status: Status,
    /// When the verification started, by the clock of the codes store.
    pub started_at: Timestamp,
    /// When the codes expire.
    pub expires_at: Timestamp,
    /// When the verification ended; `None` while it is pending.
    pub ended_at: Option<Timestamp>,
    /// The number of wrong codes.
    pub checks: u8,
    /// The number of wrong codes that ends the verification.
    pub max_checks: u8,
    /// The number of messages queued so far.
    pub sends: u8,
    /// The maximum number of messages.
    pub max_sends: u8,
    /// The delivery state of the newest message.
    pub delivery: Delivery,
}

/// The verifications of a tenant and mode that a list shows, newest first.
#[derive(Clone, Debug)]
pub struct ListQuery {
    /// Shows only verifications older than this one.
    pub before: Option<VerificationId>,
    /// The maximum number of rows.
    pub limit: u16,
    /// Shows verifications whose id was made at this time or later.
    pub created_after: Option<Timestamp>,
    /// Shows verifications whose id was made before this time.
    pub created_before: Option<Timestamp>,
    /// Shows only verifications of these profiles.
    pub profiles: Share<ProfileId>,
    pub filter: Filter,
    /// The time that separates pending verifications from expired ones.
    pub now: Timestamp,
}

/// The condition that every verification of the list fulfils, besides its profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// No condition.
    All,
    Status(Status),
    Number(Fingerprint),
}

/// The hours and the events of an hourly report.
#[derive(Clone, Debug)]
pub struct ReportQuery {
    /// The first hour.
    pub from: Timestamp,
    /// The end: the hour that begins at this time is not included.
    pub to: Timestamp,
    /// Counts only these profiles.
    pub profiles: Share<ProfileId>,
    /// Counts only phone numbers of this country.
    pub country: Option<Country>,
}

/// The counts of one hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HourlyCounts {
    pub hour: Timestamp,
    pub counts: Counts,
}

/// The columns by which a conversion report groups its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    Provider,
    /// Provider and country.
    Country,
    /// Provider, country and prefix.
    Prefix,
}

/// The group that a row of a conversion report is about. Rows are ordered by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Way {
    pub provider: String,
    /// The country of the phone numbers; empty if the report does not group by country, or if it is unknown.
    pub country: String,
    /// The prefix of the phone numbers; empty if the report does not group by prefix, or if it is unknown.
    pub prefix: String,
}

/// The days and the grouping of a conversion report.
#[derive(Clone, Debug)]
pub struct ConversionQuery {
    /// The first day.
    pub from: Timestamp,
    /// The end: the day that begins at this time is not included.
    pub to: Timestamp,
    pub by: By,
    /// Counts only phone numbers of this country.
    pub country: Option<Country>,
    /// Shows only the rows after this one.
    pub after: Option<Way>,
    /// The maximum number of rows.
    pub limit: u16,
}

/// The counts of one row of a conversion report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WayCounts {
    pub way: Way,
    pub counts: Conversions,
}
