//! The names of keys: `{tag}`, a letter, and the rest.

use super::tags::tag;
use countersign_core::{
    id::{RecordKey, TenantId},
    keyring::Fingerprint,
    mode::Mode,
};

fn name(partition: u16, letter: u8, rest: &[u8]) -> Vec<u8> {
    let mut name = tag(partition).into_bytes();
    name.push(letter);
    name.extend_from_slice(rest);
    name
}

pub fn verification(key: RecordKey) -> Vec<u8> {
    name(key.id.partition(), b'v', &key.bytes())
}

/// The fingerprint already contains the tenant.
pub fn number(partition: u16, mode: Mode, number: Fingerprint) -> Vec<u8> {
    let mut rest = [0; 17];
    rest[0] = mode.byte();
    rest[1..].copy_from_slice(&number.0);
    name(partition, b'n', &rest)
}

/// The part of a verification's key between the letter and the id.
pub fn owner(tenant: TenantId, mode: Mode) -> [u8; 17] {
    let mut owner = [0; 17];
    owner[..16].copy_from_slice(tenant.bytes());
    owner[16] = mode.byte();
    owner
}

/// Waiting messages: a sorted set, by the time when they are due.
pub fn due(partition: u16) -> Vec<u8> {
    name(partition, b'd', b"")
}

/// Messages that wait only for a receipt: a sorted set like `due`. It is separate, because older releases do
/// not know this kind of waiting.
pub fn awaited(partition: u16) -> Vec<u8> {
    name(partition, b'a', b"")
}

/// Due messages, grouped by tenant: a sorted set, ordered by its members.
pub fn line(partition: u16) -> Vec<u8> {
    name(partition, b'l', b"")
}

/// The message with this id at its provider, or a receipt that arrived before.
pub fn provider_message(partitions: u16, slot: &[u8; 16]) -> Vec<u8> {
    name(partition_of(partitions, slot), b'm', slot)
}

/// The events that the history does not have yet: a stream.
pub fn events(partition: u16) -> Vec<u8> {
    name(partition, b'e', b"")
}

/// The outcome of a request with an Idempotency-Key, in the same partition as its phone number.
pub fn outcome(partition: u16, slot: &[u8; 16]) -> Vec<u8> {
    name(partition, b'o', slot)
}

/// The request that an Idempotency-Key is bound to. Only the Idempotency-Key is needed to find it.
pub fn slot(partitions: u16, slot: &[u8; 16]) -> Vec<u8> {
    name(partition_of(partitions, slot), b's', slot)
}

/// A limit that does not count by phone number.
pub fn bucket(partitions: u16, key: &[u8; 16]) -> Vec<u8> {
    name(partition_of(partitions, key), b'b', key)
}

/// A member's pool.
pub fn pool(partitions: u16, key: &[u8; 16]) -> Vec<u8> {
    name(partition_of(partitions, key), b'q', key)
}

/// The installation that the store belongs to.
pub fn installation() -> Vec<u8> {
    name(0, b'i', b"")
}

/// The key of the set of live workers.
pub fn workers() -> Vec<u8> {
    name(0, b'p', b"")
}

/// The key of the stream of nodes' notices about the directory.
pub fn relays() -> Vec<u8> {
    name(0, b'r', b"")
}

/// The key of the number of the newest change that any node has read.
pub fn head() -> Vec<u8> {
    name(0, b'h', b"")
}

/// A key that never exists. A script that builds names of keys itself declares this key beside the ones it is
/// given. While a slot moves to another master, each of the two may have a part of the keys. Because of this
/// key, a server then refuses the script (TRYAGAIN), and the script does not silently miss a key.
pub fn none(partition: u16) -> Vec<u8> {
    name(partition, b'x', b"")
}

/// The channel that wakes a partition's workers.
pub fn wake(partition: u16) -> Vec<u8> {
    name(partition, b'w', b"")
}

/// A key to write, as a test whether writing works.
pub fn probe(partition: u16) -> Vec<u8> {
    name(partition, b't', b"")
}

fn partition_of(partitions: u16, hash: &[u8; 16]) -> u16 {
    u16::from_be_bytes([hash[0], hash[1]]) % partitions.max(1)
}
