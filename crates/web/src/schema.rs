//! Schemas that cannot be derived.

use utoipa::openapi::{RefOr, Schema, Type, schema::ObjectBuilder};

/// A string that is one of these.
pub fn text_enum<'a>(values: impl Iterator<Item = &'a str>) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(values)).into()
}
