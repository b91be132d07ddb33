//! Management of API keys. A key can grant only scopes that it has, can change only keys whose scopes it has,
//! and cannot lock itself out.

pub use crate::management::key_error::KeyError;
use crate::{
    access::{
        actor::Actor,
        allowlist::Allowlist,
        change::Change,
        key::{Key, MAX_NAME, PresentedKey},
        scope::{Scope, Scopes},
        share::Share,
    },
    context::{Management, Replica},
    id::{KeyId, ProfileId, TenantId},
    management::{
        member_keys::{is_seen, may_make_company_key, read_governed},
        owner_mails::on_new_key,
        reach::{Ends, Rights},
        repeat::{made_once, refuse_repeat},
    },
    mode::Mode,
    ports::{directory::keys::KeyChange, error::StoreError},
    snapshot::ends::KeyEnd,
    tenant::scopes_of,
    tenant::system::Part,
    time::Timestamp,
    verification::idempotency::Once,
};
use rand::CryptoRng;
use std::time::Instant;

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
    /// True for a key of the company. Otherwise the key belongs to the member of its author.
    pub company: bool,
}

impl CreateKey {
    pub(crate) fn key(&self, actor: &Actor, presented: &PresentedKey, now: Timestamp) -> Key {
        Key {
            expires_at: self.expires_at,
            allowlist: self.allowlist.clone(),
            member: actor.member.filter(|_| !self.company),
            made_by: actor.member,
            profiles: self.profiles.as_ref().unwrap_or(&actor.profiles).clone(),
            ..Key::new(presented, actor.tenant, self.name.0.clone(), self.scopes, now)
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

/// Creates a key. Only the second value contains its secret, to be shown once.
pub async fn create_key(
    management: &Management,
    actor: &Actor,
    request: CreateKey,
    once: Option<Once>,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<(Key, PresentedKey), KeyError> {
    create_key_asked_by(management, actor, request, (actor.tenant, once), by, rng).await
}

/// As [`create_key`], for a caller of the tenant `asking`: the Idempotency-Key belongs to that tenant.
pub(crate) async fn create_key_asked_by(
    management: &Management,
    actor: &Actor,
    request: CreateKey,
    (asking, once): (TenantId, Option<Once>),
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<(Key, PresentedKey), KeyError> {
    if !scopes_of(actor.tenant, request.mode).covers(request.scopes) {
        return Err(KeyError::NotOfTenant(request.scopes));
    }
    refuse_repeat::<KeyError>(management, asking, once.as_ref(), by.at).await?;
    let presented = PresentedKey::generate(request.mode, KeyId::new(by.at, rng), rng);
    let key = make(management, actor, &request, &presented, (asking, once.as_ref()), by, rng).await?;
    management.catch_up().await;
    Ok((key, presented))
}

/// Makes the key that was generated elsewhere, under the id in its text; it is live or test as it says. The
/// directory answers `Conflict` if the id exists.
pub async fn install_key(
    management: &Management,
    actor: &Actor,
    request: CreateKey,
    presented: &PresentedKey,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<Key, KeyError> {
    if !scopes_of(actor.tenant, presented.mode).covers(request.scopes) {
        return Err(KeyError::NotOfTenant(request.scopes));
    }
    let made = make(management, actor, &request, presented, (actor.tenant, None), by, rng).await;
    management.catch_up().await;
    made
}

async fn make(
    management: &Management,
    actor: &Actor,
    request: &CreateKey,
    presented: &PresentedKey,
    (asking, once): (TenantId, Option<&Once>),
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<Key, KeyError> {
    management.permit(actor.tenant, Part::Keys)?;
    // Nobody causes mails to be written by a key that it may not create.
    if request.scopes.contains(Scope::CodesReveal) {
        let rights = Rights::over_keys(management, actor, by.at).await?.ok_or(KeyError::NotOwn)?;
        judge_new(&rights, request, presented.mode)?;
    }
    let named = (request.name.0.as_str(), request.scopes);
    let notices = on_new_key(management, actor.tenant, named, by.at, rng).await?;
    judged(management, Ends::No, async || {
        let rights = Rights::over_keys(management, actor, by.at).await?.ok_or(KeyError::NotOwn)?;
        judge_new(&rights, request, presented.mode)?;
        let key = request.key(&rights.actor, presented, by.at);
        let asked = once.map(|once| (asking, once));
        let created = management.directory.create_key(&key, asked, rights.acting, &notices, by).await;
        made_once::<KeyError>(management, asking, once, by.at, created).await?;
        Ok(key)
    })
    .await
}

/// Reads, judges and writes, and repeats it while others change the rights or the key meanwhile.
async fn judged<T>(
    replica: &Replica,
    ends: Ends,
    mut round: impl AsyncFnMut() -> Result<T, KeyError>,
) -> Result<T, KeyError> {
    let (began, mut rounds) = (Instant::now(), 0);
    while ends.repeats(rounds, began) {
        match round().await {
            // The copy, from which the rights of a key of the company are read, may be older.
            Err(KeyError::Directory(StoreError::Moved)) => replica.catch_up().await,
            outcome => return outcome,
        }
        rounds += 1;
    }
    Err(StoreError::Busy.into())
}

async fn find_key(replica: &Replica, actor: &Actor, id: KeyId) -> Result<Key, KeyError> {
    let key = replica.directory.key(actor.tenant, id).await.map_err(KeyError::Directory)?;
    key.ok_or(KeyError::NotFound)
}

/// Reads a key of the caller's tenant that the caller sees.
pub async fn read_key(replica: &Replica, actor: &Actor, id: KeyId) -> Result<Key, KeyError> {
    let key = find_key(replica, actor, id).await?;
    if is_seen(actor, &key) { Ok(key) } else { Err(KeyError::NotFound) }
}

/// The keys of the caller's tenant before `before`, newest first: those that the caller sees.
pub async fn list_keys(
    replica: &Replica,
    actor: &Actor,
    mut before: Option<KeyId>,
    limit: u16,
) -> Result<Vec<Key>, KeyError> {
    let mut seen = Vec::new();
    // A caller who does not see all reads larger pages: a tenant has some thousand keys at most, so it causes few
    // queries even if it sees none.
    let most = if actor.profiles.is_bounded() { limit.max(100) } else { limit };
    loop {
        let page =
            replica.directory.list_keys(actor.tenant, before, most).await.map_err(KeyError::Directory)?;
        let last = page.len() < usize::from(most);
        before = page.last().map(|key| key.id);
        seen.extend(page.into_iter().filter(|key| is_seen(actor, key)));
        if last || seen.len() >= usize::from(limit) {
            seen.truncate(limit.into());
            return Ok(seen);
        }
    }
}

/// Changes a key and returns its new state.
pub async fn update_key(
    replica: &Replica,
    actor: &Actor,
    id: KeyId,
    UpdateKey { change, confirmed }: UpdateKey,
    by: &Change,
) -> Result<Key, KeyError> {
    replica.permit(actor.tenant, Part::Keys)?;
    let ends = if change.ends(by.at) { Ends::Yes } else { Ends::No };
    let changed = judged(replica, ends, async || {
        let (former, rights, judged) = read_governed(replica, actor, id, by.at).await?;
        judge_change(&rights.actor, id, &change, confirmed, by.at)?;
        let changed = replica.directory.update_key(actor.tenant, id, change.clone(), judged, by).await?;
        let key = changed.ok_or(KeyError::NotFound)?;
        let narrowed = !former.profiles.is_within(&key.profiles);
        Ok((key, narrowed))
    })
    .await;
    let end = changed.as_ref().ok().and_then(|(key, narrowed)| match narrowed {
        // A node that cannot read the new version would let the key reach the former profiles.
        true => Some(KeyEnd::of_former_versions(key.id, key.version)),
        false => KeyEnd::of(key),
    });
    match end {
        Some(end) => replica.tell_end(end).await,
        None => replica.catch_up().await,
    }
    changed.map(|(key, _)| key)
}

/// Deletes a key. From then on the server refuses it.
pub async fn delete_key(replica: &Replica, actor: &Actor, id: KeyId, by: &Change) -> Result<(), KeyError> {
    replica.permit(actor.tenant, Part::Keys)?;
    judged(replica, Ends::Yes, async || {
        let (_, _, judged) = read_governed(replica, actor, id, by.at).await?;
        if actor.key() == Some(id) {
            return Err(KeyError::OwnKey);
        }
        let deleted = replica.directory.delete_key(actor.tenant, id, judged, by).await?;
        if deleted { Ok(()) } else { Err(KeyError::NotFound) }
    })
    .await?;
    replica.tell_end(KeyEnd::deleted(id)).await;
    Ok(())
}

/// Refuses a change that makes a key last longer than the actor's, or of use elsewhere, or that takes the actor's
/// own access.
fn judge_change(
    actor: &Actor,
    id: KeyId,
    change: &KeyChange,
    confirmed: bool,
    now: Timestamp,
) -> Result<(), KeyError> {
    if let Some(expiry) = change.expires_at {
        refuse_outliving(actor, expiry)?;
    }
    if actor.key() == Some(id) && change.ends(now) {
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
    Ok(())
}

/// Refuses a key that grants more than its author has, or is accepted longer or elsewhere.
fn judge_new(rights: &Rights, request: &CreateKey, mode: Mode) -> Result<(), KeyError> {
    let actor = &rights.actor;
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
    let made = !request.company || may_make_company_key(rights, request.scopes, profiles);
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
