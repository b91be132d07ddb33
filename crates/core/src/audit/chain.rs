//! The chain of a tenant's entries: its head, its next entry and its verification.

use crate::{
    access::change::Change,
    audit::entry::{Draft, Entry},
    id::TenantId,
    keyring::{ChainEnd, ChainMac, KeyRing},
    verification::receipt::hex,
};
use sha2::{Digest as _, Sha256};

/// The last entry of a chain, or the entry after which the chain begins, with a MAC by the key ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub tenant: TenantId,
    /// The number of the entry; 0 for a chain without entries.
    pub n: i64,
    pub hash: [u8; 32],
    pub mac: ChainMac,
}

impl Head {
    /// The head of a chain without entries.
    pub fn first(keyring: &KeyRing, tenant: TenantId) -> Self {
        let hash = Sha256::digest([b"countersign audit".as_slice(), tenant.bytes()].concat()).into();
        Self::at(keyring, tenant, 0, hash)
    }

    /// The head at an entry, with a fresh MAC.
    pub fn at(keyring: &KeyRing, tenant: TenantId, n: i64, hash: [u8; 32]) -> Self {
        Self { tenant, n, hash, mac: keyring.chain_mac(ChainEnd::Head, tenant, n, &hash) }
    }

    /// The anchor at the last entry that the retention removed.
    pub fn anchor(keyring: &KeyRing, tenant: TenantId, n: i64, hash: [u8; 32]) -> Self {
        Self { tenant, n, hash, mac: keyring.chain_mac(ChainEnd::Anchor, tenant, n, &hash) }
    }

    /// Whether the key ring made the MAC for the head at this number and this hash.
    pub fn is_genuine(&self, keyring: &KeyRing) -> bool {
        keyring.made_chain_mac(ChainEnd::Head, self.tenant, self.n, &self.hash, &self.mac)
    }

    /// Whether the key ring made the MAC for an anchor at this number and this hash.
    pub fn is_genuine_anchor(&self, keyring: &KeyRing) -> bool {
        keyring.made_chain_mac(ChainEnd::Anchor, self.tenant, self.n, &self.hash, &self.mac)
    }

    /// Number and hash, as people keep them: `42:9f2c...`.
    pub fn text(&self) -> String {
        format!("{}:{}", self.n, hex(self.hash))
    }

    /// The next entry, and the head that it makes.
    pub fn append(&self, keyring: &KeyRing, draft: &Draft, by: &Change) -> (Entry, Self) {
        let entry = Entry::new((self.tenant, self.n + 1), &self.hash, draft, by);
        let head = Self::at(keyring, self.tenant, entry.n, entry.hash);
        (entry, head)
    }
}

/// Why a chain is not the one that was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Break {
    #[error("the MAC of {0} does not match: the key ring did not make it")]
    Mac(&'static str),
    #[error("entry {0} is missing")]
    Missing(i64),
    #[error("entry {0} was changed, or the entry before it")]
    Changed(i64),
    #[error("the chain ends at entry {found}, but its head is entry {head}")]
    Cut { head: i64, found: i64 },
    #[error("entry {0} comes after the head")]
    Beyond(i64),
    #[error("the chain has entries, but no head")]
    NoHead,
    #[error("entry {0} is not the one whose hash was kept elsewhere, or the chain ends before it")]
    NotKept(i64),
    #[error("the head is not the hash of the last entry")]
    OtherHead,
    #[error("the tenant has no chain; a worker begins the chain of an older release's tenant at its start")]
    NoChain,
    #[error("the tenant does not exist or is marked as being erased, but no entry of the operator says so")]
    NoTenant,
}

/// Compares a chain with its anchor and its head, one entry after the other.
pub struct Verification {
    n: i64,
    hash: [u8; 32],
}

impl Verification {
    /// Begins after the anchor: the last entry that the retention removed, or the empty chain.
    pub fn after(keyring: &KeyRing, tenant: TenantId, anchor: Option<&Head>) -> Result<Self, Break> {
        match anchor {
            Some(anchor) if !anchor.is_genuine_anchor(keyring) => Err(Break::Mac("the anchor")),
            Some(anchor) => Ok(Self { n: anchor.n, hash: anchor.hash }),
            None => {
                let first = Head::first(keyring, tenant);
                Ok(Self { n: first.n, hash: first.hash })
            }
        }
    }

    /// Begins after this entry.
    pub fn after_entry(entry: &Entry) -> Self {
        Self { n: entry.n, hash: entry.hash }
    }

    /// The number of the last entry that was compared.
    pub fn n(&self) -> i64 {
        self.n
    }

