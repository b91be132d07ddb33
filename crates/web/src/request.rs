//! Describes a body once: the OpenAPI document and the reader are made from the same lines.

use crate::{
    fields::Fields,
    problem::{Fault, Problem},
};
use serde_json::Value;

/// Defines a body: its struct, its schema in the OpenAPI document, and its reader.
///
/// Each field has a type, the type that the document shows if that differs, and a reader: [`required`],
/// [`optional`], [`given`], [`given_or_null`], or a closure that takes all fields and the name of this one.
/// The fields are read in the written order, and a reader may use the fields before it. Further arguments for
/// the readers follow the struct's name in parentheses.
///
/// ```
/// use countersign_web::{fields::{Fields, text, whole}, request, request::{optional, required}};
///
/// request! {
///     /// Makes a key.
///     pub struct CreateKey {
///         /// What people call it.
///         #[schema(max_length = 64)]
///         name: String = required(text),
///         /// Refused after so many seconds.
///         overlap: Option<std::time::Duration> as Option<u32> =
///             optional(|value| whole(0..=60)(value).map(|seconds| std::time::Duration::from_secs(seconds.into()))),
///     }
/// }
///
/// let fields = Fields::from_json(br#"{"name": "checkout"}"#).unwrap();
/// let body = fields.read(CreateKey::read).unwrap();
/// assert_eq!((body.name.as_str(), body.overlap), ("checkout", None));
/// ```
#[macro_export]
macro_rules! request {
    (
        $(#[$about:meta])*
        pub struct $name:ident $(($($given:ident: $kind:ty),+))? {
            $($(#[$detail:meta])* $field:ident: $type:ty $(as $shown:ty)? = $read:expr,)*
        }
    ) => {
        #[derive(::utoipa::ToSchema)]
        $(#[$about])*
        pub struct $name {
            $($(#[$detail])* $(#[schema(value_type = $shown)])? pub $field: $type,)*
        }

        impl $name {
            /// Reads the body. Errors are collected in `fields`.
            pub fn read(fields: &mut $crate::fields::Fields $($(, $given: $kind)+)?) -> Option<Self> {
                $(let $field = $crate::request::field(fields, stringify!($field), $read);)*
                Some(Self { $($field: $field?,)* })
            }
        }
    };
}

/// Reads one field; used by [`request!`](crate::request!).
pub fn field<T>(
    fields: &mut Fields,
    name: &'static str,
    read: impl FnOnce(&mut Fields, &'static str) -> Option<T>,
) -> Option<T> {
    read(fields, name)
}

/// Reads a field that must be present.
pub fn required<T>(
    read: impl FnOnce(Value) -> Result<T, Fault>,
) -> impl FnOnce(&mut Fields, &'static str) -> Option<T> {
    move |fields, name| fields.required(name, read)
}

/// Reads a field that may be absent or null.
pub fn optional<T>(
    read: impl FnOnce(Value) -> Result<T, Fault>,
) -> impl FnOnce(&mut Fields, &'static str) -> Option<Option<T>> {
    move |fields, name| Some(fields.optional(name, read))
}

/// Reads a field that may be absent, but not null.
pub fn given<T>(
    read: impl FnOnce(Value) -> Result<T, Fault>,
) -> impl FnOnce(&mut Fields, &'static str) -> Option<Option<T>> {
    move |fields, name| Some(fields.given(name, read))
}

/// Reads a field for which null and absence mean different things.
pub fn given_or_null<T>(
    read: impl FnOnce(Value) -> Result<T, Fault>,
) -> impl FnOnce(&mut Fields, &'static str) -> Option<Option<Option<T>>> {
    move |fields, name| Some(fields.given_or_null(name, read))
}

impl Fields {
    /// Returns the value that `read` builds from the fields, or all errors.
    pub fn read<T>(mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Result<T, Problem> {
        let built = read(&mut self);
        self.finish(built)
    }
}
