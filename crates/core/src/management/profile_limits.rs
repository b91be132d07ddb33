//! The limits of one profile, one at a time. The Twilio-compatible API calls them rate limits and buckets. A
//! limit may be created before its first bucket; until then it limits nothing.

use crate::{
    access::{actor::Actor, change::Change},
    context::Replica,
    id::ProfileId,
    management::profiles::{ProfileError, change_profile, find_profile},
    tenant::{
        limits::{Bucket, Buckets, LimitName, LimitNotes, LimitScope, NamedLimits},
        profile::Profile,
    },
};
use std::collections::BTreeMap;

/// A limit of a profile, with or without buckets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimit {
    pub name: LimitName,
    /// The client's note about the limit.
    pub note: String,
    /// The buckets. Without any, the limit has no effect.
    pub buckets: Vec<Bucket>,
}

/// Why a limit was not read or changed.
#[derive(Debug, thiserror::Error)]
pub enum RateLimitError {
    /// The profile has no such limit, or the limit no such bucket.
    #[error("no such limit")]
    NotFound,
    /// The profile already has a limit with this name.
    #[error("the name is taken")]
    NameTaken,
    /// The profile has the maximum number of limits.
    #[error("a profile has at most {} limits", NamedLimits::MOST)]
    TooMany,
    /// The limit already has a bucket with this window.
    #[error("the window is taken")]
    WindowTaken,
    /// The limit has the maximum number of buckets.
    #[error("a limit has at most {} buckets", Buckets::MOST)]
    TooManyBuckets,
    /// A bucket exceeds its bounds.
    #[error("a bucket is out of its bounds")]
    OutOfBounds,
    /// The profile was not read or changed.
    #[error(transparent)]
    Profile(#[from] ProfileError),
}

/// All limits of a profile, sorted by name.
pub fn rate_limits(profile: &Profile) -> Vec<RateLimit> {
    let mut all: BTreeMap<&LimitName, RateLimit> = BTreeMap::new();
    for (name, note) in profile.limit_notes.as_map() {
        let announced = RateLimit { name: name.clone(), note: note.clone(), buckets: Vec::new() };
        all.insert(name, announced);
    }
    for (name, buckets) in profile.limits.as_map() {
        let plain = || RateLimit { name: name.clone(), note: String::new(), buckets: Vec::new() };
        all.entry(name).or_insert_with(plain).buckets = buckets.as_slice().to_vec();
    }
    all.into_values().collect()
}

/// Creates a limit without buckets.
pub async fn create_rate_limit(
    replica: &Replica,
    actor: &Actor,
    profile: ProfileId,
    (name, note): (LimitName, String),
    by: &Change,
) -> Result<RateLimit, RateLimitError> {
    change(replica, actor, profile, by, |limits| {
        if limits.iter().any(|limit| limit.name == name) {
            return Err(RateLimitError::NameTaken);
        }
        if limits.len() >= NamedLimits::MOST {
            return Err(RateLimitError::TooMany);
        }
        let made = RateLimit { name: name.clone(), note: note.clone(), buckets: Vec::new() };
        limits.push(made.clone());
        Ok(made)
    })
    .await
}

/// Changes the note about a limit.
pub async fn describe_rate_limit(
    replica: &Replica,
    actor: &Actor,
    profile: ProfileId,
    (name, note): (&LimitName, Option<&str>),
    by: &Change,
) -> Result<RateLimit, RateLimitError> {
    change(replica, actor, profile, by, |limits| {
        let limit = find(limits, name)?;
        if let Some(note) = note {
            note.clone_into(&mut limit.note);
        }
        Ok(limit.clone())
    })
    .await
}

/// Deletes a limit with its buckets.
pub async fn delete_rate_limit(
    replica: &Replica,
    actor: &Actor,
    profile: ProfileId,
    name: &LimitName,
    by: &Change,
) -> Result<(), RateLimitError> {
    change(replica, actor, profile, by, |limits| {
        find(limits, name)?;
        limits.retain(|limit| limit.name != *name);
        Ok(())
    })
    .await
}

/// Adds a bucket to a limit.
pub async fn create_bucket(
    replica: &Replica,
    actor: &Actor,
    profile: ProfileId,
    (name, bucket): (&LimitName, Bucket),
    by: &Change,
) -> Result<(), RateLimitError> {
    change(replica, actor, profile, by, |limits| {
        let limit = find(limits, name)?;
        if limit.buckets.iter().any(|known| known.window == bucket.window) {
            return Err(RateLimitError::WindowTaken);
        }
        if limit.buckets.len() >= Buckets::MOST {
            return Err(RateLimitError::TooManyBuckets);
        }
        limit.buckets.push(bucket);
        Ok(())
    })
    .await
}

/// Replaces the bucket with this window.
pub async fn update_bucket(
    replica: &Replica,
    actor: &Actor,
    profile: ProfileId,
    (name, window): (&LimitName, u32),
    (max, new_window): (Option<u32>, Option<u32>),
    by: &Change,
) -> Result<Bucket, RateLimitError> {
    change(replica, actor, profile, by, |limits| {
        let limit = find(limits, name)?;
        let at = place(limit, window)?;
        let bucket = Bucket::new(max.unwrap_or(limit.buckets[at].max), new_window.unwrap_or(window));
        let taken = |(n, known): (usize, &Bucket)| n != at && known.window == bucket.window;
        if limit.buckets.iter().enumerate().any(taken) {
            return Err(RateLimitError::WindowTaken);
        }
        limit.buckets[at] = bucket;
        Ok(bucket)
    })
    .await
}

/// Deletes the bucket with this window.
pub async fn delete_bucket(
    replica: &Replica,
    actor: &Actor,
    profile: ProfileId,
    (name, window): (&LimitName, u32),
    by: &Change,
) -> Result<(), RateLimitError> {
    change(replica, actor, profile, by, |limits| {
        let limit = find(limits, name)?;
        let at = place(limit, window)?;
        limit.buckets.remove(at);
        Ok(())
    })
    .await
}

fn find<'a>(limits: &'a mut [RateLimit], name: &LimitName) -> Result<&'a mut RateLimit, RateLimitError> {
    limits.iter_mut().find(|limit| limit.name == *name).ok_or(RateLimitError::NotFound)
}

