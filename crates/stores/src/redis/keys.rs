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

/// The tenant is part of the fingerprint.
pub fn number(partition: u16, mode: Mode, number: Fingerprint) -> Vec<u8> {
    let mut rest = [0; 17];
    rest[0] = mode.byte();
    rest[1..].copy_from_slice(&number.0);
    name(partition, b'n', &rest)
}

/// What the keys of a tenant's verifications have between the letter and the id.
pub fn owner(tenant: TenantId, mode: Mode) -> [u8; 17] {
    let mut owner = [0; 17];
    owner[..16].copy_from_slice(tenant.bytes());
    owner[16] = mode.byte();
    owner
}

/// Messages that wait: a sorted set by when they are due.
pub fn due(partition: u16) -> Vec<u8> {
    name(partition, b'd', b"")
}

/// Messages that a provider has and whose receipt is awaited: a sorted set like
/// that of the others, apart from it for releases that know no such wait.
pub fn awaited(partition: u16) -> Vec<u8> {
    name(partition, b'a', b"")
}

/// Messages that are due, of each tenant in a row: a sorted set by its members.
pub fn line(partition: u16) -> Vec<u8> {
    name(partition, b'l', b"")
}

/// Which message it is that a provider calls so, or the receipt that came before.
pub fn provider_message(partitions: u16, slot: &[u8; 16]) -> Vec<u8> {
    name(partition_of(partitions, slot), b'm', slot)
}

/// Events that the history does not have yet: a stream.
pub fn events(partition: u16) -> Vec<u8> {
    name(partition, b'e', b"")
}

/// What came of a request with an Idempotency-Key, beside what it was about.
pub fn outcome(partition: u16, slot: &[u8; 16]) -> Vec<u8> {
    name(partition, b'o', slot)
}

/// The request that an Idempotency-Key is bound to, found by the key alone.
pub fn slot(partitions: u16, slot: &[u8; 16]) -> Vec<u8> {
    name(partition_of(partitions, slot), b's', slot)
}

/// A limit that counts over something else than a number.
pub fn bucket(partitions: u16, key: &[u8; 16]) -> Vec<u8> {
    name(partition_of(partitions, key), b'b', key)
}

/// Whose store this is.
pub fn installation() -> Vec<u8> {
    name(0, b'i', b"")
}

/// The workers that live.
pub fn workers() -> Vec<u8> {
    name(0, b'p', b"")
}

/// What nodes tell of the directory: a stream.
pub fn relays() -> Vec<u8> {
    name(0, b'r', b"")
}

/// The number of the newest change that any node has read.
pub fn head() -> Vec<u8> {
    name(0, b'h', b"")
}

/// No key ever. A script that makes the names of keys itself declares this one
/// beside those that it is given: while a slot moves to another master, where
/// some of what it looks for may stand on either, a server then refuses it
/// (TRYAGAIN) instead of letting it find nothing.
pub fn none(partition: u16) -> Vec<u8> {
    name(partition, b'x', b"")
}

/// Where a partition's workers are woken.
pub fn wake(partition: u16) -> Vec<u8> {
    name(partition, b'w', b"")
}

/// Something to write when it is asked whether writing works.
pub fn probe(partition: u16) -> Vec<u8> {
    name(partition, b't', b"")
}

fn partition_of(partitions: u16, hash: &[u8; 16]) -> u16 {
    u16::from_be_bytes([hash[0], hash[1]]) % partitions.max(1)
}
