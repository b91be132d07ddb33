//! The history: how events add up to past verifications and to counts, and what is asked of them.

pub mod fold;
pub mod query;
