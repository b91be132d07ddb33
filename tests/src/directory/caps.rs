//! The maximum numbers of a tenant's things, even when many writes race.

use super::{Base, at, key, profile};
use anyhow::{Context, Result};
use countersign_core::{
    access::{
        change::Change,
        key::{Key, MOST_KEYS},
    },
    id::{KeyId, ProfileId, ReviewNumberId},
    keyring::Fingerprint,
    management::profiles::MOST_PROFILES,
    ports::{
        directory::{keys::Keys, profiles::Profiles, reviews::Reviews, settings::Settings as _},
        error::StoreError,
    },
    tenant::{
        limits::{Buckets, LimitName},
        profile::Profile,
        review::{self, ReviewNumber},
        settings::{Setting, Settings},
    },
};
use std::{future::Future, time::Duration};

/// As many writes at once as the tenant may have, and ten more.
async fn race<F: Future<Output = Result<(), StoreError>> + Send + 'static>(
    most: u32,
    write: impl Fn(u32) -> F,
) -> Result<(usize, usize)> {
    let tasks: Vec<_> = (0..most + 10).map(|n| tokio::spawn(write(n))).collect();
    let (mut made, mut refused) = (0, 0);
    for task in tasks {
        match task.await? {
            Ok(()) => made += 1,
            Err(StoreError::Full { most: said, .. }) if said == most => refused += 1,
            Err(error) => return Err(error.into()),
        }
    }
    Ok((made, refused))
}

fn id(n: u32) -> [u8; 16] {
    (u128::from(n) + 1_000).to_be_bytes()
}

pub async fn a_tenant_has_only_so_many_of_each(base: &Base) -> Result<()> {
    let (one, other) = (base.tenant(1).await?.id, base.tenant(2).await?.id);
    let buckets = Buckets::parse("5/600").context("buckets")?;
    let limit = |name: String| -> Result<Setting> {
        Ok(Setting::Limit(LimitName::parse(&name).context("name")?, Some(buckets.clone())))
    };
    for name in ["number", "end_user_ip", "key", "tenant", "country", "prefix"] {
        base.directory.save_setting(one, &limit(name.to_owned())?, &Change::by_system(at(1))).await?;
    }
    let raced = race(Settings::MOST_LIMITS, |n| {
        let (directory, limit) = (base.directory.clone(), limit(format!("own-{n}")));
        async move {
            directory
                .save_setting(one, &limit.map_err(StoreError::unavailable)?, &Change::by_system(at(2)))
                .await
        }
    });
    assert_eq!(raced.await?, (20, 10), "the built-in ones do not count");
    let known = base.directory.settings(one).await?;
    let own = known.limits.keys().find(|name| name.as_str().starts_with("own")).context("one")?.clone();
    base.directory
        .save_setting(one, &Setting::Limit(own.clone(), Some(buckets.clone())), &Change::by_system(at(3)))
        .await?;
    base.directory.save_setting(one, &Setting::Limit(own, None), &Change::by_system(at(3))).await?;
    base.directory.save_setting(one, &limit("freed".to_owned())?, &Change::by_system(at(3))).await?;

    let of_default = 1;
    let raced = race(MOST_PROFILES, |n| {
        let directory = base.directory.clone();
        let made = profile(one, 1, &format!("p{n}"));
        async move {
            let made = made.map_err(StoreError::unavailable)?;
            directory
                .create_profile(
                    &Profile { id: ProfileId::from_bytes(id(n)), ..made },
                    &Change::by_system(at(2)),
                )
                .await
        }
    });
    assert_eq!(raced.await?, (100 - of_default, 10 + of_default));

    let raced = race(review::MOST, |n| {
        let directory = base.directory.clone();
        let review = ReviewNumber {
            id: ReviewNumberId::from_bytes(id(n)),
            tenant: one,
            number: Fingerprint(id(n)),
            sealed: Vec::new(),
            ends_at: at(2) + Duration::from_secs(60),
            created_at: at(2),
        };
        async move { directory.create_review_number(&review, None, &Change::by_system(at(2))).await }
    });
    assert_eq!(raced.await?, (20, 10));

    let raced = race(MOST_KEYS, |n| {
        let directory = base.directory.clone();
        let key = Key { id: KeyId::from_bytes(id(n)), replaced_by: None, ..key(one, 1) };
        async move { directory.create_key(&key, None, None, &[], &Change::by_system(key.created_at)).await }
    });
    assert_eq!(raced.await?, (1_000, 10));
    base.directory
        .create_key(&key(other, 2), None, None, &[], &Change::by_system(key(other, 2).created_at))
        .await?;
    Ok(())
}
