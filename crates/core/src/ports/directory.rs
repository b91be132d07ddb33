//! The directory, divided into traits. Each method is one transaction.

pub mod audit;
pub mod changes;
pub mod invitations;
pub mod keys;
pub mod members;
pub mod people;
pub mod profiles;
pub mod resources;
pub mod reviews;
pub mod settings;
pub mod tenants;
pub mod uses;

use crate::ports::directory::{
    audit::AuditLog, changes::Changes, invitations::Invitations, keys::Keys, members::Members,
    people::People, profiles::Profiles, resources::Resources, reviews::Reviews, settings::Settings,
    tenants::Tenants, uses::Uses,
};

/// The whole directory. Every write also adds its change to `changes`.
pub trait Directory:
    Tenants
    + Keys
    + Uses
    + Profiles
    + Settings
    + Reviews
    + Resources
    + Changes
    + AuditLog
    + People
    + Members
    + Invitations
{
}

impl<T> Directory for T where
    T: Tenants
        + Keys
        + Uses
        + Profiles
        + Settings
        + Reviews
        + Resources
        + Changes
        + AuditLog
        + People
        + Members
        + Invitations
{
}
