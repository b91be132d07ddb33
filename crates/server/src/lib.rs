//! The binary and its parts: configuration, wiring, the two listeners, telemetry and shutdown.
//!
//! This crate is the only one that depends on all others, and the only one that reads configuration and the
//! environment. It contains no rules of its own: those are in `countersign-core`. Start reading at
//! [`application`], then [`wiring`].

mod advice;
pub mod application;
pub mod cli;
mod command;
pub mod configuration;
pub mod demo;
pub mod hasher;
pub mod keyfile;
pub mod machine;
mod operator;
mod places;
pub mod telemetry;
pub mod wiring;

pub use application::{Application, Parts};
pub use configuration::Settings;
