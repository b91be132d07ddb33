//! Verifications: start, read, cancel. A phone number has one live verification in a service: a second start
//! sends its message again.

mod json;
mod read;

use super::{
    base::{Answer, Base},
    error::Refusal,
    form::Form,
    sid::{Kind, Sid},
};
use crate::access::caller::{Authed, CompatTwilio};
use actix_web::{
    HttpRequest, HttpResponse, get, post,
    web::{Data, Path},
};
use countersign_core::{
    access::actor::Actor,
    acts::{
        cancel,
        families::{Family, FamilyError, FamilyStart, find_in_family, start_in_family},
        history::timeline::join_timeline,
        read as reading, shares,
        start::request::StartError,
        view,
    },
    id::{ProfileId, RecordKey, VerificationId},
    snapshot::view::TenantView,
    tenant::profile::Profile,
    verification::event::Event,
};
use countersign_web::{State, notes::note, problem::Problem, ratelimit, rng};
use json::Verification;
pub use json::status;
use read::{VerificationForm, VerificationUpdate};
pub use read::{number, payment};
use std::time::Duration;
use tokio::time::timeout;

/// The service with a SID, from the snapshot: a start asks no database.
pub fn service<'a>(caller: &Actor, view: &'a TenantView, sid: &str) -> Result<&'a Profile, Refusal> {
    let id = Sid::parse(Kind::Service, sid).map(ProfileId::from_bytes);
    let found = view.profiles.values().find(|profile| Some(profile.id) == id);
    found.filter(|profile| caller.profiles.admits(&profile.id)).ok_or_else(Refusal::not_found)
}

impl From<FamilyError> for Refusal {
    fn from(error: FamilyError) -> Self {
        match error {
            FamilyError::Start(StartError::UnknownLimit(_)) => Self::invalid("RateLimits"),
            FamilyError::Start(StartError::TextTooLong) => {
                Self::invalid_because("AppHash", "makes the message longer than an Android app can read")
            }
            FamilyError::Start(error) => Problem::from(error).into(),
            FamilyError::Resend(error) => Problem::from(error).into(),
        }
    }
}

/// Starts a verification, or sends the message of the live one again.
///
/// If the live verification has another text, payment or language, the server
/// cancels it and starts a new one.
#[utoipa::path(
    tag = "twilio",
    params(("service" = String, Path, description = "The service.", pattern = "^VA[0-9a-f]{32}$")),
    request_body(content = VerificationForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 201, description = "A message is queued.", body = Verification)),
    security(("twilio" = ["compat:twilio"]))
)]
#[post("/Services/{service}/Verifications")]
pub async fn create_verification(
    caller: Authed<CompatTwilio>,
    request: HttpRequest,
    state: Data<State>,
    path: Path<String>,
    form: Form,
) -> Answer {
    let view = state.context.tenant_view(caller.tenant)?;
    let profile = service(&caller, &view, &path)?;
    let templates = shares::templates(&state.context, &caller)?;
    let asked = VerificationForm::read(&form, caller.mode, (&view, &templates), profile)?;
    let (amount, payee) = (asked.amount.clone(), asked.payee.clone());
    let asked = asked.start(profile);
    let now = state.clock.now();
    let family = Family::Twilio;
    let made = match start_in_family(&state.context, &caller, family, asked, now, &mut rng()).await? {
        FamilyStart::Started(made) | FamilyStart::Resent(made) => made,
        FamilyStart::TooSoon(_) => return Err(Refusal::too_soon()),
        FamilyStart::SendsExhausted(_) => return Err(Refusal::sends_exhausted()),
    };
    let verification = made.verification;
    note(&request, verification.id, verification.status.as_str());
    let told = told(&state, &caller, verification.id).await;
    let mut body = Verification::new(&Base::of(&request), &caller, profile, verification, &told);
    (body.amount, body.payee) = (amount, payee);
    let mut response = HttpResponse::Created().json(body);
    ratelimit::set_headers(response.headers_mut(), &made.limits);
    Ok(response)
}

