//! The second step of signing in: a code by SMS, or a recovery code. The step belongs to one half-way sign-in, which a
//! cookie of its own names, and its code is bound to that: a code of one attempt completes no other.

use crate::{
    access::key::HashedSecret,
    people::{
        account::Account,
        hours::Zone,
        invitation::LinkSecret,
        notice::{News, Notice},
        recovery::RecoveryCode,
        session::{Factors, HalfSignIn, MOST_SENDS, RECOVERY_TRIES, SignIn, SignInOutcome},
    },
    phone::PhoneNumber,
    ports::error::StoreError,
    sign_in::{
        Entrance, Visitor,
        attempt::{Browser, Counted, attempt},
        begin::{Beginning, NewSession, begin},
        codes::{CodeCheck, CodeEnd, CodeError, NewCode, Sent, check_code, resend_code, send_code},
        purpose::Purpose,
        tenants::{OpenTenant, has_way_in, only_tenant, tenants},
    },
    time::Timestamp,
};
use rand::CryptoRng;

const SIGN_IN: Purpose<'static> = Purpose::SignIn { tenant_name: None };

/// Why the second step did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum SecondError {
    /// The half-way sign-in has ended, or the account has changed. The person begins with the password.
    #[error("the half-way sign-in is over")]
    Over,
    #[error("the code is wrong")]
    WrongCode { left: u8 },
    /// The code can no longer be used. Another one can be sent.
    #[error("the code is over")]
    CodeEnded(CodeEnd),
    #[error("the recovery code is wrong")]
    WrongRecoveryCode { left: u8 },
    /// The server looks at no recovery code before this time.
    #[error("too many wrong passwords")]
    Wait(Timestamp),
    /// No code was sent or compared.
    #[error(transparent)]
    Code(#[from] CodeError),
    #[error("people")]
    Unavailable(#[source] StoreError),
}

impl From<StoreError> for SecondError {
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::Moved) { Self::Over } else { Self::Unavailable(error) }
    }
}

/// A half-way sign-in, for its page.
#[derive(Clone, Debug)]
pub struct Pending {
    pub half: HalfSignIn,
    /// The person's number; `None` if the key ring cannot open it.
    pub number: Option<PhoneNumber>,
    /// The zone for the times on the page.
    pub zone: Zone,
}

/// The half-way sign-in of a browser, if it is not over.
pub async fn pending(
    entrance: &Entrance,
    secret: &LinkSecret,
    now: Timestamp,
) -> Result<Option<Pending>, StoreError> {
    let found = entrance.people.half(secret.hash(), now).await?;
    Ok(found.map(|(half, account)| Pending {
        half,
        number: number(entrance, &account),
        zone: account.person.zone,
    }))
}

fn number(entrance: &Entrance, account: &Account) -> Option<PhoneNumber> {
    account.phone.as_ref()?.open(account.person.id, &entrance.context.keyring)
}

