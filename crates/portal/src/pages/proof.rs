//! Asks a person for the password and for a code before an act: as a part of a form, and as a page for an act
//! of one button.

use crate::{shell::Shell, text::Text};
use askama::Template;

/// What a form asks for at this step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The sign-in is recent enough.
    Nothing,
    Password,
    Code {
        /// The masked number.
        number: String,
        /// The words of the message that name the act.
        says: String,
        /// When the code ends.
        until: String,
        /// When the next message may be asked for, if not at once.
        again_from: Option<String>,
    },
    /// A recovery code in place of the code.
    Recovery,
}

/// The acts of one button, and what their page says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    TwoFactorOff,
    NewRecoveryCodes,
    /// All keys that the member governs, and their number.
    RevokeKeys(u32),
    TrustDevice(String),
    CloseAccount,
    /// Another member's second factor.
    ResetTwoFactor(String),
    /// Another member's sessions in this tenant.
    EndSessions(String),
}

/// The words of an act.
pub struct Words {
    pub title: String,
    pub lede: String,
    /// What will happen, a sentence each.
    pub facts: Vec<String>,
    pub button: String,
    /// The way out, which is the first button.
    pub keep: String,
}

impl Act {
    pub fn words(&self, t: Text) -> Words {
        let get = |key| t.get(key).into_owned();
        let named = |key, name: &str| t.one(key, "name", name);
        let (title, lede, facts, button) = match self {
            Self::TwoFactorOff => (
                get("off-title"),
                get("off-lede"),
                vec![get("off-fact-mail"), get("off-fact-codes"), get("off-fact-out")],
                get("off-button"),
            ),
            Self::NewRecoveryCodes => (
                get("new-codes-title"),
                get("new-codes-lede"),
                vec![get("new-codes-fact-old"), get("new-codes-fact-out")],
                get("new-codes-button"),
            ),
            Self::RevokeKeys(count) => (
                t.one("revoke-title", "count", *count),
                get("revoke-lede"),
                vec![get("revoke-fact-now"), get("revoke-fact-forever")],
                t.one("revoke-button", "count", *count),
            ),
            Self::TrustDevice(name) => {
                (named("trust-title", name), get("trust-lede"), vec![get("trust-fact")], get("trust-button"))
            }
            Self::CloseAccount => (
                get("close-title"),
                get("close-lede"),
                vec![get("close-fact-tenants"), get("close-fact-keys"), get("close-fact-forever")],
                get("close-button"),
            ),
            Self::ResetTwoFactor(name) => (
                named("reset-2fa-title", name),
                get("reset-2fa-lede"),
                vec![get("reset-2fa-fact-wait"), get("reset-2fa-fact-mail"), get("reset-2fa-fact-audit")],
                get("reset-2fa-button"),
            ),
            Self::EndSessions(name) => (
                named("end-sessions-title", name),
                get("end-sessions-lede"),
                vec![get("end-sessions-fact")],
                get("end-sessions-button"),
            ),
        };
        Words { title, lede, facts, button, keep: get("keep") }
    }

    /// Whether the act takes something away, so that its button is red.
    pub fn is_harmful(&self) -> bool {
        !matches!(self, Self::NewRecoveryCodes | Self::TrustDevice(_))
    }
}

#[derive(Template)]
#[template(path = "portal/proof.html")]
pub struct ProofPage {
    /// Its title is that of the words.
    pub shell: Shell,
    pub words: Words,
    pub is_harmful: bool,
    /// The fields of the form, hidden.
    pub fields: Vec<(String, String)>,
    pub proof: Proof,
    /// The page to which the way out leads.
    pub back: &'static str,
}

impl ProofPage {
    pub fn new(
        shell: Shell,
        act: &Act,
        fields: Vec<(String, String)>,
        proof: Proof,
        back: &'static str,
    ) -> Self {
        let words = act.words(shell.t);
        let shell = Shell { title: words.title.clone(), ..shell };
        Self { shell, words, is_harmful: act.is_harmful(), fields, proof, back }
    }
}
