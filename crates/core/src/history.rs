//! The history: how events add up to past verifications and to counts, and the queries of both.

pub mod fold;
pub mod query;