/// Reads a verification.
///
/// You can name it by its SID or by its number. A number means its live
/// verification, or else its newest.
#[utoipa::path(
    tag = "twilio",
    params(
        ("service" = String, Path, description = "The service.", pattern = "^VA[0-9a-f]{32}$"),
        ("verification" = String, Path, description = "The verification, or its number."),
    ),
    responses((status = 200, description = "The verification.", body = Verification)),
    security(("twilio" = ["compat:twilio"]))
)]
#[get("/Services/{service}/Verifications/{verification}")]
pub async fn fetch_verification(
    caller: Authed<CompatTwilio>,
    request: HttpRequest,
    state: Data<State>,
    path: Path<(String, String)>,
) -> Answer {
    let view = state.context.tenant_view(caller.tenant)?;
    let profile = service(&caller, &view, &path.0)?;
    let found = find(&state, &caller, profile, &path.1).await?;
    note(&request, found.id, found.status.as_str());
    let told = told(&state, &caller, found.id).await;
    let body = Verification::new(&Base::of(&request), &caller, profile, found, &told);
    Ok(HttpResponse::Ok().json(body))
}

/// Cancels a verification.
///
/// The server refuses `Status=approved`: it approves only after it compared a
/// code.
#[utoipa::path(
    tag = "twilio",
    params(
        ("service" = String, Path, description = "The service.", pattern = "^VA[0-9a-f]{32}$"),
        ("verification" = String, Path, description = "The verification, or its number."),
    ),
    request_body(content = VerificationUpdate, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "Canceled.", body = Verification)),
    security(("twilio" = ["compat:twilio"]))
)]
#[post("/Services/{service}/Verifications/{verification}")]
pub async fn update_verification(
    caller: Authed<CompatTwilio>,
    request: HttpRequest,
    state: Data<State>,
    path: Path<(String, String)>,
    form: Form,
) -> Answer {
    let VerificationUpdate { status: () } = VerificationUpdate::read(&form)?;
    let view = state.context.tenant_view(caller.tenant)?;
    let profile = service(&caller, &view, &path.0)?;
    let found = find(&state, &caller, profile, &path.1).await?;
    let by = caller.change(state.clock.now());
    let canceled = cancel::cancel_verification(&state.context, &caller, found.id, &by, &mut rng()).await;
    let canceled = canceled.map_err(Problem::from)?;
    note(&request, canceled.id, canceled.status.as_str());
    let told = told(&state, &caller, canceled.id).await;
    let body = Verification::new(&Base::of(&request), &caller, profile, canceled, &told);
    Ok(HttpResponse::Ok().json(body))
}

/// The verification of a service, by its SID or its phone number.
async fn find(
    state: &State,
    caller: &Actor,
    profile: &Profile,
    which: &str,
) -> Result<view::Verification, Refusal> {
    let id = match Sid::parse(Kind::Verification, which) {
        Some(bytes) => VerificationId::from_bytes(bytes),
        None => {
            // A text that cannot be a phone number belongs to no verification.
            let to = number(which, caller.mode).map_err(|_| Refusal::not_found())?;
            let found = find_in_family(&state.context, caller, Family::Twilio, &to, profile.id).await;
            found.map_err(countersign_web::problem::codes)?.ok_or_else(Refusal::not_found)?
        }
    };
    by_id(state, caller, profile, id).await
}

/// The verification with this id, if it was started for this service.
pub async fn by_id(
    state: &State,
    caller: &Actor,
    profile: &Profile,
    id: VerificationId,
) -> Result<view::Verification, Refusal> {
    let found = reading::read_verification(&state.context, caller, id, state.clock.now()).await;
    let found = found.map_err(Problem::from)?;
    if found.profile_id == profile.id { Ok(found) } else { Err(Refusal::not_found()) }
}

/// How long an answer waits for the recorded events. A start must not wait for the database.
const PATIENCE: Duration = Duration::from_millis(300);

/// The events of a verification. If the database is away or slow, only those that are not recorded yet.
async fn told(state: &State, caller: &Actor, id: VerificationId) -> Vec<Event> {
    let key = RecordKey { tenant: caller.tenant, mode: caller.mode, id };
    let fresh = state.context.codes.timeline(key).await.unwrap_or_default();
    let recorded = timeout(PATIENCE, state.context.history.timeline(key)).await;
    join_timeline(recorded.ok().and_then(Result::ok).unwrap_or_default(), fresh)
}
