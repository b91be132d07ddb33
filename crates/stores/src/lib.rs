//! The stores of Countersign: the only crate that speaks SQL.
//!
//! [`codes`] keeps live verifications on SQLite, [`directory`] keeps tenants,
//! keys and profiles on SQLite or Postgres, [`history`] what became of every
//! verification beside them, [`webhooks`] what tenants are to be told, [`inbox`] the virtual phone of `dev`. Nothing here decides anything: the rules are in `countersign-core`,
//! and each method is one transaction around one of them.
// Futures of the redis crate in ours, within time-outs.
#![recursion_limit = "256"]

pub mod codes;
pub mod directory;
pub mod history;
mod home;
pub mod inbox;
pub mod redis;
pub mod sql;
pub mod sqlite;
pub mod webhooks;
