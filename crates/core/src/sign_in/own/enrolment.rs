//! Two-factor authentication is switched on: the password, a number, and the first code that goes there.

use crate::{
    acts::ways::portal_has_route,
    keyring::{Fingerprint, Place, Sealed},
    people::{
        account::{AccountChange, OwnPhone},
        invitation::LinkSecret,
        link::{Link, LinkKind},
        notice::{LinkPath, News},
        proof::{Proof, digest_fields},
        proof_act::ActName,
        recovery::{CODES, RecoveryCode},
    },
    phone::PhoneNumber,
    ports::{error::StoreError, people::accounts::Consumed},
    sign_in::{
        codes::{CodeError, Sent},
        proof::{Form, ProofError, again, begin, check, check_password, send, waiting},
        purpose::Purpose,
        signed_in::{OwnError, SignedIn, mail},
        visit::needs_code,
    },
    tenant::{OPERATOR, TenantName},
    time::Timestamp,
};
use rand::CryptoRng;

/// The object of the proof, beside that of a change of the number.
const ENROLMENT: &str = "enrolment";

/// Why a number was not enrolled.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// Nothing would send the codes.
    #[error("no route for the codes of the portal")]
    NoRoute,
    /// It is on already. Another number is a change of its own.
    #[error("two-factor authentication is on already")]
    AlreadyOn,
    /// A tenant demands it. Then only a link that was mailed to the person begins it: a thief of the password must
    /// not enrol a phone of its own.
    #[error("only the mailed link begins this")]
    LinkNeeded,
    /// The link was used, has expired, or belongs to somebody else.
    #[error("the link is void")]
    Void,
    #[error(transparent)]
    Proof(#[from] ProofError),
}

impl From<StoreError> for EnrolError {
    fn from(error: StoreError) -> Self {
        Self::Proof(error.into())
    }
}

impl From<OwnError> for EnrolError {
    fn from(error: OwnError) -> Self {
        Self::Proof(error.into())
    }
}

impl From<CodeError> for EnrolError {
    fn from(error: CodeError) -> Self {
        match error {
            CodeError::NoRoute => Self::NoRoute,
            other => Self::Proof(other.into()),
        }
    }
}

/// The outcome: the codes for a lost phone, which are shown once.
#[derive(Debug)]
pub struct Enrolled {
    pub codes: [RecoveryCode; CODES],
    /// The next secret of the session.
    pub secret: LinkSecret,
}

/// Whether a tenant of the person demands two-factor authentication now.
pub async fn is_demanded(own: &SignedIn<'_>) -> Result<bool, StoreError> {
    Ok(demanded_from(own).await?.is_some_and(|from| from <= own.now))
}

/// The time from which a tenant of the person demands two-factor authentication: the first, if several do.
pub async fn demanded_from(own: &SignedIn<'_>) -> Result<Option<Timestamp>, StoreError> {
    let (directory, mut first) = (&own.entrance.context.directory, None);
    for membership in directory.memberships(own.session.person).await? {
        if membership.disabled {
            continue;
        }
        let rules = directory.settings(membership.tenant).await?.security.rules(membership.tenant);
        if needs_code(&own.entrance.context, membership.tenant, rules, own.now) {
            return Ok(Some(own.now));
        }
        first = [first, rules.require_2fa].into_iter().flatten().min();
    }
    Ok(first)
}

/// Mails the link that begins the enrolment which this tenant demands.
pub async fn mail_enrolment(
    own: &SignedIn<'_>,
    tenant: TenantName,
    rng: &mut impl CryptoRng,
) -> Result<(), OwnError> {
    let (account, kind) = (own.present().await?, LinkKind::EnrolTwoFactor);
    let (secret, expires) = (LinkSecret::generate(rng), own.now + kind.life());
    let link = Link {
        secret: secret.hash(),
        kind,
        person: Some(account.person.id),
        epoch: account.person.epoch,
        sealed: None,
        made_at: own.now,
        expires_at: expires,
    };
    let news = News::EnrolTwoFactor { tenant, link: LinkPath::two_factor(&secret), expires };
    let notice = mail(&own.entrance.context, &account, news, own.now, rng)?;
    match own.people().add_link(&link, &[notice]).await {
        // Enough were sent: the person has a mail already.
        Err(StoreError::Full { .. }) => Ok(()),
        outcome => Ok(outcome?),
    }
}

/// Whether a mailed link begins an enrolment of this person. This changes nothing.
pub async fn opens_enrolment(own: &SignedIn<'_>, secret: &LinkSecret) -> Result<bool, StoreError> {
    let link = own.people().link(secret.hash(), own.now).await?;
    let is_own = |link: &Link| {
        link.kind == LinkKind::EnrolTwoFactor
            && link.person == Some(own.session.person)
            && link.epoch == own.session.epoch
    };
    Ok(link.as_ref().is_some_and(is_own))
}

