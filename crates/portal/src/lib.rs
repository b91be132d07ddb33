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

use actix_web::{
    FromRequest, Handler, HttpResponse, Resource, Responder,
    http::{StatusCode, header},
    web,
};
use problem::problem as refusal;

/// Registers the pages: `/`, `/dev` and what stands below it.
pub fn configure(page: web::Data<DevPage>) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config| {
        config
            .app_data(page)
            .service(show("/", page::redirect_root))
            .service(show("/dev", page::show_page))
            .service(show("/dev/assets/{name}", asset::send_asset))
            .service(show("/dev/messages", messages::list_messages))
            .service(show("/dev/events", watch::watch_messages))
            .service(show("/dev/timeline/{id}", timeline::read_timeline))
            .service(
                show("/dev/provider", provider::read_provider)
                    .route(web::post().to(provider::set_provider))
                    .default_service(web::to(|| refuse_method("GET, HEAD, POST"))),
            );
    }
}

/// What can be read, and if nothing is added, only that.
fn show<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args, Output: Responder + 'static>,
    Args: FromRequest + 'static,
{
    let shown = web::resource(path).route(web::get().to(handler));
    shown.default_service(web::to(|| refuse_method("GET, HEAD")))
}

async fn refuse_method(methods: &'static str) -> HttpResponse {
    let detail = format!("This path has {methods}.");
    let mut answer = refusal(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", &detail);
    answer.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static(methods));
    answer
}

#[cfg(test)]
mod tests;
