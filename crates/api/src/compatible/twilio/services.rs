//! Services: the profiles of the tenant, as Twilio shows them.

use super::{
    base::{Answer, Base, time},
    error::Refusal,
    form::{Form, Query},
    page::{Asked, Meta, page},
    sid::{Kind, Sid},
};
use crate::{
    access::caller::{Authed, CompatTwilio},
    compatible::twilio::base::TwilioSettings,
};
use actix_web::{
    HttpRequest, HttpResponse, delete, get, post,
    web::{Data, Path},
};
use countersign_core::{
    Caller,
    id::ProfileId,
    profile::{DisplayName, Policy, Profile},
    profiles::{self, ProfileChange},
};
use countersign_web::{State, notes::note_changed, rng};
use serde::Serialize;
use utoipa::ToSchema;

/// What asks for something that is not done here; see docs/twilio.md.
const REFUSED: [(&str, &str); 1] = [("DefaultTemplateSid", "give TemplateSid with each start")];
/// The same for those that ask for it by `true`.
const NOT_TRUE: [(&str, &str); 2] = [
    ("CustomCodeEnabled", "codes are always drawn here"),
    ("Psd2Enabled", "every service takes Amount and Payee, and none demands them"),
];

/// A service.
#[derive(Serialize, ToSchema)]
#[schema(as = TwilioService)]
pub struct Service {
    /// The profile.
    #[schema(pattern = "^VA[0-9a-f]{32}$")]
    sid: String,
    /// The tenant.
    #[schema(pattern = "^AC[0-9a-f]{32}$")]
    account_sid: String,
    /// The profile's display name, else its name.
    #[schema(max_length = 32)]
    friendly_name: String,
    /// Characters in a code.
    #[schema(minimum = 4, maximum = 10)]
    code_length: u8,
    /// Always false.
    lookup_enabled: bool,
    /// Always false: payments are taken, and not demanded.
    psd2_enabled: bool,
    /// Always true.
    skip_sms_to_landlines: bool,
    /// Always false.
    dtmf_input_required: bool,
    /// Always null, as all that is about other channels.
    #[schema(required = true)]
    tts_name: Option<String>,
    /// Always true.
    do_not_share_warning_enabled: bool,
    /// Always false.
    custom_code_enabled: bool,
    /// Always null.
    #[schema(required = true)]
    push: Option<String>,
    /// Always null.
    #[schema(required = true)]
    totp: Option<String>,
    /// Always null.
    #[schema(required = true)]
    whatsapp: Option<String>,
    /// Always null.
    #[schema(required = true)]
    passkeys: Option<String>,
    /// Always null.
    #[schema(required = true)]
    default_template_sid: Option<String>,
    /// Always false.
    verify_event_subscription_enabled: bool,
    /// When the profile was made.
    #[schema(format = DateTime)]
    date_created: String,
    /// The same: changes are not dated.
    #[schema(format = DateTime)]
    date_updated: String,
    /// Where it is.
    url: String,
    /// Where what belongs to it is.
    links: Links,
}

/// What belongs to a service.
#[derive(Serialize, ToSchema)]
#[schema(as = TwilioServiceLinks)]
pub struct Links {
    verification_checks: String,
    verifications: String,
    rate_limits: String,
}

impl Service {
    fn new(base: &Base, profile: Profile) -> Self {
        let sid = Sid::new(Kind::Service, profile.id.bytes()).to_string();
        let url = base.url(&format!("/v2/Services/{sid}"));
        let friendly_name = profile.display_name.as_ref().map(DisplayName::as_str);
        Self {
            account_sid: Sid::new(Kind::Account, profile.tenant.bytes()).to_string(),
            friendly_name: friendly_name.unwrap_or(profile.name.as_str()).to_owned(),
            code_length: profile.policy.code_length,
            lookup_enabled: false,
            psd2_enabled: false,
            skip_sms_to_landlines: true,
            dtmf_input_required: false,
            tts_name: None,
            do_not_share_warning_enabled: true,
            custom_code_enabled: false,
            push: None,
            totp: None,
            whatsapp: None,
            passkeys: None,
            default_template_sid: None,
            verify_event_subscription_enabled: false,
            date_created: time(profile.created_at),
            date_updated: time(profile.created_at),
            links: Links {
                verification_checks: format!("{url}/VerificationCheck"),
                verifications: format!("{url}/Verifications"),
                rate_limits: format!("{url}/RateLimits"),
            },
            sid,
            url,
        }
    }
}

/// A page of services.
#[derive(Serialize, ToSchema)]
#[schema(as = TwilioServiceList)]
pub struct ServiceList {
    meta: Meta,
    services: Vec<Service>,
}

/// What a service shall be; see docs/twilio.md for all other parameters.
#[derive(ToSchema)]
#[schema(as = TwilioServiceForm, rename_all = "PascalCase")]
#[expect(dead_code, reason = "describes the body in the document")]
pub struct ServiceForm {
    /// How people call it; required to make one.
    #[schema(min_length = 1, max_length = 32)]
    friendly_name: Option<String>,
    /// Characters in a code; 6.
    #[schema(minimum = 4, maximum = 10)]
    code_length: Option<u8>,
}

/// The profile of a service's SID.
pub async fn find(state: &State, caller: &Caller, sid: &str) -> Result<Profile, Refusal> {
    Ok(profiles::find_profile(&state.context, caller, id(sid)?).await?)
}

