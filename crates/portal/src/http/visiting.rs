//! The person who sends a request in a session. Only requests of persons who are signed in reach a handler that takes
//! a [`Visiting`] or a [`Sent`]; the others go to the sign-in page, which says why.

use super::{
    cookies::{self, Jar},
    form::Form,
    language,
    leave::Leave,
};
use crate::{
    shell::{Account, Banner, Flash, Reach, Shell},
    text::{Language, Text},
};
use actix_web::{
    Error, FromRequest, HttpMessage as _, HttpRequest,
    dev::Payload,
    http::{Method, header::HeaderName},
    web,
};
use countersign_core::{
    access::address::CallerAddress,
    id::RequestId,
    locale::Locale,
    people::{
        person::{Identity, PersonName},
        session::LONGEST_AGENT,
    },
    sign_in::{
        Entrance, Visitor,
        late::{Late, keep_late, open_flash, set_flash, take_late},
        visit::{Gone, Inside, Missing, Place, Visit, visit},
    },
    time::Timestamp,
};
use countersign_web::{
    State,
    problem::{Problem, ProblemCode, directory},
    rng,
};
use futures_util::{FutureExt as _, future::LocalBoxFuture};
use std::{net::Ipv4Addr, sync::Arc};
use url::form_urlencoded;

const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
/// The pages that a person sees whose tenant demands another password.
const BESIDE_PASSWORD: [&str; 4] =
    ["/portal/password", "/portal/sign-out", "/portal/tenants", "/portal/stay"];

/// What handlers of the portal work with.
pub struct Portal {
    pub entrance: web::Data<Entrance>,
    pub state: web::Data<State>,
    pub visitor: Visitor,
    pub request: HttpRequest,
}

impl Portal {
    pub fn of(request: &HttpRequest) -> Result<Self, Problem> {
        let missing = || Problem::new(ProblemCode::Internal, "The portal is not set up.");
        let entrance = request.app_data::<web::Data<Entrance>>().ok_or_else(missing)?.clone();
        let state = request.app_data::<web::Data<State>>().ok_or_else(missing)?.clone();
        Ok(Self { entrance, state, visitor: visitor(request), request: request.clone() })
    }

    pub fn now(&self) -> Timestamp {
        self.state.clock.now()
    }
}

impl FromRequest for Portal {
    type Error = Error;
    type Future = std::future::Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(Self::of(request).map_err(Into::into))
    }
}

/// The browser that sends a request.
fn visitor(request: &HttpRequest) -> Visitor {
    let extensions = request.extensions();
    let address = extensions.get::<CallerAddress>().map_or(Ipv4Addr::UNSPECIFIED.into(), |caller| caller.0);
    let agent = request.headers().get("user-agent").map(|agent| String::from_utf8_lossy(agent.as_bytes()));
    Visitor {
        address,
        agent: agent.unwrap_or_default().chars().filter(|c| !c.is_control()).take(LONGEST_AGENT).collect(),
        device: cookies::read(request, Jar::Device).map(Arc::new),
        language: locale(language::of_request(request)),
        request: extensions.get::<RequestId>().copied(),
    }
}

/// The language of a page, as core knows it.
pub fn locale(t: Text) -> Locale {
    Locale::parse(t.tag()).unwrap_or_default()
}

/// A person in a session.
pub struct Visiting {
    pub portal: Portal,
    pub visit: Visit,
    /// The texts in the person's language.
    pub t: Text,
    /// The name and the address; `None` if the key ring cannot open them.
    pub identity: Option<Identity>,
    flash: Option<Flash>,
}

impl std::ops::Deref for Visiting {
    type Target = Portal;

    fn deref(&self) -> &Portal {
        &self.portal
    }
}

/// A form that a person sent in a session.
pub struct Sent {
    pub here: Visiting,
    pub form: Form,
}

impl Visiting {
    /// Looks the session up. The error leads away.
    async fn of(portal: Portal) -> Result<Self, (Option<Gone>, Error)> {
        let request = portal.request.clone();
        let Some(secret) = cookies::read(&request, Jar::Session) else {
            return Err((None, Leave(sign_in_path(&request)).into()));
        };
        let (address, now) = (portal.visitor.address, portal.now());
        let mode = request.headers().get(FETCH_MODE).and_then(|mode| mode.to_str().ok());
        let quiet = request.method() == Method::GET && mode.is_some_and(|mode| mode != "navigate");
        let visit = match visit(&portal.entrance, &secret, address, quiet, now).await {
            Ok(visit) => visit,
            Err(Gone::Unavailable(error)) => return Err((None, directory(error).into())),
            Err(gone) => {
                return Err((Some(gone), Leave(sign_in_path(&request)).into()));
            }
        };
        if let Place::Inside(inside) = &visit.place {
            // For the line in the log. It also keeps the connection open for the next page.
            request.extensions_mut().insert(inside.actor.clone());
        }
        if let Place::Barred { missing: Missing::NewPassword { .. }, .. } = &visit.place
            && !BESIDE_PASSWORD.contains(&request.path())
        {
            return Err((None, Leave("/portal/password".to_owned()).into()));
        }
        let keyring = &portal.entrance.context.keyring;
        let flash = open_flash(&visit.session, keyring);
        let flash = flash.and_then(|packed| serde_json::from_slice(&packed).ok());
        let person = &visit.account.person;
        let t =
            Language::of_tag(person.language.as_str()).map_or_else(|| language::of_request(&request), Text);
        let identity = person.open(keyring);
        Ok(Self { t, identity, flash, portal, visit })
    }

