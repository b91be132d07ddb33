//! The headers of every answer below `/portal`.

use super::cookies::is_secure;
use actix_web::{
    HttpRequest,
    http::header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
        STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
    },
};

/// Allows nothing but own files, and no inline script or style. If a name were taken for markup by mistake, it
/// could still do nothing.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
    font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// A year.
const TRANSPORT: &str = "max-age=31536000";

/// The first segments of paths whose next segment is the secret of a link.
const WITH_SECRET: [&str; 5] = ["invite", "setup", "reset", "mail", "two-factor"];

/// Returns whether a path contains the secret of a link.
fn has_secret(path: &str) -> bool {
    let mut segments = path.split('/').skip(2);
    segments.next().is_some_and(|first| WITH_SECRET.contains(&first)) && segments.next().is_some()
}

/// Adds the headers. An answer that has a caching rule of its own keeps it: files are revalidated.
pub fn add(request: &HttpRequest, headers: &mut HeaderMap) {
    let value = HeaderValue::from_static;
    // The router compares the decoded path, so this does too.
    let referrer = if has_secret(request.match_info().as_str()) { "no-referrer" } else { "same-origin" };
    headers.insert(CONTENT_SECURITY_POLICY, value(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, value("nosniff"));
    headers.insert(OPENER, value("same-origin"));
    headers.insert(RESOURCE, value("same-origin"));
    headers.insert(REFERRER_POLICY, value(referrer));
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, value("no-store"));
    }
    if is_secure(request) {
        headers.insert(STRICT_TRANSPORT_SECURITY, value(TRANSPORT));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_with_secrets_are_known() {
        for path in
            ["/portal/reset/x", "/portal/invite/ten_1/inv_1/x", "/portal/two-factor/x", "/portal/mail/x"]
        {
            assert!(has_secret(path), "{path}");
        }
        for path in ["/portal/two-factor", "/portal/security/rules", "/portal", "/portal/sign-in"] {
            assert!(!has_secret(path), "{path}");
        }
    }
}
