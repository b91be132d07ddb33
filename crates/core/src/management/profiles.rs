//! Management of profiles.

use crate::{
    access::{
        actor::{Actor, LiveByTest},
        change::Change,
        share::NotShared,
    },
    code::Alphabet,
    context::Replica,
    id::ProfileId,
    ports::error::StoreError,
    tenant::system::Part,
    tenant::{
        limits::{LimitName, NamedLimits},
        profile::{DisplayName, Policy, Profile, ProfileName, ResendPolicy},
    },
};
use rand::CryptoRng;
use std::time::Duration;

/// How often a change is tried again if other calls change the same profile meanwhile. More failures than this
/// can only come from a bug.
const TURNS: usize = 16;
/// How many profiles a tenant may have.
pub const MOST_PROFILES: u32 = 100;

/// A change of a profile by a client. Each `None` leaves the value as it is.
#[derive(Clone, Debug, Default)]
pub struct ProfileChange {
    /// The name that people see; `Some(None)` removes it.
    pub display_name: Option<Option<DisplayName>>,
    /// The number of characters of a code.
    pub code_length: Option<u8>,
    /// The characters of a code.
    pub alphabet: Option<Alphabet>,
    /// How long a code is valid.
    pub expires_in: Option<Duration>,
    /// The number of wrong codes that ends a verification.
    pub max_checks: Option<u8>,
    /// The maximum number of messages of a verification.
    pub max_sends: Option<u8>,
    /// The code that a resend sends.
    pub resend: Option<ResendPolicy>,
    pub limits: Option<NamedLimits>,
}

impl ProfileChange {
    /// The profile with what it says.
    pub fn apply(self, old: Profile) -> Profile {
        let policy = old.policy;
        let policy = Policy {
            code_length: self.code_length.unwrap_or(policy.code_length),
            alphabet: self.alphabet.unwrap_or(policy.alphabet),
            expires_in: self.expires_in.unwrap_or(policy.expires_in),
            max_checks: self.max_checks.unwrap_or(policy.max_checks),
            max_sends: self.max_sends.unwrap_or(policy.max_sends),
            resend: self.resend.unwrap_or(policy.resend),
        };
        let limits = self.limits.unwrap_or_else(|| old.limits.clone());
        // The note about a limit is deleted with the limit.
        let mut limit_notes = old.limit_notes;
        let gone =
            |name: &LimitName| old.limits.as_map().contains_key(name) && !limits.as_map().contains_key(name);
        limit_notes.as_map_mut().retain(|name, _| !gone(name));
        let display_name = self.display_name.unwrap_or(old.display_name);
        Profile { display_name, policy, limits, limit_notes, ..old }
    }
}

