//! Values of parameters, and rows of results.

use super::{Kind, Statement};
use countersign_core::ports::error::StoreError;

/// A parameter, or one column of a row.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// Null, of any type.
    Null,
    Text(String),
    /// A whole number.
    Int(i64),
    Bytes(Vec<u8>),
}

/// Debug shows only the type, because values may be names, hashes or phone numbers of people.
impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Text(_) => "Text",
            Self::Int(_) => "Int",
            Self::Bytes(_) => "Bytes",
        })
    }
}

impl Value {
    pub(super) fn fits(&self, kind: Kind) -> bool {
        match self {
            Self::Null => true,
            Self::Text(_) => kind == Kind::Text,
            Self::Int(_) => kind == Kind::Int,
            Self::Bytes(_) => kind == Kind::Bytes,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Int(flag.into())
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// One row. The getters return `Corrupt` if the column is missing, null or of another type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    table: &'static str,
    values: Vec<Value>,
}

impl Row {
    pub(super) fn new(statement: &Statement, values: Vec<Value>) -> Self {
        Self { table: statement.table, values }
    }

    /// All columns, for tests that compare whole rows.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    pub fn text(&self, index: usize) -> Result<&str, StoreError> {
        self.optional_text(index)?.ok_or_else(|| self.corrupt())
    }

    /// Text or null.
    pub fn optional_text(&self, index: usize) -> Result<Option<&str>, StoreError> {
        match self.values.get(index) {
            Some(Value::Null) => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            _ => Err(self.corrupt()),
        }
    }

    pub fn int(&self, index: usize) -> Result<i64, StoreError> {
        self.optional_int(index)?.ok_or_else(|| self.corrupt())
    }

    /// A whole number or null.
    pub fn optional_int(&self, index: usize) -> Result<Option<i64>, StoreError> {
        match self.values.get(index) {
            Some(Value::Null) => Ok(None),
            Some(Value::Int(number)) => Ok(Some(*number)),
            _ => Err(self.corrupt()),
        }
    }

    /// A boolean, stored as 0 or 1.
    pub fn flag(&self, index: usize) -> Result<bool, StoreError> {
        match self.int(index)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.corrupt()),
        }
    }

    pub fn bytes(&self, index: usize) -> Result<&[u8], StoreError> {
        match self.values.get(index) {
            Some(Value::Bytes(bytes)) => Ok(bytes),
            _ => Err(self.corrupt()),
        }
    }

    /// Bytes or null.
    pub fn optional_bytes(&self, index: usize) -> Result<Option<&[u8]>, StoreError> {
        match self.values.get(index) {
            Some(Value::Null) => Ok(None),
            _ => self.bytes(index).map(Some),
        }
    }

    /// A text that `parse` can read.
    pub fn parsed<T>(&self, index: usize, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, StoreError> {
        parse(self.text(index)?).ok_or_else(|| self.corrupt())
    }

    /// The error for a row that cannot be read. It names the row by its first column.
    pub fn corrupt(&self) -> StoreError {
        let id = match self.values.first() {
            Some(Value::Text(id)) => id.clone(),
            Some(Value::Int(id)) => id.to_string(),
            _ => "without an id".to_owned(),
        };
        StoreError::Corrupt { table: self.table, id }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATEMENT: crate::sql::Statement = Statement { table: "keys", text: "", params: &[] };

    #[test]
    fn getters_refuse_what_is_missing_null_or_of_another_type() {
        let values = vec!["key_1".into(), Value::Null, 7.into(), Value::from(&b"x"[..])];
        let row = Row::new(&STATEMENT, values);
        assert_eq!(row.text(0).unwrap(), "key_1");
        assert_eq!(row.optional_text(1).unwrap(), None);
        assert_eq!(row.optional_int(1).unwrap(), None);
        assert_eq!(row.int(2).unwrap(), 7);
        assert_eq!(row.bytes(3).unwrap(), b"x");
        for error in [
            row.text(1).map(drop),
            row.text(2).map(drop),
            row.int(0).map(drop),
            row.int(9).map(drop),
            row.flag(2).map(drop),
            row.bytes(0).map(drop),
            row.parsed(0, |_| None::<()>),
        ] {
            let error = error.unwrap_err();
            assert!(matches!(&error, StoreError::Corrupt { table: "keys", id } if id == "key_1"), "{error}");
        }
    }

    #[test]
    fn values_are_not_shown() {
        assert_eq!(format!("{:?}", Value::from("+48500600700")), "Text");
    }
}
