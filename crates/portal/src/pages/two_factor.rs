//! `/portal/two-factor`: a phone for the codes, in three steps. The third is the page of recovery codes.

use super::{link, proof::Proof, recovery_codes};
use crate::{
    errors::Errors,
    http::{
        answer::{go_to, page, page_with},
        form::Form,
        proving::{Step, code_error, done, own, own_error, step_of},
        visiting::{Sent, Visiting},
    },
    shell::Shell,
    when,
};
use actix_web::{Error, HttpResponse, http::StatusCode, web};
use askama::Template;
use countersign_core::{
    acts::ways::portal_has_route,
    people::{self, invitation::LinkSecret},
    phone::PhoneNumber,
    sign_in::{
        codes::{CodeError, resend_from},
        own::{
            enrolment::{
                EnrolError, ask_enrolment, demanded_from, enrol, is_demanded, mail_enrolment,
                opens_enrolment, send_enrolment_again, waiting_number,
            },
            two_factor::{
                change_form, change_number, send_to_new_number, send_to_new_number_again, waiting_new_number,
            },
        },
        proof::ProofError,
        visit::Place,
    },
    tenant::PORTAL_ENROL,
};
use countersign_web::{problem::directory, rng};

/// The key of the title.
pub const TITLE: &str = "phone-title";
pub const TITLE_CHANGE: &str = "phone-change-title";
pub const TITLE_CODE: &str = "phone-code-title";
pub const TITLE_MAIL: &str = "phone-mail-title";
/// The query for another number than the one that waits for its code.
const OTHER: &str = "other";

/// The first step: the number, and a proof.
#[derive(Template)]
#[template(path = "portal/two_factor.html")]
pub struct PhonePage {
    pub shell: Shell,
    pub phone: String,
    pub proof: Proof,
    /// Whether this replaces a number.
    pub is_change: bool,
    /// From when a tenant demands it, if not now.
    pub demanded_from: Option<String>,
    /// The tenant demands it now: there is no way around.
    pub is_demanded: bool,
    /// Whether a message can be sent at all.
    pub is_available: bool,
}

/// The second step: the code that was sent to the number.
#[derive(Template)]
#[template(path = "portal/two_factor_code.html")]
pub struct PhoneCodePage {
    pub shell: Shell,
    pub number: String,
    pub until: String,
    pub again_from: Option<String>,
}

/// A tenant demands it: the person gets the way to the first step by mail.
#[derive(Template)]
#[template(path = "portal/two_factor_mail.html")]
pub struct PhoneMailPage {
    pub shell: Shell,
    pub is_sent: bool,
}

/// `GET /portal/two-factor`
pub async fn show(here: Visiting) -> Result<HttpResponse, Error> {
    first(&here, None).await
}

/// `GET /portal/two-factor/{secret}`: the link that a tenant's demand mailed.
pub async fn show_by_link(here: Visiting, path: web::Path<String>) -> Result<HttpResponse, Error> {
    match link_of(&here, &path).await? {
        Some(secret) => first(&here, Some(&secret)).await,
        None => link::void(&here.portal),
    }
}

/// `POST /portal/two-factor`
pub async fn send(sent: Sent) -> Result<HttpResponse, Error> {
    next(sent, None).await
}

/// `POST /portal/two-factor/{secret}`
pub async fn send_by_link(sent: Sent, path: web::Path<String>) -> Result<HttpResponse, Error> {
    match link_of(&sent.here, &path).await? {
        Some(secret) => next(sent, Some(&secret)).await,
        None => link::void(&sent.here.portal),
    }
}

async fn link_of(here: &Visiting, path: &str) -> Result<Option<LinkSecret>, Error> {
    let Some(secret) = LinkSecret::parse(path) else { return Ok(None) };
    let opens = opens_enrolment(&own(here), &secret).await.map_err(directory)?;
    Ok(opens.then_some(secret))
}

/// A number that waits for its first code, and the proof that waits for that code.
type Waiting = (PhoneNumber, people::proof::Proof);

