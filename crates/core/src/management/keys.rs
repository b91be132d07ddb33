//! Management of API keys. A key can grant only scopes that it has, can change only keys whose scopes it has,
//! and cannot lock itself out.

use crate::{
    access::{
        actor::Actor,
        allowlist::Allowlist,
        change::Change,
        key::{Key, MAX_NAME, PresentedKey},
        scope::{Scope, Scopes},
        share::Share,
    },
    acts::shares::{ShareError, judge_keys},
    context::Replica,
    id::{KeyId, ProfileId, TenantId},
    management::{
        member_keys::{Governed, governed, may_make_company_key},
        repeat::{made_once, refuse_repeat},
    },
    mode::Mode,
    ports::{directory::keys::KeyChange, error::StoreError},
    snapshot::ends::KeyEnd,
    tenant::scopes_of,
    time::Timestamp,
    verification::idempotency::{IdempotencyError, Once},
};
use rand::CryptoRng;
use std::net::IpAddr;

/// The name of a key: 1 to 64 characters without control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyName(String);

impl KeyName {
    /// Returns `None` if the text is empty, too long, or contains a control character.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=MAX_NAME).contains(&text.chars().count());
        (fits && !text.chars().any(char::is_control)).then(|| Self(text.to_owned()))
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

/// The request to create a key. It is parsed, so name and expiry are within their bounds.
#[derive(Clone, Debug)]
pub struct CreateKey {
    /// The name that people see.
    pub name: KeyName,
    pub mode: Mode,
    pub scopes: Scopes,
    /// From this time on, the server refuses the key.
    pub expires_at: Option<Timestamp>,
    /// The addresses from which it may be used.
    pub allowlist: Allowlist,
    /// The profiles that it reaches; `None` for those that its author reaches.
    pub profiles: Option<Share<ProfileId>>,
    /// True for a key of the company. Otherwise the key bears the member of its author.
    pub company: bool,
}

impl CreateKey {
    pub(crate) fn key(self, actor: &Actor, presented: &PresentedKey, now: Timestamp) -> Key {
        Key {
            expires_at: self.expires_at,
            allowlist: self.allowlist,
            member: actor.member.filter(|_| !self.company),
            made_by: actor.member,
            profiles: self.profiles.unwrap_or_else(|| actor.profiles.clone()),
            ..Key::new(presented, actor.tenant, self.name.into_string(), self.scopes, now)
        }
    }

