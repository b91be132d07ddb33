//! Verifications: start, read, cancel. A number has one live verification in a
//! service: who starts again has its message sent again.

mod read;

use super::{
    base::{Answer, Base, time},
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
    Caller, cancel,
    event::{Event, EventKind},
    family::{Family, FamilyError, FamilyStart, find_in_family, start_in_family},
    history::join_timeline,
    id::{ProfileId, VerificationId},
    profile::Profile,
    read as reading,
    snapshot::TenantView,
    start::StartError,
    verification::{RecordKey, Status},
};
use countersign_web::{State, notes::note, problem::Problem, ratelimit, rng};
pub use read::{number, payment};
use serde::Serialize;
use std::{collections::BTreeMap, time::Duration};
use tokio::time::timeout;
use utoipa::ToSchema;

/// One attempt to prove that somebody holds a number.
#[derive(Serialize, ToSchema)]
#[schema(as = TwilioVerification)]
pub struct Verification {
    #[schema(pattern = "^VE[0-9a-f]{32}$")]
    sid: String,
    #[schema(pattern = "^VA[0-9a-f]{32}$")]
    service_sid: String,
    #[schema(pattern = "^AC[0-9a-f]{32}$")]
    account_sid: String,
    /// The number; null after it was erased.
    #[schema(required = true)]
    to: Option<String>,
    /// Always `sms`.
    #[schema(value_type = String)]
    channel: &'static str,
    /// `pending`, `approved`, `canceled`, `expired`, `max_attempts_reached` or `failed`.
    #[schema(value_type = String)]
    status: &'static str,
    /// Whether it is approved.
    valid: bool,
    /// Always empty.
    lookup: BTreeMap<String, String>,
    /// The payment's, as it was given, in the answer to a start; else null.
    #[schema(required = true)]
    amount: Option<String>,
    /// The same.
    #[schema(required = true)]
    payee: Option<String>,
    /// One for each message.
    send_code_attempts: Vec<Attempt>,
    /// Always null.
    #[schema(required = true)]
    sna: Option<String>,
    #[schema(format = DateTime)]
    date_created: String,
    #[schema(format = DateTime)]
    date_updated: String,
    url: String,
}

/// One message.
#[derive(Serialize, ToSchema)]
#[schema(as = TwilioSendCodeAttempt)]
pub struct Attempt {
    #[schema(format = DateTime)]
    time: String,
    /// Always `SMS`.
    #[schema(value_type = String)]
    channel: &'static str,
    #[schema(pattern = "^VL[0-9a-f]{32}$")]
    attempt_sid: String,
}

/// Starts a verification; see docs/twilio.md for all other parameters.
#[derive(ToSchema)]
#[schema(as = TwilioVerificationForm, rename_all = "PascalCase")]
#[expect(dead_code, reason = "describes the body in the document")]
pub struct VerificationForm {
    /// The number in international form.
    #[schema(example = "+48500500500")]
    to: String,
    #[schema(pattern = "^sms$", example = "sms")]
    channel: String,
    /// The language of the message.
    locale: Option<String>,
    /// A number and a currency, such as `€39.99` or `39.99 USD`.
    amount: Option<String>,
    payee: Option<String>,
    /// An object as JSON: values for rate limits of the service, by their unique names.
    rate_limits: Option<String>,
    #[schema(pattern = "^[A-Za-z0-9+/]{11}$")]
    app_hash: Option<String>,
    #[schema(pattern = "^HJ[0-9a-f]{32}$")]
    template_sid: Option<String>,
    /// The end user's address.
    device_ip: Option<String>,
    /// An object of texts as JSON: at most 10 keys, 512 bytes in all.
    tags: Option<String>,
}

/// Ends a verification.
#[derive(ToSchema)]
#[schema(as = TwilioVerificationUpdate, rename_all = "PascalCase")]
#[expect(dead_code, reason = "describes the body in the document")]
pub struct VerificationUpdate {
    #[schema(pattern = "^canceled$", example = "canceled")]
    status: String,
}

/// Twilio's word for a state.
pub const fn status(status: Status) -> &'static str {
    match status {
        Status::Exhausted => "max_attempts_reached",
        other => other.as_str(),
    }
}

/// The service of a SID, as the snapshot has it: a start asks no database.
pub fn service<'a>(view: &'a TenantView, sid: &str) -> Result<&'a Profile, Refusal> {
    let id = Sid::parse(Kind::Service, sid).map(ProfileId::from_bytes);
    let found = view.profiles.values().find(|profile| Some(profile.id) == id);
    found.ok_or_else(Refusal::not_found)
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
/// A live one that was started with other words, for another payment or in another
/// language is canceled, and a new one takes its place.
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
    let profile = service(&view, &path)?;
    let asked = read::start_request(&form, caller.mode, &view, profile)?;
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
    body.amount = form.get("Amount")?.map(str::to_owned);
    body.payee = form.get("Payee")?.map(str::to_owned);
    let mut response = HttpResponse::Created().json(body);
    ratelimit::set_headers(response.headers_mut(), &made.limits);
    Ok(response)
}

