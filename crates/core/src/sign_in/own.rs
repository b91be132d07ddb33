//! What a person changes of its own account. No key and no other member does that, but for the few acts of an owner
//! and of the operator that say so.

pub mod activity;
pub mod devices;
pub mod email;
pub mod enrolment;
pub mod keys;
pub mod mail;
pub mod operator;
pub mod owners;
pub mod password;
pub mod profile;
pub mod reset;
pub mod rules;
pub mod sessions;
pub mod two_factor;
pub mod two_factor_reset;