    /// Compares the next entry.
    pub fn take(&mut self, entry: &Entry) -> Result<(), Break> {
        if entry.n != self.n + 1 {
            return Err(Break::Missing(self.n + 1));
        }
        if entry.hash != entry.hash_after(&self.hash) {
            return Err(Break::Changed(entry.n));
        }
        (self.n, self.hash) = (entry.n, entry.hash);
        Ok(())
    }

    /// Compares the last entry that was taken with the head, which was read before the entries.
    pub fn finish(&self, keyring: &KeyRing, head: &Head) -> Result<(), Break> {
        if !head.is_genuine(keyring) {
            return Err(Break::Mac("the head"));
        }
        if head.n != self.n {
            return Err(Break::Cut { head: head.n, found: self.n });
        }
        if head.hash != self.hash { Err(Break::OtherHead) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{keyring::VersionedKey, time::Timestamp};
    use rand::{RngExt as _, SeedableRng, rngs::StdRng, seq::SliceRandom as _};

    const TENANT: TenantId = TenantId::from_bytes([1; 16]);

    fn ring(byte: u8) -> KeyRing {
        let key = || vec![VersionedKey { version: 1, key: [byte; 32] }];
        KeyRing::new([byte; 32], key(), key()).unwrap()
    }

    fn chain(keyring: &KeyRing, length: i64) -> (Vec<Entry>, Head) {
        let mut head = Head::first(keyring, TENANT);
        let mut entries = Vec::new();
        for n in 1..=length {
            let by = Change::by_system(Timestamp::from_micros(n));
            let (entry, next) = head.append(keyring, &Draft::act("key.update", n), &by);
            entries.push(entry);
            head = next;
        }
        (entries, head)
    }

    fn verify(keyring: &KeyRing, entries: &[Entry], head: &Head) -> Result<(), Break> {
        let mut verification = Verification::after(keyring, TENANT, None)?;
        entries.iter().try_for_each(|entry| verification.take(entry))?;
        verification.finish(keyring, head)
    }

    #[test]
    fn an_untouched_chain_is_verified() {
        let keyring = ring(1);
        let (entries, head) = chain(&keyring, 5);
        assert_eq!(verify(&keyring, &entries, &head), Ok(()));
        assert_eq!(verify(&keyring, &[], &Head::first(&keyring, TENANT)), Ok(()));
    }

    #[test]
    fn each_random_tamper_is_found() {
        let (keyring, mut rng) = (ring(1), StdRng::seed_from_u64(1));
        let (entries, head) = chain(&keyring, 20);
        for _ in 0..1_000 {
            let (mut forged, mut end) = (entries.clone(), head.clone());
            let place = rng.random_range(0..forged.len());
            match rng.random_range(0..8) {
                0 => forged[place].object.push('x'),
                1 => forged[place].at = Timestamp::from_micros(99),
                2 => forged[place].author.actor = "operator".to_owned(),
                3 => forged[place].after = Some("{}".to_owned()),
                4 => drop(forged.remove(place)),
                5 => {
                    while forged == entries {
                        forged.shuffle(&mut rng);
                    }
                }
                6 => forged.truncate(place),
                _ => {
                    // The tail is cut and the head goes back with it, without the key ring.
                    forged.truncate(place);
                    let hash = forged.last().map_or([0; 32], |last| last.hash);
                    end = Head { n: place as i64, hash, ..end };
                }
            }
            assert!(verify(&keyring, &forged, &end).is_err(), "{forged:?}");
        }
    }

    #[test]
    fn a_chain_that_another_key_ring_wrote_is_refused() {
        let (forged, head) = chain(&ring(2), 5);
        assert_eq!(verify(&ring(1), &forged, &head), Err(Break::Mac("the head")));
    }

    #[test]
    fn a_chain_that_the_retention_cut_begins_after_its_anchor() {
        let keyring = ring(1);
        let (entries, head) = chain(&keyring, 5);
        let anchor = Head::anchor(&keyring, TENANT, 2, entries[1].hash);
        let mut rest = Verification::after(&keyring, TENANT, Some(&anchor)).unwrap();
        entries[2..].iter().try_for_each(|entry| rest.take(entry)).unwrap();
        assert_eq!(rest.finish(&keyring, &head), Ok(()));
        let moved = Head { n: 3, ..anchor };
        assert!(Verification::after(&keyring, TENANT, Some(&moved)).is_err());
        let copied = Verification::after(&keyring, TENANT, Some(&head)).err();
        assert_eq!(copied, Some(Break::Mac("the anchor")), "a head does not pass as an anchor");
    }
}
