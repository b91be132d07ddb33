//! Asks a person for the password and for a code before an act: as a part of a form, and as a page for an act
//! of one button.

use crate::{
    errors::Errors,
    http::{
        answer::page_with,
        form::Form,
        proving::{Step, step},
        visiting::Visiting,
    },
    shell::Shell,
    text::Text,
};
use actix_web::{Error, HttpResponse, http::StatusCode};
use askama::Template;
use countersign_core::{
    people::proof_act::ActName,
    sign_in::proof::{Proven, needs_proof},
};

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
    pub back: String,
}

impl ProofPage {
    pub fn new(shell: Shell, act: &Act, fields: Vec<(String, String)>, proof: Proof, back: &str) -> Self {
        let words = act.words(shell.t);
        let shell = Shell { title: words.title.clone(), ..shell };
        Self { shell, words, is_harmful: act.is_harmful(), fields, proof, back: back.to_owned() }
    }
}

/// The field that says that the person has seen the page of the act.
pub const SURE: &str = "sure";

/// An act of one button: its page comes first, then the proof if the act needs one now. The error is the answer.
pub async fn confirm(
    here: &Visiting,
    form: &Form,
    act: &Act,
    (name, object): (ActName, &str),
    back: &str,
) -> Result<Result<Proven, HttpResponse>, Error> {
    let (proof, errors) = if form.is_on(SURE) {
        match step(here, form, name, object).await? {
            Step::Proven(proven) => return Ok(Ok(proven)),
            Step::Missing(proof, errors) => (proof, errors),
        }
    } else if needs_proof(name, &here.visit.session, here.now()) {
        (Proof::Password, Errors::default())
    } else {
        (Proof::Nothing, Errors::default())
    };
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let kept = form.fields().filter(|(name, _)| !name.starts_with("proof_") && *name != SURE);
    let mut fields: Vec<_> = kept.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    fields.push((SURE.to_owned(), "yes".to_owned()));
    let shell = here.shell(String::new()).await?.with_errors(errors);
    Ok(Err(page_with(status, &ProofPage::new(shell, act, fields, proof, back))?))
}

/// The page of an act of one button that needs no proof.
pub async fn without_proof(
    here: &Visiting,
    form: &Form,
    act: &Act,
    back: &str,
) -> Result<HttpResponse, Error> {
    let mut fields: Vec<_> = form.fields().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    fields.push((SURE.to_owned(), "yes".to_owned()));
    let shell = here.shell(String::new()).await?;
    Ok(page_with(StatusCode::OK, &ProofPage::new(shell, act, fields, Proof::Nothing, back))?)
}
