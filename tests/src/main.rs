//! The tests of Countersign as a whole: the contract suites of the stores on every engine, and the HTTP API
//! of a real server. They are one binary. Every test creates its own data, so they run in any order and in
//! parallel.

mod addresses;
mod allowlists;
mod app;
mod audit;
mod bounds;
mod cli;
mod codes;
mod compatible;
mod controls;
mod delivery;
mod directory;
#[cfg(target_os = "linux")]
mod failover;
mod fairness;
mod faults;
mod guard;
mod heads;
mod history;
mod keyring;
mod keys;
mod layout;
mod members;
mod narrowed;
mod operator;
mod people;
mod permissions;
mod portal;
mod receipts;
mod rotation;
mod secrets;
mod security;
mod sending;
mod shares;
mod smpp;
mod smtp;
mod spec;
mod strangers;
mod stuck;
mod tenants;
mod tls;
mod twilio;
mod verifications;
mod waiting;
mod webhooks;
