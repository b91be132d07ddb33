//! What a tenant sets up for delivery, and the places of a worker.

pub mod account;
pub mod places;
pub mod route;
pub mod sender;
