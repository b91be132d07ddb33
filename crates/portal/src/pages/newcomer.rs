//! The fields of a person who comes by a link: name, password, language and zone.

use super::{link::BadLinkPage, new_password};
use crate::{
    errors::Errors,
    http::{
        answer::page_with,
        form::Form,
        signed,
        visiting::{Portal, locale},
    },
    shell::Shell,
    text::{Language, Text},
};
use actix_web::{Error, HttpResponse, http::StatusCode};
use countersign_core::{
    people::{hours::Zone, person::PersonName},
    sign_in::join::{JoinError, NewPerson},
};
use countersign_web::problem::directory;

/// What a new person typed, apart from the password.
pub struct Newcomer {
    name: PersonName,
    language: Language,
    zone: Zone,
}

impl Newcomer {
    /// Reads the fields, and notes what is wrong with them.
    pub fn read(t: Text, form: &mut Form) -> Option<Self> {
        let language = chosen_language(t, form);
        let zone = chosen_zone(t, form);
        let name = form.read("name", |text| {
            PersonName::parse(text).ok_or_else(|| t.get("name-unreadable").into_owned())
        })?;
        Some(Self { name, language, zone })
    }

    pub fn with(self, password: &str) -> NewPerson<'_> {
        NewPerson { name: self.name, password, language: locale(Text(self.language)), zone: self.zone }
    }
}

pub fn chosen_language(t: Text, form: &Form) -> Language {
    Language::of_tag(form.text("language")).unwrap_or(t.0)
}

pub fn chosen_zone(t: Text, form: &Form) -> Zone {
    let own = match t.0 {
        Language::Polish => Zone::parse("Europe/Warsaw"),
        Language::English => None,
    };
    Zone::parse(form.text("zone")).or(own).unwrap_or_default()
}

/// The page for a link that is of no use.
pub fn bad_link(portal: &Portal) -> Result<HttpResponse, Error> {
    let view = BadLinkPage { shell: Shell::stranger(&portal.request, &portal.state, super::link::TITLE) };
    Ok(view.shell.dress(page_with(StatusCode::NOT_FOUND, &view)?))
}

/// Why a person did not join: another answer, or the errors of the form.
pub enum NotJoined {
    Answer(HttpResponse),
    Errors(Errors),
}

/// The answer to a person who did not join.
pub fn not_joined(portal: &Portal, t: Text, error: JoinError) -> Result<NotJoined, Error> {
    Ok(match error {
        JoinError::BadLink => NotJoined::Answer(bad_link(portal)?),
        JoinError::Known => {
            let to = signed::with_next("/portal/sign-in", Some(portal.request.path()));
            NotJoined::Answer(crate::http::answer::go_to(&to))
        }
        JoinError::Password(faults) => {
            NotJoined::Errors(Errors::one("password", new_password::sentences(t, &faults)))
        }
        JoinError::Crowded(_) => NotJoined::Errors(Errors::one("", t.get("sign-in-busy"))),
        JoinError::Unavailable(error) => return Err(directory(error).into()),
    })
}
