//! How refusals are told. Paths that speak as other systems do refuse in the form of their system;
//! all others by problems.

use crate::problem::{Problem, ProblemCode};
use actix_web::{
    Error, HttpRequest, HttpResponse, ResponseError,
    http::header::{HeaderMap, HeaderName, HeaderValue},
};

/// What is peculiar to the paths of one system.
pub struct Form {
    /// The first segments of its paths.
    pub segments: &'static [&'static str],
    /// The answer that tells a refusal, to the request if that is still there.
    pub refuse: fn(&Problem, Option<&HttpRequest>) -> HttpResponse,
    /// The refusal of its own that an error is, if it is one.
    pub own: fn(&Error) -> Option<Box<dyn OwnRefusal>>,
    /// A header of the request that the answer repeats.
    pub echo: fn(&HeaderMap) -> Option<(HeaderName, HeaderValue)>,
    /// Whether no answer may be kept, whatever its type.
    pub no_store: bool,
    /// Whether a POST, PUT, PATCH or DELETE of this route changes what a tenant has set, its keys or
    /// its numbers. Such changes go to the audit.
    pub changes: fn(&str) -> bool,
    /// The name of the schema of a refusal in the document.
    pub schema: &'static str,
    /// The type that a refusal is sent as.
    pub content_type: &'static str,
    /// What the document says of a problem that an operation does not describe itself, if the form
    /// has its own words.
    pub words: Option<fn(ProblemCode) -> String>,
}

/// A refusal that says more than a problem can.
pub trait OwnRefusal {
    /// The same as a problem, for the log.
    fn problem(&self) -> &Problem;
    /// The answer to this request.
    fn answer(&self, request: &HttpRequest) -> HttpResponse;
}

/// All forms but [`Form::PROBLEM`]. App data.
#[derive(Clone, Copy)]
pub struct Forms(pub &'static [Form]);

static PROBLEM: Form = Form::PROBLEM;

impl Form {
    /// Problems (RFC 9457).
    pub const PROBLEM: Self = Self {
        segments: &[],
        refuse: |problem, _| problem.error_response(),
        own: |_| None,
        echo: |_| None,
        no_store: false,
        changes: |_| false,
        schema: "Problem",
        content_type: "application/problem+json",
        words: None,
    };
}

impl Forms {
    /// The form of a path, whether or not there is anything at it.
    pub fn of(self, path: &str) -> &'static Form {
        let first = path.split('/').nth(1).unwrap_or_default();
        self.0.iter().find(|form| form.segments.contains(&first)).unwrap_or(&PROBLEM)
    }
}
