//! The browsers of a person.

use crate::{
    id::DeviceId,
    people::{invitation::LinkSecret, session::OwnDevice},
    ports::error::StoreError,
    sign_in::{
        proof::Proven,
        signed_in::{OwnError, SignedIn},
    },
};
use rand::CryptoRng;

/// The maximum number of browsers on the page.
const MOST: u16 = 100;

/// The browsers in which the person finished a sign-in, last seen first.
pub async fn list_devices(own: &SignedIn<'_>) -> Result<Vec<OwnDevice>, StoreError> {
    own.people().list_devices(own.session.person, MOST).await
}

/// Trusts a browser in which the person finished a sign-in: sign-ins there cause no mail. Returns whether the
/// person has it, and the next secret of the session.
pub async fn trust(
    own: &SignedIn<'_>,
    device: DeviceId,
    proven: &Proven,
    rng: &mut impl CryptoRng,
) -> Result<(bool, Option<LinkSecret>), OwnError> {
    let taken = proven.take(own).await?;
    let by = own.by();
    let known = own.people().trust_device(own.session.person, device, true, &by).await?;
    Ok((known, taken.renew(own, rng).await))
}

/// Stops to trust a browser. That needs no proof. Returns whether the person has it.
pub async fn distrust(own: &SignedIn<'_>, device: DeviceId) -> Result<bool, StoreError> {
    own.people().trust_device(own.session.person, device, false, &own.by()).await
}

/// Forgets a browser and ends the sessions there. Returns whether the person had it.
pub async fn forget(own: &SignedIn<'_>, device: DeviceId) -> Result<bool, StoreError> {
    own.people().forget_device(own.session.person, device, &own.by()).await
}
