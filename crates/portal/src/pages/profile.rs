//! `/portal/profile`: name, language, time zone; the end of the account.

use super::{
    choice::{Choice, languages, zones},
    proof::{Act, confirm},
};
use crate::{
    errors::Errors,
    http::{
        answer::{go_to, page_with},
        cookies::{self, Jar},
        form::Form,
        proving::{done, own, own_error, say},
        visiting::{Sent, Visiting},
    },
    shell::Shell,
    text::Language,
};
use actix_web::{
    Error, HttpResponse,
    http::{StatusCode, header::SET_COOKIE},
};
use askama::Template;
use countersign_core::{
    locale::Locale,
    management::reach::MemberError,
    people::{hours::Zone, person::PersonName, proof_act::ActName},
    ports::error::StoreError,
    sign_in::{
        own::profile::{CloseError, change_profile, close_own_account},
        signed_in::OwnError,
    },
};
use countersign_web::{problem::directory, rng};

/// The key of the title.
pub const TITLE: &str = "profile-title";

#[derive(Template)]
#[template(path = "portal/profile.html")]
pub struct ProfilePage {
    pub shell: Shell,
    pub name: String,
    pub languages: Vec<Choice>,
    pub zones: Vec<Choice>,
}

/// `GET /portal/profile`
pub async fn show(here: Visiting) -> Result<HttpResponse, Error> {
    let late = here.late_form().await?;
    answer(&here, late.as_ref(), Errors::default()).await
}

/// `POST /portal/profile`: saves the profile, or closes the account.
pub async fn send(sent: Sent) -> Result<HttpResponse, Error> {
    let Sent { here, mut form } = sent;
    if form.text("act") == "close" {
        return close(&here, &form).await;
    }
    let t = here.t;
    let name = form.read("name", |text| PersonName::parse(text).ok_or_else(|| say(t, "name-unreadable")));
    let unknown = || say(t, "choice-unknown");
    let language = form.read("language", |text| {
        Language::of_tag(text).and_then(|language| Locale::parse(language.tag())).ok_or_else(unknown)
    });
    let zone = form.read("zone", |text| Zone::parse(text).ok_or_else(unknown));
    let (Some(name), Some(language), Some(zone)) = (name, language, zone) else {
        return answer(&here, Some(&form), form.errors.clone()).await;
    };
    change_profile(&own(&here), (name, language, zone), &mut rng()).await.map_err(own_error)?;
    done(&here, "/portal/profile", None, t.get("saved")).await
}

async fn close(here: &Visiting, form: &Form) -> Result<HttpResponse, Error> {
    let asked =
        confirm(here, form, &Act::CloseAccount, (ActName::Delete, "account"), "/portal/profile").await?;
    let proven = match asked {
        Ok(proven) => proven,
        Err(answer) => return Ok(answer),
    };
    match close_own_account(&own(here), &proven).await {
        Ok(()) => {
            let mut answer = go_to("/portal/signed-out");
            answer.headers_mut().append(SET_COOKIE, cookies::clear(&here.request, Jar::Session));
            Ok(answer)
        }
        Err(CloseError::Own(error)) => Err(own_error(error)),
        Err(CloseError::Member(MemberError::Directory(StoreError::LastOwner))) => {
            let errors = Errors::one("", here.t.get("close-last-owner"));
            answer(here, None, errors).await
        }
        Err(CloseError::Member(MemberError::Directory(error))) => Err(directory(error).into()),
        Err(CloseError::Member(_)) => Err(own_error(OwnError::Moved)),
    }
}

/// The page with the person's profile, or with what was typed.
async fn answer(here: &Visiting, typed: Option<&Form>, errors: Errors) -> Result<HttpResponse, Error> {
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let shell = here.shell(here.t.get(TITLE).into_owned()).await?.with_errors(errors);
    let person = &here.visit.account.person;
    let name = typed.map_or_else(|| here.name().to_owned(), |form| form.text("name").to_owned());
    let language = typed.and_then(|form| Language::of_tag(form.text("language")));
    let language = language.or_else(|| Language::of_tag(person.language.as_str())).unwrap_or_default();
    let zone = typed.and_then(|form| Zone::parse(form.text("zone")));
    let zones = zones(zone.as_ref().unwrap_or(&person.zone));
    let view = ProfilePage { name, languages: languages(language), zones, shell };
    Ok(page_with(status, &view)?)
}
