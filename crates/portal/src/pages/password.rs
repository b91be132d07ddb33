//! `/portal/password`: changes the password.

use super::{new_password, proof::Proof};
use crate::{
    errors::Errors,
    http::{
        answer::page_with,
        proving::{Step, done, own, step},
        visiting::{Sent, Visiting},
    },
    shell::Shell,
};
use actix_web::{Error, HttpResponse, http::StatusCode};
use askama::Template;
use countersign_core::{
    people::proof_act::ActName,
    sign_in::{
        own::password::{change_password, judge_password},
        visit::{Missing, Place},
    },
};
use countersign_web::rng;

/// The key of the title.
pub const TITLE: &str = "password-title";
pub const TITLE_FORCED: &str = "password-forced-title";

#[derive(Template)]
#[template(path = "portal/password.html")]
pub struct PasswordPage {
    pub shell: Shell,
    /// At the step of the code the new password is typed once more: no page contains a password.
    pub proof: Proof,
}

/// The only page that opens while the tenant demands a new password.
#[derive(Template)]
#[template(path = "portal/password_forced.html")]
pub struct ForcedPasswordPage {
    pub shell: Shell,
    pub proof: Proof,
    /// The greatest age in days.
    pub days: u16,
}

/// `GET /portal/password`
pub async fn show(here: Visiting) -> Result<HttpResponse, Error> {
    answer(&here, Proof::Password, Errors::default(), StatusCode::OK).await
}

/// `POST /portal/password`
pub async fn send(sent: Sent) -> Result<HttpResponse, Error> {
    let Sent { here, form } = sent;
    let (own, typed, bad) = (own(&here), form.raw("password"), StatusCode::BAD_REQUEST);
    if let Err(error) = judge_password(&own, typed).await {
        let said = new_password::refusal(here.t, error)?;
        return answer(&here, Proof::Password, Errors::one("password", said), bad).await;
    }
    let proven = match step(&here, &form, ActName::Password, "").await? {
        Step::Proven(proven) => proven,
        Step::Missing(proof, errors) => return missing(&here, proof, errors).await,
    };
    match change_password(&own, &proven, typed, &mut rng()).await {
        Ok(secret) => {
            let to =
                if matches!(here.visit.place, Place::Barred { .. }) { "/portal" } else { "/portal/security" };
            done(&here, to, Some(&secret), here.t.get("password-done")).await
        }
        Err(error) => {
            let said = new_password::refusal(here.t, error)?;
            answer(&here, Proof::Password, Errors::one("password", said), bad).await
        }
    }
}

async fn missing(here: &Visiting, proof: Proof, errors: Errors) -> Result<HttpResponse, Error> {
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    answer(here, proof, errors, status).await
}

async fn answer(
    here: &Visiting,
    proof: Proof,
    errors: Errors,
    status: StatusCode,
) -> Result<HttpResponse, Error> {
    if let Place::Barred { missing: Missing::NewPassword { .. }, view } = &here.visit.place {
        let days = view.settings.security.rules(view.tenant.id).password_days.get();
        let shell = here.shell(here.t.get(TITLE_FORCED).into_owned()).await?.with_errors(errors);
        return Ok(page_with(status, &ForcedPasswordPage { shell, proof, days })?);
    }
    let shell = here.shell(here.t.get(TITLE).into_owned()).await?.with_errors(errors);
    Ok(page_with(status, &PasswordPage { shell, proof })?)
}
