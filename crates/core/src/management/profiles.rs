//! Management of profiles.

use crate::{
    access::{
        actor::{Actor, LiveByTest},
        change::Change,
    },
    code::Alphabet,
    context::Replica,
    id::ProfileId,
    ports::error::StoreError,
    tenant::{
        limits::{LimitName, NamedLimits},
        profile::{DisplayName, Policy, Profile, ProfileName, ResendPolicy},
    },
};
use rand::CryptoRng;
use std::time::Duration;

/// Others may change the same profile meanwhile; more turns than this are no accident.
const TURNS: usize = 16;
/// How many profiles a tenant may have.
pub const MOST_PROFILES: u32 = 100;

/// What a client says of a profile. Each `None` leaves the value as it is.
#[derive(Clone, Debug, Default)]
pub struct ProfileChange {
    /// How people call it; `Some(None)` takes that back.
    pub display_name: Option<Option<DisplayName>>,
    /// Characters in a code.
    pub code_length: Option<u8>,
    /// What a code is made of.
    pub alphabet: Option<Alphabet>,
    /// How long a code lives.
    pub expires_in: Option<Duration>,
    /// Wrong codes that end a verification.
    pub max_checks: Option<u8>,
    /// Messages of a verification.
    pub max_sends: Option<u8>,
    /// What a resend carries.
    pub resend: Option<ResendPolicy>,
    /// Its limits.
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
        // What was said of a limit goes with it.
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
    /// The tenant has no profile of that name.
    #[error("no such profile")]
    NotFound,
    /// Every tenant has `default`.
    #[error("the profile `default` stays")]
    Default,
    /// By a test key.
    #[error(transparent)]
    LiveByTest(#[from] LiveByTest),
    /// The directory did not answer.
    #[error("directory")]
    Directory(#[from] StoreError),
}

/// The profiles of the tenant, by name.
pub async fn list_profiles(replica: &Replica, actor: &Actor) -> Result<Vec<Profile>, ProfileError> {
    Ok(replica.directory.list_profiles(actor.tenant).await?)
}

/// A profile of the tenant.
pub async fn read_profile(
    replica: &Replica,
    actor: &Actor,
    name: &ProfileName,
) -> Result<Profile, ProfileError> {
    replica.directory.profile(actor.tenant, name).await?.ok_or(ProfileError::NotFound)
}

/// A profile of the tenant by its id.
pub async fn find_profile(replica: &Replica, actor: &Actor, id: ProfileId) -> Result<Profile, ProfileError> {
    let all = replica.directory.list_profiles(actor.tenant).await?;
    all.into_iter().find(|profile| profile.id == id).ok_or(ProfileError::NotFound)
}

/// Makes a profile whose unique name follows from how people call it.
pub async fn create_profile(
    replica: &Replica,
    actor: &Actor,
    display_name: DisplayName,
    change: ProfileChange,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<Profile, ProfileError> {
    actor.refuse_test()?;
    let plain = change.apply(Profile::first(ProfileId::new(by.at, rng), actor.tenant, by.at));
    let taken = replica.directory.list_profiles(actor.tenant).await?;
    let free = |name: &ProfileName| taken.iter().all(|profile| profile.name != *name);
    // Another request may take a name meanwhile, and then the next one is tried.
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

/// Makes a profile, or gives the one of its name what `change` says and the
/// defaults for the rest; says whether it was made. Verifications that were
/// started keep the policy of their start.
pub async fn save_profile(
    replica: &Replica,
    actor: &Actor,
    name: ProfileName,
    change: ProfileChange,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<(Profile, bool), ProfileError> {
    actor.refuse_test()?;
    let limits = Some(change.limits.unwrap_or_default());
    let change = ProfileChange { limits, ..change };
    let fresh = Profile { name, ..Profile::first(ProfileId::new(by.at, rng), actor.tenant, by.at) };
    for _ in 0..TURNS {
        let known = replica.directory.profile(actor.tenant, &fresh.name).await?;
        let base = known.as_ref().unwrap_or(&fresh).clone();
        let base = Profile { display_name: None, policy: Policy::default(), ..base };
        let profile = change.clone().apply(base);
        // Made, changed or deleted by another request meanwhile, it is looked at anew.
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

/// Changes a profile and gives it as it is then. Two changes at once are made one after the other.
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

/// The same by its id: never that of another profile which took its name meanwhile.
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

/// Reads a profile, changes it and writes it, unless somebody came between:
/// then once more with what is there by.at.
pub(crate) async fn change_profile<T, E: From<ProfileError>>(
    replica: &Replica,
    actor: &Actor,
    find: impl AsyncFn() -> Result<Profile, ProfileError>,
    by: &Change,
    change: impl Fn(&Profile) -> Result<(Profile, T), E>,
) -> Result<(Profile, T), E> {
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

/// Deletes a profile. Its verifications go on; they can no longer be checked by number.
pub async fn delete_profile(
    replica: &Replica,
    actor: &Actor,
    name: &ProfileName,
    by: &Change,
) -> Result<(), ProfileError> {
    actor.refuse_test()?;
    delete(replica, actor, read_profile(replica, actor, name).await?, by).await
}

/// The same by its id: never another profile which took its name meanwhile.
pub async fn delete_profile_by_id(
    replica: &Replica,
    actor: &Actor,
    id: ProfileId,
    by: &Change,
) -> Result<(), ProfileError> {
    actor.refuse_test()?;
    delete(replica, actor, find_profile(replica, actor, id).await?, by).await
}

/// A profile keeps its name for life, so what was read of it still holds.
async fn delete(replica: &Replica, actor: &Actor, profile: Profile, by: &Change) -> Result<(), ProfileError> {
    if profile.name == ProfileName::default() {
        return Err(ProfileError::Default);
    }
    let deleted = replica.directory.delete_profile(actor.tenant, profile.id, by).await?;
    replica.catch_up().await;
    if deleted { Ok(()) } else { Err(ProfileError::NotFound) }
}
