//! The operations of clients on verifications, and their consequences.

pub mod cancel;
pub mod check;
pub mod compose;
pub mod families;
pub mod history;
pub mod read;
pub mod receipts;
pub mod recorded;
pub mod resend;
pub mod sending;
pub mod shares;
pub mod show;
pub mod start;
pub mod view;
pub mod ways;
pub mod webhook_events;
pub mod webhook_upkeep;
