//! `/portal/sign-in`: e-mail address and password. Unknown, disabled and wrong look the same.

use crate::{errors::Errors, shell::Shell, text::Text};
use askama::Template;

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
