//! The audit log: for each tenant a chain of entries, numbered from 1 without a gap. Each entry contains the
//! hash of the one before it. The hash of the last entry is the chain's head. A MAC by the key ring protects
//! the head, so that a writer of the database alone cannot replace the chain.

pub mod chain;
pub mod entry;
pub mod json;
pub mod state;
