//! Refusals in Twilio's form, with Twilio's codes, on which its clients act.

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use countersign_core::{
    management::{profile_limits::RateLimitError, profiles::ProfileError},
    ports::error::StoreError,
};
use countersign_web::problem::{Problem, ProblemCode};
use serde::Serialize;
use std::{borrow::Cow, fmt, time::Duration};
use utoipa::ToSchema;

/// The page of this server that explains these codes.
pub const DOCS: &str = "/docs/twilio.md";

/// The longest wait that a header names. Apache's HTTP client, on which Twilio's library for Java is built,
/// obeys `Retry-After` by itself: the caller's thread hangs for that time, and then the same request is sent
/// again.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The longest wait that a refusal names. A client that starts or checks too soon must get the refusal at
/// once: if its library repeated the start after the cooldown, the phone would get a second SMS that nobody
/// wanted.
const fn told_wait(kind: ProblemCode) -> Duration {
    match kind {
        ProblemCode::ResendTooSoon | ProblemCode::SendsExhausted | ProblemCode::GuessLimit => Duration::ZERO,
        _ => LONGEST_WAIT,
    }
}

/// A refusal on its way to a client of the Twilio-compatible API.
#[derive(Clone, Debug)]
pub struct Refusal(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    status: u16,
    code: u32,
    message: Cow<'static, str>,
    /// The refusal as a problem, for the log and the headers.
    problem: Problem,
    more_info: String,
}

/// A refusal in Twilio's form. Act on `code`.
#[derive(Serialize, ToSchema)]
#[schema(as = TwilioRefusal)]
pub struct RefusalBody<'a> {
    /// Twilio's code, or the HTTP status if Twilio has none.
    #[schema(example = 60200)]
    code: u32,
    /// The refusal in words, for people.
    #[schema(example = "Invalid parameter: To")]
    message: &'a str,
    /// A page that explains the codes.
    #[schema(example = "https://sms.example.com/docs/twilio.md")]
    more_info: &'a str,
    /// The HTTP status.
    #[schema(example = 400)]
    status: u16,
}

impl Refusal {
    /// A refusal with its own code.
    pub fn new(status: u16, code: u32, message: impl Into<Cow<'static, str>>) -> Self {
        let kind = match status {
            404 => ProblemCode::NotFound,
            403 => ProblemCode::InsufficientScope,
            429 => ProblemCode::RateLimited,
            _ => ProblemCode::InvalidRequest,
        };
        Self::of(status, code, message, Problem::new(kind, ""))
    }

    fn of(status: u16, code: u32, message: impl Into<Cow<'static, str>>, problem: Problem) -> Self {
        let more_info = DOCS.to_owned();
        Self(Box::new(Parts { status, code, message: message.into(), problem, more_info }))
    }

    /// A parameter has an invalid value.
    pub fn invalid(name: &str) -> Self {
        Self::new(400, 60200, format!("Invalid parameter: {name}"))
    }

    /// A parameter has an invalid value, for this reason.
    pub fn invalid_because(name: &str, why: &str) -> Self {
        Self::new(400, 60200, format!("Invalid parameter: {name}: {why}"))
    }

    /// A required parameter is missing.
    pub fn missing(name: &str) -> Self {
        Self::new(400, 60200, format!("Missing required parameter: {name}"))
    }

    /// The cooldown after the last message still runs.
    pub fn too_soon() -> Self {
        Problem::new(ProblemCode::ResendTooSoon, "").into()
    }

    /// The verification has used up its messages.
    pub fn sends_exhausted() -> Self {
        Problem::new(ProblemCode::SendsExhausted, "").into()
    }

    /// The verification has used up its tries.
    pub fn max_checks() -> Self {
        Problem::new(ProblemCode::GuessLimit, "").into()
    }

    /// The tenant has nothing with this SID in this mode.
    pub fn not_found() -> Self {
        Self::new(404, 20404, "The requested resource was not found")
    }

