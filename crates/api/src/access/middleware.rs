//! Finds the caller of a request: looks the key up in the snapshot once, before the body is read.

use super::{
    caller::Refusal,
    failures::{AuthFailures, Failure},
    key_uses::KeyUses,
};
use actix_web::{
    Error, HttpMessage,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{self, HeaderMap, HeaderValue},
    middleware::Next,
    web,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use countersign_core::{
    access::{
        actor::{Actor, Who},
        address::CallerAddress,
        key::{Key, PresentedKey},
    },
    people::bounds::Bounds,
    ports::error::StoreError,
    tenant::system::Part,
};
use countersign_web::State;
use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Instant,
};

/// The records that the middleware writes: uses of keys, and failures. They are app data.
pub struct Door {
    pub key_uses: Arc<KeyUses>,
    pub failures: Arc<AuthFailures>,
}

/// Looks the request's key up. The handler's extractor decides about the answer.
pub async fn authenticate(
    state: web::Data<State>,
    door: web::Data<Door>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let presented = bearer(request.headers()).and_then(|text| {
        let key = PresentedKey::parse(text).ok_or(Refusal::Invalid)?;
        Ok(Presented { key, user: None })
    });
    go_on((&state, &door), request, presented, next).await
}

/// Like `authenticate`, for clients that send the key as a password (RFC 7617). `fits` decides which user
/// names belong to a key.
pub async fn authenticate_basic<B: MessageBody>(
    (state, door): (&State, &Door),
    fits: fn(&Key, &str) -> bool,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let presented = match by_page(request.headers()) {
        true => Err(Refusal::Missing),
        false => basic(request.headers(), fits),
    };
    go_on((state, door), request, presented, next).await
}

/// Returns whether a web page sent the request. A browser remembers a password that a person typed for Basic
/// authentication, and adds it to requests that any page makes. Legitimate clients with a password are not
/// pages.
fn by_page(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    headers.contains_key(header::ORIGIN) || site.is_some_and(|site| site != b"none")
}

/// A key as the client sent it, and the user name with it, for Basic authentication.
struct Presented {
    key: PresentedKey,
    user: Option<User>,
}

/// A user name, and the test whether it fits a key.
struct User {
    name: String,
    fits: fn(&Key, &str) -> bool,
}

async fn go_on<B: MessageBody>(
    (state, door): (&State, &Door),
    request: ServiceRequest,
    presented: Result<Presented, Refusal>,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let address = request.extensions().get::<CallerAddress>().copied();
    let address = address.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address| address.0);
    match identify(state, door, presented, address) {
        Ok(caller) => drop(request.extensions_mut().insert(caller)),
        // Count only after the key is known to be wrong: other callers at the same address cannot slow down a
        // valid key.
        Err(Refusal::Invalid) if let Failure::TooMany(wait) = door.failures.note(address) => {
            request.extensions_mut().insert(Refusal::TooMany(wait));
        }
        Err(refusal) => drop(request.extensions_mut().insert(refusal)),
    }
    next.call(request).await
}

fn identify(
    state: &State,
    door: &Door,
    presented: Result<Presented, Refusal>,
    address: IpAddr,
) -> Result<Actor, Refusal> {
    let Presented { key: presented, user } = presented?;
    let snapshot = &state.context.snapshot;
    if !snapshot.is_fresh(Instant::now()) {
        let stale = StoreError::unavailable("the directory was not read for 2 s");
        return Err(Refusal::Directory(Arc::new(stale)));
    }
    let key = snapshot.key(presented.id).ok_or(Refusal::Invalid)?;
    let now = state.clock.now();
    // A key of a disabled tenant gets the same answer as a disabled key.
    if !presented.matches(&key) || !key.is_usable(now) || snapshot.is_disabled(key.tenant) {
        return Err(Refusal::Invalid);
    }
    // A tenant that has no keys accepts none, however the key came into the database.
    if state.context.permit(key.tenant, Part::Keys).is_err() {
        return Err(Refusal::Invalid);
    }
    if user.is_some_and(|user| !(user.fits)(&key, &user.name)) {
        return Err(Refusal::Invalid);
    }
    // So does a key whose member is disabled or was removed.
    let member = key.member.and_then(|member| snapshot.member(member));
    let bounds = Bounds::of(&key, member.as_deref()).ok_or(Refusal::Invalid)?;
    // If the tenant cannot be read, refuse: its allowlist is unknown, and must not count as empty.
    let view = state.context.tenant_view(key.tenant).map_err(|error| Refusal::Directory(Arc::new(error)))?;
    if !view.settings.api_allowlist.allows(address) || !key.allowlist.allows(address) {
        door.key_uses.note_refused(&key, address, now);
        return Err(Refusal::Address(address));
    }
    door.key_uses.note(&key, address, now);
    let Key { tenant, id, mode, expires_at, member, .. } = *key;
    Ok(Actor {
        tenant,
        who: Who::Key(id),
        member,
        mode,
        grants: bounds.grants,
        profiles: bounds.profiles,
        until: expires_at,
        allowlist: key.allowlist.clone(),
        address: Some(address),
    })
}

/// The token of a `Bearer` header.
fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    authorization(headers, "bearer")
}

/// The user name and password of a `Basic` header.
fn basic(headers: &HeaderMap, fits: fn(&Key, &str) -> bool) -> Result<Presented, Refusal> {
    let decoded = STANDARD.decode(authorization(headers, "basic")?).map_err(|_| Refusal::Invalid)?;
    let decoded = String::from_utf8(decoded).map_err(|_| Refusal::Invalid)?;
    let (user, password) = decoded.split_once(':').ok_or(Refusal::Invalid)?;
    let key = PresentedKey::parse_password(password).ok_or(Refusal::Invalid)?;
    Ok(Presented { key, user: Some(User { name: user.to_owned(), fits }) })
}

/// The part after the scheme in the only `Authorization` header. Two headers are refused, because a proxy in
/// front may have checked the other one.
fn authorization<'a>(headers: &'a HeaderMap, wanted: &str) -> Result<&'a str, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION);
    let value = values.next().ok_or(Refusal::Missing)?;
    let value = value.to_str().map_err(|_| Refusal::Invalid)?;
    if values.next().is_some() {
        return Err(Refusal::Invalid);
    }
    let (scheme, token) = value.split_once(' ').ok_or(Refusal::Missing)?;
    if scheme.eq_ignore_ascii_case(wanted) { Ok(token.trim()) } else { Err(Refusal::Missing) }
}
