//! What a script answers, taken apart without a word of it in an error: it may
//! hold what belongs to a tenant.

use countersign_core::{ports::error::StoreError, time::Timestamp};
use redis::Value;

/// An array of whole numbers, byte strings and further arrays.
pub struct Reply(Vec<Value>);

fn unexpected() -> StoreError {
    StoreError::unavailable("a script answered in an unexpected form")
}

impl Reply {
    pub fn new(value: Value) -> Result<Self, StoreError> {
        match value {
            Value::Array(values) => Ok(Self(values)),
            _ => Err(unexpected()),
        }
    }

    pub fn number(&self, place: usize) -> Result<i64, StoreError> {
        match self.0.get(place) {
            Some(Value::Int(number)) => Ok(*number),
            _ => Err(unexpected()),
        }
    }

    /// A number that must fit.
    pub fn small<T: TryFrom<i64>>(&self, place: usize) -> Result<T, StoreError> {
        T::try_from(self.number(place)?).map_err(|_| unexpected())
    }

    /// A time in milliseconds.
    pub fn time(&self, place: usize) -> Result<Timestamp, StoreError> {
        self.number(place).map(Timestamp::from_millis)
    }

    pub fn bytes(&self, place: usize) -> Result<&[u8], StoreError> {
        match self.0.get(place) {
            Some(Value::BulkString(bytes)) => Ok(bytes),
            _ => Err(unexpected()),
        }
    }

    /// The array at that place.
    pub fn part(&mut self, place: usize) -> Result<Self, StoreError> {
        self.0
            .get_mut(place)
            .ok_or_else(unexpected)
            .and_then(|value| Self::new(std::mem::replace(value, Value::Nil)))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// A byte string, or nothing.
pub fn bytes_or_nil(value: Value) -> Result<Option<Vec<u8>>, StoreError> {
    match value {
        Value::Nil => Ok(None),
        Value::BulkString(bytes) => Ok(Some(bytes)),
        _ => Err(unexpected()),
    }
}

/// A time as records keep it: milliseconds in 48 bits.
pub fn packed_time(bytes: &[u8]) -> Timestamp {
    Timestamp::from_millis(bytes.iter().fold(0, |time, byte| time << 8 | i64::from(*byte)))
}

/// One whole number.
pub fn number(value: Value) -> Result<i64, StoreError> {
    match value {
        Value::Int(number) => Ok(number),
        _ => Err(unexpected()),
    }
}
