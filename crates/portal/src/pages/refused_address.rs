//! A tenant's list refuses the address. The page names the address, and says nothing about the tenant.

use crate::{
    http::{answer::page_with, visiting::Visiting},
    shell::Shell,
};
use actix_web::{Error, HttpResponse, http::StatusCode};
use askama::Template;

/// The key of the title.
pub const TITLE: &str = "refused-title";

#[derive(Template)]
#[template(path = "portal/refused_address.html")]
pub struct RefusedAddressPage {
    pub shell: Shell,
    pub address: String,
    /// The path that was asked for.
    pub again: String,
    /// Whether the person belongs to other tenants.
    pub may_change: bool,
}

/// `GET /portal/refused`
pub async fn show(here: Visiting) -> Result<HttpResponse, Error> {
    let shell = here.shell(here.t.get(TITLE).into_owned()).await?;
    let view = RefusedAddressPage {
        shell,
        address: here.visitor.address.to_string(),
        again: "/portal".to_owned(),
        may_change: true,
    };
    Ok(page_with(StatusCode::FORBIDDEN, &view)?)
}
