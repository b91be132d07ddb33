//! Management of API keys: a key grants only what it holds, acts only on keys
//! that it covers, and cannot lock itself out.

use crate::{
    access::{
        actor::Actor,
        allowlist::Allowlist,
        change::Change,
        key::{Key, MAX_NAME, PresentedKey},
        scope::Scopes,
    },
    context::Replica,
    id::{KeyId, TenantId},
    management::repeat::{made_once, refuse_repeat},
    mode::Mode,
    ports::{directory::keys::KeyChange, error::StoreError},
    snapshot::ends::KeyEnd,
    time::Timestamp,
    verification::idempotency::{IdempotencyError, Once},
};
use rand::CryptoRng;
use std::net::IpAddr;

/// The name of a key, 1 to 64 characters and none of them a control character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyName(String);

impl KeyName {
    /// `None` when it is empty, too long, or would break a line.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=MAX_NAME).contains(&text.chars().count());
        (fits && !text.chars().any(char::is_control)).then(|| Self(text.to_owned()))
    }

    /// The name.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// What a client asks for; parsed, so the name and the expiry are within their bounds.
#[derive(Clone, Debug)]
pub struct CreateKey {
    /// What people call it.
    pub name: KeyName,
    /// Live or test.
    pub mode: Mode,
    /// What it may do.
    pub scopes: Scopes,
    /// Refused from then on.
    pub expires_at: Option<Timestamp>,
    /// The addresses that it may be used from.
    pub allowlist: Allowlist,
}

impl CreateKey {
    fn key(self, tenant: TenantId, presented: &PresentedKey, now: Timestamp) -> Key {
        Key {
            expires_at: self.expires_at,
            allowlist: self.allowlist,
            ..Key::new(presented, tenant, self.name.into_string(), self.scopes, now)
        }
    }
}

/// A change that a client asks for.
#[derive(Clone, Debug)]
pub struct UpdateKey {
    /// What changes.
    pub change: KeyChange,
    /// The caller may lose its own access by it.
    pub confirmed: bool,
}

/// Why a key was not made, read or changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The tenant has no such key, or none that the caller's mode may change.
    #[error("no such key")]
    NotFound,
    /// The caller does not hold all of these scopes.
    #[error("a key cannot grant or govern more than it holds")]
    BeyondOwnScopes(Scopes),
    /// The key would outlast the caller's, which ends then.
    #[error("a key cannot make or change a key to outlast it")]
    BeyondOwnExpiry(Timestamp),
    /// The key would be of use where the caller's is refused.
    #[error("a key cannot make or change a key to be of use where it is refused")]
    BeyondOwnAllowlist,
    /// The caller would take its own address from the list of the key that it uses.
    #[error("the list would lock its author out")]
    LockOut(IpAddr),
    /// A key that is disabled or has ended has nothing to hand over.
    #[error("the key is not in use")]
    NotInUse,
    /// Another key took its place already.
    #[error("the key was rotated before")]
    Replaced(KeyId),
    /// The request bears an Idempotency-Key that was used.
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    /// A test key would make a live one.
    #[error("a test key makes only test keys")]
    LiveByTest,
    /// The caller would disable, end or delete the key that it uses.
    #[error("a key cannot disable, end or delete itself")]
    OwnKey,
    /// The directory did not answer.
    #[error("directory")]
    Directory(#[from] StoreError),
}

