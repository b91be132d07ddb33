//! The ports: the traits through which core uses the outside. The stores and the providers implement them.

pub mod applied;
pub mod clock;
pub mod codes;
pub mod directory;
pub mod error;
pub mod gateways;
pub mod hasher;
pub mod history;
pub mod inbox;
pub mod nodes;
pub mod people;
pub mod places;
pub mod webhooks;
