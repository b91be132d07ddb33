//! Access: API keys, what they may do, and where from.

pub mod address;
pub mod allowlist;
pub mod caller;
pub mod key;
pub mod scope;
pub mod usage;
