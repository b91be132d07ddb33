//! The token of a form. It is bound to a secret in a cookie, so a form that another site made has none.

use super::cookies::{self, Jar};
use actix_web::{HttpRequest, http::header::HeaderValue};
use countersign_core::{id::TenantId, keyring::KeyRing, people::invitation::LinkSecret};
use countersign_web::rng;
use subtle::ConstantTimeEq as _;

/// The name of the hidden field.
pub const FIELD: &str = "form_token";

/// The token of the forms of a browser with this secret.
pub fn token(keyring: &KeyRing, secret: &LinkSecret) -> String {
    // The portal is outside all tenants.
    let nobody = TenantId::from_bytes([0; 16]);
    let mac = keyring.hash("form token", nobody, &[secret.hash().bytes()]);
    mac.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The secret to which the forms of this request are bound: the session's, else that of a sign-in that awaits
/// its code, else that of the visit.
fn secret(request: &HttpRequest) -> Option<LinkSecret> {
    [Jar::Session, Jar::Half, Jar::Visit].into_iter().find_map(|jar| cookies::read(request, jar))
}

/// The token for the forms of the page that answers this request. A browser without a secret gets one, and the
/// answer must set it as a cookie.
pub fn issue(request: &HttpRequest, keyring: &KeyRing) -> (String, Option<HeaderValue>) {
    if let Some(secret) = secret(request) {
        return (token(keyring, &secret), None);
    }
    let secret = LinkSecret::generate(&mut rng());
    (token(keyring, &secret), Some(cookies::set(request, Jar::Visit, &secret)))
}

/// Returns whether the form that was sent is one of this browser.
pub fn is_own(request: &HttpRequest, keyring: &KeyRing, sent: &str) -> bool {
    secret(request).is_some_and(|secret| token(keyring, &secret).as_bytes().ct_eq(sent.as_bytes()).into())
}