fn id(sid: &str) -> Result<ProfileId, Refusal> {
    Sid::parse(Kind::Service, sid).map(ProfileId::from_bytes).ok_or_else(Refusal::not_found)
}

fn read(form: &Form) -> Result<ProfileChange, Refusal> {
    form.refuse(&REFUSED)?;
    for (name, why) in NOT_TRUE {
        if form.boolean(name)? == Some(true) {
            return Err(Refusal::invalid_because(name, why));
        }
    }
    let length = form.number("CodeLength")?.map(|length| {
        let length = u8::try_from(length).ok().filter(|length| Policy::CODE_LENGTH.contains(length));
        length.ok_or_else(|| Refusal::invalid_because("CodeLength", "must be 4 to 10"))
    });
    let display_name = form.parsed("FriendlyName", DisplayName::parse)?;
    let code_length = length.transpose()?;
    Ok(ProfileChange { display_name: display_name.map(Some), code_length, ..ProfileChange::default() })
}

/// Makes a service.
#[utoipa::path(
    tag = "twilio",
    request_body(content = ServiceForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 201, description = "Made.", body = Service),
        (status = 409, description = "There are 100 already."),
    ),
    security(("twilio" = ["compat:twilio", "settings:write"]))
)]
#[post("/Services")]
pub async fn create_service(
    caller: Authed<TwilioSettings>,
    request: HttpRequest,
    state: Data<State>,
    form: Form,
) -> Answer {
    let change = read(&form)?;
    let Some(Some(name)) = change.display_name.clone() else { return Err(Refusal::missing("FriendlyName")) };
    let now = state.clock.now();
    let made = profiles::create_profile(&state.context, &caller, name, change, now, &mut rng()).await?;
    note_changed(&request, made.id);
    Ok(HttpResponse::Created().json(Service::new(&Base::of(&request), made)))
}

/// Lists the services, oldest first.
#[utoipa::path(
    tag = "twilio",
    params(
        ("PageSize" = Option<u32>, Query, description = "Services on a page.", minimum = 1, maximum = 1000),
        ("Page" = Option<u32>, Query, description = "Which page, from 0.", maximum = 10000),
        ("PageToken" = Option<String>, Query, description = "As in `next_page_url`.", pattern = "^P[AB][0-9a-f]{32}$"),
    ),
    responses((status = 200, description = "A page.", body = ServiceList)),
    security(("twilio" = ["compat:twilio"]))
)]
#[get("/Services")]
pub async fn list_services(
    caller: Authed<CompatTwilio>,
    request: HttpRequest,
    state: Data<State>,
    query: Query,
) -> Answer {
    let asked = Asked::read(&query)?;
    let mut all = profiles::list_profiles(&state.context, &caller).await?;
    all.sort_by_key(|profile| profile.id);
    let base = Base::of(&request);
    let url = base.url("/v2/Services");
    let (page, meta) = page(asked, all, |profile| *profile.id.bytes(), (&url, "services"));
    let services = page.into_iter().map(|profile| Service::new(&base, profile)).collect();
    Ok(HttpResponse::Ok().json(ServiceList { meta, services }))
}

/// Reads a service.
#[utoipa::path(
    tag = "twilio",
    params(("service" = String, Path, description = "The service.", pattern = "^VA[0-9a-f]{32}$")),
    responses((status = 200, description = "The service.", body = Service)),
    security(("twilio" = ["compat:twilio"]))
)]
#[get("/Services/{service}")]
pub async fn read_service(
    caller: Authed<CompatTwilio>,
    request: HttpRequest,
    state: Data<State>,
    path: Path<String>,
) -> Answer {
    let profile = find(&state, &caller, &path).await?;
    Ok(HttpResponse::Ok().json(Service::new(&Base::of(&request), profile)))
}

/// Changes a service.
#[utoipa::path(
    tag = "twilio",
    params(("service" = String, Path, description = "The service.", pattern = "^VA[0-9a-f]{32}$")),
    request_body(content = Option<ServiceForm>, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "The service as it is now.", body = Service)),
    security(("twilio" = ["compat:twilio", "settings:write"]))
)]
#[post("/Services/{service}")]
pub async fn update_service(
    caller: Authed<TwilioSettings>,
    request: HttpRequest,
    state: Data<State>,
    path: Path<String>,
    form: Form,
) -> Answer {
    let change = read(&form)?;
    let id = id(&path)?;
    note_changed(&request, id);
    let now = state.clock.now();
    let changed = profiles::update_profile_by_id(&state.context, &caller, id, change, now).await?;
    Ok(HttpResponse::Ok().json(Service::new(&Base::of(&request), changed)))
}

/// Deletes a service; the profile `default` stays.
#[utoipa::path(
    tag = "twilio",
    params(("service" = String, Path, description = "The service.", pattern = "^VA[0-9a-f]{32}$")),
    responses((status = 204, description = "Deleted.")),
    security(("twilio" = ["compat:twilio", "settings:write"]))
)]
#[delete("/Services/{service}")]
pub async fn delete_service(
    caller: Authed<TwilioSettings>,
    request: HttpRequest,
    state: Data<State>,
    path: Path<String>,
) -> Answer {
    let id = id(&path)?;
    note_changed(&request, id);
    profiles::delete_profile_by_id(&state.context, &caller, id, state.clock.now()).await?;
    Ok(HttpResponse::NoContent().finish())
}
