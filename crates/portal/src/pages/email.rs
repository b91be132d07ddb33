//! `/portal/email`: changes the e-mail address.

use super::proof::Proof;
use crate::{
    errors::Errors,
    http::{
        answer::page_with,
        proving::{Step, done, own, own_error, step},
        visiting::{Sent, Visiting},
    },
    shell::Shell,
};
use actix_web::{Error, HttpResponse, http::StatusCode};
use askama::Template;
use countersign_core::{
    people::{person::EmailAddress, proof_act::ActName},
    sign_in::own::email::{EmailError, ask_email, pending_email},
};
use countersign_web::{problem::directory, rng};

/// The key of the title.
pub const TITLE: &str = "email-title";

#[derive(Template)]
#[template(path = "portal/email.html")]
pub struct EmailPage {
    pub shell: Shell,
    pub current: String,
    /// The new address as it was typed.
    pub email: String,
    /// The address to which a link went, and until when it works.
    pub pending: Option<(String, String)>,
    pub proof: Proof,
}

/// `GET /portal/email`
pub async fn show(here: Visiting) -> Result<HttpResponse, Error> {
    let late = here.late_form().await?;
    let typed = late.map(|late| late.text("email").to_owned()).unwrap_or_default();
    answer(&here, typed, Proof::Password, Errors::default()).await
}

/// `POST /portal/email`
pub async fn send(sent: Sent) -> Result<HttpResponse, Error> {
    let Sent { here, form } = sent;
    let (t, typed) = (here.t, form.text("email").to_owned());
    let wrong = |key: &str| Errors::one("email", t.get(key));
    let Some(email) = EmailAddress::parse(&typed) else {
        return answer(&here, typed, Proof::Password, wrong("email-unreadable")).await;
    };
    let proven = match step(&here, &form, ActName::Email, "").await? {
        Step::Proven(proven) => proven,
        Step::Missing(proof, errors) => return answer(&here, typed, proof, errors).await,
    };
    match ask_email(&own(&here), &proven, &email, &mut rng()).await {
        Ok(secret) => {
            let said = t.one("email-sent", "address", typed);
            done(&here, "/portal/email", secret.as_ref(), said).await
        }
        Err(EmailError::Same) => answer(&here, typed, Proof::Password, wrong("email-same")).await,
        Err(EmailError::TooOften) => answer(&here, typed, Proof::Password, wrong("email-often")).await,
        Err(EmailError::Own(error)) => Err(own_error(error)),
    }
}

async fn answer(here: &Visiting, email: String, proof: Proof, errors: Errors) -> Result<HttpResponse, Error> {
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let shell = here.shell(here.t.get(TITLE).into_owned()).await?.with_errors(errors);
    let current = here.identity.as_ref().map(|identity| identity.email.expose().to_owned());
    let pending = pending_email(&own(here)).await.map_err(directory)?;
    let pending = pending.map(|(email, until)| (email.expose().to_owned(), shell.day_and_clock(until)));
    let view = EmailPage { shell, current: current.unwrap_or_default(), email, pending, proof };
    Ok(page_with(status, &view)?)
}
