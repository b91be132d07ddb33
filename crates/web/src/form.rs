//! The forms of refusals. Compatible paths refuse in the form of the system that they imitate; all other
//! paths answer with problems.

use crate::problem::{Problem, ProblemCode};
use actix_web::{
    Error, HttpRequest, HttpResponse, ResponseError,
    http::header::{HeaderMap, HeaderName, HeaderValue},
};

/// The peculiarities of one system's paths.
pub struct Form {
    /// The first segments of the paths.
    pub segments: &'static [&'static str],
    /// Makes the answer for a refusal. The request is `None` if the HTTP library has dropped it already.
    pub refuse: fn(&Problem, Option<&HttpRequest>) -> HttpResponse,
    /// Returns the system's own refusal if the error is one.
    pub own: fn(&Error) -> Option<Box<dyn OwnRefusal>>,
    /// A header of the request that the answer repeats.
    pub echo: fn(&HeaderMap) -> Option<(HeaderName, HeaderValue)>,
    /// Whether caches must store no answer of these paths.
    pub no_store: bool,
    /// The name of the schema for refusals in the OpenAPI document.
    pub schema: &'static str,
    /// The media type of a refusal.
    pub content_type: &'static str,
    /// The text in the OpenAPI document for a problem that an operation does not describe itself, if the
    /// system has its own.
    pub words: Option<fn(ProblemCode) -> String>,
}

/// A refusal that contains more than a problem.
pub trait OwnRefusal {
    /// The refusal as a problem, for the log.
    fn problem(&self) -> &Problem;
    fn answer(&self, request: &HttpRequest) -> HttpResponse;
}

/// All forms but [`Form::PROBLEM`]. They are app data.
#[derive(Clone, Copy)]
pub struct Forms(pub &'static [Form]);

static PROBLEM: Form = Form::PROBLEM;

impl Form {
    /// The form of all other paths: problems (RFC 9457).
    pub const PROBLEM: Self = Self {
        segments: &[],
        refuse: |problem, _| problem.error_response(),
        own: |_| None,
        echo: |_| None,
        no_store: false,
        schema: "Problem",
        content_type: "application/problem+json",
        words: None,
    };
}

impl Forms {
    /// The form of a path, whether or not the path exists.
    pub fn of(self, path: &str) -> &'static Form {
        let first = path.split('/').nth(1).unwrap_or_default();
        self.0.iter().find(|form| form.segments.contains(&first)).unwrap_or(&PROBLEM)
    }
}
