//! The ports: the traits through which core uses the outside. The stores and the providers implement them.

pub mod applied;
pub mod clock;
pub mod codes;
pub mod directory;
pub mod error;
pub mod gateways;
pub mod history;
pub mod inbox;
pub mod nodes;
pub mod places;
pub mod sign_in;
pub mod webhooks;
