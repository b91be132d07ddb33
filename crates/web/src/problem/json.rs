//! Problems as JSON.

use super::table::ProblemCode;
use serde::Serialize;
use std::borrow::Cow;
use utoipa::ToSchema;

/// One field that is wrong.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FieldError {
    /// The field, `metadata.<key>` for a note.
    #[schema(example = "code_length")]
    pub field: String,
    /// What is wrong with it, for programs.
    #[schema(value_type = String, example = "out_of_range")]
    pub code: &'static str,
    /// What is wrong with it, for people.
    #[schema(value_type = String, example = "must be a whole number from 4 to 10")]
    pub message: Cow<'static, str>,
}

/// The limit that refused.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RefusingLimit {
    /// Its name.
    #[schema(example = "number_10m")]
    pub name: String,
    /// The value that the limit counts.
    #[schema(value_type = String, example = "number")]
    pub scope: &'static str,
}

/// A refusal (RFC 9457). Match on `code`; `title` and `detail` are for people.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody<'a> {
    /// Names the kind of problem.
    #[schema(format = "uri-reference", example = "urn:countersign:problem:invalid_request")]
    pub r#type: String,
    /// The kind in words.
    #[schema(example = "The request is malformed or a field is out of its bounds")]
    pub title: &'a str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599, example = 400)]
    pub status: u16,
    /// The details of this refusal.
    pub detail: &'a str,
    /// Names the kind of problem, for programs.
    #[schema(value_type = ProblemCode)]
    pub code: &'a str,
    /// All fields that are wrong.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(required = false)]
    pub errors: &'a [FieldError],
    /// Names this request in the server's logs.
    #[schema(pattern = "^req_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "req_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    pub request_id: &'a str,
    /// Seconds after which the same request may pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0)]
    pub retry_after: Option<u64>,
    /// The limit that refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<RefusingLimit>)]
    pub limit: Option<&'a RefusingLimit>,
}
