//! When keys were last accepted, kept in memory until the server writes it down.

use countersign_core::{
    id::{KeyId, TenantId},
    time::Timestamp,
};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// More keys than this between two drains are not noted; a later use will be.
const MAX_KEYS: usize = 100_000;
const MINUTE_MILLIS: i64 = 60_000;

/// The last use of each key, to the minute: a busy key is written once a minute.
#[derive(Default)]
pub struct KeyUses(Mutex<HashMap<KeyId, Use>>);

struct Use {
    tenant: TenantId,
    minute: Timestamp,
    drained: bool,
}

impl KeyUses {
    /// Notes that a key was accepted.
    pub fn note(&self, tenant: TenantId, key: KeyId, now: Timestamp) {
        let minute = Timestamp::from_millis(now.millis() - now.millis().rem_euclid(MINUTE_MILLIS));
        let mut uses = self.lock();
        match uses.get(&key) {
            Some(last) if last.minute >= minute => return,
            None if uses.len() >= MAX_KEYS => return,
            _ => {}
        }
        uses.insert(key, Use { tenant, minute, drained: false });
    }

    /// What was noted since the last call.
    pub fn drain(&self) -> Vec<(TenantId, KeyId, Timestamp)> {
        let mut uses = self.lock();
        let newest = uses.values().map(|last| last.minute).max();
        let mut fresh = Vec::new();
        // Those of the running minute stay, so that they are not written again within it.
        uses.retain(|key, last| {
            if !std::mem::replace(&mut last.drained, true) {
                fresh.push((last.tenant, *key, last.minute));
            }
            Some(last.minute) == newest
        });
        fresh
    }

    /// A panic elsewhere leaves the map whole: each change is one call on it.
    fn lock(&self) -> MutexGuard<'_, HashMap<KeyId, Use>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_is_drained_once_a_minute() {
        let uses = KeyUses::default();
        let (tenant, key) = (TenantId::from_bytes([1; 16]), KeyId::from_bytes([2; 16]));
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1_000);
        uses.note(tenant, key, at(61));
        assert_eq!(uses.drain(), [(tenant, key, at(60))]);
        uses.note(tenant, key, at(119));
        assert_eq!(uses.drain(), []);
        uses.note(tenant, key, at(120));
        uses.note(tenant, key, at(90));
        assert_eq!(uses.drain(), [(tenant, key, at(120))]);
    }

    #[test]
    fn the_map_is_bounded() {
        let uses = KeyUses::default();
        for n in 0..=MAX_KEYS as u128 {
            uses.note(
                TenantId::from_bytes([1; 16]),
                KeyId::from_bytes(n.to_be_bytes()),
                Timestamp::default(),
            );
        }
        assert_eq!(uses.drain().len(), MAX_KEYS);
    }
}
