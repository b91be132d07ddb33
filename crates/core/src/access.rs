//! Access: API keys, what they may do, and where from.

pub mod actor;
pub mod address;
pub mod allowlist;
pub mod change;
pub mod key;
pub mod scope;
pub mod usage;
