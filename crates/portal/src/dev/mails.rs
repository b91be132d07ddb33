//! The mails of `dev`: `GET /dev/mails` for tests, and each one as a reader sees it. They are kept in memory.

use super::state::DevPage;
use crate::mail::Letter;
use actix_web::{HttpResponse, http::header, web};
use countersign_core::{id::NoticeId, time::Timestamp};
use countersign_web::problem::Problem;
use serde::Serialize;
use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The number of mails that are kept.
const KEPT: usize = 200;

/// A mail has its styles in itself, which the policy of the other pages would not allow.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'self'; sandbox allow-top-navigation-by-user-activation allow-popups";

/// A mail, as the page and tests get it.
#[derive(Clone, Debug, Serialize)]
pub struct DevMail {
    pub id: String,
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    pub links: Vec<String>,
    pub at: String,
}

impl DevMail {
    /// Hour and minute in UTC, for browsers that cannot convert `at` to local time.
    pub(crate) fn minute(&self) -> &str {
        self.at.get(11..16).unwrap_or_default()
    }
}

/// The mailbox of everybody.
#[derive(Debug, Default)]
pub struct DevMails(Mutex<VecDeque<DevMail>>);

impl DevMails {
    /// Adds a mail as the newest. A repeat replaces the former one.
    pub fn put(&self, id: NoticeId, to: &str, letter: &Letter, at: Timestamp) {
        let mail = DevMail {
            id: id.to_string(),
            to: to.to_owned(),
            subject: letter.subject.clone(),
            text: letter.text.clone(),
            html: letter.html.clone(),
            links: letter.links.clone(),
            at: at.to_string(),
        };
        let mut mails = self.mails();
        mails.retain(|known| known.id != mail.id);
        mails.push_front(mail);
        mails.truncate(KEPT);
    }

    /// The mails, newest first.
    pub fn list(&self) -> Vec<DevMail> {
        self.mails().iter().cloned().collect()
    }

    fn find(&self, id: &str) -> Option<DevMail> {
        self.mails().iter().find(|mail| mail.id == id).cloned()
    }

    fn mails(&self) -> MutexGuard<'_, VecDeque<DevMail>> {
        // A panic while the lock is held leaves only whole mails, so a poisoned lock is safe to use.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `GET /dev/mails`: newest first.
pub(crate) async fn list_mails(page: web::Data<DevPage>) -> web::Json<Vec<DevMail>> {
    web::Json(page.mails.list())
}

/// `GET /dev/mails/{id}/{form}`: one mail, as `html` or as `text`.
pub(crate) async fn show_mail(
    page: web::Data<DevPage>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (id, form) = path.into_inner();
    let missing = || Problem::not_found("There is no such mail.");
    let mail = page.mails.find(&id).ok_or_else(missing)?;
    let (content_type, body) = match form.as_str() {
        "html" => ("text/html; charset=utf-8", mail.html),
        "text" => ("text/plain; charset=utf-8", format!("Subject: {}\n\n{}", mail.subject, mail.text)),
        _ => return Err(missing()),
    };
    Ok(HttpResponse::Ok()
        .content_type(content_type)
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(body))
}
