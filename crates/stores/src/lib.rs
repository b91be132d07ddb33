//! The stores of Countersign: the only crate that speaks SQL.
//!
//! - [`embedded`] keeps live verifications in one SQLite file, [`redis`] keeps them on Redis or Valkey.
//! - [`directory`] keeps tenants, keys and profiles, on SQLite or Postgres.
//! - [`history`] keeps past verifications, in the database of the directory.
//! - [`webhooks`] keeps the messages to webhooks that are not delivered yet.
//! - [`inbox`] keeps the messages of the virtual phone of `dev`.
//!
//! Nothing here decides anything: the rules are in `countersign-core`, and each method is one
//! transaction, or one script, around one of them.
// Futures of the redis crate in ours, within time-outs.
#![recursion_limit = "256"]

pub mod directory;
pub mod embedded;
pub mod history;
mod home;
pub mod inbox;
pub mod redis;
pub mod sql;
pub mod sqlite;
pub mod webhooks;
