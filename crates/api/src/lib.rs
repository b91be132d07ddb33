//! The JSON API: authentication, the operations and their forms, the OpenAPI document.
//!
//! This crate reaches the stores only through core. It never shows a code, and never puts a whole phone
//! number or a secret into a log line. A folder uses only the folders below it in this list:
//!
//! - `app`: the whole API as one App, the OpenAPI document, health, receipts
//! - `compatible`: the APIs that imitate other systems
//! - `v1`: the operations of `/v1`, one file or folder for each resource
//! - `access`: callers and their keys
//! - `http`: ids and names in paths, values that several resources read
//!
//! Start reading at `v1/verifications.rs`, then `access/middleware.rs`.

mod access;
mod app;
mod compatible;
mod http;
mod v1;

pub use access::{failures::AuthFailures, key_uses::KeyUses};
pub use app::{Api, Since, Stray, Strays, compatible_openapi, configure, openapi, warn_of_strays};
pub use compatible::{FORMS, account_sid};
pub use http::paths::fallback;
pub use v1::{audit_line, declared};

#[cfg(test)]
mod tests;