    #[cfg(test)]
    pub fn code(&self) -> u32 {
        self.0.code
    }

    pub fn as_problem(&self) -> &Problem {
        &self.0.problem
    }

    /// Makes the link to more information a whole URL.
    pub fn at(mut self, base: &str) -> Self {
        self.0.more_info = format!("{base}{DOCS}");
        self
    }
}

impl From<Problem> for Refusal {
    /// Follows the table of docs/twilio.md. Where Twilio has no code, its clients use the HTTP status.
    fn from(problem: Problem) -> Self {
        use ProblemCode as P;
        let kind = problem.code();
        let problem = problem.tell_wait_up_to(told_wait(kind));
        let status = kind.status().as_u16();
        let (status, code) = match kind {
            P::InvalidRequest | P::InvalidPhoneNumber | P::InvalidCode => (400, 60200),
            P::NumberCannotReceiveSms => (403, 60205),
            P::InvalidKey => (401, 20003),
            P::InsufficientScope | P::NotShared | P::IpNotAllowed | P::OutsideHours | P::MessageTooLong => {
                (403, 20403)
            }
            P::CountryNotAllowed => (403, 60605),
            P::NumberBlocked => (403, 60410),
            P::NotFound | P::AlreadyApproved | P::VerificationEnded => (404, 20404),
            P::MethodNotAllowed => (405, 20004),
            P::RateLimited | P::PoolExhausted => (429, 20429),
            P::ResendTooSoon => (429, 60212),
            P::SendsExhausted => (429, 60203),
            P::GuessLimit => (429, 60202),
            P::Internal => (500, 20500),
            P::CodesUnavailable | P::HistoryBacklog | P::DirectoryUnavailable | P::NoRoute | P::Busy => {
                (503, 20503)
            }
            P::Conflict
            | P::SecretAlreadyShown
            | P::PayloadTooLarge
            | P::UnsupportedMediaType
            | P::IdempotencyMismatch
            | P::ForeignOrigin
            | P::StaleForm
            | P::TooManyStreams => (status, u32::from(status)),
        };
        let problem = match kind {
            P::InvalidKey | P::InsufficientScope => {
                problem.with_header(header::WWW_AUTHENTICATE, r#"Basic realm="countersign""#)
            }
            _ => problem,
        };
        let message = match kind {
            P::InvalidKey => Cow::Borrowed("Authenticate"),
            P::InvalidPhoneNumber => "Invalid parameter: To".into(),
            P::InvalidCode => "Invalid parameter: Code".into(),
            P::CountryNotAllowed | P::NumberBlocked => {
                format!("Verification delivery attempt blocked: {}", problem.detail()).into()
            }
            P::SendsExhausted => "Max send attempts reached".into(),
            P::ResendTooSoon => "Too many concurrent requests for phone number".into(),
            P::GuessLimit => "Max check attempts reached".into(),
            P::NotFound | P::AlreadyApproved | P::VerificationEnded => {
                "The requested resource was not found".into()
            }
            P::RateLimited | P::PoolExhausted => format!("Too many requests: {}", problem.detail()).into(),
            _ => problem.detail().to_owned().into(),
        };
        Self::of(status, code, message, problem)
    }
}

/// The description of a kind of problem in the OpenAPI document.
pub fn words(kind: ProblemCode) -> String {
    let words = match kind {
        ProblemCode::InvalidRequest => "a parameter is missing or not valid.",
        ProblemCode::InvalidKey => "no key, or one that is not accepted for this user.",
        ProblemCode::InsufficientScope => {
            "the key or its address may not do this, or it is not in the share of the key."
        }
        ProblemCode::NotFound => "there is nothing with this SID.",
        ProblemCode::UnsupportedMediaType => "the body is no form.",
        ProblemCode::RateLimited => "a limit refused, or too many keys that are not accepted.",
        kind => kind.title(),
    };
    format!("`{}`: {words}", Refusal::from(Problem::new(kind, "")).0.code)
}

impl From<ProfileError> for Refusal {
    fn from(error: ProfileError) -> Self {
        match error {
            ProfileError::NotFound => Self::not_found(),
            ProfileError::Default => Self::new(403, 20403, "Every account keeps its first service."),
            error => Problem::from(error).into(),
        }
    }
}

impl From<RateLimitError> for Refusal {
    fn from(error: RateLimitError) -> Self {
        match error {
            RateLimitError::NotFound => Self::not_found(),
            RateLimitError::NameTaken => {
                Self::new(400, 60208, "Rate limit with that UniqueName already exists")
            }
            RateLimitError::TooMany => Self::new(400, 60207, "Max rate limits per service reached"),
            RateLimitError::WindowTaken => {
                Self::new(400, 60211, "Bucket with the given Interval already exists")
            }
            RateLimitError::TooManyBuckets => Self::new(400, 60210, "Max Buckets per Rate limit reached"),
            RateLimitError::OutOfBounds => Self::invalid("Interval"),
            RateLimitError::Profile(error) => error.into(),
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        countersign_web::problem::directory(error).into()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0.code, self.0.message)
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let Parts { status, code, message, problem, more_info } = &*self.0;
        let body = RefusalBody { code: *code, message, more_info, status: *status };
        problem.respond(self.status_code(), "application/json", body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_has_every_code() {
        let docs = include_str!("../../../../../docs/twilio.md");
        // Neither occurs in this API: it has no Idempotency-Key, and shows no secret.
        let elsewhere = [ProblemCode::IdempotencyMismatch, ProblemCode::SecretAlreadyShown];
        for code in ProblemCode::ALL.iter().filter(|code| !elsewhere.contains(code)) {
            let refusal = Refusal::from(Problem::new(*code, "detail"));
            let Parts { status, code, message, .. } = &*refusal.0;
            let row = docs.lines().find(|line| {
                let mut cells = line.split('|').skip(1).map(str::trim);
                let holds = |cell: Option<&str>, wanted: &str| {
                    cell.is_some_and(|cell| cell.split(", ").any(|one| one == wanted))
                };
                holds(cells.next(), &status.to_string()) && holds(cells.next(), &code.to_string())
            });
            assert!(row.is_some(), "{status} {code}");
            assert!(!message.is_empty());
        }
        for code in [60206, 60207, 60208, 60209, 60210, 60211, 60228] {
            assert!(docs.contains(&code.to_string()), "{code}");
        }
    }

    #[test]
    fn waits_are_told_where_a_client_may_obey_them() {
        let told = |kind, millis| {
            let problem = Problem::new(kind, "x").retry_after(Duration::from_millis(millis));
            let response = Refusal::from(problem).error_response();
            response.headers().get(header::RETRY_AFTER).map(|wait| wait.to_str().unwrap().to_owned())
        };
        for kind in ProblemCode::ALL {
            let silent = [ProblemCode::ResendTooSoon, ProblemCode::SendsExhausted, ProblemCode::GuessLimit];
            let short = (!silent.contains(kind)).then(|| "5".to_owned());
            assert_eq!(told(*kind, 4_500), short, "{kind:?}");
            assert_eq!(told(*kind, 5_001), None, "{kind:?}");
        }
    }

    #[test]
    fn challenges_are_headers() {
        let missing =
            Problem::new(ProblemCode::InvalidKey, "x").with_header(header::WWW_AUTHENTICATE, "Bearer");
        let response = Refusal::from(missing).error_response();
        assert_eq!(response.headers().get(header::WWW_AUTHENTICATE).unwrap(), r#"Basic realm="countersign""#);
        let allow = Problem::new(ProblemCode::MethodNotAllowed, "x").with_header(header::ALLOW, "GET, POST");
        assert_eq!(Refusal::from(allow).error_response().headers().get(header::ALLOW).unwrap(), "GET, POST");
    }
}
