//! Rate limits and their buckets: the limits of a profile for values that a start names.

mod json;
mod read;

use super::{
    base::{Answer, Base},
    error::Refusal,
    form::{Form, Query},
    page::{Asked, page},
    services,
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
    access::actor::Actor,
    keyring::KeyRing,
    management::profile_limits::{self, RateLimit},
    tenant::{limits::LimitName, profile::Profile},
};
use countersign_web::State;
use json::{Links, RateLimitBody, RateLimitList};
pub use read::limit_name;
use read::{RateLimitForm, RateLimitUpdate, unique_name};

/// A profile, and the URL of its limits.
pub struct Place {
    base: Base,
    pub profile: Profile,
}

impl Place {
    pub async fn find(
        state: &State,
        caller: &Actor,
        request: &HttpRequest,
        sid: &str,
    ) -> Result<Self, Refusal> {
        let profile = services::find(state, caller, sid).await?;
        Ok(Self { base: Base::of(request), profile })
    }

    pub fn url(&self) -> String {
        let service = Sid::new(Kind::Service, self.profile.id.bytes());
        self.base.url(&format!("/v2/Services/{service}/RateLimits"))
    }

    /// The limit with this SID. SIDs are derived from profile and name.
    pub fn limit(&self, keyring: &KeyRing, sid: &str) -> Result<RateLimit, Refusal> {
        let wanted = Sid::parse(Kind::RateLimit, sid).ok_or_else(Refusal::not_found)?;
        let mut all = profile_limits::rate_limits(&self.profile).into_iter();
        all.find(|limit| self.sid(keyring, &limit.name) == wanted).ok_or_else(Refusal::not_found)
    }

    pub fn sid(&self, keyring: &KeyRing, name: &LimitName) -> [u8; 16] {
        let parts = [self.profile.id.bytes().as_slice(), name.as_str().as_bytes()];
        keyring.hash("twilio rate limit", self.profile.tenant, &parts)
    }

    fn body(&self, keyring: &KeyRing, limit: RateLimit) -> RateLimitBody {
        let sid = Sid::new(Kind::RateLimit, &self.sid(keyring, &limit.name)).to_string();
        let url = format!("{}/{sid}", self.url());
        RateLimitBody {
            sid,
            service_sid: Sid::new(Kind::Service, self.profile.id.bytes()).to_string(),
            account_sid: Sid::new(Kind::Account, self.profile.tenant.bytes()).to_string(),
            unique_name: unique_name(&limit.name).to_owned(),
            description: limit.note,
            date_created: None,
            date_updated: None,
            links: Links { buckets: format!("{url}/Buckets") },
            url,
        }
    }
}

/// Makes a rate limit; it limits nothing until it has a bucket.
#[utoipa::path(
    tag = "twilio",
    params(("service" = String, Path, description = "The service.", pattern = "^VA[0-9a-f]{32}$")),
    request_body(content = RateLimitForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 201, description = "Made.", body = RateLimitBody)),
    security(("twilio" = ["compat:twilio", "settings:write"]))
)]
#[post("/Services/{service}/RateLimits")]
pub async fn create_rate_limit(
    caller: Authed<TwilioSettings>,
    request: HttpRequest,
    state: Data<State>,
    path: Path<String>,
    form: Form,
) -> Answer {
    let RateLimitForm { unique_name, description } = RateLimitForm::read(&form)?;
    let note = description.unwrap_or_default();
    let place = Place::find(&state, &caller, &request, &path).await?;
    let (id, now) = (place.profile.id, state.clock.now());
    let made = profile_limits::create_rate_limit(
        &state.context,
        &caller,
        id,
        (unique_name, note),
        &caller.change(now),
    )
    .await?;
    Ok(HttpResponse::Created().json(place.body(&state.context.keyring, made)))
}

