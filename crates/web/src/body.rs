//! Reads bodies and query strings: checks their type, and limits their size and time.

use crate::{
    State,
    fields::Fields,
    idempotency,
    problem::{Problem, ProblemCode},
};
use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{CONTENT_LENGTH, CONTENT_TYPE},
    web,
};
use countersign_core::{time::ceil_seconds, verification::idempotency::Once};
use futures_util::{FutureExt, StreamExt, future::LocalBoxFuture};
use std::{
    future::{Ready, ready},
    time::Duration,
};

/// The maximum size of a body, in bytes.
const MAX_BODY: usize = 64 * 1024;
/// The longest time for a body to arrive, unless the state has another.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

pub const JSON: &[&str] = &["application/json"];
const MERGE_PATCH: &[&str] = &["application/json", "application/merge-patch+json"];

/// A JSON object, and the hashes of the request's Idempotency-Key.
pub struct Body(pub Fields, pub Option<Once>);

/// A JSON object in which an absent field means no change (RFC 7396).
pub struct MergePatch(pub Fields);

/// No body or an empty object, and the hashes of the request's Idempotency-Key.
pub struct NoBody(pub Option<Once>);

impl FromRequest for Body {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        async move {
            refuse_query(&request)?;
            check_type(&request, JSON)?;
            let bytes = read(&request, payload).await?;
            let once = idempotency::once(&request, &bytes)?;
            Ok(Self(Fields::from_json(&bytes)?, once))
        }
        .boxed_local()
    }
}

impl FromRequest for MergePatch {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        async move {
            check_type(&request, MERGE_PATCH)?;
            Ok(Self(Fields::from_json(&read(&request, payload).await?)?))
        }
        .boxed_local()
    }
}

impl FromRequest for NoBody {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        async move {
            let bytes = read(&request, payload).await?;
            let once = idempotency::once(&request, &bytes)?;
            if bytes.is_empty() {
                return Ok(Self(once));
            }
            check_type(&request, JSON)?;
            Fields::from_json(&bytes)?.finish(Some(Self(once)))
        }
        .boxed_local()
    }
}

/// The media type without its parameters, and the parameters.
pub fn content_type(request: &HttpRequest) -> (&str, &str) {
    let value = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let (essence, parameters) = value.split_once(';').unwrap_or((value, ""));
    (essence.trim(), parameters)
}

/// Refuses a media type that is not one of `types`. Parameters do not matter.
pub fn check_type(request: &HttpRequest, types: &[&str]) -> Result<(), Problem> {
    let (essence, _) = content_type(request);
    if types.iter().any(|known| essence.eq_ignore_ascii_case(known)) {
        return Ok(());
    }
    let detail = format!("Send the body as {}.", types.join(" or "));
    Err(Problem::new(ProblemCode::UnsupportedMediaType, detail))
}

/// Reads a body of any type within limits. A body that is too large, or arrives too slowly, must not occupy a
/// connection.
pub async fn read(request: &HttpRequest, payload: Payload) -> Result<Vec<u8>, Problem> {
    let too_large = || Problem::new(ProblemCode::PayloadTooLarge, "A body holds at most 65536 bytes.");
    let length = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: u64| length > MAX_BODY as u64) {
        return Err(too_large());
    }
    let collect = async move {
        let (mut payload, mut bytes) = (payload, Vec::new());
        while let Some(chunk) = payload.next().await {
            let chunk = chunk
                .map_err(|_| Problem::new(ProblemCode::InvalidRequest, "The body did not arrive whole."))?;
            if bytes.len() + chunk.len() > MAX_BODY {
                return Err(too_large());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    };
    let patience = request.app_data::<web::Data<State>>().map_or(BODY_TIMEOUT, |state| state.body_timeout);
    let late = |_| {
        let detail = format!("The body did not arrive within {} seconds.", ceil_seconds(patience));
        Problem::new(ProblemCode::InvalidRequest, detail)
    };
    tokio::time::timeout(patience, collect).await.map_err(late)?
}

/// The query parameters of an operation that has some.
pub struct Query(pub Fields);

impl FromRequest for Query {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(query_fields(request).map(Self))
    }
}

/// Refuses any query parameter, for an operation without parameters. A misspelt parameter must not be
/// ignored.
pub fn refuse_query(request: &HttpRequest) -> Result<(), Problem> {
    query_fields(request)?.finish(Some(()))
}

fn query_fields(request: &HttpRequest) -> Result<Fields, Problem> {
    let pairs = web::Query::<Vec<(String, String)>>::from_query(request.query_string());
    let pairs =
        pairs.map_err(|_| Problem::new(ProblemCode::InvalidRequest, "The query string cannot be read."))?;
    Ok(Fields::from_pairs(pairs.into_inner()))
}
