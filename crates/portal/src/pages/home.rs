//! `/portal`: the first page after sign-in.

use super::may;
use crate::{
    http::{answer::page, visiting::Visiting},
    shell::Shell,
};
use actix_web::{Error, HttpResponse};
use askama::Template;

/// The key of the title. It has the value `name`.
pub const TITLE: &str = "home-title";

#[derive(Template)]
#[template(path = "portal/home.html")]
pub struct HomePage {
    pub shell: Shell,
    pub has_2fa: bool,
    /// What the member may do, a sentence each.
    pub may: Vec<String>,
}

/// `GET /portal`
pub async fn show(here: Visiting) -> Result<HttpResponse, Error> {
    let limits = &here.inside()?.member.limits;
    let title = here.t.one(TITLE, "name", here.name());
    let has_2fa = here.visit.account.phone.is_some();
    let view = HomePage { shell: here.shell(title).await?, has_2fa, may: may::sentences(here.t, limits) };
    Ok(page(&view)?)
}
