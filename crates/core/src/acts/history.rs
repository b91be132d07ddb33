//! The history: what became of every verification, also when its record is
//! gone. The acts that read it, and the one that takes a number out of it.

use crate::history::{
    fold::order,
    query::{ConversionQuery, Filter, HourlyCounts, ListQuery, ReportQuery, WayCounts},
};
use crate::{
    Caller, Context,
    acts::read::{Contact, Verification},
    id::{ProfileId, VerificationId},
    phone::{Country, PhoneNumber},
    ports::codes::StoreError,
    snapshot::TenantView,
    tenant::profile::{Profile, ProfileName},
    time::Timestamp,
    verification::{
        event::Event,
        record::{RecordKey, Status},
    },
};

/// Why the history was not shown or changed.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// No such verification of this tenant in this mode.
    #[error("no such verification")]
    NotFound,
    /// The tenant has no profile of that name.
    #[error("no such profile")]
    UnknownProfile,
    /// The codes store did not answer.
    #[error("codes store")]
    Codes(#[source] StoreError),
    /// The database did not answer.
    #[error("database")]
    Database(#[source] StoreError),
}

/// Which verifications a client wants listed.
#[derive(Clone, Debug)]
pub struct ListRequest {
    /// Of one profile.
    pub profile: Option<ProfileName>,
    /// In one state.
    pub status: Option<Status>,
    /// Made from then on.
    pub created_after: Option<Timestamp>,
    /// Made before.
    pub created_before: Option<Timestamp>,
    /// Only those older than this one.
    pub before: Option<VerificationId>,
    /// Most of them.
    pub limit: u16,
}

/// Lists verifications, newest first.
pub async fn list_verifications(
    context: &Context,
    caller: &Caller,
    request: ListRequest,
    now: Timestamp,
) -> Result<Vec<Verification>, HistoryError> {
    let profile = match &request.profile {
        Some(name) => Some(profile(context, caller, name).await?.id),
        None => None,
    };
    let filter = match (profile, request.status) {
        (None, None) => Filter::All,
        (None, Some(status)) => Filter::Status(status),
        (Some(profile), None) => Filter::Profile(profile),
        (Some(profile), Some(status)) => Filter::ProfileAndStatus(profile, status),
    };
    let ListRequest { created_after, created_before, before, limit, .. } = request;
    list(context, caller, ListQuery { before, limit, created_after, created_before, filter, now }).await
}

/// Lists the verifications of a number, newest first.
pub async fn search_verifications(
    context: &Context,
    caller: &Caller,
    to: &PhoneNumber,
    (before, limit): (Option<VerificationId>, u16),
    now: Timestamp,
) -> Result<Vec<Verification>, HistoryError> {
    let filter = Filter::Number(context.keyring.fingerprint(caller.tenant, to));
    let query = ListQuery { before, limit, created_after: None, created_before: None, filter, now };
    list(context, caller, query).await
}

async fn list(
    context: &Context,
    caller: &Caller,
    query: ListQuery,
) -> Result<Vec<Verification>, HistoryError> {
    let found = context.history.list(caller.tenant, caller.mode, &query).await;
    let found = found.map_err(HistoryError::Database)?;
    let mut shown = Vec::with_capacity(found.len());
    let view = context.tenant_view(caller.tenant).map_err(HistoryError::Database)?;
    for past in found {
        let key = RecordKey { tenant: caller.tenant, mode: caller.mode, id: past.id };
        // One that does not open is shown like one that was erased: it must not hide all others.
        let contact = Contact::open_past(context, key, &past).ok().flatten();
        let profile = match &contact {
            Some(contact) => contact.profile.clone(),
            None => name_of(&view, past.profile),
        };
        shown.push(Verification::past(key, past, query.now, (profile, contact)));
    }
    Ok(shown)
}

/// A verification whose record is gone, if the history has it.
pub(crate) async fn read_past(
    context: &Context,
    key: RecordKey,
    now: Timestamp,
) -> Result<Option<Verification>, HistoryError> {
    let found = context.history.read(key).await.map_err(HistoryError::Database)?;
    let Some(past) = found else { return Ok(None) };
    let contact = Contact::open_past(context, key, &past).ok().flatten();
    let profile = match &contact {
        Some(contact) => contact.profile.clone(),
        None => {
            let view = context.tenant_view(key.tenant).map_err(HistoryError::Database)?;
            name_of(&view, past.profile)
        }
    };
    Ok(Some(Verification::past(key, past, now, (profile, contact))))
}

/// The name of a profile stands in the sealed contact; without that, the tenant's view knows it.
fn name_of(view: &TenantView, profile: ProfileId) -> ProfileName {
    let known = view.profiles.values().find(|known| known.id == profile);
    known.map(|known| known.name.clone()).unwrap_or_default()
}

async fn profile(context: &Context, caller: &Caller, name: &ProfileName) -> Result<Profile, HistoryError> {
    let profile = context.directory.profile(caller.tenant, name).await.map_err(HistoryError::Database)?;
    profile.ok_or(HistoryError::UnknownProfile)
}

/// What happened to a verification, oldest first: what is recorded, and what
/// the codes store still holds.
pub async fn read_timeline(context: &Context, key: RecordKey) -> Result<Vec<Event>, HistoryError> {
    // The codes first: what is recorded meanwhile is then in both, not in neither.
    let fresh = context.codes.timeline(key).await.map_err(HistoryError::Codes)?;
    let recorded = context.history.timeline(key).await.map_err(HistoryError::Database)?;
    let events = join_timeline(recorded, fresh);
    if events.is_empty() { Err(HistoryError::NotFound) } else { Ok(events) }
}

/// What is recorded, and what the codes store still holds, each once and in order.
pub fn join_timeline(mut events: Vec<Event>, fresh: Vec<Event>) -> Vec<Event> {
    for event in fresh {
        if !events.iter().any(|known| known.id == event.id) {
            events.push(event);
        }
    }
    events.sort_by_key(|event| (event.at, order(&event.kind), event.id));
    events
}

/// What an erasure did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erased {
    /// Verifications of the history that held the number.
    pub verifications: u64,
    /// Live verifications that it ended.
    pub canceled: u64,
}