fn place(limit: &RateLimit, window: u32) -> Result<usize, RateLimitError> {
    let at = limit.buckets.iter().position(|bucket| bucket.seconds() == window);
    at.ok_or(RateLimitError::NotFound)
}

async fn change<T>(
    replica: &Replica,
    actor: &Actor,
    id: ProfileId,
    by: &Change,
    change: impl Fn(&mut Vec<RateLimit>) -> Result<T, RateLimitError>,
) -> Result<T, RateLimitError> {
    let find = async || find_profile(replica, actor, id).await;
    let changed = change_profile(replica, actor, find, by, |old| {
        let mut limits = rate_limits(old);
        let told = change(&mut limits)?;
        Ok((with_limits(old, limits)?, told))
    });
    changed.await.map(|(_, told)| told)
}

fn with_limits(profile: &Profile, all: Vec<RateLimit>) -> Result<Profile, RateLimitError> {
    let (mut limits, mut limit_notes) = (BTreeMap::new(), LimitNotes::default());
    for RateLimit { name, note, buckets } in all {
        if !note.is_empty() || buckets.is_empty() {
            limit_notes.as_map_mut().insert(name.clone(), note);
        }
        if !buckets.is_empty() {
            limits.insert(name, Buckets::new(buckets).ok_or(RateLimitError::OutOfBounds)?);
        }
    }
    debug_assert!(limits.keys().all(|name| name.scope() == LimitScope::Caller));
    let limits = NamedLimits::new(limits).ok_or(RateLimitError::TooMany)?;
    Ok(Profile { limits, limit_notes, ..profile.clone() })
}