    /// The member in its tenant. Who is in none chooses one first, and a tenant that demands something gets it first.
    pub fn inside(&self) -> Result<&Inside, Error> {
        let to = match &self.visit.place {
            Place::Inside(inside) => return Ok(inside),
            Place::Outside => "/portal/tenants",
            Place::Barred { missing, .. } => match missing {
                Missing::Refused { .. } => "/portal/refused",
                Missing::SecondFactor { has_phone: true } => "/portal/sign-in",
                Missing::SecondFactor { has_phone: false } => "/portal/two-factor",
                Missing::NewPassword { .. } => "/portal/password",
            },
        };
        Err(Leave(to.to_owned()).into())
    }

    /// The name of the person.
    pub fn name(&self) -> &str {
        self.identity.as_ref().map_or("", |identity| PersonName::expose(&identity.name))
    }

    /// The shell of a page that shows this person, with the message of the last act. The message is shown once.
    pub async fn shell(&self, title: String) -> Result<Shell, Error> {
        let person = &self.visit.account.person;
        let shell = Shell::new(&self.request, &self.state, self.t, title, person.zone.clone());
        let inside = match &self.visit.place {
            Place::Inside(inside) => Some(inside),
            Place::Outside | Place::Barred { .. } => None,
        };
        let days = inside.and_then(|inside| inside.old_password);
        let banner = |days| Banner::PasswordOld { days: u16::try_from(days).unwrap_or(u16::MAX) };
        if self.visit.session.flash.is_some() {
            let cleared = self.entrance.people.set_flash(self.visit.session.id, None).await;
            cleared.map_err(directory)?;
        }
        let account = Account {
            person: self.name().to_owned(),
            reach: inside.map_or(Reach::Nowhere, |inside| inside.member.limits.role.into()),
            tenant: inside.map(|inside| inside.view.tenant.name.as_str().to_owned()),
            may_change: true,
            path: self.request.path().to_owned(),
            banners: days.map(banner).into_iter().collect(),
            mode: None,
            ends_at: Some(self.visit.ends_at),
        };
        Ok(shell.with_account(account).with_flash(self.flash.clone()))
    }

    /// Sets the message that the next page shows.
    pub async fn tell(&self, flash: &Flash) -> Result<(), Error> {
        let packed = serde_json::to_vec(flash).unwrap_or_default();
        let told = set_flash(&self.entrance, self.visit.session.id, &packed, &mut rng()).await;
        Ok(told.map_err(directory)?)
    }

    /// The form that the person sent to this page after the former session had ended, without secret fields.
    pub async fn late_form(&self) -> Result<Option<Form>, Error> {
        let late = take_late(&self.entrance, &self.visit, self.now()).await.map_err(directory)?;
        let own = late.filter(|late| late.path == self.request.path());
        Ok(own.map(|late| Form::of(late.fields)))
    }
}

/// Where a request without a session goes: to the sign-in page, and from there back.
fn sign_in_path(request: &HttpRequest) -> String {
    if request.path() == "/portal" {
        return "/portal/sign-in".to_owned();
    }
    let next = form_urlencoded::Serializer::new(String::new()).append_pair("next", request.path()).finish();
    format!("/portal/sign-in?{next}")
}

/// Fields that are not kept.
fn is_secret(name: &str) -> bool {
    ["password", "code", "recovery", "proof"].iter().any(|word| name.contains(word))
}

/// Keeps what was typed into a form whose session has ended by its length.
async fn keep(portal: &Portal, form: &Form) -> Result<(), Problem> {
    let Some(secret) = cookies::read(&portal.request, Jar::Session) else { return Ok(()) };
    let fields = form.fields().filter(|(name, _)| !is_secret(name));
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let late = Late { path: portal.request.path().to_owned(), fields };
    keep_late(&portal.entrance, &secret, &late, portal.now(), &mut rng()).await.map_err(directory)
}

impl FromRequest for Visiting {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let portal = Portal::of(request);
        async move { Self::of(portal?).await.map_err(|(_, error)| error) }.boxed_local()
    }
}

impl FromRequest for Sent {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (portal, form) = (Portal::of(request), Form::from_request(request, payload));
        async move {
            let (portal, form) = (portal?, form.await?);
            let again = Portal::of(&portal.request)?;
            match Visiting::of(portal).await {
                Ok(here) => Ok(Self { here, form }),
                Err((gone, error)) => {
                    if let Some(Gone::Idle { .. } | Gone::TooOld { .. }) = gone {
                        keep(&again, &form).await?;
                    }
                    Err(error)
                }
            }
        }
        .boxed_local()
    }
}
