//! `/portal/mail/{secret}`: the links in mails. To open one does nothing; its button does.

use super::link;
use crate::{
    http::{
        answer::page,
        cookies::{self, Jar},
        form::Form,
        signed::with_session,
        visiting::Portal,
    },
    shell::Shell,
    text::Text,
};
use actix_web::{Error, HttpResponse, web};
use askama::Template;
use countersign_core::{
    people::invitation::LinkSecret,
    sign_in::own::mail::{MailError, Opened, open_mail, use_mail},
};
use countersign_web::{problem::directory, rng};

/// What a link is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    SignOutEverywhere,
    /// Confirms a new e-mail address.
    ConfirmAddress {
        address: String,
    },
    /// Puts the former address back.
    UndoAddress {
        address: String,
    },
}

impl Purpose {
    /// The title of the page.
    pub const fn title(&self) -> &'static str {
        match self {
            Self::SignOutEverywhere => "mail-out-title",
            Self::ConfirmAddress { .. } => "mail-confirm-title",
            Self::UndoAddress { .. } => "mail-undo-title",
        }
    }

    fn say(&self, t: &Text, key: &str) -> String {
        match self {
            Self::SignOutEverywhere => t.get(key).into_owned(),
            Self::ConfirmAddress { address } | Self::UndoAddress { address } => {
                t.one(key, "address", address.as_str())
            }
        }
    }

    pub fn lede(&self, t: &Text) -> String {
        let key = match self {
            Self::SignOutEverywhere => "mail-out-lede",
            Self::ConfirmAddress { .. } => "mail-confirm-lede",
            Self::UndoAddress { .. } => "mail-undo-lede",
        };
        self.say(t, key)
    }

    pub fn button(&self, t: &Text) -> String {
        let key = match self {
            Self::SignOutEverywhere => "mail-out-button",
            Self::ConfirmAddress { .. } => "mail-confirm-button",
            Self::UndoAddress { .. } => "mail-undo-button",
        };
        t.get(key).into_owned()
    }

    pub fn done(&self, t: &Text) -> String {
        let key = match self {
            Self::SignOutEverywhere => "mail-out-done",
            Self::ConfirmAddress { .. } => "mail-confirm-done",
            Self::UndoAddress { .. } => "mail-undo-done",
        };
        self.say(t, key)
    }
}

#[derive(Template)]
#[template(path = "portal/mail.html")]
pub struct MailPage {
    pub shell: Shell,
    pub purpose: Purpose,
}

#[derive(Template)]
#[template(path = "portal/mail_done.html")]
pub struct MailDonePage {
    pub shell: Shell,
    pub purpose: Purpose,
}

/// `GET /portal/mail/{secret}`: says what the button does. Programs that open links in mails change nothing.
pub async fn show(portal: Portal, path: web::Path<String>) -> Result<HttpResponse, Error> {
    let Some((_, purpose)) = found(&portal, &path).await? else { return link::void(&portal) };
    let shell = Shell::stranger(&portal.request, &portal.state, purpose.title());
    let view = MailPage { shell, purpose };
    Ok(view.shell.dress(page(&view)?))
}

/// `POST /portal/mail/{secret}`
pub async fn send(portal: Portal, path: web::Path<String>, _: Form) -> Result<HttpResponse, Error> {
    let Some((secret, purpose)) = found(&portal, &path).await? else { return link::void(&portal) };
    let (entrance, now) = (&portal.entrance, portal.now());
    let session = match cookies::read(&portal.request, Jar::Session) {
        Some(cookie) => entrance.people.session(cookie.hash()).await.map_err(directory)?,
        None => None,
    };
    let session = session.as_ref().map(|(session, _)| session);
    let used = match use_mail(entrance, &portal.visitor, session, &secret, now, &mut rng()).await {
        Ok(used) => used,
        Err(MailError::Void) => return link::void(&portal),
        Err(MailError::Store(error)) => return Err(directory(error).into()),
    };
    let shell = Shell::stranger(&portal.request, &portal.state, purpose.title());
    let view = MailDonePage { shell, purpose };
    let answer = view.shell.dress(page(&view)?);
    Ok(match used.secret {
        Some(secret) => with_session(&portal.request, answer, &secret),
        None => answer,
    })
}

async fn found(portal: &Portal, path: &str) -> Result<Option<(LinkSecret, Purpose)>, Error> {
    let Some(secret) = LinkSecret::parse(path) else { return Ok(None) };
    let opened = open_mail(&portal.entrance, &secret, portal.now()).await.map_err(directory)?;
    let purpose = opened.map(|opened| match opened {
        Opened::SignOutEverywhere => Purpose::SignOutEverywhere,
        Opened::ConfirmAddress(email) => Purpose::ConfirmAddress { address: email.expose().to_owned() },
        Opened::UndoAddress(email) => Purpose::UndoAddress { address: email.expose().to_owned() },
    });
    Ok(purpose.map(|purpose| (secret, purpose)))
}
