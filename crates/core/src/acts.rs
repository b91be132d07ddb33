//! The acts: what a client does with verifications, and what follows from it.

pub mod cancel;
pub mod check;
pub mod compose;
pub mod families;
pub mod history;
pub mod read;
pub mod receipts;
pub mod resend;
pub mod start;
pub mod view;
pub mod ways;
pub mod webhook_events;
pub mod webhook_upkeep;
