//! The person's name, language and zone, and the end of its account.

use crate::{
    locale::Locale,
    management::{members::close_account, reach::MemberError},
    people::{
        account::AccountChange,
        hours::Zone,
        person::{Identity, Person, PersonName},
    },
    ports::people::accounts::Along,
    sign_in::{
        own::email::resealed,
        proof::Proven,
        signed_in::{OwnError, SignedIn, identity},
    },
};
use rand::CryptoRng;

/// Sets the name, the language and the zone.
pub async fn change_profile(
    own: &SignedIn<'_>,
    (name, language, zone): (PersonName, Locale, Zone),
    rng: &mut impl CryptoRng,
) -> Result<(), OwnError> {
    let account = own.present().await?;
    let identity = Identity { name, ..identity(&own.entrance.context, &account)? };
    let person =
        Person { language, zone, ..resealed(&own.entrance.context, &account.person, &identity, rng) };
    let change = AccountChange::Profile(person);
    Ok(own.people().change_account(&account, &change, Along::default(), &own.by()).await?)
}

/// Why an account was not closed.
#[derive(Debug, thiserror::Error)]
pub enum CloseError {
    #[error(transparent)]
    Own(#[from] OwnError),
    /// The person is the last owner of a tenant, or has left already.
    #[error(transparent)]
    Member(#[from] MemberError),
}

/// Closes the account: the person leaves all tenants, and its keys end.
pub async fn close_own_account(own: &SignedIn<'_>, proven: &Proven) -> Result<(), CloseError> {
    own.present().await?;
    let _ = proven.take(own).await?;
    let by = own.by();
    Ok(close_account(&own.entrance.context, own.session.person, &by).await?)
}
