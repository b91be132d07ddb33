//! The body of a request, and the client's own id of the request.

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{HeaderMap, HeaderName, HeaderValue},
};
use countersign_web::{
    body::{JSON, check_type, read, refuse_query},
    fields::Fields,
    problem::{Problem, ProblemCode},
};
use futures_util::{FutureExt, future::LocalBoxFuture};

/// The client's own id of the request.
const X_CORRELATOR: HeaderName = HeaderName::from_static("x-correlator");
/// The bounds of the standard.
const MAX_CORRELATOR: usize = 256;

/// The correlator to send back, if it matches the standard's pattern.
pub fn correlator(headers: &HeaderMap) -> Option<(HeaderName, HeaderValue)> {
    let mut values = headers.get_all(X_CORRELATOR);
    let value = values.next().filter(|value| is_correlator(value))?;
    values.next().is_none().then(|| (X_CORRELATOR, value.clone()))
}

fn is_correlator(value: &HeaderValue) -> bool {
    let plain = value.as_bytes().iter().all(|b| b.is_ascii_alphanumeric() || b"-_:;./<>{}".contains(b));
    plain && value.len() <= MAX_CORRELATOR
}

/// A JSON object from a request with a valid correlator.
pub struct Body(pub Fields);

impl FromRequest for Body {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        async move {
            let mut correlators = request.headers().get_all(X_CORRELATOR);
            if correlators.next().is_some_and(|value| !is_correlator(value)) || correlators.next().is_some() {
                let message = "must stand once and hold at most 256 letters, digits and -_:;./<>{}";
                let kind = "invalid_format";
                return Err(Problem::field(ProblemCode::InvalidRequest, "x-correlator", kind, message));
            }
            refuse_query(&request)?;
            let bytes = read(&request, payload).await?;
            // A client that sends no body sends no media type either. Then the missing body is the error.
            if !bytes.is_empty() {
                check_type(&request, JSON)?;
            }
            Ok(Self(Fields::from_json(&bytes)?))
        }
        .boxed_local()
    }
}
