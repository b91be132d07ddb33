//! The page of `countersign dev`: its paths.

mod guard;
mod mails;
mod messages;
mod page;
mod provider;
mod state;
mod timeline;
mod watch;

pub use guard::guard;
pub use mails::{DevMail, DevMails};
pub use state::DevPage;

use actix_web::{FromRequest, Handler, Resource, Responder, http::header, web};
use countersign_web::problem::{Problem, ProblemCode};

/// Registers the pages: `/`, `/dev` and everything below it.
pub fn configure(page: web::Data<DevPage>) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config| {
        config
            .app_data(page)
            .service(show("/", page::redirect_root))
            .service(show("/dev", page::show_page))
            .service(show("/dev/assets/{name}", crate::asset::send_asset))
            .service(show("/dev/messages", messages::list_messages))
            .service(show("/dev/mails", mails::list_mails))
            .service(show("/dev/mails/{id}/{form}", mails::show_mail))
            .service(show("/dev/events", watch::watch_messages))
            .service(show("/dev/timeline/{id}", timeline::read_timeline))
            .service(
                show("/dev/provider", provider::read_provider)
                    .route(web::post().to(provider::set_provider))
                    .default_service(web::to(|| refuse_method("GET, HEAD, POST"))),
            );
    }
}

/// A resource that allows GET only, unless the caller adds more.
fn show<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args, Output: Responder + 'static>,
    Args: FromRequest + 'static,
{
    let shown = web::resource(path).route(web::get().to(handler));
    shown.default_service(web::to(|| refuse_method("GET, HEAD")))
}

async fn refuse_method(methods: &'static str) -> Result<(), Problem> {
    let detail = format!("This path has {methods}.");
    Err(Problem::new(ProblemCode::MethodNotAllowed, detail).with_header(header::ALLOW, methods))
}

#[cfg(test)]
pub(crate) mod tests;
