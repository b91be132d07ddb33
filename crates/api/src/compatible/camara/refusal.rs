//! Refusals in CAMARA's form.

use actix_web::{HttpResponse, http::StatusCode};
use countersign_core::tenant::limits::LimitScope;
use countersign_web::problem::{Problem, ProblemCode};
use serde::Serialize;
use utoipa::ToSchema;

/// A refusal in CAMARA's form.
#[derive(Serialize, ToSchema)]
#[schema(as = CamaraError)]
pub struct CamaraError<'a> {
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599, example = 400)]
    status: u16,
    /// What went wrong, for programs.
    #[schema(example = "INVALID_ARGUMENT")]
    code: &'a str,
    /// What went wrong, for people.
    #[schema(example = "message: must hold {{code}} exactly once")]
    message: &'a str,
}

/// The refusals of the standard that no other API has.
pub enum Own {
    MaxCodesExceeded,
    NumberNotAllowed,
    NumberBlocked,
    VerificationFailed,
    VerificationExpired,
    InvalidOtp,
}

impl Own {
    fn row(self) -> (StatusCode, &'static str, &'static str) {
        let (bad, forbidden) = (StatusCode::BAD_REQUEST, StatusCode::FORBIDDEN);
        match self {
            Self::MaxCodesExceeded => (
                forbidden,
                "ONE_TIME_PASSWORD_SMS.MAX_OTP_CODES_EXCEEDED",
                "Too many OTPs have been requested for this MSISDN. Try later.",
            ),
            Self::NumberNotAllowed => (
                forbidden,
                "ONE_TIME_PASSWORD_SMS.PHONE_NUMBER_NOT_ALLOWED",
                "No SMS is sent to this number or its country.",
            ),
            Self::NumberBlocked => {
                (forbidden, "ONE_TIME_PASSWORD_SMS.PHONE_NUMBER_BLOCKED", "The number is blocked.")
            }
            Self::VerificationFailed => (
                bad,
                "ONE_TIME_PASSWORD_SMS.VERIFICATION_FAILED",
                "The maximum number of attempts for this authenticationId was exceeded without providing a valid OTP",
            ),
            Self::VerificationExpired => {
                (bad, "ONE_TIME_PASSWORD_SMS.VERIFICATION_EXPIRED", "The authenticationId is no longer valid")
            }
            Self::InvalidOtp => (
                bad,
                "ONE_TIME_PASSWORD_SMS.INVALID_OTP",
                "The provided OTP is not valid for this authenticationId",
            ),
        }
    }
}

/// A refusal in CAMARA's form.
pub fn refuse(problem: &Problem) -> HttpResponse {
    let of_number = problem.limit().is_some_and(|limit| limit.scope == LimitScope::Number.as_str());
    let own = match problem.code() {
        ProblemCode::RateLimited if of_number => Some(Own::MaxCodesExceeded),
        ProblemCode::NumberCannotReceiveSms | ProblemCode::CountryNotAllowed => Some(Own::NumberNotAllowed),
        ProblemCode::NumberBlocked => Some(Own::NumberBlocked),
        _ => None,
    };
    let (status, code, message) = match own {
        Some(own) => own.row(),
        None => (problem.code().status(), general(problem.code()), problem.detail()),
    };
    let body = CamaraError { status: status.as_u16(), code, message };
    problem.respond(status, "application/json", body)
}

fn general(code: ProblemCode) -> &'static str {
    match code.status().as_u16() {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        405 => "METHOD_NOT_ALLOWED",
        413 => "PAYLOAD_TOO_LARGE",
        415 => "UNSUPPORTED_MEDIA_TYPE",
        429 => "TOO_MANY_REQUESTS",
        503 => "UNAVAILABLE",
        status if status < 500 => "CONFLICT",
        _ => "INTERNAL",
    }
}

/// The refusal for a check that did not approve.
pub fn refuse_check(own: Own) -> HttpResponse {
    let (status, code, message) = own.row();
    HttpResponse::build(status).json(CamaraError { status: status.as_u16(), code, message })
}
