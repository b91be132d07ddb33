//! `/portal/signed-out`

use crate::{
    http::{
        answer::{go_to, page},
        cookies::{self, Jar},
        visiting::{Portal, Sent},
    },
    shell::Shell,
};
use actix_web::{Error, HttpResponse, http::header::SET_COOKIE};
use askama::Template;
use countersign_core::sign_in::out::sign_out;
use countersign_web::problem::directory;

/// The key of the title.
pub const TITLE: &str = "signed-out-title";

#[derive(Template)]
#[template(path = "portal/signed_out.html")]
pub struct SignedOutPage {
    pub shell: Shell,
}

/// `POST /portal/sign-out`
pub async fn send(sent: Sent) -> Result<HttpResponse, Error> {
    let Sent { here, .. } = sent;
    sign_out(&here.entrance, &here.visitor, &here.visit, here.now()).await.map_err(directory)?;
    let mut answer = go_to("/portal/signed-out");
    answer.headers_mut().append(SET_COOKIE, cookies::clear(&here.request, Jar::Session));
    Ok(answer)
}

/// `GET /portal/signed-out`
pub async fn show(portal: Portal) -> Result<HttpResponse, Error> {
    let view = SignedOutPage { shell: Shell::stranger(&portal.request, &portal.state, TITLE) };
    Ok(view.shell.dress(page(&view)?))
}

/// `POST /portal/stay`: the person goes on. Answers with the new end of the session, in milliseconds.
pub async fn stay(sent: Sent) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body(sent.here.visit.ends_at.millis().to_string())
}
