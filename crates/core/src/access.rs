//! API keys, their scopes, and the addresses they may be used from.

pub mod actor;
pub mod address;
pub mod allowlist;
pub mod change;
pub mod key;
pub mod scope;
pub mod share;
pub mod usage;
