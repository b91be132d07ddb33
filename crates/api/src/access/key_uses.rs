//! The uses of keys, with their times and addresses. They stay in memory until the server writes them to the
//! directory.

use countersign_core::{
    access::{
        key::Key,
        usage::{AddressUse, MOST_ADDRESSES},
    },
    id::{KeyId, TenantId},
    time::Timestamp,
};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The maximum number of keys between two drains. Further keys are not recorded; a later use will be.
const MAX_KEYS: usize = 100_000;
/// The maximum number of addresses between two drains, for all keys together.
const MAX_ADDRESSES: usize = 100_000;
const MINUTE_MILLIS: i64 = 60_000;

/// The last use of each key, to the minute, so that a busy key is written once a minute; and the uses from
/// each address since the last drain.
#[derive(Default)]
pub struct KeyUses(Mutex<Uses>);

#[derive(Default)]
struct Uses {
    keys: HashMap<KeyId, Use>,
    addresses: HashMap<KeyId, HashMap<IpAddr, AddressUse>>,
    /// The number of addresses of all keys.
    count: usize,
}

struct Use {
    tenant: TenantId,
    minute: Timestamp,
    drained: bool,
}

impl KeyUses {
    /// Records that a key was accepted from an address.
    pub fn note(&self, key: &Key, address: IpAddr, now: Timestamp) {
        let mut uses = self.lock();
        uses.note_minute(key, now);
        if let Some(one) = uses.address(key, address, now) {
            one.uses += 1;
        }
    }

    /// Records that an allowlist refused a key at an address.
    pub fn note_refused(&self, key: &Key, address: IpAddr, now: Timestamp) {
        if let Some(one) = self.lock().address(key, address, now) {
            one.refused += 1;
        }
    }

    /// Returns the last uses recorded since the last call.
    pub fn drain(&self) -> Vec<(TenantId, KeyId, Timestamp)> {
        let mut uses = self.lock();
        let newest = uses.keys.values().map(|last| last.minute).max();
        let mut fresh = Vec::new();
        // Uses in the current minute stay, so that they are not written again within it.
        uses.keys.retain(|key, last| {
            if !std::mem::replace(&mut last.drained, true) {
                fresh.push((last.tenant, *key, last.minute));
            }
            Some(last.minute) == newest
        });
        fresh
    }

    /// Returns the uses from each address since the last call.
    pub fn drain_addresses(&self) -> Vec<AddressUse> {
        let mut uses = self.lock();
        uses.count = 0;
        std::mem::take(&mut uses.addresses).into_values().flat_map(HashMap::into_values).collect()
    }

    /// A panic while the lock is held leaves the maps whole, or at worst a count too high until the next
    /// drain. So a poisoned lock is safe to use.
    fn lock(&self) -> MutexGuard<'_, Uses> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Uses {
    fn note_minute(&mut self, key: &Key, now: Timestamp) {
        let minute = Timestamp::from_millis(now.millis() - now.millis().rem_euclid(MINUTE_MILLIS));
        match self.keys.get(&key.id) {
            Some(last) if last.minute >= minute => return,
            None if self.keys.len() >= MAX_KEYS => return,
            _ => {}
        }
        self.keys.insert(key.id, Use { tenant: key.tenant, minute, drained: false });
    }

    /// The record of a key's uses from an address, to which the caller adds one. `None` beyond the bounds: a
    /// key that is used from very many addresses must not prevent the records of other keys.
    fn address(&mut self, key: &Key, address: IpAddr, now: Timestamp) -> Option<&mut AddressUse> {
        let of_key = self.addresses.entry(key.id).or_default();
        if !of_key.contains_key(&address) {
            if self.count >= MAX_ADDRESSES || of_key.len() >= usize::from(MOST_ADDRESSES) {
                return None;
            }
            self.count += 1;
        }
        let fresh = AddressUse {
            tenant: key.tenant,
            key: key.id,
            address,
            uses: 0,
            refused: 0,
            first_used_at: now,
            last_used_at: now,
        };
        let one = of_key.entry(address).or_insert(fresh);
        one.last_used_at = one.last_used_at.max(now);
        Some(one)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::{
        access::{key::PresentedKey, scope::Scopes},
        mode::Mode,
    };
    use std::net::Ipv4Addr;

    const TENANT: TenantId = TenantId::from_bytes([1; 16]);
    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn key(number: u128) -> Key {
        let presented =
            PresentedKey::from_secret(Mode::Live, KeyId::from_bytes(number.to_be_bytes()), [1; 32]);
        Key::new(&presented, TENANT, "one".to_owned(), Scopes::all(), Timestamp::default())
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    #[test]
    fn a_use_is_drained_once_a_minute() {
        let (uses, key) = (KeyUses::default(), key(2));
        uses.note(&key, HERE, at(61));
        assert_eq!(uses.drain(), [(TENANT, key.id, at(60))]);
        uses.note(&key, HERE, at(119));
        assert_eq!(uses.drain(), []);
        uses.note(&key, HERE, at(120));
        uses.note(&key, HERE, at(90));
        assert_eq!(uses.drain(), [(TENANT, key.id, at(120))]);
    }

    #[test]
    fn uses_are_counted_by_address_and_refused_ones_apart() {
        let (uses, key) = (KeyUses::default(), key(2));
        uses.note(&key, HERE, at(1));
        uses.note_refused(&key, HERE, at(5));
        uses.note(&key, HERE, at(3));
        let counted = AddressUse {
            tenant: TENANT,
            key: key.id,
            address: HERE,
            uses: 2,
            refused: 1,
            first_used_at: at(1),
            last_used_at: at(5),
        };
        assert_eq!(uses.drain_addresses(), [counted]);
        assert_eq!(uses.drain_addresses(), [], "counted once");
        uses.drain();
        uses.note_refused(&key, HERE, at(99));
        assert_eq!(uses.drain(), [], "a refused key was not accepted");
    }

    #[test]
    fn the_maps_are_bounded() {
        let uses = KeyUses::default();
        for n in 0..=MAX_KEYS as u128 {
            uses.note(&key(n), HERE, Timestamp::default());
        }
        assert_eq!(uses.drain().len(), MAX_KEYS);
        assert_eq!(uses.drain_addresses().len(), MAX_ADDRESSES);
        for n in 0..=u32::from(MOST_ADDRESSES) {
            uses.note(&key(1), Ipv4Addr::from_bits(n).into(), Timestamp::default());
        }
        uses.note(&key(2), HERE, Timestamp::default());
        assert_eq!(uses.drain_addresses().len(), usize::from(MOST_ADDRESSES) + 1);
    }
}
