//! Callers: keys, their scopes and addresses, and the record of their uses.

pub mod caller;
pub mod failures;
pub mod key_uses;
pub mod middleware;
