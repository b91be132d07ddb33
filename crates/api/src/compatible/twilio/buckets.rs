//! The buckets of rate limits. A bucket allows a number of starts in a number of seconds.

mod json;
mod read;

use super::{
    base::Answer,
    error::Refusal,
    form::{Form, Query},
    page::{Asked, page},
    rate_limits::Place,
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
    keyring::KeyRing,
    management::profile_limits::{self, RateLimit},
    tenant::limits::{Bucket, LimitName},
};
use countersign_web::State;
use json::{BucketBody, BucketList};
use read::{BucketForm, BucketUpdate};

impl Place {
    fn bucket_sid(&self, keyring: &KeyRing, name: &LimitName, window: u32) -> [u8; 16] {
        let window = window.to_be_bytes();
        let parts = [self.profile.id.bytes().as_slice(), name.as_str().as_bytes(), &window];
        keyring.hash("twilio bucket", self.profile.tenant, &parts)
    }

    /// The window of the bucket with this SID.
    fn window(&self, keyring: &KeyRing, limit: &RateLimit, sid: &str) -> Result<u32, Refusal> {
        let wanted = Sid::parse(Kind::Bucket, sid).ok_or_else(Refusal::not_found)?;
        let mut windows = limit.buckets.iter().map(Bucket::seconds);
        let found = windows.find(|window| self.bucket_sid(keyring, &limit.name, *window) == wanted);
        found.ok_or_else(Refusal::not_found)
    }

    fn bucket(&self, keyring: &KeyRing, name: &LimitName, bucket: Bucket) -> BucketBody {
        let limit = Sid::new(Kind::RateLimit, &self.sid(keyring, name)).to_string();
        let sid = Sid::new(Kind::Bucket, &self.bucket_sid(keyring, name, bucket.seconds())).to_string();
        BucketBody {
            url: format!("{}/{limit}/Buckets/{sid}", self.url()),
            sid,
            rate_limit_sid: limit,
            service_sid: Sid::new(Kind::Service, self.profile.id.bytes()).to_string(),
            account_sid: Sid::new(Kind::Account, self.profile.tenant.bytes()).to_string(),
            max: bucket.max,
            interval: bucket.seconds(),
            date_created: None,
            date_updated: None,
        }
    }
}

/// Makes a bucket of a rate limit.
#[utoipa::path(
    tag = "twilio",
    params(
        ("service" = String, Path, description = "The service.", pattern = "^VA[0-9a-f]{32}$"),
        ("limit" = String, Path, description = "The rate limit.", pattern = "^RK[0-9a-f]{32}$"),
    ),
    request_body(content = BucketForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 201, description = "Made.", body = BucketBody)),
    security(("twilio" = ["compat:twilio", "settings:write"]))
)]
#[post("/Services/{service}/RateLimits/{limit}/Buckets")]
pub async fn create_bucket(
    caller: Authed<TwilioSettings>,
    request: HttpRequest,
    state: Data<State>,
    path: Path<(String, String)>,
    form: Form,
) -> Answer {
    let BucketForm { max, interval } = BucketForm::read(&form)?;
    let bucket = Bucket::new(max, interval);
    let place = Place::find(&state, &caller, &request, &path.0).await?;
    let name = place.limit(&state.context.keyring, &path.1)?.name;
    let (id, now) = (place.profile.id, state.clock.now());
    profile_limits::create_bucket(&state.context, &caller, id, (&name, bucket), &caller.change(now)).await?;
    Ok(HttpResponse::Created().json(place.bucket(&state.context.keyring, &name, bucket)))
}

/// Lists the buckets of a rate limit.
#[utoipa::path(
    tag = "twilio",
    params(
        ("service" = String, Path, description = "The service.", pattern = "^VA[0-9a-f]{32}$"),
        ("limit" = String, Path, description = "The rate limit.", pattern = "^RK[0-9a-f]{32}$"),
        ("PageSize" = Option<u32>, Query, description = "The number of buckets on a page.", minimum = 1, maximum = 1000),
        ("Page" = Option<u32>, Query, description = "The number of the page, from 0.", maximum = 10000),
        ("PageToken" = Option<String>, Query, description = "The value from `next_page_url`.", pattern = "^P[AB][0-9a-f]{32}$"),
    ),
    responses((status = 200, description = "A page.", body = BucketList)),
    security(("twilio" = ["compat:twilio"]))
)]
#[get("/Services/{service}/RateLimits/{limit}/Buckets")]
pub async fn list_buckets(
    caller: Authed<CompatTwilio>,
    request: HttpRequest,
    state: Data<State>,
    path: Path<(String, String)>,
    query: Query,
) -> Answer {
    let asked = Asked::read(&query)?;
    let place = Place::find(&state, &caller, &request, &path.0).await?;
    let keyring = &state.context.keyring;
    let RateLimit { name, mut buckets, .. } = place.limit(keyring, &path.1)?;
    let id = |bucket: &Bucket| place.bucket_sid(keyring, &name, bucket.seconds());
    buckets.sort_by_key(&id);
    let limit = Sid::new(Kind::RateLimit, &place.sid(keyring, &name));
    let (page, meta) = page(asked, buckets, id, (&format!("{}/{limit}/Buckets", place.url()), "buckets"));
    let buckets = page.into_iter().map(|bucket| place.bucket(keyring, &name, bucket)).collect();
    Ok(HttpResponse::Ok().json(BucketList { meta, buckets }))
}