/// Ends the live verifications of a number and takes it out of their records
/// and of the history.
///
/// What the limits and the wrong codes counted for the number stays under its
/// keyed hash until it ends by itself: an erasure must not be a way around them.
pub async fn erase_number(
    context: &Context,
    caller: &Caller,
    to: &PhoneNumber,
) -> Result<Erased, HistoryError> {
    let (tenant, mode) = (caller.tenant, caller.mode);
    let number = context.keyring.fingerprint(tenant, to);
    let erasure = context.codes.erase(tenant, mode, number).await.map_err(HistoryError::Codes)?;
    let erased = context.history.erase(tenant, mode, number, erasure.now).await;
    let verifications = erased.map_err(HistoryError::Database)?;
    Ok(Erased { verifications, canceled: erasure.canceled })
}

/// Which report a client wants.
#[derive(Clone, Debug)]
pub struct ReportRequest {
    /// From this hour on.
    pub from: Timestamp,
    /// Up to this time.
    pub to: Timestamp,
    /// Of one profile.
    pub profile: Option<ProfileName>,
    /// Of numbers of one country.
    pub country: Option<Country>,
}

/// Counts what happened, hour by hour.
pub async fn read_hourly_report(
    context: &Context,
    caller: &Caller,
    request: ReportRequest,
) -> Result<Vec<HourlyCounts>, HistoryError> {
    let profile = match &request.profile {
        Some(name) => Some(profile(context, caller, name).await?.id),
        None => None,
    };
    let ReportRequest { from, to, country, .. } = request;
    let query = ReportQuery { from, to, profile, country };
    context.history.report(caller.tenant, caller.mode, &query).await.map_err(HistoryError::Database)
}

/// Counts what became of what was sent, by provider, country and prefix.
pub async fn read_conversion(
    context: &Context,
    caller: &Caller,
    query: &ConversionQuery,
) -> Result<Vec<WayCounts>, HistoryError> {
    context.history.conversion(caller.tenant, caller.mode, query).await.map_err(HistoryError::Database)
}