/// The number that waits for its first code.
async fn waiting(here: &Visiting) -> Result<Option<Waiting>, Error> {
    let own = own(here);
    let found = match here.visit.account.phone {
        Some(_) => waiting_new_number(&own).await,
        None => waiting_number(&own).await,
    };
    Ok(found.map_err(directory)?)
}

/// The step at which the person is.
async fn first(here: &Visiting, link: Option<&LinkSecret>) -> Result<HttpResponse, Error> {
    if here.request.query_string() != OTHER
        && let Some(number) = waiting(here).await?
    {
        return code_page(here, &number, Errors::default()).await;
    }
    let needs_link = here.visit.account.phone.is_none() && link.is_none() && !here.visit.session.invited;
    if needs_link && is_demanded(&own(here)).await.map_err(directory)? {
        let shell = here.shell(here.t.get(TITLE_MAIL).into_owned()).await?;
        return Ok(page(&PhoneMailPage { shell, is_sent: here.request.query_string() == "sent" })?);
    }
    let late = here.late_form().await?;
    let typed = late.map(|late| late.text("phone").to_owned()).unwrap_or_default();
    phone_page(here, typed, Proof::Password, Errors::default()).await
}

async fn next(sent: Sent, link: Option<&LinkSecret>) -> Result<HttpResponse, Error> {
    let Sent { here, form } = sent;
    let path = here.request.path().to_owned();
    match form.text("act") {
        "other" => Ok(go_to(&format!("{path}?{OTHER}"))),
        "mail" => mail_link(&here).await,
        "again" => match waiting(&here).await? {
            Some(number) => again(&here, &number).await,
            None => Ok(go_to(&path)),
        },
        _ if form.is_on("code") => match waiting(&here).await? {
            Some(number) => second(&here, &number, form.text("code"), link).await,
            None => Ok(go_to(&path)),
        },
        _ => number(&here, &form, link).await,
    }
}

/// Mails the link that a tenant's demand needs.
async fn mail_link(here: &Visiting) -> Result<HttpResponse, Error> {
    let view = match &here.visit.place {
        Place::Barred { view, .. } => view,
        Place::Inside(inside) => &inside.view,
        Place::Outside => return Ok(go_to("/portal/tenants")),
    };
    mail_enrolment(&own(here), view.tenant.name.clone(), &mut rng()).await.map_err(own_error)?;
    Ok(go_to("/portal/two-factor?sent"))
}

/// The first step: the number and the proof.
async fn number(here: &Visiting, form: &Form, link: Option<&LinkSecret>) -> Result<HttpResponse, Error> {
    let (own, t, typed) = (own(here), here.t, form.text("phone").to_owned());
    let number = match PhoneNumber::parse(&typed) {
        Ok(number) => number,
        Err(_) => {
            return phone_page(here, typed, Proof::Password, Errors::one("phone", t.get("phone-unreadable")))
                .await;
        }
    };
    let sent = if here.visit.account.phone.is_some() {
        let proven =
            match step_of(here, form, change_form(&number, &here.portal.entrance.context.keyring)).await? {
                Step::Proven(proven) => proven,
                Step::Missing(proof, errors) => return phone_page(here, typed, proof, errors).await,
            };
        send_to_new_number(&own, &proven, &number, &mut rng()).await.map_err(EnrolError::Proof)
    } else {
        ask_enrolment(&own, form.raw("proof_password"), &number, link, &mut rng()).await
    };
    match sent {
        Ok(_) => Ok(go_to(here.request.path())),
        Err(EnrolError::Proof(ProofError::Own(error))) => Err(own_error(error)),
        Err(error) => phone_page(here, typed, Proof::Password, why(here, &error)).await,
    }
}