/// The first step: compares the password and sends the first code to the number.
pub async fn ask_enrolment(
    own: &SignedIn<'_>,
    typed: &str,
    number: &PhoneNumber,
    link: Option<&LinkSecret>,
    rng: &mut impl CryptoRng,
) -> Result<Sent, EnrolError> {
    judge(own, link).await?;
    check_password(own, typed).await?;
    let sealed = seal_number(own, number, rng);
    let sent = send(own, number, Purpose::Enrol { person: own.session.person }, rng).await?;
    begin(own, form(own, number), Some(sent.verification), Some(sealed)).await?;
    Ok(sent)
}

/// Sends the first code again.
pub async fn send_enrolment_again(
    own: &SignedIn<'_>,
    number: &PhoneNumber,
    rng: &mut impl CryptoRng,
) -> Result<Sent, EnrolError> {
    let proof = waiting(own, form(own, number)).await?;
    Ok(again(own, &proof, number, Purpose::Enrol { person: own.session.person }, rng).await?)
}

/// The second step: the code confirms the number.
pub async fn enrol(
    own: &SignedIn<'_>,
    number: &PhoneNumber,
    code: &str,
    link: Option<&LinkSecret>,
    rng: &mut impl CryptoRng,
) -> Result<Enrolled, EnrolError> {
    judge(own, link).await?;
    let form = form(own, number);
    let proof = waiting(own, form).await?;
    check(own, &proof, Purpose::Enrol { person: own.session.person }, code, rng).await?;
    let (account, id) = (own.present().await?, own.session.person);
    let phone = OwnPhone::new(id, number, own.keyring(), own.now, rng);
    let codes = RecoveryCode::generate(rng);
    let marks = codes.iter().map(|code| code.mark(id, own.keyring())).collect();
    let notice = mail(&own.entrance.context, &account, News::TwoFactorOn, own.now, rng)?;
    let mut consumes = vec![Consumed::Proof(own.session.id, form.act.as_str(), form.object, form.digest)];
    consumes.extend(link.map(|link| Consumed::Link(link.hash())));
    let change = AccountChange::TwoFactorOn(phone, marks);
    let secret = own.change(&account, &change, &consumes, &[notice], rng).await?;
    Ok(Enrolled { codes, secret })
}

/// The number that waits for its first code, and the proof that waits for that code.
pub async fn waiting_number(own: &SignedIn<'_>) -> Result<Option<(PhoneNumber, Proof)>, StoreError> {
    number_of(own, ENROLMENT).await
}

pub(super) async fn number_of(
    own: &SignedIn<'_>,
    object: &str,
) -> Result<Option<(PhoneNumber, Proof)>, StoreError> {
    let act = ActName::Phone.as_str();
    let Some(proof) = own.people().proof(own.session.id, act, object, own.now).await? else {
        return Ok(None);
    };
    let number = proof.sealed.as_ref().and_then(|sealed| open_number(own, sealed));
    Ok(number.map(|number| (number, proof)))
}

async fn judge(own: &SignedIn<'_>, link: Option<&LinkSecret>) -> Result<(), EnrolError> {
    if !portal_has_route(&own.entrance.context) {
        return Err(EnrolError::NoRoute);
    }
    if own.present().await?.phone.is_some() {
        return Err(EnrolError::AlreadyOn);
    }
    match link {
        Some(secret) if opens_enrolment(own, secret).await? => Ok(()),
        Some(_) => Err(EnrolError::Void),
        None if !own.session.invited && is_demanded(own).await? => Err(EnrolError::LinkNeeded),
        None => Ok(()),
    }
}

fn form(own: &SignedIn<'_>, number: &PhoneNumber) -> Form<'static> {
    let digest = digest_fields([("number", number.e164())], own.keyring());
    Form { act: ActName::Phone, object: ENROLMENT, digest }
}

/// The place of a number that waits: it belongs to its session.
fn place(own: &SignedIn<'_>) -> Place {
    let number = Fingerprint(*own.session.person.bytes());
    Place { kind: Sealed::Enrolment, tenant: OPERATOR, id: *own.session.id.bytes(), number }
}

pub(super) fn seal_number(own: &SignedIn<'_>, number: &PhoneNumber, rng: &mut impl CryptoRng) -> Vec<u8> {
    own.keyring().seal(&place(own), number.e164().as_bytes(), rng)
}

fn open_number(own: &SignedIn<'_>, sealed: &[u8]) -> Option<PhoneNumber> {
    let opened = own.keyring().open(&place(own), sealed).ok()?;
    PhoneNumber::parse(std::str::from_utf8(&opened).ok()?).ok()
}
