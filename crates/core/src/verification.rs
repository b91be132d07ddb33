//! The verification: its record, its state machine and its events.

pub mod contact;
pub mod event;
pub mod guesses;
pub mod idempotency;
pub mod layout;
pub mod number;
pub mod outcome;
mod packed;
pub mod receipt;
pub mod record;
pub mod request;
pub mod settlement;
pub mod status;
pub mod times;
