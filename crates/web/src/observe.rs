//! Observes each request: its id, one log line, one measurement, and the headers that every answer has. It
//! wraps the whole App.

mod seen;

use crate::{
    deprecation,
    form::{Forms, OwnRefusal},
    head,
    problem::{Problem, ProblemCode},
    state::{State, rng},
};
use actix_web::{
    Error, HttpMessage, HttpRequest, HttpResponse, ResponseError,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        ConnectionType, Method,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web,
};
use countersign_core::{
    access::{
        actor::Actor,
        address::{CallerAddress, TrustedProxies, UnreadableHop},
    },
    id::RequestId,
};
use futures_util::FutureExt;
use seen::{Seen, millis};
use std::{
    net::{IpAddr, Ipv4Addr},
    panic::AssertUnwindSafe,
    sync::Arc,
    time::Instant,
};

pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const UNREADABLE: &str = "A hop of X-Forwarded-For is no IP address.";

/// Middleware for the whole App.
pub async fn observe<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let address = caller_address(&request);
    let method = method_name(request.method());
    let is_head = head::ask_as_get(&mut request);
    // Use the decoded path, as the router does: `/%761/keys` is `/v1/keys`.
    let forms = request.app_data::<Forms>().copied().unwrap_or(Forms(&[]));
    let form = forms.of(request.match_info().as_str());
    let id = request_id(&request);
    request.extensions_mut().insert(id);
    let seen = Seen {
        id: id.to_string(),
        method,
        form,
        echo: (form.echo)(request.headers()),
        address: address.ok().map(|address| address.0.to_string()),
        started: Instant::now(),
        is_head,
    };
    match address {
        Ok(address) => request.extensions_mut().insert(address),
        Err(error) => {
            let problem = Problem::new(ProblemCode::InvalidRequest, UNREADABLE).caused_by(Arc::new(error));
            return Ok(seen.answer(request.error_response(problem)));
        }
    };
    // The call is inside the future, so that a panic before its first await is caught too.
    match AssertUnwindSafe(async move { next.call(request).await }).catch_unwind().await {
        Ok(Ok(response)) => Ok(seen.answer(response)),
        Ok(Err(error)) => Err(seen.lost(of_error(&error, (form.own)(&error).as_deref()))),
        Err(_) => Err(seen.lost(Problem::new(ProblemCode::Internal, "The handler panicked."))),
    }
}

/// Keeps our own errors as they are. A refusal by actix itself means a malformed request.
fn of_error(error: &Error, own: Option<&dyn OwnRefusal>) -> Problem {
    if let Some(problem) = error.as_error::<Problem>().or(own.map(OwnRefusal::problem)) {
        return problem.clone();
    }
    if error.as_response_error().status_code().is_server_error() {
        let cause: Box<dyn std::error::Error + Send + Sync> = error.to_string().into();
        Problem::new(ProblemCode::Internal, "The request failed.").caused_by(cause.into())
    } else {
        Problem::new(ProblemCode::InvalidRequest, "The request cannot be read.")
    }
}

/// Returns whether an error of another page has an answer of its own, which is kept. Actix's own errors are
/// plain text.
fn speaks_for_itself(error: &Error, headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    error.as_error::<Problem>().is_none() && kind.is_some_and(|kind| !kind.starts_with("text/plain"))
}

impl Seen {
    fn answer<B: MessageBody + 'static>(self, response: ServiceResponse<B>) -> ServiceResponse<BoxBody> {
        let mut response = response.map_into_boxed_body();
        let error = response.response().error();
        let own = error.and_then(self.form.own);
        let error = error.filter(|error| own.is_some() || !speaks_for_itself(error, response.headers()));
        let problem = error.map(|error| of_error(error, own.as_deref()));
        let code = problem.as_ref().map(Problem::code);
        if let Some(problem) = problem {
            let problem = problem.of_request(self.id.clone());
            self.log_failure(&problem);
            // Drop the old answer first: actix then uses its head again, so that equal answers list their
            // headers in the same order.
            let (request, _) = response.into_parts();
            let answer =
                own.map_or_else(|| (self.form.refuse)(&problem, Some(&request)), |own| own.answer(&request));
            response = ServiceResponse::new(request, answer);
        }
        self.set_headers(response.headers_mut());
        if !is_known(response.request()) {
            response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
        }
        let status = response.status().as_u16();
        let route = response.request().match_pattern().unwrap_or_else(|| "-".to_owned());
        if let Some(deprecation) = deprecation::of_request(response.request(), self.operation(), &route) {
            deprecation.announce(response.headers_mut());
        }
        self.measure(&route, status);
        self.log_line(response.request(), &route, status, code);
        if self.is_head {
            let (request, answer) = response.into_parts();
            response = ServiceResponse::new(request, head::without_body(answer));
        }
        response
    }

    /// Makes an error that carries the answer to the HTTP server, because the request no longer exists.
    fn lost(self, problem: Problem) -> Error {
        let problem = problem.of_request(self.id.clone());
        self.log_failure(&problem);
        let status = problem.status_code().as_u16();
        self.measure("-", status);
        tracing::info!(
            target: "http",
            method = self.method,
            route = "-",
            status,
            duration_ms = millis(self.started.elapsed()),
            request_id = self.id,
            client.address = self.address,
            outcome = problem.code().as_str(),
            "request"
        );
        Lost { problem, seen: self }.into()
    }

    fn set_headers(&self, headers: &mut HeaderMap) {
        if let Ok(id) = HeaderValue::from_str(&self.id) {
            headers.insert(X_REQUEST_ID, id);
        }
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        let json = |value: &HeaderValue| value.to_str().is_ok_and(|value| value.contains("json"));
        if let Some((name, value)) = &self.echo {
            headers.insert(name.clone(), value.clone());
        }
        if self.form.no_store || headers.get(header::CONTENT_TYPE).is_some_and(json) {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
    }
}

/// Returns whether the request had an accepted key. Other callers get a new connection for each request: the
/// HTTP server limits the time only for the first head on a connection, so a later head could arrive slowly
/// without end.
fn is_known(request: &HttpRequest) -> bool {
    request.extensions().contains::<Actor>()
}

/// The address that sent the request. A connection that is already closed has no peer.
fn caller_address(request: &ServiceRequest) -> Result<CallerAddress, UnreadableHop> {
    let nobody = TrustedProxies::default();
    let proxies = request.app_data::<web::Data<State>>().map_or(&nobody, |state| &state.proxies);
    let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    let lines: Vec<_> =
        request.headers().get_all(header::X_FORWARDED_FOR).map(HeaderValue::as_bytes).collect();
    proxies.caller(peer, lines.into_iter())
}

/// Makes a request id. It is never taken from the client, because a stranger could forge a trace with it.
fn request_id(request: &ServiceRequest) -> RequestId {
    let state = request.app_data::<web::Data<State>>();
    let now = state.map(|state| state.clock.now()).unwrap_or_default();
    RequestId::new(now, &mut rng())
}

/// Gives unknown methods one common name, so that they cannot fill the metrics.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// A failure after which the request no longer exists. No middleware can answer it, so the HTTP library does.
#[derive(Debug, thiserror::Error)]
#[error("{problem}")]
struct Lost {
    problem: Problem,
    seen: Seen,
}

impl ResponseError for Lost {
    fn status_code(&self) -> actix_web::http::StatusCode {
        self.problem.status_code()
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = (self.seen.form.refuse)(&self.problem, None);
        self.seen.set_headers(response.headers_mut());
        if self.seen.is_head { head::without_body(response) } else { response }
    }
}
