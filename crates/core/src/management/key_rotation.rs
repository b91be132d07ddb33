//! Rotation of keys: a new key replaces an old one, and for some time both are accepted.
//!
//! The new key has its own id, because the id is a part of the key's text and belongs to one secret.

use crate::{
    access::{
        actor::Actor,
        change::Change,
        key::{Key, PresentedKey},
    },
    context::Replica,
    id::KeyId,
    management::{
        keys::{KeyError, refuse_escaping, refuse_outliving},
        member_keys::read_governed,
        reach::ROUNDS,
        repeat::{made_once, refuse_repeat},
    },
    ports::{directory::keys::Rotation, error::StoreError},
    snapshot::ends::KeyEnd,
    tenant::system::Part,
    time::Timestamp,
    verification::idempotency::Once,
};
use rand::CryptoRng;
use std::time::Duration;

/// The longest time for which both keys may be accepted.
pub const MOST_OVERLAP: Duration = Duration::from_secs(7 * 24 * 3_600);
/// The default time for which both keys are accepted.
pub const OVERLAP: Duration = Duration::from_secs(24 * 3_600);

/// Plans the replacement of `old`, which is accepted for `overlap` from `now` on.
pub fn plan(
    old: &Key,
    overlap: Duration,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> (Rotation, PresentedKey) {
    let presented = PresentedKey::generate(old.mode, KeyId::new(now, rng), rng);
    let rotation = Rotation {
        new: old.successor(&presented, now),
        old: old.id,
        version: old.version,
        ends_at: old.end_after(overlap, now),
    };
    (rotation, presented)
}

/// Creates a key that replaces another, which ends after `overlap`. Only the second value contains the
/// secret, to be shown once.
///
/// A key may rotate itself: its holder gets no more access by that.
pub async fn rotate_key(
    replica: &Replica,
    actor: &Actor,
    id: KeyId,
    (overlap, once): (Duration, Option<Once>),
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<(Key, PresentedKey), KeyError> {
    replica.permit(actor.tenant, Part::Keys)?;
    refuse_repeat::<KeyError>(replica, actor.tenant, once.as_ref(), by.at).await?;
    for _ in 0..ROUNDS {
        let (old, rights, judged) = read_governed(replica, actor, id, by.at).await?;
        refuse_outliving(&rights.actor, old.expires_at)?;
        refuse_escaping(&rights.actor, &old.allowlist)?;
        if !old.is_usable(by.at) {
            return Err(KeyError::NotInUse);
        }
        // The old key already has a nearer expiry, so a second successor would expire with it.
        if let Some(successor) = old.replaced_by
            && replica.directory.key(actor.tenant, successor).await.map_err(KeyError::Directory)?.is_some()
        {
            return Err(KeyError::Replaced(successor));
        }
        // The successor of a member's own key has only the scopes that count: a member that was demoted does not
        // keep the former ones for later.
        let scopes = match &rights.own {
            Some(own) if old.member == Some(own.id) => old.scopes.within(own.limits.permissions),
            _ => old.scopes,
        };
        let (rotation, presented) = plan(&Key { scopes, ..old }, overlap, by.at, rng);
        let rotated = replica.directory.rotate_key(&rotation, once.as_ref(), judged, by).await;
        match made_once::<KeyError>(replica, actor.tenant, once.as_ref(), by.at, rotated).await {
            // The key has changed since it was read: a member that is narrowed changes its keys, too.
            Err(KeyError::Directory(StoreError::Conflict | StoreError::Moved)) => {
                replica.catch_up().await;
                continue;
            }
            outcome => outcome?,
        }
        let end = KeyEnd { key: rotation.old, version: rotation.version + 1, at: rotation.ends_at };
        replica.tell_end(end).await;
        return Ok((rotation.new, presented));
    }
    Err(StoreError::Busy.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{access::scope::Scopes, id::TenantId, mode::Mode};
    use rand::{SeedableRng, rngs::StdRng};

    #[test]
    fn a_successor_is_the_same_key_with_another_secret() {
        let (mut rng, now) = (StdRng::seed_from_u64(1), Timestamp::from_millis(1_800_000_000_000));
        let presented = PresentedKey::generate(Mode::Test, KeyId::new(now, &mut rng), &mut rng);
        let tenant = TenantId::from_bytes([1; 16]);
        let old = Key {
            last_used_at: Some(now),
            version: 7,
            ..Key::new(&presented, tenant, "one".into(), Scopes::all(), now)
        };
        let (rotation, secret) = plan(&old, Duration::from_secs(60), now, &mut rng);
        assert_eq!((rotation.old, rotation.version), (old.id, 7));
        assert_eq!(rotation.ends_at, now + Duration::from_secs(60));
        let new = rotation.new;
        assert!(secret.matches(&new) && !presented.matches(&new) && new.id == secret.id && new.id != old.id);
        assert_eq!((new.version, new.last_used_at, new.expires_at), (1, None, None));
        assert_eq!((new.mode, new.name, new.scopes), (old.mode, old.name.clone(), old.scopes));
        let ending = Key { expires_at: Some(now + Duration::from_secs(9)), ..old };
        let (rotation, _) = plan(&ending, Duration::from_secs(60), now, &mut rng);
        assert_eq!(Some(rotation.ends_at), ending.expires_at, "its end is never put off");
        assert_eq!(rotation.new.expires_at, ending.expires_at);
    }
}
