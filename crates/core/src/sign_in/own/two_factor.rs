//! Changes of two-factor authentication that is on: another number, new recovery codes, off.

use crate::{
    keyring::KeyRing,
    people::{
        account::{Account, AccountChange, OwnPhone},
        invitation::LinkSecret,
        notice::{By, News, Notice, SealedNotice, Words},
        proof::{Proof, digest_fields},
        proof_act::ActName,
        recovery::RecoveryCode,
    },
    phone::PhoneNumber,
    ports::{error::StoreError, people::accounts::Consumed},
    sign_in::{
        codes::Sent,
        own::{
            enrolment::{Enrolled, number_of, seal_number},
            owners::two_factor_off,
        },
        proof::{Form, ProofError, Proven, again, begin, check, send, waiting},
        purpose::Purpose,
        signed_in::{OwnError, SignedIn, mail},
    },
};
use rand::CryptoRng;

/// The objects of the two proofs of a change of the number: that of the person, and that of the new number.
pub const CHANGE: &str = "change";
const NEW_NUMBER: &str = "new_number";

/// The digits of a number that a notice shows.
const SHOWN: usize = 3;

/// The form of a change to this number: the first proof is asked for it.
pub fn change_form(number: &PhoneNumber, keyring: &KeyRing) -> Form<'static> {
    form(number, CHANGE, keyring)
}

fn form(number: &PhoneNumber, object: &'static str, keyring: &KeyRing) -> Form<'static> {
    Form { act: ActName::Phone, object, digest: digest_fields([("number", number.e164())], keyring) }
}

/// After the proof by the former number, or by a recovery code: sends the first code to the new number.
pub async fn send_to_new_number(
    own: &SignedIn<'_>,
    proven: &Proven,
    number: &PhoneNumber,
    rng: &mut impl CryptoRng,
) -> Result<Sent, ProofError> {
    let is_on = own.present().await?.phone.is_some();
    if !is_on || !proven.is_of(&change_form(number, own.keyring())) {
        return Err(ProofError::NoneWaits);
    }
    let sealed = seal_number(own, number, rng);
    let sent = send(own, number, Purpose::Enrol { person: own.session.person }, rng).await?;
    // It replaces the first proof of the session, so that is used up.
    begin(own, form(number, NEW_NUMBER, own.keyring()), Some(sent.verification), Some(sealed)).await?;
    Ok(sent)
}

/// The new number that waits for its first code, and the proof that waits for that code.
pub async fn waiting_new_number(own: &SignedIn<'_>) -> Result<Option<(PhoneNumber, Proof)>, StoreError> {
    number_of(own, NEW_NUMBER).await
}

/// Sends the code to the new number again.
pub async fn send_to_new_number_again(
    own: &SignedIn<'_>,
    number: &PhoneNumber,
    rng: &mut impl CryptoRng,
) -> Result<Sent, ProofError> {
    let proof = waiting(own, form(number, NEW_NUMBER, own.keyring())).await?;
    again(own, &proof, number, Purpose::Enrol { person: own.session.person }, rng).await
}

/// The code confirms the new number. The former one gets an SMS.
pub async fn change_number(
    own: &SignedIn<'_>,
    number: &PhoneNumber,
    code: &str,
    rng: &mut impl CryptoRng,
) -> Result<LinkSecret, ProofError> {
    let form = form(number, NEW_NUMBER, own.keyring());
    let proof = waiting(own, form).await?;
    check(own, &proof, Purpose::Enrol { person: own.session.person }, code, rng).await?;
    let account = own.present().await?;
    let phone = OwnPhone::new(account.person.id, number, own.keyring(), own.now, rng);
    let e164 = number.e164();
    let ends_with = Words::new(&e164[e164.len().saturating_sub(SHOWN)..]);
    let news = News::NumberChanged { at: own.now, ends_with };
    let mut notices = vec![mail(&own.entrance.context, &account, news.clone(), own.now, rng)?];
    notices.extend(to_phone(own, &account, news, rng));
    let consumes = [Consumed::Proof(own.session.id, form.act.as_str(), form.object, form.digest)];
    Ok(own.change(&account, &AccountChange::Phone(phone), &consumes, &notices, rng).await?)
}

/// Switches two-factor authentication off. The person, its phone and the owners of its tenants hear of it.
pub async fn switch_off(
    own: &SignedIn<'_>,
    proven: &Proven,
    rng: &mut impl CryptoRng,
) -> Result<LinkSecret, OwnError> {
    let account = own.present().await?;
    let news = News::TwoFactorOff { at: own.now, by: By::Person };
    let mut notices = vec![mail(&own.entrance.context, &account, news.clone(), own.now, rng)?];
    notices.extend(to_phone(own, &account, news, rng));
    notices.extend(two_factor_off(&own.entrance.context, &account, own.now, rng).await?);
    let consumes: Vec<_> = proven.consumed(own).into_iter().collect();
    own.change(&account, &AccountChange::TwoFactorOff, &consumes, &notices, rng).await
}

/// Replaces the recovery codes. The new ones are shown once.
pub async fn make_recovery_codes(
    own: &SignedIn<'_>,
    proven: &Proven,
    rng: &mut impl CryptoRng,
) -> Result<Enrolled, OwnError> {
    let (account, codes) = (own.present().await?, RecoveryCode::generate(rng));
    if account.phone.is_none() {
        return Err(OwnError::Moved);
    }
    let marks = codes.iter().map(|code| code.mark(account.person.id, own.keyring())).collect();
    let notice = mail(&own.entrance.context, &account, News::RecoveryCodesMade, own.now, rng)?;
    let consumes: Vec<_> = proven.consumed(own).into_iter().collect();
    let change = AccountChange::RecoveryCodes(marks);
    let secret = own.change(&account, &change, &consumes, &[notice], rng).await?;
    Ok(Enrolled { codes, secret })
}

/// An SMS to the number that the account had.
fn to_phone(
    own: &SignedIn<'_>,
    account: &Account,
    news: News,
    rng: &mut impl CryptoRng,
) -> Option<SealedNotice> {
    let number = account.phone.as_ref()?.open(account.person.id, own.keyring())?;
    let notice = Notice::sms(&account.person, &number, news, own.now, rng);
    Some(notice.sealed(own.keyring(), rng))
}
