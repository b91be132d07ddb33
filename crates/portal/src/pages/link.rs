//! A link that is of no use. The page is the same whether it was used, has ended, or never existed.

use crate::{
    http::{answer::page_with, visiting::Portal},
    shell::Shell,
};
use actix_web::{Error, HttpResponse, http::StatusCode};
use askama::Template;

/// The key of the title.
pub const TITLE: &str = "link-title";

#[derive(Template)]
#[template(path = "portal/link.html")]
pub struct BadLinkPage {
    pub shell: Shell,
}

/// The answer to a link that is of no use.
pub fn void(portal: &Portal) -> Result<HttpResponse, Error> {
    let view = BadLinkPage { shell: Shell::stranger(&portal.request, &portal.state, TITLE) };
    Ok(view.shell.dress(page_with(StatusCode::NOT_FOUND, &view)?))
}
