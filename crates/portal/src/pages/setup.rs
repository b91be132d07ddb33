//! `/portal/setup/{secret}`: makes the operator's first person.

use super::{
    choice::{self, Choice},
    newcomer::{Newcomer, NotJoined, bad_link, chosen_language, chosen_zone, not_joined},
};
use crate::{
    http::{answer::page_with, form::Form, language, signed, visiting::Portal},
    shell::Shell,
};
use actix_web::{Error, HttpResponse, http::StatusCode, web};
use askama::Template;
use countersign_core::{
    people::{invitation::LinkSecret, person::EmailAddress},
    sign_in::join::{is_setup, set_up},
};
use countersign_web::{problem::directory, rng};

/// The key of the title.
pub const TITLE: &str = "setup-title";

#[derive(Template)]
#[template(path = "portal/setup.html")]
pub struct SetupPage {
    pub shell: Shell,
    pub name: String,
    pub email: String,
    pub languages: Vec<Choice>,
    pub zones: Vec<Choice>,
}

/// `GET /portal/setup/{secret}`
pub async fn show(portal: Portal, secret: web::Path<String>) -> Result<HttpResponse, Error> {
    if opened(&portal, &secret).await?.is_none() {
        return bad_link(&portal);
    }
    answer(&portal, &Form::default(), StatusCode::OK)
}

/// `POST /portal/setup/{secret}`
pub async fn send(portal: Portal, secret: web::Path<String>, mut form: Form) -> Result<HttpResponse, Error> {
    let Some(secret) = opened(&portal, &secret).await? else { return bad_link(&portal) };
    let t = language::of_request(&portal.request);
    let email = form.read("email", |text| {
        EmailAddress::parse(text).ok_or_else(|| t.get("email-unreadable").into_owned())
    });
    let newcomer = Newcomer::read(t, &mut form);
    let (Some(email), Some(newcomer)) = (email, newcomer) else {
        return answer(&portal, &form, StatusCode::BAD_REQUEST);
    };
    let chosen = (email, newcomer.with(form.raw("password")));
    let made = set_up(&portal.entrance, &portal.visitor, &secret, chosen, portal.now(), &mut rng()).await;
    let refused = match made {
        Ok(new) => return signed::begun(&portal, new, None).await,
        Err(error) => not_joined(&portal, t, error)?,
    };
    match refused {
        NotJoined::Answer(answer) => Ok(answer),
        NotJoined::Errors(errors) => {
            form.errors = errors;
            answer(&portal, &form, StatusCode::BAD_REQUEST)
        }
    }
}

/// The secret of a link that is good.
async fn opened(portal: &Portal, text: &str) -> Result<Option<LinkSecret>, Error> {
    let Some(secret) = LinkSecret::parse(text) else { return Ok(None) };
    let good = is_setup(&portal.entrance, &secret, portal.now()).await.map_err(directory)?;
    Ok(good.then_some(secret))
}

fn answer(portal: &Portal, form: &Form, status: StatusCode) -> Result<HttpResponse, Error> {
    let shell = Shell::stranger(&portal.request, &portal.state, TITLE);
    let t = shell.t;
    let view = SetupPage {
        name: form.text("name").to_owned(),
        email: form.text("email").to_owned(),
        languages: choice::languages(chosen_language(t, form)),
        zones: choice::zones(&chosen_zone(t, form)),
        shell: shell.with_errors(form.errors.clone()),
    };
    Ok(view.shell.dress(page_with(status, &view)?))
}
