//! The verification: its record, its state machine and its events.

pub mod event;
pub mod guesses;
pub mod idempotency;
pub mod number;
mod packed;
pub mod receipt;
pub mod record;
