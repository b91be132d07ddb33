//! Who calls. The middleware asks the snapshot once, before the body is read;
//! the extractor is synchronous. An asynchronous extractor beside one that
//! reads the body was tried: a broken body then answered 400 to a caller
//! without a key.

use crate::{
    failures::{AuthFailures, Failure},
    key_uses::KeyUses,
    twilio::{Kind, Sid},
};
use actix_web::{
    Error, FromRequest, HttpMessage, HttpRequest,
    body::MessageBody,
    dev::{Payload, ServiceRequest, ServiceResponse},
    http::header::{self, HeaderMap, HeaderValue},
    middleware::Next,
    web,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use countersign_core::{
    Caller,
    address::CallerAddress,
    key::{Key, PresentedKey},
    ports::StoreError,
    scope::Scope,
};
use countersign_web::{
    State,
    problem::{self, Problem, ProblemCode, RefusingLimit},
};
use std::{
    future::{Ready, ready},
    marker::PhantomData,
    net::{IpAddr, Ipv4Addr},
    ops::Deref,
    sync::Arc,
    time::{Duration, Instant},
};

/// Why nobody is known to call. The middleware keeps the [`Caller`] in the extensions of the
/// request, or this.
#[derive(Clone, Debug)]
pub enum Refusal {
    /// No key was presented.
    Missing,
    /// What was presented is no key that is accepted now.
    Invalid,
    /// The same, and its address failed too often; it may try again after this time.
    TooMany(Duration),
    /// The key is accepted, but not at this address.
    Address(IpAddr),
    /// The directory could not be asked.
    Directory(Arc<StoreError>),
}

/// What the middleware notes: uses of keys, and failures. App data.
pub struct Door {
    /// When keys were last accepted.
    pub key_uses: Arc<KeyUses>,
    /// Counts failed authentications.
    pub failures: Arc<AuthFailures>,
}

/// Looks the presented key up; the handler's extractor decides what follows.
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

/// The same for Twilio's clients, which present the key as a password (RFC 7617).
pub async fn authenticate_twilio(
    state: web::Data<State>,
    door: web::Data<Door>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let presented = match by_page(request.headers()) {
        true => Err(Refusal::Missing),
        false => basic(request.headers()),
    };
    go_on((&state, &door), request, presented, next).await
}

/// Whether a web page asks. A browser keeps what somebody typed for Basic, and adds it
/// to what any page makes it send; Twilio's clients are no pages.
fn by_page(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    headers.contains_key(header::ORIGIN) || site.is_some_and(|site| site != b"none")
}

/// A key as it was presented, and the user that it was presented for, if the way has users.
struct Presented {
    key: PresentedKey,
    user: Option<String>,
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
        // Counted after the key is known to be wrong: a valid one is never slowed by its neighbours.
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
) -> Result<Caller, Refusal> {
    let Presented { key: presented, user } = presented?;
    let snapshot = &state.context.snapshot;
    if !snapshot.is_fresh(Instant::now()) {
        let stale = StoreError::unavailable("the directory was not read for 2 s");
        return Err(Refusal::Directory(Arc::new(stale)));
    }
    let key = snapshot.key(presented.id).ok_or(Refusal::Invalid)?;
    let now = state.clock.now();
    // A key of a disabled tenant is as a disabled key: nothing tells them apart.
    if !presented.matches(&key) || !key.is_usable(now) || snapshot.is_disabled(key.tenant) {
        return Err(Refusal::Invalid);
    }
    if user.is_some_and(|user| !is_user_of(&key, &user)) {
        return Err(Refusal::Invalid);
    }
    // A tenant that cannot be read is not served as if it had no list.
    let view = state.context.tenant_view(key.tenant).map_err(|error| Refusal::Directory(Arc::new(error)))?;
    if !view.settings.api_allowlist.allows(address) || !key.allowlist.allows(address) {
        door.key_uses.note_refused(&key, address, now);
        return Err(Refusal::Address(address));
    }
    door.key_uses.note(&key, address, now);
    let Key { tenant, id, mode, scopes, expires_at, .. } = *key;
    Ok(Caller { tenant, key: id, mode, scopes, expires_at, allowlist: key.allowlist.clone(), address })
}

/// Twilio's clients name the account, or the key by its SID.
fn is_user_of(key: &Key, user: &str) -> bool {
    Sid::parse(Kind::Account, user).is_some_and(|account| account == *key.tenant.bytes())
        || Sid::parse(Kind::Key, user).is_some_and(|sid| sid == *key.id.bytes())
}

/// The token of a `Bearer` header.
fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    authorization(headers, "bearer")
}

