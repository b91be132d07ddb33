//! The requests and answers of the SMSAPI-compatible API.

use actix_web::HttpResponse;
use countersign_web::problem::{FieldError, Problem, ProblemCode};
use serde::Serialize;
use utoipa::ToSchema;

/// A code that is being sent. Every field is always present.
#[derive(Serialize, ToSchema)]
pub struct CodeAnswer {
    /// The id of the verification, also in the rest of the API.
    #[schema(example = "ver_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    pub id: String,
    /// The code, for a key with the scope `codes:reveal`; otherwise null.
    #[schema(required = true, example = json!(null))]
    pub code: Option<String>,
    /// The number, without its `+`.
    #[schema(example = "48500500500")]
    pub phone_number: String,
    /// The requested sender.
    #[schema(required = true, example = "Acme")]
    pub from: Option<String>,
}

/// Whether the server accepts the key.
#[derive(Serialize, ToSchema)]
pub struct Ping {
    /// Whether the server accepts the key.
    pub authorized: bool,
    /// Always empty.
    pub unavailable: Vec<String>,
}

/// One field that is wrong.
#[derive(Serialize, ToSchema)]
pub struct SmsapiFieldError<'a> {
    /// What is wrong with it, for people.
    message: &'a str,
    /// What is wrong with it, for programs.
    error: &'a str,
    /// The field.
    path: &'a str,
    /// Always null: the server does not repeat the value.
    #[schema(value_type = Option<String>, required = true)]
    value: (),
}

impl<'a> SmsapiFieldError<'a> {
    fn of(error: &'a FieldError) -> Self {
        Self { message: &error.message, error: error.code, path: &error.field, value: () }
    }
}

/// A refusal in SMSAPI's form.
#[derive(Serialize, ToSchema)]
#[schema(as = SmsapiError)]
pub struct SmsapiError<'a> {
    /// What went wrong, for people.
    #[schema(example = "The value is not valid mobile number.")]
    message: &'a str,
    /// The error, for programs: `invalid_request_data` for 400, `expired` for 408, otherwise one of the codes
    /// of problems.
    #[schema(example = "invalid_request_data")]
    error: &'a str,
    /// Always null.
    #[schema(value_type = Option<String>, required = true)]
    developer_description: (),
    /// A list for 400, otherwise null.
    #[schema(required = true)]
    errors: Option<Vec<SmsapiFieldError<'a>>>,
}

impl<'a> SmsapiError<'a> {
    /// One without fields.
    pub fn new(message: &'a str, error: &'a str) -> Self {
        Self { message, error, developer_description: (), errors: None }
    }
}

/// A refusal in SMSAPI's form.
pub fn refuse(problem: &Problem) -> HttpResponse {
    let status = problem.code().status();
    let body = if status.as_u16() == 400 {
        SmsapiError {
            message: message(problem),
            error: "invalid_request_data",
            developer_description: (),
            errors: Some(problem.errors().iter().map(SmsapiFieldError::of).collect()),
        }
    } else {
        let message = match problem.code() {
            ProblemCode::NotFound => "Not found",
            _ => problem.detail(),
        };
        SmsapiError::new(message, problem.code().as_str())
    };
    problem.respond(status, "application/json", body)
}

/// Returns SMSAPI's own messages as they are. Our own message about a field gets the field's name in front.
fn message(problem: &Problem) -> &str {
    match problem.errors() {
        [error] if error.message.starts_with(char::is_uppercase) => &error.message,
        _ => problem.detail(),
    }
}
