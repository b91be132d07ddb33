//! Writes the records of a request: a log line, a measurement.

use crate::{
    form::Form,
    notes::Outcome,
    problem::{Problem, ProblemCode},
};
use actix_web::{
    HttpMessage, HttpRequest, ResponseError,
    http::header::{HeaderName, HeaderValue},
};
use countersign_core::{
    access::actor::{Actor, Who},
    id::{MemberId, VerificationId},
};
use std::time::{Duration, Instant};

/// The part of a log line that is known before the request is handled.
pub struct Seen {
    pub id: String,
    pub method: &'static str,
    /// The form of refusals on this path.
    pub form: &'static Form,
    /// A header of the request that the answer repeats.
    pub echo: Option<(HeaderName, HeaderValue)>,
    /// The caller's address, if it is known.
    pub address: Option<String>,
    pub started: Instant,
    /// Whether the answer is sent without its body.
    pub is_head: bool,
}

/// The route that says that the process is alive.
const ALIVE: &str = "/health/live";

impl Seen {
    /// The method of the operation in the API document: GET for a HEAD request.
    pub fn operation(&self) -> &'static str {
        if self.is_head { "GET" } else { self.method }
    }

    pub fn measure(&self, route: &str, status: u16) {
        let labels =
            [("method", self.method.to_owned()), ("route", route.to_owned()), ("status", status.to_string())];
        metrics::histogram!("http_server_request_duration_seconds", &labels)
            .record(self.started.elapsed().as_secs_f64());
    }

    pub fn log_failure(&self, problem: &Problem) {
        if problem.status_code().is_server_error() {
            let outcome = problem.code().as_str();
            tracing::error!(target: "http", request_id = self.id, outcome, error = problem.chain(), "request failed");
        }
    }

    pub fn log_line(&self, request: &HttpRequest, route: &str, status: u16, problem: Option<ProblemCode>) {
        let extensions = request.extensions();
        let caller = extensions.get::<Actor>();
        let outcome = problem.map(ProblemCode::as_str);
        let outcome = outcome.or_else(|| extensions.get::<Outcome>().map(|outcome| outcome.0));
        // The server itself and load balancers ask this every few seconds.
        let quiet = route == ALIVE && status == 200;
        macro_rules! write_line {
            ($level:ident) => {
                tracing::$level!(
                        target: "http",
                        method = self.method,
                        route,
                        status,
                        duration_ms = millis(self.started.elapsed()),
                        request_id = self.id,
                        client.address = self.address,
                        tenant.id = caller.map(|caller| caller.tenant.to_string()),
                        key.id = caller.and_then(|caller| caller.key()).map(|key| key.to_string()),
                        member.id = caller.and_then(member).map(|id| id.to_string()),
                        acted_by = caller.and_then(acted_by),
                        verification.id = extensions.get::<VerificationId>().map(VerificationId::to_string),
                        outcome = outcome.unwrap_or(match status {
                            0..400 => "ok",
                            400..500 => "refused",
                            _ => "failed",
                        }),
                        "request"
                )
            };
        }
        if quiet { write_line!(debug) } else { write_line!(info) }
    }
}

/// The member whose rights apply: the owner of the key, or the one who signed in.
fn member(caller: &Actor) -> Option<MemberId> {
    match caller.who {
        Who::Member { id, .. } => Some(id),
        Who::Operator(member) => member,
        Who::Key(_) | Who::System => caller.member,
    }
}

/// The owner who acts as that member, or `operator` for a member of the operator.
fn acted_by(caller: &Actor) -> Option<String> {
    match caller.who {
        Who::Member { acted_by, .. } => acted_by.map(|owner| owner.to_string()),
        Who::Operator(_) => Some("operator".to_owned()),
        Who::Key(_) | Who::System => None,
    }
}

impl std::fmt::Debug for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.id)
    }
}

/// Milliseconds with three decimals: enough to tell a cache from a store.
pub fn millis(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1_000.0
}
