//! What every page has: the words, the title, the errors and, for a person who signed in, the navigation.

mod account;
mod flash;

pub use account::{Account, Banner, NavGroup, NavItem, Reach, initials};
pub use flash::{Flash, Tone};

use crate::{
    errors::Errors,
    http::{csrf, language},
    site::Site,
    text::Text,
    when::{self, When},
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{HeaderValue, SET_COOKIE},
    web,
};
use countersign_core::{people::hours::Zone, time::Timestamp};
use countersign_web::State;

/// The frame around a page. Every view struct has one in its field `shell`.
#[derive(Clone)]
pub struct Shell {
    pub t: Text,
    /// The name of the page: its heading, and the first part of the window's title.
    pub title: String,
    /// The token of the page's forms.
    pub token: String,
    pub errors: Errors,
    pub flash: Option<Flash>,
    /// Whom people ask for help.
    pub support: Option<String>,
    /// The host that the address bar must show.
    pub host: Option<String>,
    pub zone: Zone,
    pub now: Timestamp,
    /// The person, once signed in.
    pub account: Option<Account>,
    /// A cookie that the answer must set: the visit's, if this is the browser's first page.
    pub cookie: Option<HeaderValue>,
}

impl Shell {
    /// The shell of a page for a browser whose person is not known.
    pub fn stranger(request: &HttpRequest, state: &State, title: &str) -> Self {
        let t = language::of_request(request);
        Self::new(request, state, t, t.get(title).into_owned(), Zone::default())
    }

    /// The shell of a page in a person's language and zone.
    pub fn new(request: &HttpRequest, state: &State, t: Text, title: String, zone: Zone) -> Self {
        let (token, cookie) = csrf::issue(request, &state.context.management.keyring);
        let site = request.app_data::<web::Data<Site>>();
        Self {
            t,
            title,
            token,
            errors: Errors::default(),
            flash: None,
            support: site.and_then(|site| site.support.clone()),
            host: site.and_then(|site| site.host()).map(str::to_owned),
            zone,
            now: state.clock.now(),
            account: None,
            cookie,
        }
    }

    #[must_use]
    pub fn with_account(mut self, account: Account) -> Self {
        self.account = Some(account);
        self
    }

    #[must_use]
    pub fn with_errors(mut self, errors: Errors) -> Self {
        self.errors = errors;
        self
    }

    #[must_use]
    pub fn with_flash(mut self, flash: Option<Flash>) -> Self {
        self.flash = flash;
        self
    }

    /// The title of the window: a person with many tabs sees first what the page is, and that it has errors.
    pub fn window_title(&self) -> String {
        let title = match self.account.as_ref().and_then(|account| account.tenant.as_deref()) {
            Some(tenant) => format!("{} · {tenant} · Countersign", self.title),
            None => format!("{} · Countersign", self.title),
        };
        if self.errors.is_empty() { title } else { self.t.one("error-title", "title", title) }
    }

    /// The address of the support contact as a link, if it is an e-mail address.
    pub fn support_link(&self) -> Option<String> {
        let support = self.support.as_deref()?;
        let plain = support.contains('@') && !support.contains(|c: char| c.is_whitespace() || c == ',');
        plain.then(|| format!("mailto:{support}"))
    }

    pub fn when(&self, at: Timestamp) -> When {
        When::of(self.t, &self.zone, at, self.now)
    }

    pub fn date(&self, at: Timestamp) -> String {
        when::date(self.t, &self.zone, at)
    }

    pub fn day_and_clock(&self, at: Timestamp) -> String {
        when::day_and_clock(self.t, &self.zone, at, self.now)
    }

    pub fn clock(&self, at: Timestamp) -> String {
        when::clock(&self.zone, at)
    }

    pub fn clock_exact(&self, at: Timestamp) -> String {
        when::clock_exact(&self.zone, at)
    }

    pub fn span(&self, seconds: u64) -> String {
        when::span(self.t, seconds)
    }

    /// Adds the cookie of a first visit to an answer.
    pub fn dress(&self, mut answer: HttpResponse) -> HttpResponse {
        if let Some(cookie) = &self.cookie {
            answer.headers_mut().append(SET_COOKIE, cookie.clone());
        }
        answer
    }
}
