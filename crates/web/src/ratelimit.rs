//! The RateLimit headers (draft-ietf-httpapi-ratelimit-headers).

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use countersign_core::{tenant::limits::LimitState, time::ceil_seconds};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Writes how full each limit is: `q` requests fit into `w` seconds, `r` are left, and more are available
/// after `t` seconds.
pub fn set_headers(headers: &mut HeaderMap, limits: &[LimitState]) {
    let list = |item: &dyn Fn(&LimitState) -> String| limits.iter().map(item).collect::<Vec<_>>().join(", ");
    let policy = list(&|limit| format!("\"{}\";q={};w={}", limit.name, limit.max, limit.window.as_secs()));
    let state =
        list(&|limit| format!("\"{}\";r={};t={}", limit.name, limit.remaining, ceil_seconds(limit.reset)));
    for (name, text) in [(POLICY, policy), (LIMIT, state)] {
        // Names of limits are ASCII, so this never fails.
        if let Ok(value) = HeaderValue::from_str(&text)
            && !text.is_empty()
        {
            headers.insert(name, value);
        }
    }
}
