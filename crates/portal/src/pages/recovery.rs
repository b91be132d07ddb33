//! `/portal/recovery`: a recovery code in place of the code.

use super::code::{begin_again, half_way};
use crate::{
    errors::Errors,
    http::{
        answer::page_with,
        cookies::{self, Jar},
        form::Form,
        language, signed,
        visiting::Portal,
    },
    shell::Shell,
    text::Text,
};
use actix_web::{Error, HttpResponse, http::StatusCode};
use askama::Template;
use countersign_core::sign_in::second::{SecondError, enter_recovery_code};
use countersign_web::{problem::directory, rng};

/// The key of the title.
pub const TITLE: &str = "recovery-title";

#[derive(Template)]
#[template(path = "portal/recovery.html")]
pub struct RecoveryPage {
    pub shell: Shell,
}

pub fn wrong(t: Text) -> Errors {
    Errors::one("recovery", t.get("recovery-wrong"))
}

/// `GET /portal/recovery`
pub async fn show(portal: Portal) -> Result<HttpResponse, Error> {
    if half_way(&portal).await?.is_none() {
        return Ok(begin_again(&portal));
    }
    answer(&portal, None)
}

/// `POST /portal/recovery`. Who has used a code up goes on to the page that adds another phone.
pub async fn send(portal: Portal, form: Form) -> Result<HttpResponse, Error> {
    let Some((secret, _)) = half_way(&portal).await? else { return Ok(begin_again(&portal)) };
    let (request, now) = (&portal.request, portal.now());
    let t = language::of_request(request);
    let former = cookies::read(request, Jar::Session);
    let typed = (&secret, form.text("recovery"));
    let entered =
        enter_recovery_code(&portal.entrance, &portal.visitor, typed, former.as_ref(), now, &mut rng()).await;
    let errors = match entered {
        Ok(new) => return signed::begun(&portal, new, Some("/portal/two-factor".to_owned())).await,
        Err(SecondError::WrongRecoveryCode { .. }) => wrong(t),
        Err(SecondError::Wait(until)) => {
            let until = Shell::stranger(request, &portal.state, TITLE).clock_exact(until);
            Errors::one("recovery", t.one("sign-in-wait", "time", until))
        }
        Err(SecondError::Unavailable(error)) => return Err(directory(error).into()),
        Err(_) => return Ok(begin_again(&portal)),
    };
    answer(&portal, Some(errors))
}

fn answer(portal: &Portal, errors: Option<Errors>) -> Result<HttpResponse, Error> {
    let status = if errors.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let shell = Shell::stranger(&portal.request, &portal.state, TITLE);
    let view = RecoveryPage { shell: shell.with_errors(errors.unwrap_or_default()) };
    Ok(view.shell.dress(page_with(status, &view)?))
}
