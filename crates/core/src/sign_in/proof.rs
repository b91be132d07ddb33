//! Proof: for one act, a person who is signed in shows the password again, and a code if it has a phone. The code is
//! bound to the act, its object and the fields of the form. A proof opens no window: the next act needs its own.

use crate::{
    id::VerificationId,
    people::{
        account::AccountChange,
        invitation::LinkSecret,
        notice::News,
        password::{Password, Verified},
        proof::Proof,
        proof_act::ActName,
        recovery::RecoveryCode,
        session::{HALF_LIFE, MOST_SENDS, Session},
        waits::{RightPassword, WaitCount},
    },
    phone::PhoneNumber,
    ports::{
        error::StoreError,
        hasher::Crowded,
        people::accounts::{Along, Consumed},
    },
    sign_in::{
        attempt::{Browser, Counted},
        codes::{CodeCheck, CodeEnd, CodeError, NewCode, Sent, check_code, resend_code, send_code},
        purpose::Purpose,
        signed_in::{OwnError, SignedIn, mail},
    },
    time::Timestamp,
};
use rand::CryptoRng;
use std::time::Duration;

/// A sign-in counts as a proof for this long, for the acts that do not always need one.
pub const FRESH: Duration = Duration::from_secs(15 * 60);

/// Whether this act needs a proof in this session now.
pub fn needs_proof(act: ActName, session: &Session, now: Timestamp) -> bool {
    always_needs_proof(act) || now.since(session.signed_in_at) >= FRESH
}

const fn always_needs_proof(act: ActName) -> bool {
    match act {
        ActName::Phone
        | ActName::Email
        | ActName::Password
        | ActName::TwoFactorOff
        | ActName::RecoveryCodes
        | ActName::Owner
        | ActName::TrustDevice
        | ActName::TwoFactorReset => true,
        ActName::Key
        | ActName::Member
        | ActName::Invitation
        | ActName::List
        | ActName::Rules
        | ActName::Provider
        | ActName::Webhook
        | ActName::RevokeAll
        | ActName::Delete => false,
    }
}

/// The form that a proof is bound to.
#[derive(Clone, Copy, Debug)]
pub struct Form<'a> {
    pub act: ActName,
    /// The id or the name of the object; empty if the act has none.
    pub object: &'a str,
    /// The digest of the form's fields (`digest_fields`), without those of the proof.
    pub digest: [u8; 32],
}

/// The evidence that a person may do one act. Only this module makes one.
#[derive(Clone, Debug)]
#[must_use]
pub struct Proven {
    form: Option<(ActName, String, [u8; 32])>,
}

impl Proven {
    /// For an act that needs no proof in this session now. Returns `None` if it needs one.
    pub fn without(act: ActName, session: &Session, now: Timestamp) -> Option<Self> {
        (!needs_proof(act, session, now)).then_some(Self { form: None })
    }

    fn of(form: Form<'_>) -> Self {
        Self { form: Some((form.act, form.object.to_owned(), form.digest)) }
    }

    /// Whether it is the proof for this form.
    pub(super) fn is_of(&self, form: &Form<'_>) -> bool {
        self.form.as_ref().is_some_and(|(act, object, digest)| {
            (*act, object.as_str(), *digest) == (form.act, form.object, form.digest)
        })
    }

    /// What the transaction of the act uses up.
    pub(super) fn consumed<'a>(&'a self, own: &SignedIn<'_>) -> Option<Consumed<'a>> {
        let (act, object, digest) = self.form.as_ref()?;
        Some(Consumed::Proof(own.session.id, act.as_str(), object, *digest))
    }

    /// Uses the proof up before an act whose own transaction cannot.
    pub async fn take(&self, own: &SignedIn<'_>) -> Result<Taken, OwnError> {
        let Some((act, object, digest)) = &self.form else { return Ok(Taken { renews: false }) };
        let found = own.people().proof(own.session.id, act.as_str(), object, own.now).await?;
        let proof = found.filter(|proof| proof.digest == *digest).ok_or(OwnError::Moved)?;
        if !own.people().take_proof(&proof, own.now).await? {
            return Err(OwnError::Moved);
        }
        Ok(Taken { renews: true })
    }
}

/// A proof that is used up. The session gets another secret only after the act: if the act is refused, the browser
/// stays signed in under the secret that it has.
#[derive(Debug)]
#[must_use]
pub struct Taken {
    renews: bool,
}

impl Taken {
    /// After the act, the session goes on with the secret that this returns; `None` if the act needed no proof.
    pub async fn renew(self, own: &SignedIn<'_>, rng: &mut impl CryptoRng) -> Option<LinkSecret> {
        if !self.renews {
            return None;
        }
        let secret = LinkSecret::generate(rng);
        // The act is done. If this fails, the session goes on with the secret that it has.
        own.people().renew_session(own.session, secret.hash()).await.ok().map(|()| secret)
    }
}

