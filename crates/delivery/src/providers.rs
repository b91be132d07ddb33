//! One file for each provider.

pub mod console;
pub mod relay;
mod signature;
pub mod simulator;
pub mod smpp;
