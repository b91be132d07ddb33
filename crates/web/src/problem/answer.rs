//! A refusal on its way to the client, and the only place where refusals become answers.

use super::{
    json::{FieldError, ProblemBody, RefusingLimit},
    table::ProblemCode,
};
use crate::ratelimit;
use actix_web::{
    HttpResponse, HttpResponseBuilder, ResponseError,
    http::{
        StatusCode,
        header::{self, HeaderName},
    },
};
use countersign_core::{error::chain, tenant::limits::LimitState, time::ceil_seconds};
use serde::Serialize;
use std::{borrow::Cow, error::Error, sync::Arc, time::Duration};

/// The maximum number of errors in an answer: a body of 64 KiB can contain thousands.
pub(crate) const MAX_ERRORS: usize = 20;

/// A refusal on its way to the client. It is boxed, so that results which contain it stay small.
#[derive(Clone, Debug)]
pub struct Problem(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    code: ProblemCode,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    retry_after: Option<u64>,
    limit: Option<RefusingLimit>,
    limits: Vec<LimitState>,
    header: Option<(HeaderName, String)>,
    /// For the log only.
    cause: Option<Arc<dyn Error + Send + Sync>>,
    request_id: String,
}

impl Problem {
    /// A problem with a sentence about what happened. The sentence never contains a value from the client.
    pub fn new(code: ProblemCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Parts {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            retry_after: None,
            limit: None,
            limits: Vec::new(),
            header: None,
            cause: None,
            request_id: String::new(),
        }))
    }

    /// A problem of one wrong field.
    pub fn field(code: ProblemCode, field: &str, kind: &'static str, message: &'static str) -> Self {
        let error = FieldError { field: field.to_owned(), code: kind, message: message.into() };
        Self::new(code, format!("{field}: {message}")).with_errors(vec![error])
    }

    /// A problem of wrong fields. If there is only one error, the problem may have a code of its own.
    pub fn of_fields(errors: &[(FieldError, ProblemCode)]) -> Self {
        match errors {
            [] => Self::new(ProblemCode::Internal, "A request was not understood."),
            [(error, code)] => {
                let detail = format!("{}: {}", error.field, error.message);
                Self::new(*code, detail).with_errors(vec![error.clone()])
            }
            errors => {
                let detail = format!("{} fields are wrong.", errors.len());
                let listed = errors.iter().take(MAX_ERRORS).map(|(error, _)| error.clone()).collect();
                Self::new(ProblemCode::InvalidRequest, detail).with_errors(listed)
            }
        }
    }

    /// The tenant has nothing with this id in this mode.
    pub fn not_found(detail: &'static str) -> Self {
        Self::new(ProblemCode::NotFound, detail)
    }

    /// All fields that are wrong.
    pub fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.0.errors = errors;
        self
    }

    /// Sets the wait after which the same request may succeed.
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(ceil_seconds(wait));
        self
    }

    /// Removes the wait if it is longer than this.
    pub fn tell_wait_up_to(mut self, most: Duration) -> Self {
        self.0.retry_after = self.0.retry_after.filter(|wait| *wait <= most.as_secs());
        self
    }

    /// The limit that refused.
    pub fn with_limit(mut self, limit: RefusingLimit) -> Self {
        self.0.limit = Some(limit);
        self
    }

    /// Adds the state of each limit that was checked.
    pub fn with_states(mut self, limits: Vec<LimitState>) -> Self {
        self.0.limits = limits;
        self
    }

    /// Adds a header that this refusal must have: `WWW-Authenticate` or `Allow`.
    pub fn with_header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.0.header = Some((name, value.into()));
        self
    }

    /// Adds the cause, for the log.
    pub fn caused_by(mut self, cause: Arc<dyn Error + Send + Sync>) -> Self {
        self.0.cause = Some(cause);
        self
    }

    /// Adds the id of the request.
    pub fn of_request(mut self, request_id: String) -> Self {
        self.0.request_id = request_id;
        self
    }

    pub fn code(&self) -> ProblemCode {
        self.0.code
    }

    /// The details of this refusal.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// All fields that are wrong.
    pub fn errors(&self) -> &[FieldError] {
        &self.0.errors
    }

    /// The limit that refused.
    pub fn limit(&self) -> Option<&RefusingLimit> {
        self.0.limit.as_ref()
    }

    /// Makes the answer with this body. The body's own status and type are used, with the headers of every
    /// refusal.
    pub fn respond(
        &self,
        status: StatusCode,
        content_type: &'static str,
        body: impl Serialize,
    ) -> HttpResponse {
        let Parts { retry_after, limits, header, .. } = &*self.0;
        let mut response = HttpResponseBuilder::new(status);
        response.insert_header((header::CONTENT_TYPE, content_type));
        if let Some((name, value)) = header {
            response.insert_header((name.clone(), value.as_str()));
        }
        if let Some(seconds) = *retry_after {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        let mut response = response.json(body);
        ratelimit::set_headers(response.headers_mut(), limits);
        response
    }

    /// The causes for the log, outermost first.
    pub fn chain(&self) -> String {
        let causes = self.0.cause.as_deref().map(|cause| format!(": {}", chain(cause)));
        format!("{}{}", self.0.detail, causes.unwrap_or_default())
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.code.as_str())
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.0.code.status()
    }

    fn error_response(&self) -> HttpResponse {
        let Parts { code, detail, errors, retry_after, limit, request_id, .. } = &*self.0;
        let body = ProblemBody {
            r#type: code.type_uri(),
            title: code.title(),
            status: code.status().as_u16(),
            detail,
            code: code.as_str(),
            errors,
            request_id,
            retry_after: *retry_after,
            limit: limit.as_ref(),
        };
        self.respond(code.status(), "application/problem+json", body)
    }
}
