//! The limits of the tenant.

use crate::{
    access::caller::{Authed, SettingsRead, SettingsWrite, Within},
    http::name::Name,
};
use actix_web::{
    HttpResponse, delete, get, put,
    web::{Data, Json},
};
use countersign_core::{
    management::settings,
    tenant::limits::{Bucket, Buckets, LimitName},
};
use countersign_web::{
    State,
    body::{Body, NoBody, Query},
    fields::Fields,
    problem::{Fault, Problem},
    request,
    request::required,
};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// At most `max` within `window` seconds.
#[derive(Serialize, ToSchema)]
#[schema(as = Bucket)]
pub struct BucketBody {
    /// The number of starts that the bucket admits.
    #[schema(minimum = 1, maximum = 1_000_000, example = 5)]
    max: u32,
    /// The length of the window, in seconds.
    #[schema(minimum = 1, maximum = 86_400, example = 600)]
    window: u32,
}

impl BucketBody {
    /// The buckets as JSON.
    pub fn list(buckets: &Buckets) -> Vec<Self> {
        let one = |bucket: &Bucket| Self { max: bucket.max, window: bucket.seconds() };
        buckets.as_slice().iter().map(one).collect()
    }
}

/// A limit on starts.
#[derive(Serialize, ToSchema)]
pub struct Limit {
    /// Its name; in answers a window follows, such as `number_10m`.
    #[schema(pattern = "^[a-z0-9_-]{1,32}$", example = "number")]
    name: String,
    /// The value that the limit counts: that of the built-in limit with this name, or `caller` for a value
    /// that you send.
    #[schema(value_type = String, example = "number")]
    scope: &'static str,
    /// All buckets must admit a start. An empty list limits nothing.
    #[schema(max_items = 5)]
    buckets: Vec<BucketBody>,
    /// Whether the limit is at its default.
    default: bool,
}

impl From<settings::Limit> for Limit {
    fn from(limit: settings::Limit) -> Self {
        Self {
            name: limit.name.as_str().to_owned(),
            scope: limit.name.scope().as_str(),
            buckets: limit.buckets.as_ref().map(BucketBody::list).unwrap_or_default(),
            default: limit.is_default,
        }
    }
}

/// The limits of the tenant.
#[derive(Serialize, ToSchema)]
pub struct LimitList {
    /// The built-in ones, then your own by name.
    #[schema(max_items = 26)]
    data: Vec<Limit>,
}

request! {
    /// Gives a limit its buckets.
    pub struct SaveLimit(limit: &LimitName) {
        /// 1 to 5 buckets, each with another window. All of them must admit a start. For `number`: at most 20
        /// in 600 to 86,400 seconds.
        #[schema(min_items = 1, max_items = 5)]
        buckets: Buckets as Vec<BucketBody> = required(|value| {
            let buckets = buckets(value)?;
            let fault = || Fault::new("out_of_range", "of `number` must be at most 20 in 600 to 86400 seconds");
            if limit.admits(&buckets) { Ok(buckets) } else { Err(fault()) }
        }),
    }
}

/// Lists the limits that a start must pass.
#[utoipa::path(
    tag = "settings",
    responses((status = 200, description = "The limits.", body = LimitList)),
    security(("key" = ["settings:read"]))
)]
#[get("/limits")]
pub async fn list_limits(
    caller: Authed<Within<SettingsRead>>,
    state: Data<State>,
    query: Query,
) -> Result<Json<LimitList>, Problem> {
    query.0.finish(Some(()))?;
    let limits = settings::list_limits(&state.context, &caller)?;
    Ok(Json(LimitList { data: limits.into_iter().map(Limit::from).collect() }))
}