/// Reads a verification.
///
/// By its SID, or by its number: then the live one, else the newest that stands.
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
    let profile = service(&view, &path.0)?;
    let found = find(&state, &caller, profile, &path.1).await?;
    note(&request, found.id, found.status.as_str());
    let told = told(&state, &caller, found.id).await;
    let body = Verification::new(&Base::of(&request), &caller, profile, found, &told);
    Ok(HttpResponse::Ok().json(body))
}

/// Cancels a verification.
///
/// `Status=approved` is refused: an approval is said only for a code that was compared.
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
    match form.required("Status")? {
        "canceled" => {}
        "approved" => {
            let why = "an approval is said only for a code that was compared; check the code";
            return Err(Refusal::invalid_because("Status", why));
        }
        _ => return Err(Refusal::invalid("Status")),
    }
    let view = state.context.tenant_view(caller.tenant)?;
    let profile = service(&view, &path.0)?;
    let found = find(&state, &caller, profile, &path.1).await?;
    let now = state.clock.now();
    let canceled = cancel::cancel_verification(&state.context, &caller, found.id, now, &mut rng()).await;
    let canceled = canceled.map_err(Problem::from)?;
    note(&request, canceled.id, canceled.status.as_str());
    let told = told(&state, &caller, canceled.id).await;
    let body = Verification::new(&Base::of(&request), &caller, profile, canceled, &told);
    Ok(HttpResponse::Ok().json(body))
}

/// The verification of a service by its SID or its number.
async fn find(
    state: &State,
    caller: &Caller,
    profile: &Profile,
    which: &str,
) -> Result<reading::Verification, Refusal> {
    let id = match Sid::parse(Kind::Verification, which) {
        Some(bytes) => VerificationId::from_bytes(bytes),
        None => {
            // What can be no number names nothing either.
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
    caller: &Caller,
    profile: &Profile,
    id: VerificationId,
) -> Result<reading::Verification, Refusal> {
    let found = reading::read_verification(&state.context, caller, id, state.clock.now()).await;
    let found = found.map_err(Problem::from)?;
    if found.profile_id == profile.id { Ok(found) } else { Err(Refusal::not_found()) }
}

/// So long an answer waits for what is recorded: no start hangs on the database.
const PATIENCE: Duration = Duration::from_millis(300);

/// What happened to a verification. With the database away or slow, what is not recorded yet.
async fn told(state: &State, caller: &Caller, id: VerificationId) -> Vec<Event> {
    let key = RecordKey { tenant: caller.tenant, mode: caller.mode, id };
    let fresh = state.context.codes.timeline(key).await.unwrap_or_default();
    let recorded = timeout(PATIENCE, state.context.history.timeline(key)).await;
    join_timeline(recorded.ok().and_then(Result::ok).unwrap_or_default(), fresh)
}

impl Verification {
    fn new(
        base: &Base,
        caller: &Caller,
        profile: &Profile,
        verification: reading::Verification,
        told: &[Event],
    ) -> Self {
        let service_sid = Sid::new(Kind::Service, profile.id.bytes()).to_string();
        let sid = Sid::new(Kind::Verification, verification.id.bytes()).to_string();
        let attempt = |event: &Event| {
            let message = match &event.kind {
                EventKind::Started(started) => started.message,
                EventKind::Resent { message, .. } => *message,
                _ => return None,
            };
            let attempt_sid = Sid::new(Kind::Attempt, message.bytes()).to_string();
            Some(Attempt { time: time(event.at), channel: "SMS", attempt_sid })
        };
        let changed = told.iter().map(|event| event.at).max().unwrap_or(verification.created_at);
        let updated = match verification.status {
            Status::Expired => verification.expires_at,
            _ => changed.max(verification.created_at),
        };
        Self {
            url: base.url(&format!("/v2/Services/{service_sid}/Verifications/{sid}")),
            sid,
            service_sid,
            account_sid: Sid::new(Kind::Account, caller.tenant.bytes()).to_string(),
            to: verification.to.as_ref().map(|to| to.e164().to_owned()),
            channel: "sms",
            status: status(verification.status),
            valid: verification.status == Status::Approved,
            lookup: BTreeMap::new(),
            amount: None,
            payee: None,
            send_code_attempts: told.iter().filter_map(attempt).collect(),
            sna: None,
            date_created: time(verification.created_at),
            date_updated: time(updated),
        }
    }
}
