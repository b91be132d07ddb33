//! Every refusal of the API: one table of codes, one shape (RFC 9457), one place
//! where they become answers. The errors of the core become problems in `acts.rs`.

mod acts;
mod json;
mod resources;

pub use acts::{codes, codes_unavailable, directory, guess_limit};
pub use json::{FieldError, ProblemBody, RefusingLimit};
pub use resources::setting_fault;

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
use utoipa::ToSchema;

macro_rules! problems {
    ($($variant:ident $status:literal $code:literal $title:literal,)*) => {
        /// What went wrong, in the text form that clients match on.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ProblemCode { $(#[doc = $title] $variant,)* }

        impl ProblemCode {
            /// Every code, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            const fn row(self) -> (u16, &'static str, &'static str) {
                match self { $(Self::$variant => ($status, $code, $title),)* }
            }
        }
    };
}

// The table: status, code, title.
problems! {
    InvalidRequest 400 "invalid_request" "The request is malformed or a field is out of its bounds",
    InvalidPhoneNumber 400 "invalid_phone_number" "The number is not a valid one in international form",
    NumberCannotReceiveSms 400 "number_cannot_receive_sms" "The line of this number receives no SMS",
    InvalidCode 400 "invalid_code" "This cannot be the code; no try was used",
    InvalidKey 401 "invalid_key" "The API key is missing, unknown, disabled or expired",
    InsufficientScope 403 "insufficient_scope" "The API key may not do this",
    IpNotAllowed 403 "ip_not_allowed" "The API key is not accepted from this address",
    CountryNotAllowed 403 "country_not_allowed" "The tenant does not send to this country",
    NumberBlocked 403 "number_blocked" "The number is blocked",
    NotFound 404 "not_found" "There is no such thing here",
    MethodNotAllowed 405 "method_not_allowed" "This path has other methods",
    AlreadyApproved 409 "already_approved" "The verification was approved before",
    VerificationEnded 409 "verification_ended" "The verification is over",
    Conflict 409 "conflict" "The request conflicts with the present state",
    SecretAlreadyShown 409 "secret_already_shown" "The secret was shown in the first answer, and is kept nowhere",
    PayloadTooLarge 413 "payload_too_large" "The body is larger than 64 KiB",
    UnsupportedMediaType 415 "unsupported_media_type" "The body must be JSON",
    IdempotencyMismatch 422 "idempotency_mismatch" "The Idempotency-Key was used for another request",
    RateLimited 429 "rate_limited" "A limit refused the request",
    ResendTooSoon 429 "resend_too_soon" "The cooldown between messages still runs",
    SendsExhausted 429 "sends_exhausted" "All messages of the verification are used",
    GuessLimit 429 "guess_limit" "Too many wrong codes in a row for the number",
    Internal 500 "internal" "The server failed",
    CodesUnavailable 503 "codes_unavailable" "The store of live verifications does not answer",
    HistoryBacklog 503 "history_backlog" "Too many events wait for the history",
    DirectoryUnavailable 503 "directory_unavailable" "The directory of tenants and keys does not answer",
    NoRoute 503 "no_route" "No provider can take the message",
}

impl ProblemCode {
    /// The text form.
    pub const fn as_str(self) -> &'static str {
        self.row().1
    }

    /// The title, the same for each problem of this code.
    pub const fn title(self) -> &'static str {
        self.row().2
    }

    /// The HTTP status.
    pub fn status(self) -> StatusCode {
        StatusCode::from_u16(self.row().0).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The type: a registered one where the RateLimit draft has it, else our own.
    pub fn type_uri(self) -> String {
        match self {
            Self::RateLimited | Self::GuessLimit => {
                "https://iana.org/assignments/http-problem-types#quota-exceeded".to_owned()
            }
            _ if self.status() == StatusCode::SERVICE_UNAVAILABLE => {
                "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity".to_owned()
            }
            _ => format!("urn:countersign:problem:{}", self.as_str()),
        }
    }
}

impl ToSchema for ProblemCode {}
impl utoipa::PartialSchema for ProblemCode {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        crate::openapi::text_enum(Self::ALL.iter().map(|code| code.as_str()))
    }
}

/// A refusal on its way to the client; boxed, so that the results that carry it stay small.
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
    /// For the log alone.
    cause: Option<Arc<dyn Error + Send + Sync>>,
    request_id: String,
}

impl Problem {
    /// A problem with a sentence on what happened; never a value that the client sent.
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

    /// The one field that is wrong.
    pub fn field(code: ProblemCode, field: &str, kind: &'static str, message: &'static str) -> Self {
        let error = FieldError { field: field.to_owned(), code: kind, message: message.into() };
        Self::new(code, format!("{field}: {message}")).with_errors(vec![error])
    }

    /// Nothing with this id, of this tenant, in this mode.
    pub fn not_found(detail: &'static str) -> Self {
        Self::new(ProblemCode::NotFound, detail)
    }

    /// All fields that are wrong.
    pub fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.0.errors = errors;
        self
    }

    /// The wait after which the same request may pass.
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(ceil_seconds(wait));
        self
    }

    /// Tells no wait that is longer than this.
    pub fn tell_wait_up_to(mut self, most: Duration) -> Self {
        self.0.retry_after = self.0.retry_after.filter(|wait| *wait <= most.as_secs());
        self
    }

    /// The limit that refused.
    pub fn with_limit(mut self, limit: RefusingLimit) -> Self {
        self.0.limit = Some(limit);
        self
    }

    /// How far the limits are used that were looked at.
    pub fn with_states(mut self, limits: Vec<LimitState>) -> Self {
        self.0.limits = limits;
        self
    }

    /// A header that this refusal must carry: `WWW-Authenticate` or `Allow`.
    pub fn with_header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.0.header = Some((name, value.into()));
        self
    }

    /// What is behind it, for the log.
    pub fn caused_by(mut self, cause: Arc<dyn Error + Send + Sync>) -> Self {
        self.0.cause = Some(cause);
        self
    }

    /// The request that it answers.
    pub fn of_request(mut self, request_id: String) -> Self {
        self.0.request_id = request_id;
        self
    }

    /// Which problem.
    pub fn code(&self) -> ProblemCode {
        self.0.code
    }

    /// What happened this time.
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

    /// The answer with this body: status and type are its own, the headers are
    /// those of every refusal.
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

    /// The causes, outermost first, for the log.
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

#[cfg(test)]
mod tests;
