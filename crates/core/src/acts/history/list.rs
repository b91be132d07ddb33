//! Past verifications as their tenant sees them, newest first.

use crate::{
    access::actor::Actor,
    acts::{
        history::{HistoryError, shown_profiles},
        view::Verification,
    },
    context::Context,
    history::query::{Filter, ListQuery, PastVerification},
    id::{ProfileId, RecordKey, VerificationId},
    phone::PhoneNumber,
    snapshot::view::TenantView,
    tenant::profile::ProfileName,
    tenant::system::Part,
    time::Timestamp,
    verification::{contact::Contact, status::Status},
};

/// The verifications that a client wants to list.
#[derive(Clone, Debug)]
pub struct ListRequest {
    pub profile: Option<ProfileName>,
    /// Only those with this status.
    pub status: Option<Status>,
    /// Only those started at this time or later.
    pub created_after: Option<Timestamp>,
    /// Only those started before this time.
    pub created_before: Option<Timestamp>,
    /// Only those older than this one.
    pub before: Option<VerificationId>,
    /// The maximum number of rows.
    pub limit: u16,
}

/// Lists verifications, newest first.
pub async fn list_verifications(
    context: &Context,
    actor: &Actor,
    request: ListRequest,
    now: Timestamp,
) -> Result<Vec<Verification>, HistoryError> {
    let profiles = shown_profiles(context, actor, request.profile.as_ref()).await?;
    let filter = request.status.map_or(Filter::All, Filter::Status);
    let ListRequest { created_after, created_before, before, limit, .. } = request;
    list(context, actor, ListQuery { before, limit, created_after, created_before, profiles, filter, now })
        .await
}

/// Lists the verifications of a number, newest first.
pub async fn search_verifications(
    context: &Context,
    actor: &Actor,
    to: &PhoneNumber,
    (before, limit): (Option<VerificationId>, u16),
    now: Timestamp,
) -> Result<Vec<Verification>, HistoryError> {
    let filter = Filter::Number(context.keyring.fingerprint(actor.tenant, to));
    let query = ListQuery {
        before,
        limit,
        created_after: None,
        created_before: None,
        profiles: actor.profiles.clone(),
        filter,
        now,
    };
    list(context, actor, query).await
}

async fn list(context: &Context, actor: &Actor, query: ListQuery) -> Result<Vec<Verification>, HistoryError> {
    context.permit(actor.tenant, Part::verifications(actor)).map_err(HistoryError::Database)?;
    let found = context.history.list(actor.tenant, actor.mode, &query).await;
    let found = found.map_err(HistoryError::Database)?;
    let mut shown = Vec::with_capacity(found.len());
    let view = context.tenant_view(actor.tenant).map_err(HistoryError::Database)?;
    for past in found {
        let key = RecordKey { tenant: actor.tenant, mode: actor.mode, id: past.id };
        // A contact that cannot be opened is shown as if it were erased, so that it does not hide all others.
        let contact = open_contact(context, key, &past);
        let profile = match &contact {
            Some(contact) => contact.profile.clone(),
            None => name_of(&view, past.profile),
        };
        shown.push(Verification::past(key, past, query.now, (profile, contact)));
    }
    Ok(shown)
}

/// Reads a verification from the history, because its record has expired.
pub(crate) async fn read_past(
    context: &Context,
    key: RecordKey,
    now: Timestamp,
) -> Result<Option<Verification>, HistoryError> {
    let found = context.history.read(key).await.map_err(HistoryError::Database)?;
    let Some(past) = found else { return Ok(None) };
    let contact = open_contact(context, key, &past);
    let profile = match &contact {
        Some(contact) => contact.profile.clone(),
        None => {
            let view = context.tenant_view(key.tenant).map_err(HistoryError::Database)?;
            name_of(&view, past.profile)
        }
    };
    Ok(Some(Verification::past(key, past, now, (profile, contact))))
}

/// The contact in the history; `None` if it was erased or cannot be opened.
fn open_contact(context: &Context, key: RecordKey, past: &PastVerification) -> Option<Contact> {
    let (number, sealed) = past.number.zip(past.contact.as_deref())?;
    Contact::open_sealed(&context.keyring, key, number, sealed).ok()
}

/// The name of a profile for a row whose contact cannot be read. The contact would contain the profile's name
/// at the start. In its place, this returns the name that the profile has now.
fn name_of(view: &TenantView, profile: ProfileId) -> ProfileName {
    let known = view.profiles.values().find(|known| known.id == profile);
    known.map(|known| known.name.clone()).unwrap_or_default()
}
