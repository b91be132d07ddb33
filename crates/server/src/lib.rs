//! The binary and what it is made of: configuration, wiring, the two
//! listeners, telemetry and shutdown.
//!
//! This crate alone sees all the others and alone reads configuration and the
//! environment. It must never hold a rule of its own: those are in
//! `countersign-core`. Start reading at [`application`], then [`wiring`].

mod advice;
pub mod application;
pub mod cli;
mod command;
pub mod configuration;
pub mod demo;
pub mod keyfile;
pub mod machine;
mod operator;
pub mod telemetry;
pub mod wiring;

pub use application::{Application, Parts};
pub use configuration::Settings;