/// User and password of a `Basic` header.
fn basic(headers: &HeaderMap) -> Result<Presented, Refusal> {
    let decoded = STANDARD.decode(authorization(headers, "basic")?).map_err(|_| Refusal::Invalid)?;
    let decoded = String::from_utf8(decoded).map_err(|_| Refusal::Invalid)?;
    let (user, password) = decoded.split_once(':').ok_or(Refusal::Invalid)?;
    let key = PresentedKey::parse_password(password).ok_or(Refusal::Invalid)?;
    Ok(Presented { key, user: Some(user.to_owned()) })
}

/// What follows the scheme in the one `Authorization` header. Two headers are
/// refused: a proxy in front may have looked at the other one.
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

/// Names the scope of an operation in its handler's signature.
pub trait ScopeMarker: 'static {
    /// The scope.
    const SCOPE: Scope;
    /// One that is asked for besides.
    const BESIDES: Option<Scope> = None;
}

macro_rules! markers {
    ($($marker:ident)*) => {
        $(
            #[doc = concat!("Asks for [`Scope::", stringify!($marker), "`].")]
            pub struct $marker;
            impl ScopeMarker for $marker {
                const SCOPE: Scope = Scope::$marker;
            }
        )*
    };
}

markers! {
    VerificationsStart VerificationsCheck VerificationsRead ReportsRead SettingsRead SettingsWrite KeysWrite
    CompatSmsapi CompatTwilio CompatCamara
}

/// For what changes settings in Twilio's form: no way around the scope that `/v1` asks for.
pub struct TwilioSettings;

impl ScopeMarker for TwilioSettings {
    const SCOPE: Scope = Scope::CompatTwilio;
    const BESIDES: Option<Scope> = Some(Scope::SettingsWrite);
}

/// The caller, known to hold the scope; the first parameter of every handler.
pub struct Authed<S>(Caller, PhantomData<S>);

impl<S> Deref for Authed<S> {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.0
    }
}

impl<S: ScopeMarker> FromRequest for Authed<S> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let admitted = caller(request).map_err(refused).and_then(|caller| admit(caller, S::SCOPE));
        let admitted = match S::BESIDES {
            Some(scope) => admitted.and_then(|caller| admit(caller, scope)),
            None => admitted,
        };
        ready(admitted.map(|caller| Self(caller, PhantomData)))
    }
}

fn challenge(value: String, code: ProblemCode, detail: &'static str) -> Problem {
    Problem::new(code, detail).with_header(header::WWW_AUTHENTICATE, value)
}

/// Who calls, or why nobody is known to.
pub fn caller(request: &HttpRequest) -> Result<Caller, Refusal> {
    let extensions = request.extensions();
    extensions.get::<Caller>().cloned().ok_or_else(|| {
        let refusal = extensions.get::<Refusal>().cloned();
        refusal.unwrap_or(Refusal::Missing)
    })
}

fn admit(caller: Caller, scope: Scope) -> Result<Caller, Problem> {
    if caller.scopes.contains(scope) {
        return Ok(caller);
    }
    Err(challenge(
        format!(r#"Bearer error="insufficient_scope", scope="{}""#, scope.as_str()),
        ProblemCode::InsufficientScope,
        "The API key does not hold the scope that this operation asks for.",
    ))
}

/// Why nobody is known to call.
pub fn refused(refusal: Refusal) -> Problem {
    let realm = r#"Bearer realm="countersign""#;
    match refusal {
        Refusal::Missing => {
            let detail = "Present an API key: `Authorization: Bearer cs_...`.";
            challenge(realm.to_owned(), ProblemCode::InvalidKey, detail)
        }
        Refusal::Invalid => {
            let detail = "The API key is unknown, disabled or expired.";
            let value = format!(r#"{realm}, error="invalid_token""#);
            challenge(value, ProblemCode::InvalidKey, detail)
        }
        Refusal::TooMany(wait) => {
            let detail = "Too many keys that are not accepted came from this address.";
            let limit = RefusingLimit { name: "auth_failures".to_owned(), scope: "caller_address" };
            Problem::new(ProblemCode::RateLimited, detail).with_limit(limit).retry_after(wait)
        }
        Refusal::Address(address) => {
            let detail = format!(
                "{address}, from which you call, is not on the allowlist of the tenant or of the key."
            );
            Problem::new(ProblemCode::IpNotAllowed, detail)
        }
        Refusal::Directory(error) => problem::directory(error),
    }
}
