//! "Revoke all keys". A change of the password leaves keys alone, so this is a button of its own.

use crate::{
    access::{actor::Actor, change::Change, key::Key},
    management::keys::{KeyError, delete_key},
    people::{invitation::LinkSecret, member::Role},
    ports::error::StoreError,
    sign_in::{
        proof::Proven,
        signed_in::{OwnError, SignedIn},
    },
};
use rand::CryptoRng;

const PAGE: u16 = 1_000;

/// The outcome of the button.
#[derive(Debug)]
pub struct Revoked {
    pub revoked: u32,
    /// The keys that can do more than the person, which stay.
    pub left: u32,
    /// The next secret of the session, if a proof was used up.
    pub secret: Option<LinkSecret>,
}

/// Why no key was revoked, or not all.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    #[error(transparent)]
    Own(#[from] OwnError),
    #[error(transparent)]
    Keys(#[from] KeyError),
}

impl From<StoreError> for RevokeError {
    fn from(error: StoreError) -> Self {
        Self::Own(error.into())
    }
}

/// The keys in use that the button ends: all keys of the tenant for an owner, the member's own for a subuser.
pub async fn list_revocable(own: &SignedIn<'_>, actor: &Actor) -> Result<Vec<Key>, StoreError> {
    let directory = &own.entrance.context.directory;
    let Some(id) = actor.member else { return Ok(Vec::new()) };
    let member = directory.member(actor.tenant, id).await?.filter(|member| !member.disabled);
    let mut keys = match member.map(|member| member.limits.role) {
        None => Vec::new(),
        Some(Role::Subuser) => directory.list_member_keys(actor.tenant, id).await?,
        Some(Role::Owner) => {
            let (mut keys, mut before) = (Vec::new(), None);
            loop {
                let page = directory.list_keys(actor.tenant, before, PAGE).await?;
                before = page.last().map(|key| key.id);
                let is_last = page.len() < usize::from(PAGE);
                keys.extend(page);
                if is_last {
                    break keys;
                }
            }
        }
    };
    keys.retain(|key| key.is_usable(own.now));
    Ok(keys)
}

/// Deletes these keys, each with an entry in the audit log.
pub async fn revoke_all_keys(
    own: &SignedIn<'_>,
    actor: &Actor,
    proven: &Proven,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<Revoked, RevokeError> {
    let taken = proven.take(own).await?;
    let mut outcome = Revoked { revoked: 0, left: 0, secret: None };
    for key in list_revocable(own, actor).await? {
        match delete_key(&own.entrance.context, actor, key.id, by).await {
            Ok(()) => outcome.revoked += 1,
            // Somebody else deleted it meanwhile.
            Err(KeyError::NotFound) => {}
            Err(KeyError::NotOwn | KeyError::BeyondOwnScopes(_) | KeyError::BeyondOwnProfiles) => {
                outcome.left += 1
            }
            Err(error) => return Err(error.into()),
        }
    }
    outcome.secret = taken.renew(own, rng).await;
    Ok(outcome)
}
