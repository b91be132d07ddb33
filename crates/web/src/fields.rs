//! Reads the fields of a body or a query and collects all errors, so that a client learns them all at once.

mod object;

use crate::problem::{Fault, FieldError, Problem, ProblemCode};
pub use object::Object;
use serde_json::{Map, Value};
use std::ops::RangeInclusive;

/// The fields that were sent and not yet read, and the errors so far.
#[derive(Debug, Default)]
pub struct Fields {
    values: Map<String, Value>,
    errors: Vec<(FieldError, ProblemCode)>,
}

impl Fields {
    /// The fields of a JSON object.
    pub fn from_json(bytes: &[u8]) -> Result<Self, Problem> {
        let object: Object = serde_json::from_slice(bytes).map_err(|error| {
            let detail = match error.classify() {
                serde_json::error::Category::Data => "The body must be a JSON object".to_owned(),
                _ => "The body is not valid JSON".to_owned(),
            };
            let place = format!("{detail} (line {}, column {}).", error.line(), error.column());
            Problem::new(ProblemCode::InvalidRequest, place)
        })?;
        let mut fields = Self { values: object.values, errors: Vec::new() };
        for name in object.twice {
            fields.fail(&name, Fault::new("duplicate", "must stand once"));
        }
        Ok(fields)
    }

    /// The fields of an object that was read before, in another form than JSON.
    pub fn from_object(values: Map<String, Value>) -> Self {
        Self { values, errors: Vec::new() }
    }

    /// The parameters of a query string.
    pub fn from_pairs(pairs: Vec<(String, String)>) -> Self {
        let mut fields = Self::default();
        for (name, value) in pairs {
            if fields.values.insert(name.clone(), Value::String(value)).is_some() {
                fields.fail(&name, Fault::new("duplicate", "must stand once"));
            }
        }
        fields
    }

    /// Reads a field that must be present.
    pub fn required<T>(&mut self, name: &str, read: impl FnOnce(Value) -> Result<T, Fault>) -> Option<T> {
        if !self.values.contains_key(name) {
            self.fail(name, Fault::new("required", "must be given"));
        }
        self.given(name, read)
    }

    /// Reads a field that may be absent or null.
    pub fn optional<T>(&mut self, name: &str, read: impl FnOnce(Value) -> Result<T, Fault>) -> Option<T> {
        self.given_or_null(name, read).flatten()
    }

    /// Reads a field that may be absent, but not null.
    pub fn given<T>(&mut self, name: &str, read: impl FnOnce(Value) -> Result<T, Fault>) -> Option<T> {
        let value = self.values.remove(name)?;
        read(value).map_err(|fault| self.fail(name, fault)).ok()
    }

    /// Reads a field for which null and absence mean different things.
    pub fn given_or_null<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(Value) -> Result<T, Fault>,
    ) -> Option<Option<T>> {
        if self.values.get(name)?.is_null() {
            self.values.remove(name);
            return Some(None);
        }
        self.given(name, read).map(Some)
    }

    /// Reads an object in the field `place`. The errors inside name this field first.
    pub fn nested<T>(
        &mut self,
        place: &str,
        value: Value,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        let Value::Object(values) = value else {
            self.fail(place, Fault::new("wrong_type", "must be an object"));
            return None;
        };
        let mut inner = Self { values, errors: Vec::new() };
        let built = read(&mut inner);
        inner.refuse_unknown();
        for (mut error, code) in inner.errors {
            error.field = format!("{place}.{}", error.field);
            self.errors.push((error, code));
        }
        built
    }

    /// Reports every field that is still unread: the operation has no such field.
    fn refuse_unknown(&mut self) {
        for name in std::mem::take(&mut self.values).into_iter().map(|(name, _)| name) {
            self.fail(&name, Fault::new("unknown_field", "is not known here"));
        }
    }

    /// Adds an error.
    pub fn fail(&mut self, name: &str, fault: Fault) {
        self.errors.push(fault.of_field(name));
    }

    /// Returns the value built from the fields, or all errors: for a file, which has no limit on them.
    pub fn finish_all<T>(mut self, built: Option<T>) -> Result<T, Vec<FieldError>> {
        self.refuse_unknown();
        let errors = self.errors.into_iter().map(|(error, _)| error).collect::<Vec<_>>();
        built.filter(|_| errors.is_empty()).ok_or(errors)
    }

    /// Returns the value built from the fields, or all errors.
    pub fn finish<T>(mut self, built: Option<T>) -> Result<T, Problem> {
        self.refuse_unknown();
        match built {
            Some(built) if self.errors.is_empty() => Ok(built),
            _ => Err(Problem::of_fields(&self.errors)),
        }
    }
}

pub fn text(value: Value) -> Result<String, Fault> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(Fault::new("wrong_type", "must be a string")),
    }
}

pub fn array(value: Value) -> Result<Vec<Value>, Fault> {
    match value {
        Value::Array(values) => Ok(values),
        _ => Err(Fault::new("wrong_type", "must be an array")),
    }
}

/// Accepts an object and returns it unchanged.
pub fn object(value: Value) -> Result<Value, Fault> {
    if value.is_object() { Ok(value) } else { Err(Fault::new("wrong_type", "must be an object")) }
}

/// `true` or `false`.
pub fn boolean(value: Value) -> Result<bool, Fault> {
    value.as_bool().ok_or_else(|| Fault::new("wrong_type", "must be true or false"))
}

/// Reads the number of entries on a page of a list.
pub fn page_limit(value: Value) -> Result<u16, Fault> {
    // Only digits are accepted: query parameters have no types, and `Value` would also read ` 5` and `5e0` as
    // numbers.
    let digits = text(value)?;
    let number = digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse::<u16>().ok()).flatten();
    let fault = || Fault::new("out_of_range", "must be a whole number from 1 to 100");
    number.filter(|number| (1..=100).contains(number)).ok_or_else(fault)
}

/// Reads a whole number within bounds. `6.0` is accepted, as in JSON Schema.
pub fn whole(bounds: RangeInclusive<u32>) -> impl FnOnce(Value) -> Result<u32, Fault> {
    move |value| {
        let number = value.as_f64().filter(|number| number.fract() == 0.0);
        let number = number.ok_or_else(|| Fault::new("wrong_type", "must be a whole number"))?;
        if (f64::from(*bounds.start())..=f64::from(*bounds.end())).contains(&number) {
            return Ok(number as u32);
        }
        let message = format!("must be a whole number from {} to {}", bounds.start(), bounds.end());
        Err(Fault::new("out_of_range", message))
    }
}

/// The default number of entries on a page.
pub const PAGE: u16 = 20;

#[cfg(test)]
mod tests;
