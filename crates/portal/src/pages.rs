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
mod may;
pub mod member_sign_ins;
pub mod new_password;
mod newcomer;
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
    let page = |path: &str| web::resource(path.to_owned());
    let scope = web::scope("/portal")
        .wrap(from_fn(guard))
        .service(asset)
        .service(page("").route(web::get().to(home::show)))
        .service(page("/sign-in").route(web::get().to(sign_in::show)).route(web::post().to(sign_in::send)))
        .service(page("/code").route(web::get().to(code::show)).route(web::post().to(code::send)))
        .service(page("/recovery").route(web::get().to(recovery::show)).route(web::post().to(recovery::send)))
        .service(page("/sign-out").route(web::post().to(signed_out::send)))
        .service(page("/signed-out").route(web::get().to(signed_out::show)))
        .service(page("/stay").route(web::post().to(signed_out::stay)))
        .service(page("/tenants").route(web::get().to(tenants::show)).route(web::post().to(tenants::send)))
        .service(page("/refused").route(web::get().to(refused_address::show)))
        .service(page("/setup/{secret}").route(web::get().to(setup::show)).route(web::post().to(setup::send)))
        .service(
            page("/invite/{tenant}/{invitation}/{secret}")
                .route(web::get().to(invite::show))
                .route(web::post().to(invite::send)),
        )
        .service(page("/forgot").route(web::get().to(forgot::show)).route(web::post().to(forgot::send)))
        .service(page("/reset/{secret}").route(web::get().to(reset::show)).route(web::post().to(reset::send)))
        .service(page("/mail/{secret}").route(web::get().to(mail::show)).route(web::post().to(mail::send)))
        .service(page("/password").route(web::get().to(password::show)).route(web::post().to(password::send)))
        .service(
            page("/two-factor")
                .route(web::get().to(two_factor::show))
                .route(web::post().to(two_factor::send)),
        )
        .service(
            page("/two-factor/{secret}")
                .route(web::get().to(two_factor::show_by_link))
                .route(web::post().to(two_factor::send_by_link)),
        )
        .service(
            page("/recovery-codes")
                .route(web::get().to(recovery_codes::show))
                .route(web::post().to(recovery_codes::send)),
        )
        .service(page("/profile").route(web::get().to(profile::show)).route(web::post().to(profile::send)))
        .service(page("/email").route(web::get().to(email::show)).route(web::post().to(email::send)))
        .service(page("/security").route(web::get().to(security::show)).route(web::post().to(security::send)))
        .service(
            page("/security/rules")
                .route(web::get().to(security_rules::show))
                .route(web::post().to(security_rules::send)),
        )
        .service(
            page("/ip-lists")
                .route(web::get().to(portal_list::show))
                .route(web::post().to(portal_list::send)),
        )
        .service(page("/devices").route(web::get().to(devices::show)).route(web::post().to(devices::send)))
        .service(
            page("/members/{id}/sign-ins")
                .route(web::get().to(member_sign_ins::show))
                .route(web::post().to(member_sign_ins::send)),
        )
        .default_service(web::to(unknown));
    config.service(scope);
}

#[cfg(test)]
mod tests;
