//! Asks for the proof of an act inside the act's own form.

use super::{answer::go_to, form::Form, leave::Leave, signed, visiting::Visiting};
use crate::{errors::Errors, pages::proof::Proof, shell::Flash, text::Text, when};
use actix_web::{Error, HttpResponse};
use countersign_core::{
    people::{invitation::LinkSecret, proof::digest_fields, proof_act::ActName},
    ports::error::StoreError,
    sign_in::{
        codes::{CodeError, resend_from},
        proof::{
            self, Asked, ProofError, Proven, ask, find_waiting, prove, prove_by_recovery_code, send_again,
        },
        purpose::act_words,
        signed_in::{OwnError, SignedIn},
    },
    tenant::PORTAL,
    time::Timestamp,
};
use countersign_web::{
    problem::{Problem, ProblemCode, directory},
    rng,
};

/// The outcome of a form that needs proof.
pub enum Step {
    Proven(Proven),
    /// The form comes back as it was typed, with a field for this.
    Missing(Proof, Errors),
}

/// The person as its own acts take it.
pub fn own(here: &Visiting) -> SignedIn<'_> {
    SignedIn {
        entrance: &here.portal.entrance,
        session: &here.visit.session,
        account: &here.visit.account,
        visitor: &here.portal.visitor,
        now: here.now(),
    }
}

/// The digest of what a person typed, without the fields of the proof.
fn digest(here: &Visiting, form: &Form) -> [u8; 32] {
    let keyring = &here.portal.entrance.context.keyring;
    digest_fields(form.fields().filter(|(name, _)| !name.starts_with("proof_")), keyring)
}

/// Reads the proof for the form, if the act needs one now.
pub async fn step(here: &Visiting, form: &Form, act: ActName, object: &str) -> Result<Step, Error> {
    let (session, now) = (&here.visit.session, here.now());
    match Proven::without(act, session, now) {
        Some(proven) => Ok(Step::Proven(proven)),
        None => step_of(here, form, proof::Form { act, object, digest: digest(here, form) }).await,
    }
}

/// Reads the proof for a form with a digest of its own.
pub async fn step_of(here: &Visiting, form: &Form, asked: proof::Form<'_>) -> Result<Step, Error> {
    let (own, wish) = (own(here), form.text("proof_act"));
    if wish == "recovery" {
        return Ok(Step::Missing(Proof::Recovery, Errors::default()));
    }
    let outcome = if wish == "again" {
        send_again(&own, asked, &mut rng()).await.map(|_| None)
    } else if form.is_on("proof_code") {
        prove(&own, asked, form.text("proof_code"), &mut rng()).await.map(Some)
    } else if form.is_on("proof_recovery") {
        prove_by_recovery_code(&own, asked, form.text("proof_recovery"), &mut rng()).await.map(Some)
    } else if form.is_on("proof_password") {
        match ask(&own, asked, form.raw("proof_password"), &mut rng()).await {
            Ok(Asked::Proven(proven)) => Ok(Some(proven)),
            Ok(Asked::Code(sent)) => sent.map(|_| None).map_err(ProofError::from),
            Err(error) => Err(error),
        }
    } else {
        return Ok(Step::Missing(Proof::Password, Errors::default()));
    };
    match outcome {
        Ok(Some(proven)) => Ok(Step::Proven(proven)),
        Ok(None) => Ok(Step::Missing(code(here, asked).await?, Errors::default())),
        Err(error) => refused(here, asked, error).await,
    }
}

async fn refused(here: &Visiting, asked: proof::Form<'_>, error: ProofError) -> Result<Step, Error> {
    let (t, at_password) = (here.t, |text: String| Errors::one("proof_password", text));
    let (proof, errors) = match error {
        ProofError::Own(error) => return Err(own_error(error)),
        ProofError::WrongPassword => (Proof::Password, at_password(t.get("proof-wrong").into_owned())),
        ProofError::Crowded => (Proof::Password, at_password(t.get("proof-crowded").into_owned())),
        ProofError::NoneWaits => (Proof::Password, at_password(t.get("proof-again").into_owned())),
        ProofError::Waiting(until) => {
            (Proof::Password, at_password(t.one("proof-wait", "time", clock(here, until))))
        }
        ProofError::WrongRecoveryCode => {
            (Proof::Recovery, Errors::one("proof_recovery", t.get("proof-recovery-wrong")))
        }
        ProofError::WrongCode { .. } | ProofError::CodeEnded(_) | ProofError::Codes(_) => {
            (code(here, asked).await?, Errors::one("proof_code", code_error(here, &error)))
        }
    };
    Ok(Step::Missing(proof, errors))
}

fn clock(here: &Visiting, at: Timestamp) -> String {
    when::clock_exact(&here.visit.account.person.zone, at)
}

/// What is wrong with a code, in words.
pub fn code_error(here: &Visiting, error: &ProofError) -> String {
    let t = here.t;
    match error {
        ProofError::WrongCode { left } => t.one("code-wrong", "left", *left),
        ProofError::CodeEnded(_) => t.get("code-over").into_owned(),
        ProofError::Codes(CodeError::NoSendsLeft) => t.get("proof-no-more").into_owned(),
        ProofError::Codes(CodeError::Limited(wait)) => {
            t.one("code-wait", "time", clock(here, here.now() + *wait))
        }
        ProofError::NoneWaits => t.get("proof-again").into_owned(),
        _ => t.get("proof-away").into_owned(),
    }
}

/// The field for the code of a proof that waits.
async fn code(here: &Visiting, asked: proof::Form<'_>) -> Result<Proof, Error> {
    let (own, person) = (own(here), &here.visit.account.person);
    let waiting = find_waiting(&own, asked).await.map_err(|error| match error {
        ProofError::Own(error) => own_error(error),
        _ => own_error(OwnError::Moved),
    })?;
    let Some(waiting) = waiting else { return Ok(Proof::Password) };
    let from = resend_from(&here.entrance.context, PORTAL, waiting.verification, here.now()).await;
    let phone = here.visit.account.phone.as_ref();
    let number = phone.and_then(|phone| phone.open(person.id, own.keyring()));
    Ok(Proof::Code {
        number: number.map(|number| number.masked()).unwrap_or_default(),
        says: act_words(asked.act, &person.language).to_owned(),
        until: when::clock(&person.zone, waiting.expires_at),
        again_from: from.map(|from| clock(here, from)),
    })
}

/// The answer when nothing was changed.
pub fn own_error(error: OwnError) -> Error {
    match error {
        OwnError::SignedOut => Leave("/portal/sign-in".to_owned()).into(),
        OwnError::Moved => directory(StoreError::Conflict).into(),
        OwnError::Sealed => Problem::new(ProblemCode::Internal, "The person cannot be opened.").into(),
        OwnError::Store(error) => directory(error).into(),
    }
}

/// After an act: the browser goes on under the new secret, and the next page says what was done.
pub async fn done(
    here: &Visiting,
    to: &str,
    secret: Option<&LinkSecret>,
    said: impl Into<String>,
) -> Result<HttpResponse, Error> {
    here.tell(&Flash::good(said)).await?;
    let answer = go_to(to);
    Ok(match secret {
        Some(secret) => signed::with_session(&here.request, answer, secret),
        None => answer,
    })
}

/// The texts in the language of a page whose person is not known.
pub fn say(t: Text, key: &str) -> String {
    t.get(key).into_owned()
}
