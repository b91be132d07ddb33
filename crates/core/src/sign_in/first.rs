//! The first step of signing in: address and password. An unknown address, a person who may enter no tenant and a
//! wrong password get the same answer, after the same work.

use crate::{
    id::PersonId,
    people::{
        account::{Account, AccountChange},
        invitation::LinkSecret,
        password::{Password, Verified},
        person::EmailMark,
        session::{Factors, HALF_LIFE, HalfSignIn, SignIn, SignInOutcome},
        waits::{RightPassword, WaitCount},
    },
    ports::{error::StoreError, hasher::Crowded, people::accounts::Along},
    sign_in::{
        Entrance, Visitor,
        attempt::{Browser, Counted, attempt, mail_on_attempt},
        begin::{Beginning, NewSession, begin},
        codes::{CodeError, Sent},
        second::send_first_code,
        tenants::{has_way_in, only_tenant, tenants},
    },
    time::Timestamp,
};
use rand::CryptoRng;

/// No person has this id. The queries for an unknown address ask for it.
pub(super) const NOBODY: PersonId = PersonId::from_bytes([0; 16]);

/// What a person typed.
#[derive(Clone, Copy)]
pub struct Typed<'a> {
    pub email: &'a str,
    pub password: &'a str,
}

/// A right password.
#[derive(Debug)]
pub enum Entered {
    /// The person has no phone, and is signed in.
    SignedIn(Box<NewSession>),
    /// The sign-in goes on with a code, or with a recovery code if none could be sent.
    CodeNeeded {
        /// For the cookie of the half-way sign-in.
        half: LinkSecret,
        sent: Result<Sent, CodeError>,
    },
}

/// Why a person did not get on.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The address is unknown, the person may enter no tenant, or the password is wrong.
    #[error("the address or the password is wrong")]
    Wrong,
    /// The server looks at no password before this time.
    #[error("too many wrong passwords")]
    Wait(Timestamp),
    #[error(transparent)]
    Crowded(#[from] Crowded),
    /// The account was changed while the password was compared. The person tries again.
    #[error("the account has changed")]
    Moved,
    #[error("people")]
    Unavailable(#[source] StoreError),
}

impl From<StoreError> for SignInError {
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::Moved) { Self::Moved } else { Self::Unavailable(error) }
    }
}

/// Compares a password. `former` is the session that the browser had before.
pub async fn sign_in(
    entrance: &Entrance,
    visitor: &Visitor,
    typed: Typed<'_>,
    former: Option<&LinkSecret>,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Entered, SignInError> {
    let people = &entrance.people;
    let email = EmailMark::of_typed(typed.email, &entrance.context.keyring);
    let account = people.find_account(email).await?;
    let person = account.as_ref().map(|account| account.person.id);
    let open = tenants(entrance, person.unwrap_or(NOBODY)).await?;
    let has_way_in = has_way_in(entrance, &open, email, now).await?;
    let browser = Browser::of(entrance, visitor, person.unwrap_or(NOBODY), now).await?;
    let counted = Counted::take(entrance, visitor, email, &browser, now).await?;
    let counted = counted.map_err(|waiting| SignInError::Wait(waiting.until))?;
    // A text that is too long is compared like the empty one.
    let password = Password::read(typed.password).unwrap_or_default();
    let stored = account.as_ref().and_then(|account| account.password.clone());
    let verified = match entrance.hasher.verify(counted.lane, password.clone(), stored).await {
        Ok(verified) => verified,
        Err(crowded) => {
            counted.give_back(entrance, now).await?;
            return Err(crowded.into());
        }
    };
    let note = |outcome, rng: &mut _| SignIn {
        person,
        device: browser.id(),
        ..attempt(entrance, visitor, email, outcome, now, rng)
    };
    let Some(account) = account.filter(|_| verified != Verified::No && has_way_in) else {
        people.note_sign_in(&note(SignInOutcome::WrongPassword, rng), None).await?;
        return Err(SignInError::Wrong);
    };
    let keyring = &entrance.context.keyring;
    let place = if browser.own.is_some() { RightPassword::Known } else { RightPassword::Stranger };
    let right = WaitCount::of_right_passwords(&account.person, place, keyring);
    if let Err(waiting) = counted.exchange(entrance, right, now).await? {
        return Err(SignInError::Wait(waiting.until));
    }
    if verified == Verified::ByFormerFigures {
        renew_hash(entrance, visitor, &account, (&counted, password), now).await;
    }
    let finished = account.phone.is_none();
    let mut mail = mail_on_attempt(entrance, visitor, (&account, &browser), finished, now, rng);
    if finished {
        let beginning = Beginning {
            factors: Factors::Password,
            tenant: only_tenant(&open, visitor.address),
            invited: false,
            half: None,
            recovery: None,
            former,
            notices: &[],
            mail: mail.as_ref(),
            mailed: false,
        };
        let session = begin(entrance, visitor, (&account, browser), beginning, now, rng).await?;
        return Ok(Entered::SignedIn(Box::new(session)));
    }
    if let Some(one) = &mail {
        match people.add_link(&one.link, &[]).await {
            // The person got too many such links in the last hour.
            Err(StoreError::Full { .. }) => mail = None,
            outcome => outcome?,
        }
    }
    let asked = note(SignInOutcome::CodeAsked, rng);
    people.note_sign_in(&asked, mail.as_ref().map(|mail| (&mail.notice, mail.unless_since))).await?;
    let sent = send_first_code(entrance, visitor, (&account, &browser), &open, now, rng).await;
    let half = LinkSecret::generate(rng);
    let row = HalfSignIn {
        secret: half.hash(),
        person: account.person.id,
        epoch: account.person.epoch,
        device: browser.id(),
        verification: sent.as_ref().ok().map(|sent| sent.verification),
        sends: u8::from(sent.is_ok()),
        wrong_recovery: 0,
        made_at: now,
        expires_at: now + HALF_LIFE,
    };
    people.begin_half(&row).await?;
    Ok(Entered::CodeNeeded { half, sent })
}

/// Hashes a right password by the present figures. If that fails, the next success tries it again.
async fn renew_hash(
    entrance: &Entrance,
    visitor: &Visitor,
    account: &Account,
    (counted, password): (&Counted, Password),
    now: Timestamp,
) {
    if let Ok(Some(hash)) = entrance.hasher.hash(counted.lane, password, Vec::new()).await {
        let (change, by) = (AccountChange::Rehash(hash), visitor.change(now));
        let _ = entrance.people.change_account(account, &change, Along::default(), &by).await;
    }
}
