//! The caller, as handlers take it. The extractor is synchronous. An asynchronous extractor was tried beside
//! one that reads the body: then a caller without a key got 400 for a broken body instead of 401.

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, http::header, web::Data};
use countersign_core::{
    access::{actor::Actor, change::Change, scope::Scope},
    acts::shares::judge_whole_tenant,
    id::RequestId,
    ports::error::StoreError,
    time::Timestamp,
};
use countersign_web::{
    State,
    problem::{self, Problem, ProblemCode, RefusingLimit},
};
use std::{
    future::{Ready, ready},
    marker::PhantomData,
    net::IpAddr,
    ops::Deref,
    sync::Arc,
    time::Duration,
};

/// Why the caller is unknown. The middleware stores the [`Actor`] or this in the extensions of the request.
#[derive(Clone, Debug)]
pub enum Refusal {
    /// The request has no key.
    Missing,
    /// The request's key is not accepted now.
    Invalid,
    /// The key is not accepted, and requests from its address failed too often. The client may try again
    /// after this time.
    TooMany(Duration),
    /// The key is valid, but its allowlists refuse this address.
    Address(IpAddr),
    /// The directory did not answer.
    Directory(Arc<StoreError>),
}

/// Names the scope of an operation in its handler's signature.
pub trait ScopeMarker: 'static {
    const SCOPE: Scope;
    /// A second scope that the caller must have, if any.
    const BESIDES: Option<Scope> = None;
    /// Whether the operation itself shows and changes only things within the shares of the caller. An operation
    /// that does not is refused to a caller with a bounded share. It is the default for settings, reports and
    /// the audit log, because most of them concern the whole tenant.
    const WITHIN_SHARES: bool = !matches!(
        Self::SCOPE,
        Scope::SettingsRead | Scope::SettingsWrite | Scope::ReportsRead | Scope::AuditRead
    );
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
    MembersWrite AuditRead
    CompatSmsapi CompatTwilio CompatCamara Operator
}

/// Requires both scopes. A compatible operation needs this if `/v1` requires the second scope for the same
/// thing.
impl<A: ScopeMarker, B: ScopeMarker> ScopeMarker for (A, B) {
    const SCOPE: Scope = A::SCOPE;
    const BESIDES: Option<Scope> = Some(B::SCOPE);
}

/// Requires the scope, for an operation that keeps to the shares of the caller.
pub struct Within<S>(PhantomData<S>);

impl<S: ScopeMarker> ScopeMarker for Within<S> {
    const SCOPE: Scope = S::SCOPE;
    const BESIDES: Option<Scope> = S::BESIDES;
    const WITHIN_SHARES: bool = true;
}

/// A caller that has the scope. It is the first parameter of every handler.
pub struct Authed<S> {
    caller: Actor,
    request: Option<RequestId>,
    scope: PhantomData<S>,
}

impl<S> Authed<S> {
    /// A change that this request makes.
    pub fn change(&self, at: Timestamp) -> Change {
        Change::by(&self.caller, self.request, at)
    }
}

impl<S> Deref for Authed<S> {
    type Target = Actor;

    fn deref(&self) -> &Actor {
        &self.caller
    }
}

impl<S: ScopeMarker> FromRequest for Authed<S> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let admitted = caller_of(request).map_err(refused).and_then(|caller| admit(caller, S::SCOPE));
        let admitted = match S::BESIDES {
            Some(scope) => admitted.and_then(|caller| admit(caller, scope)),
            None => admitted,
        };
        let admitted = match S::WITHIN_SHARES {
            true => admitted,
            false => admitted.and_then(|caller| judge(request, caller)),
        };
        let id = request.extensions().get::<RequestId>().copied();
        ready(admitted.map(|caller| Self { caller, request: id, scope: PhantomData }))
    }
}

fn challenge(value: String, code: ProblemCode, detail: &'static str) -> Problem {
    Problem::new(code, detail).with_header(header::WWW_AUTHENTICATE, value)
}

/// The caller, or why the caller is unknown.
pub fn caller_of(request: &HttpRequest) -> Result<Actor, Refusal> {
    let extensions = request.extensions();
    extensions.get::<Actor>().cloned().ok_or_else(|| {
        let refusal = extensions.get::<Refusal>().cloned();
        refusal.unwrap_or(Refusal::Missing)
    })
}

fn admit(caller: Actor, scope: Scope) -> Result<Actor, Problem> {
    if caller.grants.contains(scope) {
        return Ok(caller);
    }
    Err(challenge(
        format!(r#"Bearer error="insufficient_scope", scope="{}""#, scope.as_str()),
        ProblemCode::InsufficientScope,
        "The API key does not hold the scope that this operation asks for.",
    ))
}

/// Refuses a caller with a bounded share.
fn judge(request: &HttpRequest, caller: Actor) -> Result<Actor, Problem> {
    let missing = || Problem::new(ProblemCode::Internal, "The server has no state.");
    let state = request.app_data::<Data<State>>().ok_or_else(missing)?;
    judge_whole_tenant(&state.context, &caller)?;
    Ok(caller)
}

/// The problem for an unknown caller.
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
