//! The stores of Countersign: the only crate that contains SQL.
//!
//! - [`embedded`] stores live verifications in one SQLite file; [`redis`] stores them in Redis or Valkey.
//! - [`directory`] stores tenants, keys and profiles, in SQLite or Postgres.
//! - [`history`] stores past verifications, in the database of the directory.
//! - [`webhooks`] stores the messages to webhooks that are not delivered yet.
//! - [`people`] stores what signing in needs, and the notices to persons, in the database of the directory.
//! - [`inbox`] stores the messages of the virtual phone of `dev`.
//!
//! [`certificates`] are those of connections to the servers, by TLS.
//!
//! This crate decides nothing: the rules are in `countersign-core`. Each method is one transaction or one
//! script that applies a rule.
// Our futures contain those of the redis crate inside time-outs, which nests types deeply.
#![recursion_limit = "256"]

pub mod certificates;
pub mod directory;
pub mod embedded;
pub mod history;
mod home;
pub mod inbox;
pub mod people;
pub mod redis;
pub mod sql;
pub mod sqlite;
pub mod webhooks;
