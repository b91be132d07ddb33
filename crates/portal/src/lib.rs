//! The web pages of Countersign. For now there is one: `/dev`, the page of
//! `countersign dev`, with a virtual phone and a sign-in form that calls the
//! real API.
//!
//! This crate must never be served outside `dev` without its own sign-in: the
//! page holds a key and shows codes. It does no SQL and sends nothing; it
//! reads the core's ports and hands out what is embedded in the binary. Start
//! reading at [`page`], then [`messages`] and [`guard`](mod@guard).
#![deny(missing_docs)]

mod asset;
mod body;
pub mod guard;
pub mod messages;
pub mod page;
mod problem;
mod provider;
mod timeline;
mod watch;

pub use guard::guard;
pub use page::DevPage;

use actix_web::web;

/// Registers the pages: `/`, `/dev` and what stands below it.
pub fn configure(page: web::Data<DevPage>) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config| {
        config
            .app_data(page)
            .route("/", web::get().to(page::redirect_root))
            .route("/dev", web::get().to(page::show_page))
            .route("/dev/assets/{name}", web::get().to(asset::send_asset))
            .route("/dev/messages", web::get().to(messages::list_messages))
            .route("/dev/events", web::get().to(watch::watch_messages))
            .route("/dev/timeline/{id}", web::get().to(timeline::read_timeline))
            .service(
                web::resource("/dev/provider")
                    .route(web::get().to(provider::read_provider))
                    .route(web::post().to(provider::set_provider)),
            );
    }
}

#[cfg(test)]
mod tests;
