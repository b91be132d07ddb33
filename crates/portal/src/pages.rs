//! The pages of the portal, each with its view struct.

pub mod choice;
pub mod code;
pub mod devices;
pub mod email;
pub mod error;
pub mod forgot;
pub mod home;
pub mod invite;
pub mod link;
pub mod mail;
pub mod member_sign_ins;
pub mod password;
pub mod portal_list;
pub mod profile;
pub mod proof;
pub mod recovery;
pub mod recovery_codes;
pub mod refused_address;
pub mod reset;
pub mod security;
pub mod security_rules;
pub mod setup;
pub mod sign_in;
pub mod signed_out;
pub mod tenants;
pub mod two_factor;
pub mod unavailable;

pub use error::REFUSALS;

use crate::{asset, http::guard::guard};
use actix_web::{middleware::from_fn, web};
use countersign_web::problem::Problem;

/// Registers everything below `/portal`.
pub fn configure(config: &mut web::ServiceConfig) {
    let asset = web::resource("/assets/{name}").route(web::get().to(asset::send_asset));
    let unknown = || async { Err::<&str, _>(Problem::not_found("There is no such page.")) };
    config
        .service(web::scope("/portal").wrap(from_fn(guard)).service(asset).default_service(web::to(unknown)));
}

#[cfg(test)]
mod tests;
