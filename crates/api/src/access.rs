//! Who calls: keys, their scopes and addresses, and what is noted of them.

pub mod caller;
pub mod failures;
pub mod key_uses;
pub mod middleware;
