//! Reads bodies: a bounded size, a bounded time.

use crate::problem::problem;
use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Bytes, Payload},
};
use std::time::Duration;

/// Largest body, in bytes; what these pages send is far smaller.
const MAX_BODY: usize = 4 * 1024;
/// How long a body may take: one that trickles in must not hold a connection.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// The whole body, or the answer to one that is too large, too late or broken off.
pub(crate) async fn read_body(payload: Payload) -> Result<Bytes, HttpResponse> {
    let refused = |detail| problem(StatusCode::BAD_REQUEST, "invalid_request", detail);
    let Ok(read) = tokio::time::timeout(BODY_TIMEOUT, payload.to_bytes_limited(MAX_BODY)).await else {
        return Err(refused("The body did not arrive within 10 seconds."));
    };
    let too_large = |_| {
        problem(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", "A body here holds at most 4096 bytes.")
    };
    read.map_err(too_large)?.map_err(|_| refused("The body did not arrive whole."))
}
