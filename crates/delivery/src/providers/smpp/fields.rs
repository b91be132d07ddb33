//! Reads a JSON object field by field, and collects the errors.

use crate::settings::Fault;
use serde_json::{Map, Value};
use std::ops::RangeInclusive;

/// The object, the fields read so far, and the errors.
pub(super) struct Fields<'a> {
    object: &'a Map<String, Value>,
    known: Vec<&'static str>,
    faults: Vec<Fault>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(value: &'a Value) -> Result<Self, Vec<Fault>> {
        match value {
            Value::Object(object) => Ok(Self { object, known: Vec::new(), faults: Vec::new() }),
            _ => Err(vec![fault("", "must be an object")]),
        }
    }

    /// Returns `None` if the field is absent or null.
    fn take(&mut self, name: &'static str) -> Option<&'a Value> {
        self.known.push(name);
        self.object.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn present(&self, name: &str) -> bool {
        self.object.get(name).is_some_and(|value| !value.is_null())
    }

    pub(super) fn fault(&mut self, name: &str, message: impl Into<String>) {
        self.faults.push(fault(name, message));
    }

    /// Reads printable ASCII; a field that may be longer than a line may also contain line ends. The field is
    /// required unless it may be empty.
    pub(super) fn text(&mut self, name: &'static str, length: RangeInclusive<usize>) -> String {
        let Some(value) = self.take(name) else {
            if *length.start() > 0 {
                self.fault(name, "is missing");
            }
            return String::new();
        };
        let multiline = *length.end() > 1_000;
        let fits = |octet: u8| matches!(octet, b' '..=b'~') || (multiline && octet.is_ascii_whitespace());
        match value.as_str() {
            Some(text) if length.contains(&text.len()) && text.bytes().all(fits) => text.to_owned(),
            _ => {
                let (least, most) = length.into_inner();
                self.fault(name, format!("must be {least} to {most} characters of ASCII"));
                String::new()
            }
        }
    }

    /// Reads a whole number within bounds, if the field is set.
    pub(super) fn number<T: TryFrom<u64>>(
        &mut self,
        name: &'static str,
        bounds: RangeInclusive<u64>,
    ) -> Option<T> {
        let value = self.take(name)?;
        let number = value.as_u64().filter(|number| bounds.contains(number));
        let number = number.and_then(|number| T::try_from(number).ok());
        if number.is_none() {
            let (least, most) = bounds.into_inner();
            self.fault(name, format!("must be a whole number from {least} to {most}"));
        }
        number
    }

    pub(super) fn flag(&mut self, name: &'static str, default: bool) -> bool {
        let Some(value) = self.take(name) else { return default };
        value.as_bool().unwrap_or_else(|| {
            self.fault(name, "must be true or false");
            default
        })
    }

    /// Reads one of a few words. Returns the default if the field is absent.
    pub(super) fn choice<T: Copy + Default>(&mut self, name: &'static str, choices: &[(&str, T)]) -> T {
        let Some(value) = self.take(name) else { return T::default() };
        let chosen = choices.iter().find(|(word, _)| value.as_str() == Some(word));
        chosen.map_or_else(
            || {
                let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
                self.fault(name, format!("must be one of: {}", words.join(", ")));
                T::default()
            },
            |(_, choice)| *choice,
        )
    }

    /// Refuses fields that were not read, and returns all errors.
    pub(super) fn finish(mut self) -> Result<(), Vec<Fault>> {
        for name in self.object.keys().filter(|name| !self.known.contains(&name.as_str())) {
            // The client chooses the name and its length, so it is cut.
            let name: String = name.chars().take(50).collect();
            self.faults.push(fault(&name, "is no field of this provider"));
        }
        if self.faults.is_empty() { Ok(()) } else { Err(self.faults) }
    }
}

fn fault(field: &str, message: impl Into<String>) -> Fault {
    Fault { field: field.to_owned(), message: message.into() }
}
