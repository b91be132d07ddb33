//! `/portal/forgot`: asks for a link to set a new password. The answer is the same for every address.

use crate::{
    errors::Errors,
    http::{
        answer::{go_to, page, refused},
        form::Form,
        visiting::Portal,
    },
    shell::Shell,
};
use actix_web::{Error, HttpResponse};
use askama::Template;
use countersign_core::{
    people::person::EmailAddress,
    sign_in::own::reset::{ForgotError, forgot},
};
use countersign_web::{problem::directory, rng};

/// The key of the title.
pub const TITLE: &str = "forgot-title";
pub const TITLE_SENT: &str = "forgot-sent-title";

#[derive(Template)]
#[template(path = "portal/forgot.html")]
pub struct ForgotPage {
    pub shell: Shell,
    pub email: String,
}

#[derive(Template)]
#[template(path = "portal/forgot_sent.html")]
pub struct ForgotSentPage {
    pub shell: Shell,
}

/// `GET /portal/forgot`
pub async fn show(portal: Portal) -> Result<HttpResponse, Error> {
    if portal.request.query_string() == "sent" {
        let view = ForgotSentPage { shell: Shell::stranger(&portal.request, &portal.state, TITLE_SENT) };
        return Ok(view.shell.dress(page(&view)?));
    }
    let view =
        ForgotPage { shell: Shell::stranger(&portal.request, &portal.state, TITLE), email: String::new() };
    Ok(view.shell.dress(page(&view)?))
}

/// `POST /portal/forgot`
pub async fn send(portal: Portal, form: Form) -> Result<HttpResponse, Error> {
    let (typed, now) = (form.text("email"), portal.now());
    let shell = Shell::stranger(&portal.request, &portal.state, TITLE);
    let error = if EmailAddress::parse(typed).is_none() {
        shell.t.get("email-unreadable").into_owned()
    } else {
        match forgot(&portal.entrance, &portal.visitor, typed, now, &mut rng()).await {
            Ok(()) => return Ok(go_to("/portal/forgot?sent")),
            Err(ForgotError::Waiting(until)) => shell.t.one("proof-wait", "time", shell.clock_exact(until)),
            Err(ForgotError::Store(error)) => return Err(directory(error).into()),
        }
    };
    let view = ForgotPage { shell: shell.with_errors(Errors::one("email", error)), email: typed.to_owned() };
    Ok(view.shell.dress(refused(&view)?))
}
