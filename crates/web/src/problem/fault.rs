//! An error in one value.

use super::{json::FieldError, table::ProblemCode};
use std::borrow::Cow;

/// The maximum length of an unknown field's name in the answer.
pub(crate) const MAX_FIELD_NAME: usize = 64;

/// Why a value is refused.
#[derive(Debug)]
pub struct Fault {
    code: &'static str,
    message: Cow<'static, str>,
    alone: ProblemCode,
}

impl Fault {
    /// An error with its code for programs and its message for people.
    pub fn new(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), alone: ProblemCode::InvalidRequest }
    }

    /// The text does not have the form that the field requires.
    pub fn format(message: &'static str) -> Self {
        Self::new("invalid_format", message)
    }

    pub fn code(&self) -> &'static str {
        self.code
    }

    /// Sets the problem code that is used if this error is the only one.
    pub fn alone(self, code: ProblemCode) -> Self {
        Self { alone: code, ..self }
    }

    /// The error as one of a field, and the problem code that is used if it is the only one.
    pub fn of_field(self, name: &str) -> (FieldError, ProblemCode) {
        let field = name.chars().take(MAX_FIELD_NAME).collect();
        (FieldError { field, code: self.code, message: self.message }, self.alone)
    }
}
