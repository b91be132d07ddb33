//! Notices as mails and SMS: the words of each, in the language of its recipient.
//!
//! A mail has a text and an HTML part that say the same. It loads nothing, and its links lead to the configured
//! origin alone.

mod body;
mod layout;
mod names;
mod part;
#[cfg(test)]
mod tests;

pub use layout::Letter;

use crate::text::Text;
use body::{body, sms_key};
use countersign_core::people::notice::Notice;
pub(crate) use names::person as shown_name;

/// What the mails of an installation have in common.
#[derive(Clone, Debug)]
pub struct Office {
    /// The origin of the portal, without a slash at the end. Links begin with it.
    pub origin: String,
    /// How to reach the people who run the installation, if it is configured.
    pub support: Option<String>,
}

impl Office {
    /// The host that readers know the portal by.
    fn host(&self) -> &str {
        self.origin.split_once("://").map_or(self.origin.as_str(), |(_, host)| host)
    }
}

/// The mail that a notice becomes.
pub fn write_mail(notice: &Notice, office: &Office) -> Letter {
    let words = Text::of(&notice.language);
    layout::lay_out(words, body(words, notice, office), office)
}

/// The SMS that a notice becomes. Returns `None` for news that go out only by mail.
pub fn write_sms(notice: &Notice, office: &Office) -> Option<String> {
    let words = Text::of(&notice.language);
    Some(words.with(sms_key(&notice.news)?, &[("host", office.host().into())]))
}