    /// The request for a key that manages tenants, in the tenant [`OPERATOR`](crate::tenant::OPERATOR).
    pub fn of_operator(name: KeyName, expires_at: Option<Timestamp>, allowlist: Allowlist) -> Self {
        let scopes = Scopes::from_iter([Scope::Operator]);
        Self { name, mode: Mode::Live, scopes, expires_at, allowlist, profiles: None, company: true }
    }
}

/// The request to change a key.
#[derive(Clone, Debug)]
pub struct UpdateKey {
    /// The change itself.
    pub change: KeyChange,
    /// Whether the caller may lose its own access by the change.
    pub confirmed: bool,
}

/// Why a key was not created, read or changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The tenant has no such key, or the caller's mode may not change it.
    #[error("no such key")]
    NotFound,
    /// No key of this tenant may hold all of these scopes: `operator` belongs to the operator's own keys.
    #[error("keys of this tenant cannot hold all of {0}")]
    NotOfTenant(Scopes),
    /// The caller lacks these scopes.
    #[error("a key cannot grant or govern more than it holds")]
    BeyondOwnScopes(Scopes),
    /// The key is of another member, or would be of the company, and the caller is no owner who covers it.
    #[error("a member governs only keys of its own, unless it is an owner")]
    NotOwn,
    /// The key would reach profiles that the caller does not reach.
    #[error("a key cannot make or change a key to reach more profiles")]
    BeyondOwnProfiles,
    /// The key would expire later than the caller's own, which expires at this time.
    #[error("a key cannot make or change a key to outlast it")]
    BeyondOwnExpiry(Timestamp),
    /// The key would be accepted from addresses from which the caller's own is refused.
    #[error("a key cannot make or change a key to be of use where it is refused")]
    BeyondOwnAllowlist,
    /// The caller would remove its own address from the list of the key that it uses.
    #[error("the list would lock its author out")]
    LockOut(IpAddr),
    /// A disabled or expired key cannot be rotated.
    #[error("the key is not in use")]
    NotInUse,
    /// The key has already been replaced by this one.
    #[error("the key was rotated before")]
    Replaced(KeyId),
    /// The Idempotency-Key was used before.
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    /// A test key tried to create a live one.
    #[error("a test key makes only test keys")]
    LiveByTest,
    /// The caller tried to disable, expire or delete the key that it uses.
    #[error("a key cannot disable, end or delete itself")]
    OwnKey,
    /// The directory did not answer.
    #[error("directory")]
    Directory(#[from] StoreError),
}

/// Creates a key. Only the second value contains its secret, to be shown once.
pub async fn create_key(
    replica: &Replica,
    actor: &Actor,
    request: CreateKey,
    once: Option<Once>,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<(Key, PresentedKey), KeyError> {
    create_key_asked_by(replica, actor, request, (actor.tenant, once), by, rng).await
}

/// As [`create_key`], for a caller of the tenant `asking`: the Idempotency-Key belongs to that tenant.
pub(crate) async fn create_key_asked_by(
    replica: &Replica,
    actor: &Actor,
    request: CreateKey,
    (asking, once): (TenantId, Option<Once>),
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<(Key, PresentedKey), KeyError> {
    if !scopes_of(actor.tenant, request.mode).covers(request.scopes) {
        return Err(KeyError::NotOfTenant(request.scopes));
    }
    refuse_repeat::<KeyError>(replica, asking, once.as_ref(), by.at).await?;
    judge_new(replica, actor, &request, request.mode).await?;
    let presented = PresentedKey::generate(request.mode, KeyId::new(by.at, rng), rng);
    let key = request.key(actor, &presented, by.at);
    let created = replica.directory.create_key(&key, once.as_ref().map(|once| (asking, once)), by).await;
    made_once::<KeyError>(replica, asking, once.as_ref(), by.at, created).await?;
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
    if !scopes_of(actor.tenant, presented.mode).covers(request.scopes) {
        return Err(KeyError::NotOfTenant(request.scopes));
    }
    judge_new(replica, actor, &request, presented.mode).await?;
    let key = request.key(actor, presented, by.at);
    let created = replica.directory.create_key(&key, None, by).await;
    replica.catch_up().await;
    created?;
    Ok(key)
}

async fn find_key(replica: &Replica, actor: &Actor, id: KeyId) -> Result<Key, KeyError> {
    let key = replica.directory.key(actor.tenant, id).await.map_err(KeyError::Directory)?;
    key.ok_or(KeyError::NotFound)
}

/// Reads a key of the caller's tenant that the caller may see.
pub async fn read_key(replica: &Replica, actor: &Actor, id: KeyId) -> Result<Key, KeyError> {
    let key = find_key(replica, actor, id).await?;
    match judge_keys(replica, actor, key.member) {
        Ok(()) => Ok(key),
        Err(ShareError::NotShared(_)) => Err(KeyError::NotFound),
        Err(ShareError::Directory(error)) => Err(KeyError::Directory(error)),
    }
}

/// The keys of the caller's tenant before `before`, newest first.
pub async fn list_keys(
    replica: &Replica,
    actor: &Actor,
    before: Option<KeyId>,
    limit: u16,
) -> Result<Vec<Key>, KeyError> {
    replica.directory.list_keys(actor.tenant, before, limit).await.map_err(KeyError::Directory)
}

/// Changes a key and returns its new state.
pub async fn update_key(
    replica: &Replica,
    actor: &Actor,
    id: KeyId,
    UpdateKey { change, confirmed }: UpdateKey,
    by: &Change,
) -> Result<Key, KeyError> {
    let former = read_governed(replica, actor, id).await?;
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
    if change.profiles.as_ref().is_some_and(|profiles| !profiles.is_within(&actor.profiles)) {
        return Err(KeyError::BeyondOwnProfiles);
    }
    let narrowed = change.profiles.as_ref().is_some_and(|profiles| !former.profiles.is_within(profiles));
    let key = replica.directory.update_key(actor.tenant, id, change, by).await;
    let end = key.as_ref().ok().and_then(Option::as_ref).and_then(|key| match narrowed {
        // A node that cannot read the new version would let the key reach the former profiles.
        true => Some(KeyEnd::of_former_versions(key.id, key.version)),
        false => KeyEnd::of(key),
    });
    match end {
        Some(end) => replica.tell_end(end).await,
        None => replica.catch_up().await,
    }
    key.map_err(KeyError::Directory)?.ok_or(KeyError::NotFound)
}

/// Deletes a key. From then on the server refuses it.
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

/// Refuses a key that grants more than its author has, or is accepted longer or elsewhere.
async fn judge_new(
    replica: &Replica,
    actor: &Actor,
    request: &CreateKey,
    mode: Mode,
) -> Result<(), KeyError> {
    if actor.mode == Mode::Test && mode == Mode::Live {
        return Err(KeyError::LiveByTest);
    }
    if !actor.grants.covers(request.scopes) {
        return Err(KeyError::BeyondOwnScopes(request.scopes));
    }
    refuse_outliving(actor, request.expires_at)?;
    refuse_escaping(actor, &request.allowlist)?;
    let profiles = request.profiles.as_ref().unwrap_or(&actor.profiles);
    if !profiles.is_within(&actor.profiles) {
        return Err(KeyError::BeyondOwnProfiles);
    }
    let made = !request.company || may_make_company_key(replica, actor, request.scopes, profiles).await?;
    if made { Ok(()) } else { Err(KeyError::NotOwn) }
}

/// Refuses an expiry later than the actor's own: a key that expires can neither make one that lasts longer,
/// nor extend itself.
pub(crate) fn refuse_outliving(actor: &Actor, expiry: Option<Timestamp>) -> Result<(), KeyError> {
    match actor.until {
        Some(own) if expiry.is_none_or(|expiry| expiry > own) => Err(KeyError::BeyondOwnExpiry(own)),
        _ => Ok(()),
    }
}

/// Refuses a list that admits more addresses than the actor's own. Otherwise a thief could leave the list of
/// a stolen key by making a new key.
pub(crate) fn refuse_escaping(actor: &Actor, list: &Allowlist) -> Result<(), KeyError> {
    if list.is_within(&actor.allowlist) { Ok(()) } else { Err(KeyError::BeyondOwnAllowlist) }
}

/// Reads a key and checks that the caller may change it. Mode and scopes of a key never change, so the check
/// is still valid when the change is written.
pub(crate) async fn read_governed(replica: &Replica, actor: &Actor, id: KeyId) -> Result<Key, KeyError> {
    let key = find_key(replica, actor, id).await?;
    if actor.mode == Mode::Test && key.mode == Mode::Live {
        return Err(KeyError::NotFound);
    }
    if !actor.grants.covers(key.scopes) {
        return Err(KeyError::BeyondOwnScopes(key.scopes));
    }
    match governed(replica, actor, &key).await? {
        Governed::Yes => Ok(key),
        Governed::NotOwn => Err(KeyError::NotOwn),
        Governed::BeyondProfiles => Err(KeyError::BeyondOwnProfiles),
    }
}