/// Why a profile was not read or changed.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The tenant has no profile with this name.
    #[error("no such profile")]
    NotFound,
    /// The actor's share lacks the profile, or would lack it.
    #[error(transparent)]
    NotShared(#[from] NotShared),
    /// The profile `default` cannot be deleted.
    #[error("the profile `default` stays")]
    Default,
    /// A test key tried to change a profile.
    #[error(transparent)]
    LiveByTest(#[from] LiveByTest),
    /// The directory did not answer.
    #[error("directory")]
    Directory(#[from] StoreError),
}

/// The profiles of the tenant that the actor reaches, sorted by name.
pub async fn list_profiles(replica: &Replica, actor: &Actor) -> Result<Vec<Profile>, ProfileError> {
    let mut profiles = replica.directory.list_profiles(actor.tenant).await?;
    profiles.retain(|profile| actor.profiles.admits(&profile.id));
    Ok(profiles)
}

/// A profile of the tenant.
pub async fn read_profile(
    replica: &Replica,
    actor: &Actor,
    name: &ProfileName,
) -> Result<Profile, ProfileError> {
    let found = replica.directory.profile(actor.tenant, name).await?;
    found.filter(|profile| actor.profiles.admits(&profile.id)).ok_or(ProfileError::NotFound)
}

/// A profile of the tenant by its id.
pub async fn find_profile(replica: &Replica, actor: &Actor, id: ProfileId) -> Result<Profile, ProfileError> {
    let all = list_profiles(replica, actor).await?;
    all.into_iter().find(|profile| profile.id == id).ok_or(ProfileError::NotFound)
}

/// Creates a profile. Its unique name is made from the display name.
pub async fn create_profile(
    replica: &Replica,
    actor: &Actor,
    display_name: DisplayName,
    change: ProfileChange,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<Profile, ProfileError> {
    replica.permit(actor.tenant, Part::Profiles)?;
    actor.refuse_test()?;
    // An actor with a list of profiles could not use the new one.
    actor.profiles.demand(None)?;
    let plain = change.apply(Profile::first(ProfileId::new(by.at, rng), actor.tenant, by.at));
    let taken = replica.directory.list_profiles(actor.tenant).await?;
    let free = |name: &ProfileName| taken.iter().all(|profile| profile.name != *name);
    // Another request may take a name in the meantime; then the next one is tried.
    for name in display_name.unique_names().filter(free).take(MOST_PROFILES as usize) {
        let profile = Profile { name, display_name: Some(display_name.clone()), ..plain.clone() };
        match replica.directory.create_profile(&profile, by).await {
            Err(StoreError::Conflict) => continue,
            outcome => outcome?,
        }
        replica.catch_up().await;
        return Ok(profile);
    }
    Err(ProfileError::Directory(StoreError::Conflict))
}

/// Creates a profile, or replaces the one with this name, by `change` and defaults for the rest. Returns
/// whether it was created. Running verifications keep the policy of their start.
pub async fn save_profile(
    replica: &Replica,
    actor: &Actor,
    name: ProfileName,
    change: ProfileChange,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<(Profile, bool), ProfileError> {
    replica.permit(actor.tenant, Part::Profiles)?;
    actor.refuse_test()?;
    let limits = Some(change.limits.unwrap_or_default());
    let change = ProfileChange { limits, ..change };
    let fresh = Profile { name, ..Profile::first(ProfileId::new(by.at, rng), actor.tenant, by.at) };
    for _ in 0..TURNS {
        let known = replica.directory.profile(actor.tenant, &fresh.name).await?;
        actor.profiles.demand(known.as_ref().map(|known| &known.id))?;
        let base = known.as_ref().unwrap_or(&fresh).clone();
        let base = Profile { display_name: None, policy: Policy::default(), ..base };
        let profile = change.clone().apply(base);
        // If another request creates, changes or deletes it in the meantime, the profile is read again.
        let saved = match &known {
            Some(known) => replica.directory.replace_profile(known, &profile, by).await,
            None => replica.directory.create_profile(&profile, by).await,
        };
        match saved {
            Err(StoreError::Conflict) => continue,
            outcome => outcome?,
        }
        replica.catch_up().await;
        return Ok((profile, known.is_none()));
    }
    Err(ProfileError::Directory(StoreError::Conflict))
}

/// Changes a profile and returns its new state. Two changes at the same time are made one after the other.
pub async fn update_profile(
    replica: &Replica,
    actor: &Actor,
    name: &ProfileName,
    change: ProfileChange,
    by: &Change,
) -> Result<Profile, ProfileError> {
    let find = async || read_profile(replica, actor, name).await;
    let changed = change_profile(replica, actor, find, by, |old| Ok((change.clone().apply(old.clone()), ())));
    changed.await.map(|(profile, ())| profile)
}

/// Changes a profile by its id, and so never another profile that has taken its name.
pub async fn update_profile_by_id(
    replica: &Replica,
    actor: &Actor,
    id: ProfileId,
    change: ProfileChange,
    by: &Change,
) -> Result<Profile, ProfileError> {
    let find = async || find_profile(replica, actor, id).await;
    let changed = change_profile(replica, actor, find, by, |old| Ok((change.clone().apply(old.clone()), ())));
    changed.await.map(|(profile, ())| profile)
}

/// Reads a profile, changes it and writes it. If another writer came in between, does so again with the
/// profile's new state.
pub(crate) async fn change_profile<T, E: From<ProfileError>>(
    replica: &Replica,
    actor: &Actor,
    find: impl AsyncFn() -> Result<Profile, ProfileError>,
    by: &Change,
    change: impl Fn(&Profile) -> Result<(Profile, T), E>,
) -> Result<(Profile, T), E> {
    replica.permit(actor.tenant, Part::Profiles).map_err(ProfileError::from)?;
    actor.refuse_test().map_err(ProfileError::from)?;
    for _ in 0..TURNS {
        let old = find().await?;
        let (new, told) = change(&old)?;
        if new != old {
            match replica.directory.replace_profile(&old, &new, by).await {
                Err(StoreError::Conflict) => continue,
                outcome => outcome.map_err(ProfileError::from)?,
            }
            replica.catch_up().await;
        }
        return Ok((new, told));
    }
    Err(ProfileError::Directory(StoreError::Conflict).into())
}

/// Deletes a profile. Its verifications continue, but cannot be checked by phone number any more.
pub async fn delete_profile(
    replica: &Replica,
    actor: &Actor,
    name: &ProfileName,
    by: &Change,
) -> Result<(), ProfileError> {
    actor.refuse_test()?;
    delete(replica, actor, read_profile(replica, actor, name).await?, by).await
}

/// Deletes a profile by its id, and so never another profile that has taken its name.
pub async fn delete_profile_by_id(
    replica: &Replica,
    actor: &Actor,
    id: ProfileId,
    by: &Change,
) -> Result<(), ProfileError> {
    actor.refuse_test()?;
    delete(replica, actor, find_profile(replica, actor, id).await?, by).await
}

/// Deletes a profile that was read. A profile never changes its name, so the name is still right.
async fn delete(replica: &Replica, actor: &Actor, profile: Profile, by: &Change) -> Result<(), ProfileError> {
    replica.permit(actor.tenant, Part::Profiles)?;
    if profile.name == ProfileName::default() {
        return Err(ProfileError::Default);
    }
    let deleted = replica.directory.delete_profile(actor.tenant, profile.id, by).await?;
    replica.catch_up().await;
    if deleted { Ok(()) } else { Err(ProfileError::NotFound) }
}
