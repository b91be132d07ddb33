//! The JSON API: authentication, the operations and their forms, the OpenAPI document.
//!
//! It must never touch a store but through the core, show a code, or put a
//! whole number or a secret into a log line. A folder uses only those below it:
//!
//! - `app`: the whole as one App, the document, health, receipts
//! - `compatible`: routes that speak as other systems do
//! - `v1`: the operations of `/v1`, one file or folder for each resource
//! - `access`: who calls
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
pub use compatible::account_sid;
pub use http::paths::fallback;
pub use v1::declared;

#[cfg(test)]
mod tests;
