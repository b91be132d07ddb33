//! Bodies, described once: the document and the reader are made from the same lines.

use crate::{
    fields::Fields,
    problem::{Fault, Problem},
};
use serde_json::Value;

/// A body: its struct, its schema in the document, and its reader.
///
/// Each field names its type, the type as which the document shows it where that is another one, and
/// what reads it: [`required`], [`optional`], [`given`], [`given_or_null`], or a closure over all
/// fields and the name of this one. They are read in the order in which they stand here, and a reader
/// may use what was read before it. What a reader needs besides stands in parentheses after the name.
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
            /// Reads it; what is wrong is noted with the fields.
            pub fn read(fields: &mut $crate::fields::Fields $($(, $given: $kind)+)?) -> Option<Self> {
                $(let $field = $crate::request::field(fields, stringify!($field), $read);)*
                Some(Self { $($field: $field?,)* })
            }
        }
    };
}

/// Reads one field; for [`request!`](crate::request!).
pub fn field<T>(
    fields: &mut Fields,
    name: &'static str,
    read: impl FnOnce(&mut Fields, &'static str) -> Option<T>,
) -> Option<T> {
    read(fields, name)
}

/// A field that must be there.
pub fn required<T>(
    read: impl FnOnce(Value) -> Result<T, Fault>,
) -> impl FnOnce(&mut Fields, &'static str) -> Option<T> {
    move |fields, name| fields.required(name, read)
}

/// A field that may be absent; null says the same.
pub fn optional<T>(
    read: impl FnOnce(Value) -> Result<T, Fault>,
) -> impl FnOnce(&mut Fields, &'static str) -> Option<Option<T>> {
    move |fields, name| Some(fields.optional(name, read))
}

/// A field that may be absent, but not null.
pub fn given<T>(
    read: impl FnOnce(Value) -> Result<T, Fault>,
) -> impl FnOnce(&mut Fields, &'static str) -> Option<Option<T>> {
    move |fields, name| Some(fields.given(name, read))
}

/// A field where null means something else than absence.
pub fn given_or_null<T>(
    read: impl FnOnce(Value) -> Result<T, Fault>,
) -> impl FnOnce(&mut Fields, &'static str) -> Option<Option<Option<T>>> {
    move |fields, name| Some(fields.given_or_null(name, read))
}

impl Fields {
    /// What `read` builds of the fields, if nothing at all is wrong.
    pub fn read<T>(mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Result<T, Problem> {
        let built = read(&mut self);
        self.finish(built)
    }
}
