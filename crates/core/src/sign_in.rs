//! Signing in to the portal.

pub mod codes;
pub mod purpose;
