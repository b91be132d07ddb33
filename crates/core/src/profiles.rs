//! Management of profiles.

use crate::{
    Caller, Context, LiveByTest,
    code::Alphabet,
    id::ProfileId,
    limits::NamedLimits,
    ports::StoreError,
    profile::{Policy, Profile, ProfileName, ResendPolicy},
    time::Timestamp,
};
use rand::CryptoRng;
use std::time::Duration;

/// Most profiles of a tenant.
pub const MOST_PROFILES: u32 = 100;

/// What a client says of a profile. Each `None` leaves the value as it is.
#[derive(Clone, Debug, Default)]
pub struct ProfileChange {
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
    fn apply(self, policy: Policy, limits: NamedLimits) -> (Policy, NamedLimits) {
        let policy = Policy {
            code_length: self.code_length.unwrap_or(policy.code_length),
            alphabet: self.alphabet.unwrap_or(policy.alphabet),
            expires_in: self.expires_in.unwrap_or(policy.expires_in),
            max_checks: self.max_checks.unwrap_or(policy.max_checks),
            max_sends: self.max_sends.unwrap_or(policy.max_sends),
            resend: self.resend.unwrap_or(policy.resend),
        };
        (policy, self.limits.unwrap_or(limits))
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
pub async fn list_profiles(context: &Context, caller: &Caller) -> Result<Vec<Profile>, ProfileError> {
    Ok(context.directory.list_profiles(caller.tenant).await?)
}

/// A profile of the tenant.
pub async fn read_profile(
    context: &Context,
    caller: &Caller,
    name: &ProfileName,
) -> Result<Profile, ProfileError> {
    context.directory.profile(caller.tenant, name).await?.ok_or(ProfileError::NotFound)
}

/// Makes a profile, or gives the one of its name what `change` says and the
/// defaults for the rest; says whether it was made. Verifications that were
/// started keep the policy of their start.
pub async fn save_profile(
    context: &Context,
    caller: &Caller,
    name: ProfileName,
    change: ProfileChange,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<(Profile, bool), ProfileError> {
    caller.refuse_test()?;
    let known = context.directory.profile(caller.tenant, &name).await?;
    let (id, created_at) =
        known.as_ref().map_or_else(|| (ProfileId::new(now, rng), now), |known| (known.id, known.created_at));
    let (policy, limits) = change.apply(Policy::default(), NamedLimits::default());
    let profile = Profile { id, tenant: caller.tenant, name, policy, created_at, limits };
    context.directory.save_profile(&profile, now).await?;
    context.catch_up().await;
    Ok((profile, known.is_none()))
}

/// Changes a profile and gives it as it is then. Of two changes at once the later counts.
pub async fn update_profile(
    context: &Context,
    caller: &Caller,
    name: &ProfileName,
    change: ProfileChange,
    now: Timestamp,
) -> Result<Profile, ProfileError> {
    caller.refuse_test()?;
    let old = read_profile(context, caller, name).await?;
    let (policy, limits) = change.apply(old.policy.clone(), old.limits.clone());
    let profile = Profile { policy, limits, ..old };
    context.directory.save_profile(&profile, now).await?;
    context.catch_up().await;
    Ok(profile)
}

/// Deletes a profile. Its verifications go on; they can no longer be checked by number.
pub async fn delete_profile(
    context: &Context,
    caller: &Caller,
    name: &ProfileName,
    now: Timestamp,
) -> Result<(), ProfileError> {
    caller.refuse_test()?;
    if *name == ProfileName::default() {
        return Err(ProfileError::Default);
    }
    let deleted = context.directory.delete_profile(caller.tenant, name, now).await?;
    context.catch_up().await;
    if deleted { Ok(()) } else { Err(ProfileError::NotFound) }
}