/// Sets a limit.
///
/// `number`, `end_user_ip`, `key`, `tenant`, `country` and `prefix` are built in.
/// Any other name is a limit of your own. It counts a value that you send in
/// `limits` of a start.
#[utoipa::path(
    tag = "settings",
    params(("name" = String, Path, description = "The limit.", pattern = "^[a-z0-9_-]{1,32}$")),
    request_body = SaveLimit,
    responses(
        (status = 200, description = "The limit as it is now.", body = Limit),
        (status = 409, description = "`conflict`: a tenant has at most 20 limits of its own."),
    ),
    security(("key" = ["settings:write"]))
)]
#[put("/limits/{name}")]
pub async fn save_limit(
    caller: Authed<SettingsWrite>,
    name: Name<LimitName>,
    state: Data<State>,
    body: Body,
) -> Result<Json<Limit>, Problem> {
    let SaveLimit { buckets } = body.0.read(|fields| SaveLimit::read(fields, &name.0))?;
    let now = state.clock.now();
    let saved = settings::save_limit(&state.context, &caller, name.0, buckets, &caller.change(now)).await?;
    Ok(Json(saved.into()))
}

/// Resets a built-in limit to its default, or deletes one of your own.
#[utoipa::path(
    tag = "settings",
    params(("name" = String, Path, description = "The limit.", pattern = "^[a-z0-9_-]{1,32}$")),
    responses(
        (status = 204, description = "Done."),
        (status = 400, description = "`invalid_request`: this operation takes no body or `{}`."),
        (status = 413, description = "`payload_too_large`."),
        (status = 415, description = "`unsupported_media_type`."),
    ),
    security(("key" = ["settings:write"]))
)]
#[delete("/limits/{name}")]
pub async fn delete_limit(
    caller: Authed<SettingsWrite>,
    name: Name<LimitName>,
    state: Data<State>,
    _body: NoBody,
) -> Result<HttpResponse, Problem> {
    settings::delete_limit(&state.context, &caller, name.0, &caller.change(state.clock.now())).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Reads 1 to 5 objects with `max` and `window`.
pub fn buckets(value: Value) -> Result<Buckets, Fault> {
    let wrong = || Fault::new("wrong_type", "must be an array of objects with `max` and `window`");
    let Value::Array(values) = value else { return Err(wrong()) };
    let number = |object: &mut Map<String, Value>, name| {
        let number = object.remove(name)?.as_f64().filter(|number| number.fract() == 0.0)?;
        (0.0..=f64::from(u32::MAX)).contains(&number).then_some(number as u32)
    };
    let one = |value| {
        let Value::Object(mut object) = value else { return None };
        let bucket = Bucket::new(number(&mut object, "max")?, number(&mut object, "window")?);
        object.is_empty().then_some(bucket)
    };
    let buckets = values.into_iter().map(one).collect::<Option<Vec<_>>>().ok_or_else(wrong)?;
    Buckets::new(buckets).ok_or_else(|| {
        let message =
            "must be 1 to 5 with different windows, `max` from 1 to 1000000, `window` from 1 to 86400";
        Fault::new("out_of_range", message)
    })
}

/// Reads the limits for named values, for a merge and for a whole profile.
pub fn named_limits(fields: &mut Fields) -> Option<countersign_core::tenant::limits::NamedLimits> {
    let object = fields.optional("limits", |value| match value {
        Value::Object(object) => Ok(object),
        _ => Err(Fault::new("wrong_type", "must be an object of arrays of buckets")),
    })?;
    let mut limits = std::collections::BTreeMap::new();
    for (name, value) in object {
        let known = LimitName::parse(&name)
            .filter(|n| n.scope() == countersign_core::tenant::limits::LimitScope::Caller);
        let message = "must be 1 to 32 of a-z, 0-9, _ and -, and not the name of a built-in limit";
        match known.ok_or(Fault::format(message)).and_then(|known| Ok((known, buckets(value)?))) {
            Ok((name, buckets)) => drop(limits.insert(name, buckets)),
            Err(fault) => fields.fail(&format!("limits.{name}"), fault),
        }
    }
    let limits = countersign_core::tenant::limits::NamedLimits::new(limits);
    if limits.is_none() {
        fields.fail("limits", Fault::new("too_long", "must have at most 20 names"));
    }
    limits
}