/// Reads a bucket.
#[utoipa::path(
    tag = "twilio",
    params(
        ("service" = String, Path, description = "The service.", pattern = "^VA[0-9a-f]{32}$"),
        ("limit" = String, Path, description = "The rate limit.", pattern = "^RK[0-9a-f]{32}$"),
        ("bucket" = String, Path, description = "The bucket.", pattern = "^BL[0-9a-f]{32}$"),
    ),
    responses((status = 200, description = "The bucket.", body = BucketBody)),
    security(("twilio" = ["compat:twilio"]))
)]
#[get("/Services/{service}/RateLimits/{limit}/Buckets/{bucket}")]
pub async fn read_bucket(
    caller: Authed<CompatTwilio>,
    request: HttpRequest,
    state: Data<State>,
    path: Path<(String, String, String)>,
) -> Answer {
    let place = Place::find(&state, &caller, &request, &path.0).await?;
    let keyring = &state.context.keyring;
    let limit = place.limit(keyring, &path.1)?;
    let window = place.window(keyring, &limit, &path.2)?;
    let found = limit.buckets.iter().find(|bucket| bucket.seconds() == window);
    let bucket = found.ok_or_else(Refusal::not_found)?;
    Ok(HttpResponse::Ok().json(place.bucket(keyring, &limit.name, *bucket)))
}

/// Changes a bucket.
#[utoipa::path(
    tag = "twilio",
    params(
        ("service" = String, Path, description = "The service.", pattern = "^VA[0-9a-f]{32}$"),
        ("limit" = String, Path, description = "The rate limit.", pattern = "^RK[0-9a-f]{32}$"),
        ("bucket" = String, Path, description = "The bucket.", pattern = "^BL[0-9a-f]{32}$"),
    ),
    request_body(content = Option<BucketUpdate>, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "The bucket as it is now.", body = BucketBody)),
    security(("twilio" = ["compat:twilio", "settings:write"]))
)]
#[post("/Services/{service}/RateLimits/{limit}/Buckets/{bucket}")]
pub async fn update_bucket(
    caller: Authed<TwilioSettings>,
    request: HttpRequest,
    state: Data<State>,
    path: Path<(String, String, String)>,
    form: Form,
) -> Answer {
    let BucketUpdate { max, interval } = BucketUpdate::read(&form)?;
    let place = Place::find(&state, &caller, &request, &path.0).await?;
    let keyring = &state.context.keyring;
    let limit = place.limit(keyring, &path.1)?;
    let window = place.window(keyring, &limit, &path.2)?;
    let (id, which) = (place.profile.id, (&limit.name, window));
    let now = state.clock.now();
    let changed = profile_limits::update_bucket(
        &state.context,
        &caller,
        id,
        which,
        (max, interval),
        &caller.change(now),
    )
    .await?;
    Ok(HttpResponse::Ok().json(place.bucket(keyring, &limit.name, changed)))
}

/// Deletes a bucket.
#[utoipa::path(
    tag = "twilio",
    params(
        ("service" = String, Path, description = "The service.", pattern = "^VA[0-9a-f]{32}$"),
        ("limit" = String, Path, description = "The rate limit.", pattern = "^RK[0-9a-f]{32}$"),
        ("bucket" = String, Path, description = "The bucket.", pattern = "^BL[0-9a-f]{32}$"),
    ),
    responses((status = 204, description = "Deleted.")),
    security(("twilio" = ["compat:twilio", "settings:write"]))
)]
#[delete("/Services/{service}/RateLimits/{limit}/Buckets/{bucket}")]
pub async fn delete_bucket(
    caller: Authed<TwilioSettings>,
    request: HttpRequest,
    state: Data<State>,
    path: Path<(String, String, String)>,
) -> Answer {
    let place = Place::find(&state, &caller, &request, &path.0).await?;
    let keyring = &state.context.keyring;
    let limit = place.limit(keyring, &path.1)?;
    let window = place.window(keyring, &limit, &path.2)?;
    let (id, now) = (place.profile.id, state.clock.now());
    profile_limits::delete_bucket(&state.context, &caller, id, (&limit.name, window), &caller.change(now))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
