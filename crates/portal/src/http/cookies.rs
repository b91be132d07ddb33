//! The cookies of the portal. Each holds a random secret, of which SQL has only the hash.

use crate::site::Site;
use actix_web::{
    HttpRequest,
    http::header::{COOKIE, HOST, HeaderValue},
    web,
};
use countersign_core::people::invitation::LinkSecret;
use countersign_web::State;

/// A cookie of the portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jar {
    /// A session.
    Session,
    /// A browser that has not signed in. Its forms are bound to this cookie.
    Visit,
    /// A sign-in whose code is awaited.
    Half,
    /// The browser, for 180 days.
    Device,
}

/// How long a browser is remembered.
const DEVICE_SECONDS: u64 = 180 * 86_400;

impl Jar {
    const fn name(self) -> &'static str {
        match self {
            Self::Session => "cs_session",
            Self::Visit => "cs_visit",
            Self::Half => "cs_half",
            Self::Device => "cs_device",
        }
    }
}

/// Returns whether the browser reached the server by TLS: this process serves it, a trusted proxy does, or people
/// reach the portal at an address with https. Only a browser on the same machine may do without.
pub fn is_secure(request: &HttpRequest) -> bool {
    let origin = request.app_data::<web::Data<Site>>().and_then(|site| site.origin.as_deref());
    if origin.is_some_and(|origin| origin.starts_with("https://")) {
        return true;
    }
    let Some(peer) = request.peer_addr().map(|peer| peer.ip().to_canonical()) else { return true };
    let state = request.app_data::<web::Data<State>>();
    !peer.is_loopback() || state.is_some_and(|state| state.secure || state.proxies.trusts(peer))
}

/// The full name. Over TLS the prefix makes the browser refuse a cookie that another host or a plain page set.
/// Without TLS the name has the port, because a browser sends a cookie to all ports of a machine.
fn full_name(request: &HttpRequest, jar: Jar) -> String {
    if is_secure(request) {
        return format!("__Host-{}", jar.name());
    }
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let port = host.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok()).unwrap_or(80);
    format!("{}_{port}", jar.name())
}

/// The secret in a cookie. A cookie that the browser sent twice counts as absent.
pub fn read(request: &HttpRequest, jar: Jar) -> Option<LinkSecret> {
    let name = full_name(request, jar);
    let lines = request.headers().get_all(COOKIE).filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    let mut values = pairs.filter(|(key, _)| key.trim() == name).map(|(_, value)| value.trim());
    let secret = LinkSecret::parse(values.next()?);
    secret.filter(|_| values.next().is_none())
}

/// The value of `Set-Cookie`. Names and values are letters, digits, hyphens and underscores.
fn write(request: &HttpRequest, jar: Jar, value: &str, life: Option<u64>) -> HeaderValue {
    let (name, secure) = (full_name(request, jar), if is_secure(request) { "; Secure" } else { "" });
    let life = life.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
    let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{life}");
    HeaderValue::from_str(&cookie).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// The header `Set-Cookie` that gives the browser a secret. All but the device's end with the browser.
pub fn set(request: &HttpRequest, jar: Jar, secret: &LinkSecret) -> HeaderValue {
    write(request, jar, &secret.expose(), (jar == Jar::Device).then_some(DEVICE_SECONDS))
}

/// The header `Set-Cookie` that makes the browser forget its secret.
pub fn clear(request: &HttpRequest, jar: Jar) -> HeaderValue {
    write(request, jar, "", Some(0))
}

#[cfg(test)]
mod tests;