/// What a right password leads to.
#[derive(Debug)]
#[must_use]
pub enum Asked {
    /// The person has no phone, so nothing is missing.
    Proven(Proven),
    /// A code is missing. If it could not be sent, the page says so and offers another.
    Code(Result<Sent, CodeError>),
}

/// Why a proof was refused.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// Too many wrong passwords; the next one is looked at from this time.
    #[error("too many wrong passwords")]
    Waiting(Timestamp),
    #[error("all places for comparing passwords are taken")]
    Crowded,
    #[error("the password is wrong")]
    WrongPassword,
    #[error("the code is wrong")]
    WrongCode { left: u8 },
    #[error("the recovery code is wrong")]
    WrongRecoveryCode,
    /// The code is over. The person asks for another.
    #[error("the code is over")]
    CodeEnded(CodeEnd),
    /// No proof waits for this form: it has expired, or belongs to other fields. The person begins again.
    #[error("no proof waits for this form")]
    NoneWaits,
    /// No code can be sent or compared now.
    #[error(transparent)]
    Codes(#[from] CodeError),
    #[error(transparent)]
    Own(#[from] OwnError),
}

impl From<StoreError> for ProofError {
    fn from(error: StoreError) -> Self {
        Self::Own(error.into())
    }
}

impl From<Crowded> for ProofError {
    fn from(_: Crowded) -> Self {
        Self::Crowded
    }
}

/// The first step: compares the password, and sends a code if the person has a phone.
pub async fn ask(
    own: &SignedIn<'_>,
    form: Form<'_>,
    typed: &str,
    rng: &mut impl CryptoRng,
) -> Result<Asked, ProofError> {
    check_password(own, typed).await?;
    let account = own.present().await?;
    let phone = account.phone.as_ref().map(|phone| phone.open(account.person.id, own.keyring()));
    let sent = match &phone {
        None => None,
        Some(None) => return Err(OwnError::Sealed.into()),
        Some(Some(number)) => Some(send(own, number, Purpose::Proof { act: form.act }, rng).await),
    };
    let verification = sent.as_ref().and_then(|sent| Some(sent.as_ref().ok()?.verification));
    begin(own, form, verification, None).await?;
    Ok(match sent {
        None => Asked::Proven(Proven::of(form)),
        Some(sent) => Asked::Code(sent),
    })
}

/// The second step: compares the code that was sent for this very form.
pub async fn prove(
    own: &SignedIn<'_>,
    form: Form<'_>,
    code: &str,
    rng: &mut impl CryptoRng,
) -> Result<Proven, ProofError> {
    let proof = waiting(own, form).await?;
    check(own, &proof, Purpose::Proof { act: form.act }, code, rng).await?;
    Ok(Proven::of(form))
}

/// The second step without the phone: a recovery code, which is spent. Only another phone and the end of
/// two-factor authentication accept one.
pub async fn prove_by_recovery_code(
    own: &SignedIn<'_>,
    form: Form<'_>,
    typed: &str,
    rng: &mut impl CryptoRng,
) -> Result<Proven, ProofError> {
    if !matches!(form.act, ActName::Phone | ActName::TwoFactorOff) {
        return Err(ProofError::NoneWaits);
    }
    waiting(own, form).await?;
    let account = own.present().await?;
    let counted = count(own).await?;
    let code = RecoveryCode::parse(typed).ok_or(ProofError::WrongRecoveryCode)?;
    let left = own.people().count_recovery_codes(account.person.id).await?.saturating_sub(1);
    let notice = mail(&own.entrance.context, &account, News::RecoveryCodeUsed { left }, own.now, rng)?;
    let consumes = [Consumed::RecoveryCode(code.mark(account.person.id, own.keyring()))];
    // The change changes nothing but the codes.
    let same = AccountChange::SessionLengths(account.idle, account.total);
    let along = Along { consumes: &consumes, kept: None, notices: &[notice] };
    let by = own.by();
    match own.people().change_account(&account, &same, along, &by).await {
        Ok(()) => {}
        Err(StoreError::Moved) if own.present().await?.person.version == account.person.version => {
            return Err(ProofError::WrongRecoveryCode);
        }
        Err(error) => return Err(error.into()),
    }
    counted.give_back(own.entrance, own.now).await?;
    Ok(Proven::of(form))
}

/// The proof that waits for this form, for the page that asks for its code.
pub async fn find_waiting(own: &SignedIn<'_>, form: Form<'_>) -> Result<Option<Proof>, ProofError> {
    match waiting(own, form).await {
        Ok(proof) => Ok(Some(proof)),
        Err(ProofError::NoneWaits) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Sends the code of a waiting proof once more.
pub async fn send_again(
    own: &SignedIn<'_>,
    form: Form<'_>,
    rng: &mut impl CryptoRng,
) -> Result<Sent, ProofError> {
    let proof = waiting(own, form).await?;
    let account = own.present().await?;
    let phone = account.phone.as_ref().ok_or(ProofError::NoneWaits)?;
    let number = phone.open(account.person.id, own.keyring()).ok_or(OwnError::Sealed)?;
    again(own, &proof, &number, Purpose::Proof { act: form.act }, rng).await
}

/// Compares the person's password. The try is counted before it is looked at.
pub(super) async fn check_password(own: &SignedIn<'_>, typed: &str) -> Result<(), ProofError> {
    let counted = count(own).await?;
    let password = Password::read(typed).ok_or(ProofError::WrongPassword)?;
    let account = own.present().await?;
    match own.entrance.hasher.verify(counted.lane, password, account.password).await {
        Ok(Verified::Yes | Verified::ByFormerFigures) => {}
        Ok(Verified::No) => return Err(ProofError::WrongPassword),
        Err(crowded) => {
            counted.give_back(own.entrance, own.now).await?;
            return Err(crowded.into());
        }
    }
    let right = WaitCount::of_right_passwords(&account.person, RightPassword::Proof, own.keyring());
    let exchanged = counted.exchange(own.entrance, right, own.now).await?;
    exchanged.map_err(|waiting| ProofError::Waiting(waiting.until))
}

/// Counts a try before anything is compared, as at sign-in.
async fn count(own: &SignedIn<'_>) -> Result<Counted, ProofError> {
    let (entrance, visitor, email) = (own.entrance, own.visitor, own.account.person.email);
    let browser = Browser::of(entrance, visitor, own.session.person, own.now).await?;
    let counted = Counted::take(entrance, visitor, email, &browser, own.now).await?;
    counted.map_err(|waiting| ProofError::Waiting(waiting.until))
}

/// The waiting proof of this very form.
pub(super) async fn waiting(own: &SignedIn<'_>, form: Form<'_>) -> Result<Proof, ProofError> {
    let found = own.people().proof(own.session.id, form.act.as_str(), form.object, own.now).await?;
    found.filter(|proof| proof.digest == form.digest).ok_or(ProofError::NoneWaits)
}

/// Stores a proof in place of the former one of the session.
pub(super) async fn begin(
    own: &SignedIn<'_>,
    form: Form<'_>,
    verification: Option<VerificationId>,
    sealed: Option<Vec<u8>>,
) -> Result<(), ProofError> {
    let proof = Proof {
        session: own.session.id,
        epoch: own.session.epoch,
        act: form.act.as_str().to_owned(),
        object: form.object.to_owned(),
        digest: form.digest,
        verification,
        sends: verification.is_some().into(),
        sealed,
        made_at: own.now,
        expires_at: own.now + HALF_LIFE,
    };
    match own.people().begin_proof(&proof).await {
        Err(StoreError::Moved) => Err(OwnError::SignedOut.into()),
        outcome => Ok(outcome?),
    }
}

/// Sends a code for the person.
pub(super) async fn send(
    own: &SignedIn<'_>,
    to: &PhoneNumber,
    purpose: Purpose<'_>,
    rng: &mut impl CryptoRng,
) -> Result<Sent, CodeError> {
    let origin = own.entrance.code_host();
    let new = NewCode {
        to,
        purpose,
        language: &own.account.person.language,
        origin: origin.as_ref(),
        stranger: None,
        caller: Some(own.visitor.address),
    };
    send_code(&own.entrance.context, own.people(), &new, own.now, rng).await
}

/// Sends the code of a proof again: the same one, or another if it is over.
pub(super) async fn again(
    own: &SignedIn<'_>,
    proof: &Proof,
    to: &PhoneNumber,
    purpose: Purpose<'_>,
    rng: &mut impl CryptoRng,
) -> Result<Sent, ProofError> {
    if proof.sends >= MOST_SENDS {
        return Err(CodeError::NoSendsLeft.into());
    }
    let context = &own.entrance.context;
    let resent = match proof.verification {
        Some(former) => resend_code(context, own.people(), &purpose, former, own.now, rng).await,
        None => Err(CodeError::Ended(CodeEnd::Expired)),
    };
    let sent = match resent {
        Err(CodeError::Ended(_) | CodeError::NoSendsLeft) => send(own, to, purpose, rng).await?,
        outcome => outcome?,
    };
    match own.people().note_proof_sent(proof, Some(sent.verification)).await {
        Err(StoreError::Moved) => Err(ProofError::NoneWaits),
        outcome => Ok(outcome.map(|()| sent)?),
    }
}

/// Compares a code with that of a proof.
pub(super) async fn check(
    own: &SignedIn<'_>,
    proof: &Proof,
    purpose: Purpose<'_>,
    typed: &str,
    rng: &mut impl CryptoRng,
) -> Result<(), ProofError> {
    let verification = proof.verification.ok_or(ProofError::CodeEnded(CodeEnd::NotSent))?;
    match check_code(&own.entrance.context, &purpose, verification, typed, own.now, rng).await? {
        CodeCheck::Right => Ok(()),
        CodeCheck::Wrong { left } => Err(ProofError::WrongCode { left }),
        CodeCheck::Ended(end) => Err(ProofError::CodeEnded(end)),
    }
}
