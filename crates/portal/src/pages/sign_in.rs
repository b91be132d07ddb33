//! `/portal/sign-in`: e-mail address and password. Unknown, disabled and wrong look the same.

use crate::{
    errors::Errors,
    http::{
        answer::{go_to, page, page_with},
        cookies::{self, Jar},
        form::Form,
        signed,
        visiting::Portal,
    },
    shell::Shell,
    text::Text,
    when,
};
use actix_web::{
    Error, HttpResponse,
    http::{StatusCode, header::SET_COOKIE},
};
use askama::Template;
use countersign_core::sign_in::{
    first::{Entered, SignInError, Typed, sign_in},
    visit::{Gone, Missing, Place, Visit, visit},
};
use countersign_web::{problem::directory, rng};
use std::time::Duration;

/// The key of the title.
pub const TITLE: &str = "sign-in-title";

#[derive(Template)]
#[template(path = "portal/sign_in.html")]
pub struct SignInPage {
    pub shell: Shell,
    pub email: String,
    /// Why the last session ended.
    pub reason: Option<String>,
}

/// The reasons why a session ended without its person's doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Nothing happened for so long.
    Idle { span: String },
    /// The longest time of a session is over.
    Total { span: String },
    /// The person, an owner or the operator ended it elsewhere.
    Elsewhere,
    /// The password, the phone or another part of the account was changed.
    Changed,
}

impl Ended {
    pub fn sentence(&self, t: Text) -> String {
        match self {
            Self::Idle { span } => t.one("ended-idle", "span", span.as_str()),
            Self::Total { span } => t.one("ended-total", "span", span.as_str()),
            Self::Elsewhere => t.get("ended-elsewhere").into_owned(),
            Self::Changed => t.get("ended-changed").into_owned(),
        }
    }
}

/// The reasons why a sign-in does not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    Wrong,
    /// Too many tries; the next one is at this time.
    Wait {
        until: String,
    },
    /// Too many people sign in at once.
    Busy,
    /// The store of persons does not answer.
    Unavailable,
}

impl Refusal {
    pub fn errors(&self, t: Text) -> Errors {
        match self {
            Self::Wrong => Errors::one("password", t.get("sign-in-wrong")),
            Self::Wait { until } => Errors::one("password", t.one("sign-in-wait", "time", until.as_str())),
            Self::Busy => Errors::one("", t.get("sign-in-busy")),
            Self::Unavailable => Errors::one("", t.get("sign-in-unavailable")),
        }
    }
}

/// The sentence for a session that has ended.
fn reason(gone: &Gone, t: Text) -> String {
    let span = |limit: &Duration| when::span(t, limit.as_secs());
    let ended = match gone {
        Gone::Idle { limit, .. } => Ended::Idle { span: span(limit) },
        Gone::TooOld { limit } => Ended::Total { span: span(limit) },
        Gone::SignedOut => Ended::Changed,
        Gone::Unknown | Gone::Unavailable(_) => Ended::Elsewhere,
    };
    ended.sentence(t)
}

/// `GET /portal/sign-in`. A browser that has a session goes on.
pub async fn show(portal: Portal) -> Result<HttpResponse, Error> {
    let shell = Shell::stranger(&portal.request, &portal.state, TITLE);
    let mut ended = None;
    if let Some(secret) = cookies::read(&portal.request, Jar::Session) {
        match visit(&portal.entrance, &secret, portal.visitor.address, true, portal.now()).await {
            // A tenant demands a code of a person who signed in before it had a phone.
            Ok(Visit {
                place: Place::Barred { missing: Missing::SecondFactor { has_phone: true }, .. },
                ..
            }) => {}
            Ok(_) => {
                return Ok(go_to(&signed::next(&portal.request).unwrap_or_else(|| "/portal".to_owned())));
            }
            Err(Gone::Unavailable(error)) => return Err(directory(error).into()),
            Err(gone) => ended = Some(reason(&gone, shell.t)),
        }
    }
    let view = SignInPage { shell, email: String::new(), reason: ended };
    Ok(view.shell.dress(page(&view)?))
}

/// `POST /portal/sign-in`
pub async fn send(portal: Portal, form: Form) -> Result<HttpResponse, Error> {
    let (request, now) = (&portal.request, portal.now());
    let former = cookies::read(request, Jar::Session);
    let typed = Typed { email: form.text("email"), password: form.raw("password") };
    let entered = sign_in(&portal.entrance, &portal.visitor, typed, former.as_ref(), now, &mut rng()).await;
    let to = signed::next(request);
    let shell = || Shell::stranger(request, &portal.state, TITLE);
    let (status, refusal) = match entered {
        Ok(Entered::SignedIn(new)) => return signed::begun(&portal, *new, to).await,
        // Whether a message was sent, the page of the code says.
        Ok(Entered::CodeNeeded { half, .. }) => {
            let mut answer = go_to(&signed::with_next("/portal/code", to.as_deref()));
            answer.headers_mut().append(SET_COOKIE, cookies::set(request, Jar::Half, &half));
            return Ok(answer);
        }
        Err(SignInError::Wrong | SignInError::Moved) => (StatusCode::BAD_REQUEST, Refusal::Wrong),
        Err(SignInError::Wait(until)) => {
            let until = shell().clock_exact(until);
            (StatusCode::TOO_MANY_REQUESTS, Refusal::Wait { until })
        }
        Err(SignInError::Crowded(_)) => (StatusCode::SERVICE_UNAVAILABLE, Refusal::Busy),
        Err(SignInError::Unavailable(error)) => return Err(directory(error).into()),
    };
    let shell = shell();
    let errors = refusal.errors(shell.t);
    let shell = shell.with_errors(errors);
    let view = SignInPage { shell, email: form.text("email").to_owned(), reason: None };
    Ok(view.shell.dress(page_with(status, &view)?))
}
