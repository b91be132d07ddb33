//! JSON objects that report repeated names. Readers differ in which of two values they use, so this server
//! accepts neither.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// The maximum number of names. No body needs more, and each costs memory and time.
const MAX_NAMES: usize = 1_000;

/// An object, and the names that it repeats (`b`). Names repeated in an object directly inside (`a.b`), or in
/// an object of an array (`a[0].b`), are reported too. No field contains deeper objects.
pub struct Object {
    pub values: Map<String, Value>,
    pub twice: Vec<String>,
}

impl Object {
    fn read<'de, A: MapAccess<'de>, V: Deserialize<'de> + Into<Inner>>(mut map: A) -> Result<Self, A::Error> {
        let mut object = Self { values: Map::new(), twice: Vec::new() };
        while let Some((name, inner)) = map.next_entry::<String, V>()? {
            let Inner { value, twice } = inner.into();
            let dot = if value.is_array() { "" } else { "." };
            object.twice.extend(twice.into_iter().map(|inner| format!("{name}{dot}{inner}")));
            if object.values.insert(name.clone(), value).is_some() {
                object.twice.push(name);
            }
            if object.values.len() > MAX_NAMES {
                return Err(A::Error::custom("too many fields"));
            }
        }
        Ok(object)
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object, A::Error> {
        Object::read::<A, Inner>(map)
    }
}

/// Any value; for an object also the names that it repeats.
struct Inner {
    value: Value,
    twice: Vec<String>,
}

impl<V: Into<Value>> From<V> for Inner {
    fn from(value: V) -> Self {
        Self { value: value.into(), twice: Vec::new() }
    }
}

impl<'de> Deserialize<'de> for Inner {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(InnerVisitor)
    }
}

struct InnerVisitor;

impl<'de> Visitor<'de> for InnerVisitor {
    type Value = Inner;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Inner, E> {
        Ok(Value::Null.into())
    }

    fn visit_bool<E>(self, value: bool) -> Result<Inner, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Inner, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Inner, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Inner, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Inner, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Inner, A::Error> {
        let (mut values, mut names) = (Vec::<Value>::new(), Vec::new());
        while let Some(Inner { value, twice }) = seq.next_element::<Self::Value>()? {
            let place = values.len();
            names.extend(twice.into_iter().map(|inner| format!("[{place}].{inner}")));
            values.push(value);
        }
        Ok(Inner { value: values.into(), twice: names })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Inner, A::Error> {
        let Object { values, twice } = Object::read::<A, Value>(map)?;
        Ok(Inner { value: values.into(), twice })
    }
}
