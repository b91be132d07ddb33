//! A person who is signed in, and the request that it makes.

use crate::{
    access::change::Change,
    context::Management,
    keyring::KeyRing,
    people::{
        account::{Account, AccountChange},
        invitation::LinkSecret,
        notice::{News, Notice, SealedNotice},
        person::Identity,
        session::Session,
    },
    ports::{
        error::StoreError,
        people::{
            SignInStore,
            accounts::{Along, Consumed},
        },
    },
    sign_in::{Entrance, Visitor},
    time::Timestamp,
};
use rand::CryptoRng;

/// A person who is signed in, and the request that it makes.
#[derive(Clone, Copy)]
pub struct SignedIn<'a> {
    pub entrance: &'a Entrance,
    pub session: &'a Session,
    pub account: &'a Account,
    pub visitor: &'a Visitor,
    pub now: Timestamp,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OwnError {
    /// The session is over, or the person changed something in another browser that ended this one's rights.
    #[error("the session is over")]
    SignedOut,
    /// The proof or the link was used already, or the account was changed meanwhile. The person tries again.
    #[error("used or changed meanwhile")]
    Moved,
    /// The key ring cannot open what is stored of the person.
    #[error("the person cannot be opened")]
    Sealed,
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for OwnError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Moved => Self::Moved,
            other => Self::Store(other),
        }
    }
}

impl SignedIn<'_> {
    pub fn keyring(&self) -> &KeyRing {
        &self.entrance.context.keyring
    }

    pub fn people(&self) -> &dyn SignInStore {
        &*self.entrance.people
    }

    /// The person's account as it is now. Its epoch is still the session's.
    pub async fn present(&self) -> Result<Account, OwnError> {
        let account = self.people().account(self.session.person).await?;
        account.filter(|account| account.person.epoch == self.session.epoch).ok_or(OwnError::SignedOut)
    }

    /// The person as the author of a change.
    pub fn by(&self) -> Change {
        self.visitor.change(self.now)
    }

    /// Changes the account. The session goes on with the secret that this returns.
    pub async fn change(
        &self,
        account: &Account,
        change: &AccountChange,
        consumes: &[Consumed<'_>],
        notices: &[SealedNotice],
        rng: &mut impl CryptoRng,
    ) -> Result<LinkSecret, OwnError> {
        let (by, secret) = (self.by(), LinkSecret::generate(rng));
        let kept = Some((self.session.id, secret.hash()));
        self.people().change_account(account, change, Along { consumes, kept, notices }, &by).await?;
        Ok(secret)
    }
}

/// The person's name and address.
pub(super) fn identity(management: &Management, account: &Account) -> Result<Identity, OwnError> {
    account.person.open(&management.keyring).ok_or(OwnError::Sealed)
}

/// A mail to the person's own address.
pub(super) fn mail(
    management: &Management,
    account: &Account,
    news: News,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<SealedNotice, OwnError> {
    let identity = identity(management, account)?;
    let notice = Notice::mail(&account.person, &identity, news, now, rng);
    Ok(notice.sealed(&management.keyring, rng))
}
