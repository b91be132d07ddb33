//! `/portal/mail/{secret}`: the links in mails. To open one does nothing; its button does.

use crate::{shell::Shell, text::Text};
use askama::Template;

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