/// Lists the rate limits of a service.
#[utoipa::path(
    tag = "twilio",
    params(
        ("service" = String, Path, description = "The service.", pattern = "^VA[0-9a-f]{32}$"),
        ("PageSize" = Option<u32>, Query, description = "The number of rate limits on a page.", minimum = 1, maximum = 1000),
        ("Page" = Option<u32>, Query, description = "The number of the page, from 0.", maximum = 10000),
        ("PageToken" = Option<String>, Query, description = "The value from `next_page_url`.", pattern = "^P[AB][0-9a-f]{32}$"),
    ),
    responses((status = 200, description = "A page.", body = RateLimitList)),
    security(("twilio" = ["compat:twilio"]))
)]
#[get("/Services/{service}/RateLimits")]
pub async fn list_rate_limits(
    caller: Authed<CompatTwilio>,
    request: HttpRequest,
    state: Data<State>,
    path: Path<String>,
    query: Query,
) -> Answer {
    let asked = Asked::read(&query)?;
    let place = Place::find(&state, &caller, &request, &path).await?;
    let keyring = &state.context.keyring;
    let mut all = profile_limits::rate_limits(&place.profile);
    all.sort_by_key(|limit| place.sid(keyring, &limit.name));
    let id = |limit: &RateLimit| place.sid(keyring, &limit.name);
    let (page, meta) = page(asked, all, id, (&place.url(), "rate_limits"));
    let rate_limits = page.into_iter().map(|limit| place.body(keyring, limit)).collect();
    Ok(HttpResponse::Ok().json(RateLimitList { meta, rate_limits }))
}

/// Reads a rate limit.
#[utoipa::path(
    tag = "twilio",
    params(
        ("service" = String, Path, description = "The service.", pattern = "^VA[0-9a-f]{32}$"),
        ("limit" = String, Path, description = "The rate limit.", pattern = "^RK[0-9a-f]{32}$"),
    ),
    responses((status = 200, description = "The rate limit.", body = RateLimitBody)),
    security(("twilio" = ["compat:twilio"]))
)]
#[get("/Services/{service}/RateLimits/{limit}")]
pub async fn read_rate_limit(
    caller: Authed<CompatTwilio>,
    request: HttpRequest,
    state: Data<State>,
    path: Path<(String, String)>,
) -> Answer {
    let place = Place::find(&state, &caller, &request, &path.0).await?;
    let keyring = &state.context.keyring;
    let limit = place.limit(keyring, &path.1)?;
    Ok(HttpResponse::Ok().json(place.body(keyring, limit)))
}

/// Changes the description of a rate limit.
#[utoipa::path(
    tag = "twilio",
    params(
        ("service" = String, Path, description = "The service.", pattern = "^VA[0-9a-f]{32}$"),
        ("limit" = String, Path, description = "The rate limit.", pattern = "^RK[0-9a-f]{32}$"),
    ),
    request_body(content = Option<RateLimitUpdate>, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "The rate limit as it is now.", body = RateLimitBody)),
    security(("twilio" = ["compat:twilio", "settings:write"]))
)]
#[post("/Services/{service}/RateLimits/{limit}")]
pub async fn update_rate_limit(
    caller: Authed<TwilioSettings>,
    request: HttpRequest,
    state: Data<State>,
    path: Path<(String, String)>,
    form: Form,
) -> Answer {
    let RateLimitUpdate { description: note } = RateLimitUpdate::read(&form)?;
    let place = Place::find(&state, &caller, &request, &path.0).await?;
    let name = place.limit(&state.context.keyring, &path.1)?.name;
    let (id, said) = (place.profile.id, (&name, note.as_deref()));
    let now = state.clock.now();
    let changed =
        profile_limits::describe_rate_limit(&state.context, &caller, id, said, &caller.change(now)).await?;
    Ok(HttpResponse::Ok().json(place.body(&state.context.keyring, changed)))
}

/// Deletes a rate limit with its buckets.
#[utoipa::path(
    tag = "twilio",
    params(
        ("service" = String, Path, description = "The service.", pattern = "^VA[0-9a-f]{32}$"),
        ("limit" = String, Path, description = "The rate limit.", pattern = "^RK[0-9a-f]{32}$"),
    ),
    responses((status = 204, description = "Deleted.")),
    security(("twilio" = ["compat:twilio", "settings:write"]))
)]
#[delete("/Services/{service}/RateLimits/{limit}")]
pub async fn delete_rate_limit(
    caller: Authed<TwilioSettings>,
    request: HttpRequest,
    state: Data<State>,
    path: Path<(String, String)>,
) -> Answer {
    let place = Place::find(&state, &caller, &request, &path.0).await?;
    let name = place.limit(&state.context.keyring, &path.1)?.name;
    let now = state.clock.now();
    profile_limits::delete_rate_limit(&state.context, &caller, place.profile.id, &name, &caller.change(now))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
