//! What is wrong with one value.

use super::{json::FieldError, table::ProblemCode};
use std::borrow::Cow;

/// Longer names of unknown fields are cut in the answer.
pub(crate) const MAX_FIELD_NAME: usize = 64;

/// Why a value is not taken.
#[derive(Debug)]
pub struct Fault {
    code: &'static str,
    message: Cow<'static, str>,
    alone: ProblemCode,
}

impl Fault {
    /// A fault with its code for programs and its words for people.
    pub fn new(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), alone: ProblemCode::InvalidRequest }
    }

    /// A text of another form than the field has.
    pub fn format(message: &'static str) -> Self {
        Self::new("invalid_format", message)
    }

    /// Its code, for programs.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The problem that is named when this fault is the only one.
    pub fn alone(self, code: ProblemCode) -> Self {
        Self { alone: code, ..self }
    }

    /// The fault as the error of a field, and the problem that it names when it is the only one.
    pub fn of_field(self, name: &str) -> (FieldError, ProblemCode) {
        let field = name.chars().take(MAX_FIELD_NAME).collect();
        (FieldError { field, code: self.code, message: self.message }, self.alone)
    }
}
