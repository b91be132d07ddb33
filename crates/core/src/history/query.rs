//! What is asked of the history, and what it answers.

use crate::{
    history::fold::{Conversions, Counts},
    id::{ProfileId, VerificationId},
    keyring::Fingerprint,
    phone::Country,
    time::Timestamp,
    verification::status::{Delivery, Status},
};

/// A verification as the history keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastVerification {
    /// Its id.
    pub id: VerificationId,
    /// The profile it was started for.
    pub profile: ProfileId,
    /// The number it is about; `None` after it was erased.
    pub number: Option<Fingerprint>,
    /// Number, profile name and metadata, sealed; `None` after they were erased.
    pub contact: Option<Vec<u8>>,
    /// The status as recorded; one that is pending may have expired since.
    pub status: Status,
    /// When it was started, by the codes store's clock.
    pub started_at: Timestamp,
    /// When its codes end.
    pub expires_at: Timestamp,
    /// When it ended, if it did.
    pub ended_at: Option<Timestamp>,
    /// Wrong codes.
    pub checks: u8,
    /// Wrong codes that end it.
    pub max_checks: u8,
    /// Messages queued.
    pub sends: u8,
    /// Messages that may be queued.
    pub max_sends: u8,
    /// How far the newest message got.
    pub delivery: Delivery,
}

/// Which verifications of a tenant and mode a list shows, newest first.
#[derive(Clone, Copy, Debug)]
pub struct ListQuery {
    /// Only those older than this one.
    pub before: Option<VerificationId>,
    /// Most rows.
    pub limit: u16,
    /// Those whose id was made from then on.
    pub created_after: Option<Timestamp>,
    /// Those whose id was made before.
    pub created_before: Option<Timestamp>,
    /// Which.
    pub filter: Filter,
    /// Tells pending ones from those that have expired.
    pub now: Timestamp,
}

/// What the verifications of a list have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Nothing.
    All,
    /// A status.
    Status(Status),
    /// A profile.
    Profile(ProfileId),
    /// Both.
    ProfileAndStatus(ProfileId, Status),
    /// A number.
    Number(Fingerprint),
}

/// Which hours of a report, and what is counted in them.
#[derive(Clone, Debug)]
pub struct ReportQuery {
    /// From this hour on.
    pub from: Timestamp,
    /// Up to this time, without the hour that begins then.
    pub to: Timestamp,
    /// Of one profile.
    pub profile: Option<ProfileId>,
    /// Of numbers of one country.
    pub country: Option<Country>,
}

/// What happened in an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HourlyCounts {
    /// When the hour begins.
    pub hour: Timestamp,
    /// How often each thing happened.
    pub counts: Counts,
}

/// How far the rows of a report of conversion tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// Provider.
    Provider,
    /// Provider and country.
    Country,
    /// Provider, country and prefix.
    Prefix,
}

/// What a row of a report of conversion is about, in the order of the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// The provider's name.
    pub provider: String,
    /// The country of the numbers; empty where not told apart or not known.
    pub country: String,
    /// Their prefix; empty where not told apart or not known.
    pub prefix: String,
}

/// Which days of a report of conversion, and what is told apart.
#[derive(Clone, Debug)]
pub struct ConversionQuery {
    /// From this day on.
    pub from: Timestamp,
    /// Up to this time, without the day that begins then.
    pub to: Timestamp,
    /// What is told apart.
    pub by: By,
    /// Of numbers of one country.
    pub country: Option<Country>,
    /// Only the rows behind this one.
    pub after: Option<Way>,
    /// Most of them.
    pub limit: u16,
}

/// What became of what was sent one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WayCounts {
    /// The way.
    pub way: Way,
    /// How often each thing happened.
    pub counts: Conversions,
}
