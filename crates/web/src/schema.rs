//! Schemas that no derive macro can make.

use utoipa::openapi::{RefOr, Schema, Type, schema::ObjectBuilder};

/// The schema of a string that is one of these values.
pub fn text_enum<'a>(values: impl Iterator<Item = &'a str>) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(values)).into()
}

/// Defines the schema of a string that is one of these values, with a name and a description.
#[macro_export]
macro_rules! text_values {
    ($($(#[doc = $about:literal])+ $name:ident = [$($value:literal),+];)+) => {
        $(
            $(#[doc = $about])+
            pub struct $name;

            impl ::utoipa::ToSchema for $name {}
            impl ::utoipa::PartialSchema for $name {
                fn schema() -> ::utoipa::openapi::RefOr<::utoipa::openapi::Schema> {
                    $crate::schema::described_enum(&[$($about),+], &[$($value),+])
                }
            }
        )+
    };
}

/// Used by [`text_values!`](crate::text_values!): the lines of the description, and the values.
pub fn described_enum(about: &[&str], values: &[&str]) -> RefOr<Schema> {
    let lines: Vec<_> = about.iter().map(|line| line.trim()).collect();
    let schema = ObjectBuilder::new().schema_type(Type::String).description(Some(lines.join("\n")));
    schema.enum_values(Some(values.iter().copied())).into()
}