/// Sends the first code of a half-way sign-in. The message names the tenant, if the person has only one.
pub(super) async fn send_first_code(
    entrance: &Entrance,
    visitor: &Visitor,
    (account, browser): (&Account, &Browser),
    open: &[OpenTenant],
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Sent, CodeError> {
    let number = number(entrance, account)
        .ok_or_else(|| CodeError::Unavailable("the key ring cannot open the number".into()))?;
    let tenant_name = match open {
        [only] => Some(&only.view.tenant.name),
        _ => None,
    };
    let origin = entrance.code_host();
    let new = NewCode {
        to: &number,
        purpose: Purpose::SignIn { tenant_name },
        language: &account.person.language,
        origin: origin.as_ref(),
        stranger: browser.own.is_none().then_some(account.person.id),
        caller: Some(visitor.address),
    };
    send_code(&entrance.context, &*entrance.people, &new, now, rng).await
}

/// Sends another message. If the former code is over, it is a new one.
pub async fn send_again(
    entrance: &Entrance,
    visitor: &Visitor,
    secret: &LinkSecret,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Sent, SecondError> {
    let people = &entrance.people;
    let (half, account) = people.half(secret.hash(), now).await?.ok_or(SecondError::Over)?;
    if half.sends >= MOST_SENDS {
        return Err(CodeError::NoSendsLeft.into());
    }
    let context = &entrance.context;
    let resent = match half.verification {
        Some(former) => Some(resend_code(context, &**people, &SIGN_IN, former, now, rng).await),
        None => None,
    };
    let sent = match resent {
        // The wrong codes of this sign-in are used up.
        Some(Err(CodeError::Ended(CodeEnd::Exhausted))) => return Err(SecondError::Over),
        Some(Err(CodeError::Ended(_))) | None => {
            let open = tenants(entrance, account.person.id).await?;
            let browser = Browser::of(entrance, visitor, account.person.id, now).await?;
            send_first_code(entrance, visitor, (&account, &browser), &open, now, rng).await?
        }
        Some(outcome) => outcome?,
    };
    people.note_half_sent(&half, Some(sent.verification)).await?;
    Ok(sent)
}

/// Compares a code, and begins the session if it is right.
pub async fn enter_code(
    entrance: &Entrance,
    visitor: &Visitor,
    (secret, typed): (&LinkSecret, &str),
    former: Option<&LinkSecret>,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<NewSession, SecondError> {
    let (half, account, open) = open_half(entrance, secret.hash(), now).await?;
    let verification = half.verification.ok_or(SecondError::CodeEnded(CodeEnd::NotSent))?;
    let check = check_code(&entrance.context, &SIGN_IN, verification, typed, now, rng).await?;
    let refused = match check {
        // A process that ends here has used the code up: the page offers another one.
        CodeCheck::Right => {
            let second = Second { half: &half, account: &account, open: &open, former };
            return second.finish(entrance, visitor, None, now, rng).await;
        }
        CodeCheck::Wrong { left } => SecondError::WrongCode { left },
        CodeCheck::Ended(CodeEnd::Exhausted) => {
            entrance.people.end_half(half.secret).await?;
            SecondError::Over
        }
        CodeCheck::Ended(end) => return Err(SecondError::CodeEnded(end)),
    };
    note_wrong(entrance, visitor, (&half, &account), SignInOutcome::WrongCode, now, rng).await?;
    Err(refused)
}

/// Compares a recovery code, and begins the session if it is right. The code is used up. A wrong one counts like a
/// wrong password.
pub async fn enter_recovery_code(
    entrance: &Entrance,
    visitor: &Visitor,
    (secret, typed): (&LinkSecret, &str),
    former: Option<&LinkSecret>,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<NewSession, SecondError> {
    let people = &entrance.people;
    let (half, account, open) = open_half(entrance, secret.hash(), now).await?;
    let person = account.person.id;
    let browser = Browser::of(entrance, visitor, person, now).await?;
    let counted = Counted::take(entrance, visitor, account.person.email, &browser, now).await?;
    let counted = counted.map_err(|waiting| SecondError::Wait(waiting.until))?;
    if !people.count_recovery_try(half.secret, now).await? {
        return Err(SecondError::Over);
    }
    if let Some(code) = RecoveryCode::parse(typed) {
        let second = Second { half: &half, account: &account, open: &open, former };
        match second.finish(entrance, visitor, Some(&code), now, rng).await {
            // The code is wrong, or the sign-in was completed or ended meanwhile.
            Err(SecondError::Over) => {}
            outcome => {
                let given_back = counted.give_back(entrance, now).await;
                // A session that has begun is not lost because the count could not be given back.
                return if outcome.is_ok() { outcome } else { given_back.map_err(Into::into).and(outcome) };
            }
        }
    }
    note_wrong(entrance, visitor, (&half, &account), SignInOutcome::WrongRecoveryCode, now, rng).await?;
    let (now_half, _) = people.half(half.secret, now).await?.ok_or(SecondError::Over)?;
    match RECOVERY_TRIES.saturating_sub(now_half.wrong_recovery) {
        0 => {
            people.end_half(half.secret).await?;
            Err(SecondError::Over)
        }
        left => Err(SecondError::WrongRecoveryCode { left }),
    }
}

/// A half-way sign-in that is not over, of a person who still has a way in.
async fn open_half(
    entrance: &Entrance,
    secret: HashedSecret,
    now: Timestamp,
) -> Result<(HalfSignIn, Account, Vec<OpenTenant>), SecondError> {
    let (half, account) = entrance.people.half(secret, now).await?.ok_or(SecondError::Over)?;
    let open = tenants(entrance, account.person.id).await?;
    if !has_way_in(entrance, &open, account.person.email, now).await? {
        return Err(SecondError::Over);
    }
    Ok((half, account, open))
}

async fn note_wrong(
    entrance: &Entrance,
    visitor: &Visitor,
    (half, account): (&HalfSignIn, &Account),
    outcome: SignInOutcome,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<(), StoreError> {
    let row = attempt(entrance, visitor, account.person.email, outcome, now, rng);
    let row = SignIn { person: Some(half.person), device: half.device, ..row };
    entrance.people.note_sign_in(&row, None).await
}

/// The second step of one sign-in.
struct Second<'a> {
    half: &'a HalfSignIn,
    account: &'a Account,
    open: &'a [OpenTenant],
    former: Option<&'a LinkSecret>,
}

impl Second<'_> {
    async fn finish(
        &self,
        entrance: &Entrance,
        visitor: &Visitor,
        recovery: Option<&RecoveryCode>,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<NewSession, SecondError> {
        let Self { half, account, former, .. } = *self;
        let (people, keyring) = (&entrance.people, &entrance.context.keyring);
        let person = &account.person;
        let mut notices = Vec::new();
        if recovery.is_some()
            && let Some(identity) = person.open(keyring)
        {
            let left = people.count_recovery_codes(person.id).await?.saturating_sub(1);
            let news = News::RecoveryCodeUsed { left };
            notices.push(Notice::mail(person, &identity, news, now, rng).sealed(keyring, rng));
        }
        let browser = Browser::of(entrance, visitor, person.id, now).await?;
        let beginning = Beginning {
            factors: Factors::Code,
            tenant: only_tenant(self.open, visitor.address),
            invited: false,
            half: Some(half.secret),
            recovery: recovery.map(|code| code.mark(person.id, keyring)),
            former,
            notices: &notices,
            mail: None,
            // The first step has sent the mail on a browser that was unknown.
            mailed: browser.own.is_none(),
        };
        Ok(begin(entrance, visitor, (account, browser), beginning, now, rng).await?)
    }
}
