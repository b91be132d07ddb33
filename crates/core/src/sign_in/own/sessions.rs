//! The sessions of a person: all that are open, their ends and their lengths.

use crate::{
    id::SessionId,
    people::{account::AccountChange, invitation::LinkSecret, session::Session},
    ports::{error::StoreError, people::accounts::Along},
    sign_in::signed_in::{OwnError, SignedIn},
    tenant::security::{IdleBeyondTotal, SessionIdle, SessionTotal},
};
use rand::CryptoRng;

/// The sessions of the person, last seen first.
pub async fn list_sessions(own: &SignedIn<'_>) -> Result<Vec<Session>, StoreError> {
    own.people().list_sessions(own.session.person).await
}

/// Ends one session of the person. Returns whether there was one.
pub async fn end_session(own: &SignedIn<'_>, session: SessionId) -> Result<bool, StoreError> {
    own.people().end_session(own.session.person, session, None, &own.by()).await
}

/// Ends every other session at once, and with `this_too` this one. Returns the next secret of this session.
pub async fn sign_out_everywhere(
    own: &SignedIn<'_>,
    this_too: bool,
    rng: &mut impl CryptoRng,
) -> Result<Option<LinkSecret>, OwnError> {
    let account = own.present().await?;
    let change = AccountChange::SignOutEverywhere { forget_devices: false };
    if this_too {
        own.people().change_account(&account, &change, Along::default(), &own.by()).await?;
        return Ok(None);
    }
    Ok(Some(own.change(&account, &change, &[], &[], rng).await?))
}

/// Why the lengths were not set.
#[derive(Debug, thiserror::Error)]
pub enum LengthError {
    #[error(transparent)]
    IdleBeyondTotal(#[from] IdleBeyondTotal),
    /// The tenant allows no longer ones.
    #[error("longer than the tenant allows")]
    BeyondTenant,
    #[error(transparent)]
    Own(#[from] OwnError),
}

/// Sets how long the person's sessions last; `None` for the tenant's lengths.
pub async fn set_lengths(
    own: &SignedIn<'_>,
    idle: Option<SessionIdle>,
    total: Option<SessionTotal>,
) -> Result<(), LengthError> {
    if let (Some(idle), Some(total)) = (idle, total)
        && idle.seconds() > total.seconds()
    {
        return Err(IdleBeyondTotal { idle: idle.seconds(), total: total.seconds() }.into());
    }
    if let Some(tenant) = own.session.tenant {
        let settings = own.entrance.context.directory.settings(tenant).await.map_err(OwnError::from)?;
        let rules = settings.security.rules(tenant);
        let beyond = idle.is_some_and(|idle| idle.seconds() > rules.session_idle.seconds())
            || total.is_some_and(|total| total.seconds() > rules.session_total.seconds());
        if beyond {
            return Err(LengthError::BeyondTenant);
        }
    }
    let account = own.present().await?;
    let change = AccountChange::SessionLengths(idle, total);
    let by = own.by();
    Ok(own.people().change_account(&account, &change, Along::default(), &by).await.map_err(OwnError::from)?)
}