/// Makes a key. The second value alone holds its secret, to be shown once.
pub async fn create_key(
    replica: &Replica,
    actor: &Actor,
    request: CreateKey,
    once: Option<Once>,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<(Key, PresentedKey), KeyError> {
    refuse_repeat::<KeyError>(replica, actor.tenant, once.as_ref(), by.at).await?;
    judge_new(actor, &request, request.mode)?;
    let presented = PresentedKey::generate(request.mode, KeyId::new(by.at, rng), rng);
    let key = request.key(actor.tenant, &presented, by.at);
    let created = replica.directory.create_key(&key, once.as_ref(), by).await;
    made_once::<KeyError>(replica, actor.tenant, once.as_ref(), by.at, created).await?;
    replica.catch_up().await;
    Ok((key, presented))
}

/// Makes the key that was generated elsewhere, under the id in its text; it is live or test as it says. The
/// directory answers `Conflict` if the id exists.
pub async fn install_key(
    replica: &Replica,
    actor: &Actor,
    request: CreateKey,
    presented: &PresentedKey,
    by: &Change,
) -> Result<Key, KeyError> {
    judge_new(actor, &request, presented.mode)?;
    let key = request.key(actor.tenant, presented, by.at);
    let created = replica.directory.create_key(&key, None, by).await;
    replica.catch_up().await;
    created?;
    Ok(key)
}

/// Reads a key of the caller's tenant.
pub async fn read_key(replica: &Replica, actor: &Actor, id: KeyId) -> Result<Key, KeyError> {
    let key = replica.directory.key(actor.tenant, id).await.map_err(KeyError::Directory)?;
    key.ok_or(KeyError::NotFound)
}

/// Keys of the caller's tenant, newest first, those before `before`.
pub async fn list_keys(
    replica: &Replica,
    actor: &Actor,
    before: Option<KeyId>,
    limit: u16,
) -> Result<Vec<Key>, KeyError> {
    replica.directory.list_keys(actor.tenant, before, limit).await.map_err(KeyError::Directory)
}

/// Changes a key and gives it as it is then.
pub async fn update_key(
    replica: &Replica,
    actor: &Actor,
    id: KeyId,
    UpdateKey { change, confirmed }: UpdateKey,
    by: &Change,
) -> Result<Key, KeyError> {
    read_governed(replica, actor, id).await?;
    if let Some(expiry) = change.expires_at {
        refuse_outliving(actor, expiry)?;
    }
    let ends =
        change.disabled == Some(true) || change.expires_at.flatten().is_some_and(|expiry| expiry <= by.at);
    if actor.key() == Some(id) && ends {
        return Err(KeyError::OwnKey);
    }
    if let Some(list) = &change.allowlist {
        refuse_escaping(actor, list)?;
        let own = actor.key() == Some(id) && !confirmed;
        if own && let Some(address) = actor.locked_out_by(list) {
            return Err(KeyError::LockOut(address));
        }
    }
    let key = replica.directory.update_key(actor.tenant, id, change, by).await;
    match key.as_ref().ok().and_then(Option::as_ref).and_then(KeyEnd::of) {
        Some(end) => replica.tell_end(end).await,
        None => replica.catch_up().await,
    }
    key.map_err(KeyError::Directory)?.ok_or(KeyError::NotFound)
}

/// Deletes a key; it is refused from then on.
pub async fn delete_key(replica: &Replica, actor: &Actor, id: KeyId, by: &Change) -> Result<(), KeyError> {
    read_governed(replica, actor, id).await?;
    if actor.key() == Some(id) {
        return Err(KeyError::OwnKey);
    }
    let deleted = replica.directory.delete_key(actor.tenant, id, by).await;
    if let Ok(true) = deleted {
        replica.tell_end(KeyEnd::deleted(id)).await;
    }
    if deleted.map_err(KeyError::Directory)? { Ok(()) } else { Err(KeyError::NotFound) }
}

/// A key grants only what it holds, for as long and from where it is accepted itself.
fn judge_new(actor: &Actor, request: &CreateKey, mode: Mode) -> Result<(), KeyError> {
    if actor.mode == Mode::Test && mode == Mode::Live {
        return Err(KeyError::LiveByTest);
    }
    if !actor.grants.covers(request.scopes) {
        return Err(KeyError::BeyondOwnScopes(request.scopes));
    }
    refuse_outliving(actor, request.expires_at)?;
    refuse_escaping(actor, &request.allowlist)
}

/// A key that ends makes none that outlasts it, and cannot put off its own end.
pub(crate) fn refuse_outliving(actor: &Actor, expiry: Option<Timestamp>) -> Result<(), KeyError> {
    match actor.until {
        Some(own) if expiry.is_none_or(|expiry| expiry > own) => Err(KeyError::BeyondOwnExpiry(own)),
        _ => Ok(()),
    }
}

/// A key with a list of its own makes none that is of use elsewhere, and cannot
/// widen its own: who stole it could otherwise leave the list by a new key.
pub(crate) fn refuse_escaping(actor: &Actor, list: &Allowlist) -> Result<(), KeyError> {
    if list.is_within(&actor.allowlist) { Ok(()) } else { Err(KeyError::BeyondOwnAllowlist) }
}

/// A key that the caller may change. Mode and scopes of a key never change, so
/// what is found here still holds when the change is written.
pub(crate) async fn read_governed(replica: &Replica, actor: &Actor, id: KeyId) -> Result<Key, KeyError> {
    let key = read_key(replica, actor, id).await?;
    if actor.mode == Mode::Test && key.mode == Mode::Live {
        return Err(KeyError::NotFound);
    }
    if actor.grants.covers(key.scopes) { Ok(key) } else { Err(KeyError::BeyondOwnScopes(key.scopes)) }
}
