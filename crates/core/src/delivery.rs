//! Accounts, routes and senders of a tenant, and the send slots of a worker.

pub mod account;
pub mod places;
pub mod route;
pub mod sender;
