//! The page itself: its data, and the HTML that the server makes.

use super::{
    mails::DevMail,
    messages::MessageBody,
    provider,
    state::{DevPage, unavailable},
};
use actix_web::{HttpResponse, http::header, web};
use askama::Template;
use countersign_core::ports::inbox::ConsoleMode;
use countersign_web::problem::{Problem, ProblemCode};
use std::sync::Arc;

/// Allows nothing from other hosts, and no inline script or style. If a message's text were taken for markup
/// by mistake, it could still do nothing.
const POLICY: &str =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

/// The number of messages that the server writes into the page, for browsers without scripts.
const SHOWN: u16 = 20;

struct Choice {
    mode: &'static str,
    label: &'static str,
    sentence: &'static str,
    is_set: bool,
}

#[derive(Template)]
#[template(path = "dev.html")]
struct PageTemplate<'a> {
    tenant: &'a str,
    key: &'a str,
    short_key: String,
    base_url: &'a str,
    messages: Vec<MessageBody>,
    mails: Vec<DevMail>,
    choices: Vec<Choice>,
}

/// Shortens a key to its prefix and last four characters: enough to tell keys apart, and useless in a
/// screenshot.
fn shorten_key(key: &str) -> String {
    let head: String = key.chars().take(12).collect();
    let tail: String = key.chars().skip(key.chars().count().saturating_sub(4)).collect();
    format!("{head}…{tail}")
}

/// `GET /`
pub(crate) async fn redirect_root() -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, "/dev")).finish()
}

/// `GET /dev`
pub(crate) async fn show_page(page: web::Data<DevPage>) -> Result<HttpResponse, Problem> {
    let messages = page.inbox.list(None, SHOWN).await.map_err(|error| unavailable("inbox", error))?;
    let messages = messages.into_iter().map(MessageBody::from).collect();
    let set = page.switch.get();
    let template = PageTemplate {
        tenant: page.tenant.name.as_str(),
        key: &page.key,
        short_key: shorten_key(&page.key),
        base_url: &page.base_url,
        messages,
        mails: page.mails.list().into_iter().take(SHOWN.into()).collect(),
        choices: ConsoleMode::ALL
            .map(|mode| Choice {
                mode: mode.as_str(),
                label: provider::label(mode),
                sentence: provider::sentence(mode),
                is_set: mode == set,
            })
            .into(),
    };
    let html = template.render().map_err(|error| {
        Problem::new(ProblemCode::Internal, "The page could not be made.").caused_by(Arc::new(error))
    })?;
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header(("Cross-Origin-Resource-Policy", "same-origin"))
        .body(html))
}
