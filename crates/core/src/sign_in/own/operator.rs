//! What the operator does for persons on the command line.

use crate::{
    access::change::Change,
    context::Management,
    id::PersonId,
    people::{
        account::{Account, AccountChange},
        notice::{By, News, Notice},
        person::{EmailAddress, Identity},
    },
    ports::{
        error::StoreError,
        people::{SignInStore, accounts::Along},
    },
    sign_in::{
        own::{
            email::{address_change, masked},
            two_factor_reset::switch_off,
        },
        signed_in::{OwnError, identity, mail},
    },
};
use rand::CryptoRng;

/// Why the operator changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    #[error("no such person")]
    NotFound,
    #[error("the person has no second factor")]
    NotOn,
    #[error("the address belongs to another person")]
    Taken,
    #[error(transparent)]
    Own(#[from] OwnError),
}

impl From<StoreError> for OperatorError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict => Self::Taken,
            other => Self::Own(other.into()),
        }
    }
}

async fn account(people: &dyn SignInStore, person: PersonId) -> Result<Account, OperatorError> {
    people.account(person).await?.ok_or(OperatorError::NotFound)
}

/// Switches the second factor of a person off.
pub async fn reset_two_factor(
    (management, people): (&Management, &dyn SignInStore),
    person: PersonId,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<(), OperatorError> {
    let account = account(people, person).await?;
    if account.phone.is_none() {
        return Err(OperatorError::NotOn);
    }
    Ok(switch_off((management, people), &account, By::Operator, by, rng).await?)
}

/// Ends all sessions of a person. No browser belongs to it any more. A mail says so, unless the key ring cannot open the
/// address.
pub async fn sign_out(
    (management, people): (&Management, &dyn SignInStore),
    person: PersonId,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<(), OperatorError> {
    let account = account(people, person).await?;
    let change = AccountChange::SignOutEverywhere { forget_devices: true };
    let notice = mail(management, &account, News::SignedOut { at: by.at }, by.at, rng).ok();
    let along = Along { notices: notice.as_slice(), ..Along::default() };
    Ok(people.change_account(&account, &change, along, by).await?)
}

/// Gives a person another address. The operator has made sure of it, so no link confirms it. Mails go to
/// both addresses.
pub async fn set_email(
    (management, people): (&Management, &dyn SignInStore),
    person: PersonId,
    email: &EmailAddress,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<(), OperatorError> {
    let account = account(people, person).await?;
    let former = identity(management, &account)?;
    let next = Identity { email: email.clone(), ..former.clone() };
    let change = address_change(management, &account, &next, rng);
    let news = News::AddressSet { at: by.at, to: masked(email) };
    let notices = [former, next].map(|to| {
        Notice::mail(&account.person, &to, news.clone(), by.at, rng).sealed(&management.keyring, rng)
    });
    let along = Along { notices: &notices, ..Along::default() };
    Ok(people.change_account(&account, &change, along, by).await?)
}
