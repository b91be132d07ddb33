//! The ports: what the core needs from outside. Stores and providers implement them.

pub mod codes;
pub mod gateways;
pub mod inbox;
pub mod nodes;
pub mod webhooks;
