//! `/portal/recovery-codes`: the codes, shown once.

use crate::{
    http::{
        answer::{go_to, page},
        csrf,
        signed::with_session,
        visiting::{Sent, Visiting},
    },
    shell::Shell,
    site::Site,
    when,
};
use actix_web::{Error, HttpResponse, http::header::CONTENT_DISPOSITION, web};
use askama::Template;
use countersign_core::{
    people::recovery::{CODES, RecoveryCode},
    sign_in::own::enrolment::Enrolled,
};

/// The name of the fields with the codes. A form that comes late loses fields with such a name.
const FIELD: &str = "recovery_code";

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

/// `POST /portal/recovery-codes`: the person has stored the codes, or wants them as a file.
pub async fn send(Sent { here, form }: Sent) -> HttpResponse {
    if form.text("act") != "file" {
        return go_to("/portal/security");
    }
    // The page sends the codes that it shows: the server has kept only their marks. It writes what reads as a code and
    // nothing else, so that no form makes it write a file of other words.
    let codes: Vec<_> = form.all(FIELD).take(CODES).filter_map(RecoveryCode::parse).collect();
    if codes.is_empty() {
        return go_to("/portal/security");
    }
    HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"countersign-recovery-codes.txt\""))
        .body(file(&here, &codes))
}

/// The text of the file. It does not name the person: with the name, a finder would know whose account the codes open.
fn file(here: &Visiting, codes: &[RecoveryCode]) -> String {
    let (t, zone) = (here.t, &here.visit.account.person.zone);
    let made = t.one("codes-file-made", "date", when::date(t, zone, here.now()));
    let site = here.request.app_data::<web::Data<Site>>();
    let host = site.and_then(|site| site.host()).unwrap_or("Countersign");
    let mut text = format!("{}\n{made}\n\n", t.one("codes-file-title", "host", host.to_owned()));
    for (place, code) in codes.iter().enumerate() {
        text.push_str(&format!("{:>2}. {}\n", place + 1, *code.expose()));
    }
    text.push_str(&format!("\n{}\n", t.get("codes-file-use")));
    text
}

/// The answer that shows new codes. The session goes on under a new secret, and so do the forms of the page.
pub async fn answer(here: &Visiting, made: &Enrolled, is_enrolment: bool) -> Result<HttpResponse, Error> {
    let mut shell = here.shell(here.t.get(TITLE).into_owned()).await?;
    shell.token = csrf::token(&here.state.context.management.keyring, &made.secret);
    let codes = made.codes.iter().map(|code| code.expose().to_string()).collect();
    let view = RecoveryCodesPage { shell, codes, is_enrolment };
    Ok(with_session(&here.request, page(&view)?, &made.secret))
}
