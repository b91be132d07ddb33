//! Schemas of objects whose names the caller chooses.

use countersign_core::verification::contact::Metadata;
use utoipa::openapi::{
    Object, Type,
    schema::{ObjectBuilder, SchemaType},
};

/// The schema of values for limits, with their bounds.
pub fn limits_schema() -> Object {
    let name = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[a-z0-9_-]{1,32}$")).build();
    let value = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(128));
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Object, Type::Null]))
        .description(Some(
            "Values for limits that you named: each must be a limit of the tenant or the profile.",
        ))
        .max_properties(Some(5))
        .property_names(Some(name))
        .additional_properties(Some(value))
        .examples([serde_json::json!({"signup_form": "summer-sale"})])
        .build()
}

/// The schema of the client's notes. JSON Schema cannot express the bound on all bytes together.
pub fn notes_schema() -> Object {
    let name = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).build();
    let note = ObjectBuilder::new().schema_type(Type::String).max_length(Some(Metadata::MAX_BYTES));
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Object, Type::Null]))
        .description(Some("Your own notes: all keys and values together hold at most 512 bytes."))
        .max_properties(Some(Metadata::MAX_KEYS))
        .property_names(Some(name))
        .additional_properties(Some(note))
        .examples([serde_json::json!({"order": "A-1001"})])
        .build()
}
