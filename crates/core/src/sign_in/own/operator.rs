//! What the operator does for persons on the command line.

use crate::{
    access::change::Change,
    context::Management,
    id::PersonId,
    people::{
        account::{Account, AccountChange},
        notice::By,
        person::{EmailAddress, Identity},
    },
    ports::{
        error::StoreError,
        people::{SignInStore, accounts::Along},
    },
    sign_in::{
        own::{email::address_change, two_factor_reset::switch_off},
        signed_in::{OwnError, identity},
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

/// Ends all sessions of a person. No browser belongs to it any more.
pub async fn sign_out(people: &dyn SignInStore, person: PersonId, by: &Change) -> Result<(), OperatorError> {
    let account = account(people, person).await?;
    let change = AccountChange::SignOutEverywhere { forget_devices: true };
    Ok(people.change_account(&account, &change, Along::default(), by).await?)
}

/// Gives a person another address. The operator has made sure of it, so no link confirms it.
pub async fn set_email(
    (management, people): (&Management, &dyn SignInStore),
    person: PersonId,
    email: &EmailAddress,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<(), OperatorError> {
    let account = account(people, person).await?;
    let identity = Identity { email: email.clone(), ..identity(management, &account)? };
    let change = address_change(management, &account, &identity, rng);
    Ok(people.change_account(&account, &change, Along::default(), by).await?)
}