/// Why a number got no code.
fn why(here: &Visiting, error: &EnrolError) -> Errors {
    let t = here.t;
    match error {
        EnrolError::NoRoute => Errors::one("", t.get("phone-unavailable")),
        EnrolError::AlreadyOn | EnrolError::LinkNeeded | EnrolError::Void => {
            Errors::one("", t.get("link-lede"))
        }
        EnrolError::Proof(ProofError::WrongPassword) => Errors::one("proof_password", t.get("proof-wrong")),
        EnrolError::Proof(ProofError::Waiting(until)) => {
            let at = when::clock_exact(&here.visit.account.person.zone, *until);
            Errors::one("proof_password", t.one("proof-wait", "time", at))
        }
        EnrolError::Proof(ProofError::Crowded) => Errors::one("proof_password", t.get("proof-crowded")),
        EnrolError::Proof(ProofError::Codes(CodeError::CountryNotAllowed(_))) => {
            Errors::one("phone", t.get("phone-country"))
        }
        EnrolError::Proof(error) => Errors::one("phone", code_error(here, error)),
    }
}

/// The second step: the code confirms the number.
async fn second(
    here: &Visiting,
    waiting: &Waiting,
    code: &str,
    link: Option<&LinkSecret>,
) -> Result<HttpResponse, Error> {
    let (own, (number, _)) = (own(here), waiting);
    let error = if here.visit.account.phone.is_some() {
        match change_number(&own, number, code, &mut rng()).await {
            Ok(secret) => {
                return done(here, "/portal/security", Some(&secret), here.t.get("phone-done")).await;
            }
            Err(error) => error,
        }
    } else {
        match enrol(&own, number, code, link, &mut rng()).await {
            Ok(made) => return recovery_codes::answer(here, &made, true).await,
            Err(EnrolError::Proof(error)) => error,
            Err(_) => return link::void(&here.portal),
        }
    };
    match error {
        ProofError::Own(error) => Err(own_error(error)),
        error => code_page(here, waiting, Errors::one("code", code_error(here, &error))).await,
    }
}

async fn again(here: &Visiting, waiting: &Waiting) -> Result<HttpResponse, Error> {
    let (own, (number, _)) = (own(here), waiting);
    let sent = match here.visit.account.phone {
        Some(_) => send_to_new_number_again(&own, number, &mut rng()).await.map_err(EnrolError::Proof),
        None => send_enrolment_again(&own, number, &mut rng()).await,
    };
    match sent {
        Ok(_) => Ok(go_to(here.request.path())),
        Err(EnrolError::Proof(ProofError::Own(error))) => Err(own_error(error)),
        Err(EnrolError::Proof(error)) => {
            code_page(here, waiting, Errors::one("code", code_error(here, &error))).await
        }
        Err(_) => link::void(&here.portal),
    }
}

async fn code_page(
    here: &Visiting,
    (number, proof): &Waiting,
    errors: Errors,
) -> Result<HttpResponse, Error> {
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let shell = here.shell(here.t.get(TITLE_CODE).into_owned()).await?.with_errors(errors);
    let context = &here.entrance.context;
    let from = resend_from(context, PORTAL_ENROL, proof.verification, here.now()).await;
    let view = PhoneCodePage {
        number: number.masked(),
        until: shell.clock(proof.expires_at),
        again_from: from.map(|from| shell.clock_exact(from)),
        shell,
    };
    Ok(page_with(status, &view)?)
}

async fn phone_page(
    here: &Visiting,
    phone: String,
    proof: Proof,
    errors: Errors,
) -> Result<HttpResponse, Error> {
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let is_change = here.visit.account.phone.is_some();
    let title = if is_change { TITLE_CHANGE } else { TITLE };
    let shell = here.shell(here.t.get(title).into_owned()).await?.with_errors(errors);
    let demanded = demanded_from(&own(here)).await.map_err(directory)?;
    let is_demanded = demanded.is_some_and(|from| from <= here.now());
    let view = PhonePage {
        phone,
        proof,
        is_change,
        demanded_from: demanded.filter(|_| !is_demanded).map(|from| shell.date(from)),
        is_demanded,
        shell,
        is_available: portal_has_route(&here.entrance.context),
    };
    Ok(page_with(status, &view)?)
}
