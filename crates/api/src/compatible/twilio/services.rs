//! Services: the profiles of the tenant, as Twilio shows them.

mod json;
mod read;

use super::{
    base::{Answer, Base},
    error::Refusal,
    form::{Form, Query},
    page::{Asked, page},
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
use countersign_core::{access::actor::Actor, id::ProfileId, management::profiles, tenant::profile::Profile};
use countersign_web::{State, rng};
use json::{Service, ServiceList};
use read::ServiceForm;

/// The profile with a service's SID.
pub async fn find(state: &State, caller: &Actor, sid: &str) -> Result<Profile, Refusal> {
    Ok(profiles::find_profile(&state.context, caller, id(sid)?).await?)
}

fn id(sid: &str) -> Result<ProfileId, Refusal> {
    Sid::parse(Kind::Service, sid).map(ProfileId::from_bytes).ok_or_else(Refusal::not_found)
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
    let asked = ServiceForm::read(&form)?;
    let Some(name) = asked.friendly_name.clone() else { return Err(Refusal::missing("FriendlyName")) };
    let now = state.clock.now();
    let made = profiles::create_profile(
        &state.context,
        &caller,
        name,
        asked.into(),
        &caller.change(now),
        &mut rng(),
    )
    .await?;
    Ok(HttpResponse::Created().json(Service::new(&Base::of(&request), made)))
}

/// Lists the services, oldest first.
#[utoipa::path(
    tag = "twilio",
    params(
        ("PageSize" = Option<u32>, Query, description = "The number of services on a page.", minimum = 1, maximum = 1000),
        ("Page" = Option<u32>, Query, description = "The number of the page, from 0.", maximum = 10000),
        ("PageToken" = Option<String>, Query, description = "The value from `next_page_url`.", pattern = "^P[AB][0-9a-f]{32}$"),
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
    let change = ServiceForm::read(&form)?.into();
    let id = id(&path)?;
    let now = state.clock.now();
    let changed =
        profiles::update_profile_by_id(&state.context, &caller, id, change, &caller.change(now)).await?;
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
    state: Data<State>,
    path: Path<String>,
) -> Answer {
    let id = id(&path)?;
    profiles::delete_profile_by_id(&state.context, &caller, id, &caller.change(state.clock.now())).await?;
    Ok(HttpResponse::NoContent().finish())
}
