//! `/portal/reset/{secret}`: sets a new password by a link.

use super::{link, new_password};
use crate::{
    errors::Errors,
    http::{
        answer::{go_to, page, refused},
        form::Form,
        visiting::Portal,
    },
    shell::Shell,
};
use actix_web::{Error, HttpResponse, web};
use askama::Template;
use countersign_core::{
    people::invitation::LinkSecret,
    sign_in::own::reset::{ResetError, open_reset, reset},
};
use countersign_web::{problem::directory, rng};

/// The key of the title.
pub const TITLE: &str = "reset-title";

#[derive(Template)]
#[template(path = "portal/reset.html")]
pub struct ResetPage {
    pub shell: Shell,
}

/// `GET /portal/reset/{secret}`
pub async fn show(portal: Portal, path: web::Path<String>) -> Result<HttpResponse, Error> {
    let Some(secret) = LinkSecret::parse(&path) else { return link::void(&portal) };
    if !open_reset(&portal.entrance, &secret, portal.now()).await.map_err(directory)? {
        return link::void(&portal);
    }
    let view = ResetPage { shell: Shell::stranger(&portal.request, &portal.state, TITLE) };
    Ok(view.shell.dress(page(&view)?))
}

/// `POST /portal/reset/{secret}`
pub async fn send(portal: Portal, path: web::Path<String>, form: Form) -> Result<HttpResponse, Error> {
    let Some(secret) = LinkSecret::parse(&path) else { return link::void(&portal) };
    let (typed, now) = (form.raw("password"), portal.now());
    match reset(&portal.entrance, &portal.visitor, &secret, typed, now, &mut rng()).await {
        Ok(()) => Ok(go_to("/portal/sign-in")),
        Err(ResetError::Void) => link::void(&portal),
        Err(ResetError::Password(error)) => {
            let shell = Shell::stranger(&portal.request, &portal.state, TITLE);
            let said = new_password::refusal(shell.t, error)?;
            let view = ResetPage { shell: shell.with_errors(Errors::one("password", said)) };
            Ok(view.shell.dress(refused(&view)?))
        }
    }
}
