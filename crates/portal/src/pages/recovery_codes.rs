//! `/portal/recovery-codes`: the codes, shown once.

use crate::{
    http::{
        answer::{go_to, page},
        csrf,
        signed::with_session,
        visiting::{Sent, Visiting},
    },
    shell::Shell,
};
use actix_web::{Error, HttpResponse};
use askama::Template;
use countersign_core::sign_in::own::enrolment::Enrolled;

/// The key of the title.
pub const TITLE: &str = "codes-title";

#[derive(Template)]
#[template(path = "portal/recovery_codes.html")]
pub struct RecoveryCodesPage {
    pub shell: Shell,
    pub codes: Vec<String>,
    /// Whether this is the last step of an enrolment.
    pub is_enrolment: bool,
}

/// `GET /portal/recovery-codes`: the codes are shown only in the answer that makes them.
pub async fn show(_: Visiting) -> HttpResponse {
    go_to("/portal/security")
}

/// `POST /portal/recovery-codes`: the person has stored the codes.
pub async fn send(_: Sent) -> HttpResponse {
    go_to("/portal/security")
}

/// The answer that shows new codes. The session goes on under a new secret, and so do the forms of the page.
pub async fn answer(here: &Visiting, made: &Enrolled, is_enrolment: bool) -> Result<HttpResponse, Error> {
    let mut shell = here.shell(here.t.get(TITLE).into_owned()).await?;
    shell.token = csrf::token(&here.state.context.management.keyring, &made.secret);
    let codes = made.codes.iter().map(|code| code.expose().to_string()).collect();
    let view = RecoveryCodesPage { shell, codes, is_enrolment };
    Ok(with_session(&here.request, page(&view)?, &made.secret))
}
