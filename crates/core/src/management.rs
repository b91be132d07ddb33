//! Management: operations on what a tenant sets, and the maintenance of what is stored.

pub mod allowlists;
pub mod audit;
pub mod countries;
pub mod invitations;
pub mod key_rotation;
pub mod keyring_rotation;
pub mod keys;
pub mod member_keys;
pub mod members;
pub mod profile_limits;
pub mod profiles;
pub mod providers;
pub mod reach;
pub mod repeat;
pub mod reseal;
pub mod reseal_history;
pub mod reseal_people;
pub mod resources;
pub mod reviews;
pub mod routes;
pub mod senders;
pub mod settings;
pub mod templates;
pub mod tenants;
pub mod webhooks;
