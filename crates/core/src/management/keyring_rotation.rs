//! The order of the steps in which a key of the key ring is rotated.
//!
//! ```text
//! added, readable ──on every node──> primary ──nothing needs it any more──> retired
//! ```
//!
//! A node cannot check a value that was made with a version it lacks (it answers 503). So every node must be
//! able to read a version before any node makes values with it. And no node may make values with a version
//! when it is removed.

use crate::{
    id::NodeId,
    keyring::version::{KeyKind, KeyVersion},
    ports::nodes::Node,
    tenant::profile::Policy,
    time::{Timestamp, ceil_seconds},
    verification::times::KEPT_AFTER_EXPIRY,
};
use std::time::Duration;

/// The longest life of a record in the codes store, and so of a MAC.
pub const LONGEST_RECORD: Duration =
    KEPT_AFTER_EXPIRY.saturating_add(Duration::from_secs(*Policy::EXPIRES_IN.end() as u64));

/// A version in the key ring's list, of which the first is primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedKey {
    pub version: KeyVersion,
    /// When another version became primary in its place, if that was noted.
    pub demoted_at: Option<Timestamp>,
}

/// Why the next step must wait, or is impossible.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Refusal {
    /// The newest version is primary.
    #[error("{0} has no version that is newer than the primary one; `keyring add` makes one")]
    NothingNewer(KeyKind),
    /// The keys of this kind have no such version.
    #[error("{0} has no version {1}")]
    Unknown(KeyKind, u8),
    /// The version is primary: it makes new values.
    #[error("{0} version {1} is primary; promote a newer one first")]
    Primary(KeyKind, u8),
    /// The version was never primary. Its number could be given to another key.
    #[error("{0} version {1} was never primary, and its number must not come again; promote it")]
    NeverPrimary(KeyKind, u8),
    /// A node lacks the version and could not read what the others would make.
    #[error("node {node} does not have {kind} version {version} yet")]
    Lacks { node: NodeId, kind: KeyKind, version: u8 },
    /// A node has another key with this version number.
    #[error("node {node} has another key as {kind} version {version}: give it a copy of this key ring")]
    Differs { node: NodeId, kind: KeyKind, version: u8 },
    /// A node has not noticed the promotion yet, and still makes values with the version.
    #[error("node {node} still makes new values with {kind} version {version}")]
    StillMakes { node: NodeId, kind: KeyKind, version: u8 },
    /// Records made with the version may still exist.
    #[error("live verifications made with {kind} version {version} may stand until {until}, for another {} s", ceil_seconds(*.wait))]
    TooSoon {
        kind: KeyKind,
        version: u8,
        /// The time when the last of them expires.
        until: Timestamp,
        /// The time until then.
        wait: Duration,
    },
}

/// Returns the version that may become primary: the newest one, if every node can read it.
pub fn may_promote(kind: KeyKind, keys: &[ListedKey], nodes: &[Node]) -> Result<KeyVersion, Refusal> {
    let newest = keys.iter().map(|key| key.version).max_by_key(|version| version.number);
    let primary = keys.first().map(|key| key.version);
    let Some(wanted) = newest.filter(|newest| primary != Some(*newest)) else {
        return Err(Refusal::NothingNewer(kind));
    };
    let (number, version) = (wanted.number, wanted.number);
    for Node { id: node, versions, .. } in nodes {
        match versions.of(kind).find(number) {
            None => return Err(Refusal::Lacks { node: *node, kind, version }),
            Some(other) if other != wanted => return Err(Refusal::Differs { node: *node, kind, version }),
            Some(_) => {}
        }
    }
    Ok(wanted)
}

/// Checks whether a version may be removed: no node makes values with it, and every record made with it has
/// expired. Other values that it sealed must be checked elsewhere.
pub fn may_retire(
    kind: KeyKind,
    version: u8,
    keys: &[ListedKey],
    nodes: &[Node],
    now: Timestamp,
) -> Result<(), Refusal> {
    retirement_waits(kind, version, keys, nodes, now)?.into_iter().next().map_or(Ok(()), Err)
}

/// The reasons to wait before a version is removed; an error if it cannot be removed at all.
pub fn retirement_waits(
    kind: KeyKind,
    version: u8,
    keys: &[ListedKey],
    nodes: &[Node],
    now: Timestamp,
) -> Result<Vec<Refusal>, Refusal> {
    let key = keys.iter().find(|key| key.version.number == version);
    let key = key.ok_or(Refusal::Unknown(kind, version))?;
    let primary = keys.first().map_or(0, |first| first.version.number);
    if primary == version {
        return Err(Refusal::Primary(kind, version));
    }
    if primary < version && key.demoted_at.is_none() {
        return Err(Refusal::NeverPrimary(kind, version));
    }
    let makes = |node: &Node| node.versions.of(kind).primary().is_some_and(|one| one.number == version);
    let still = nodes.iter().filter(|node| makes(node));
    let mut waits: Vec<_> = still.map(|node| Refusal::StillMakes { node: node.id, kind, version }).collect();
    if let Some(until) = unused_from(key, nodes).filter(|until| *until > now) {
        waits.push(Refusal::TooSoon { kind, version, until, wait: until.since(now) });
    }
    Ok(waits)
}

/// The time from which no record of the codes store needs a version that is no longer primary, as far as that
/// is known.
pub fn unused_from(key: &ListedKey, nodes: &[Node]) -> Option<Timestamp> {
    // A node reads the changed file a moment later, or much later if the file is copied to it.
    let changed = nodes.iter().filter_map(|node| node.changed_at).max();
    key.demoted_at.max(changed).map(|at| at + LONGEST_RECORD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::version::{KeyVersions, Versions};

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn version(number: u8) -> KeyVersion {
        KeyVersion { number, check: [number; 4] }
    }

    /// A list with the primary version first, as `keyring promote` leaves it.
    fn listed(numbers: &[u8], demoted_at: Option<Timestamp>) -> Vec<ListedKey> {
        let key = |(at, number): (usize, &u8)| ListedKey {
            version: version(*number),
            demoted_at: demoted_at.filter(|_| at > 0),
        };
        numbers.iter().enumerate().map(key).collect()
    }

    fn node(number: u8, versions: &[KeyVersion]) -> Node {
        let list = KeyVersions::new(versions.to_vec());
        Node {
            id: NodeId::from_bytes([number; 16]),
            started_at: NOW,
            seen_at: NOW,
            program: "0.1.0".into(),
            versions: Versions { mac: list.clone(), seal: list },
            changed_at: None,
        }
    }

    #[test]
    fn a_version_is_promoted_once_every_node_reads_that_very_key() {
        let keys = listed(&[1, 2], None);
        let promote = |nodes: &[Node]| may_promote(KeyKind::Mac, &keys, nodes);
        let both = node(1, &[version(1), version(2)]);
        assert_eq!(promote(&[]), Ok(version(2)), "no node runs");
        assert_eq!(promote(&[both.clone(), node(2, &[version(2), version(1)])]), Ok(version(2)));
        let (kind, behind) = (KeyKind::Mac, NodeId::from_bytes([2; 16]));
        let lacks = Refusal::Lacks { node: behind, kind, version: 2 };
        assert_eq!(promote(&[both.clone(), node(2, &[version(1)])]), Err(lacks));
        let other = KeyVersion { check: [9; 4], ..version(2) };
        let differs = Refusal::Differs { node: behind, kind, version: 2 };
        assert_eq!(promote(&[both, node(2, &[version(1), other])]), Err(differs));
        let done = may_promote(KeyKind::Mac, &listed(&[2, 1], None), &[]);
        assert_eq!(done, Err(Refusal::NothingNewer(KeyKind::Mac)));
    }

    #[test]
    fn a_version_is_retired_once_nothing_was_made_with_it_for_the_life_of_a_record() {
        let seconds = Duration::from_secs;
        let keys = |ago| listed(&[2, 1], Some(NOW - seconds(ago)));
        let retire = |version, keys: &[ListedKey], nodes: &[Node]| {
            may_retire(KeyKind::Seal, version, keys, nodes, NOW)
        };
        let kind = KeyKind::Seal;
        assert_eq!(retire(1, &keys(1_500), &[]), Ok(()));
        let soon = |wait| Refusal::TooSoon { kind, version: 1, until: NOW + wait, wait };
        assert_eq!(retire(1, &keys(1_499), &[]), Err(soon(seconds(1))));
        assert_eq!(retire(2, &keys(1_500), &[]), Err(Refusal::Primary(kind, 2)));
        assert_eq!(retire(3, &keys(1_500), &[]), Err(Refusal::Unknown(kind, 3)));
        assert_eq!(retire(2, &listed(&[1, 2], None), &[]), Err(Refusal::NeverPrimary(kind, 2)));
        assert_eq!(retire(1, &listed(&[2, 1], None), &[]), Ok(()), "moved by hand, and no node runs");
        let maker = node(7, &[version(1), version(2)]);
        let still = Refusal::StillMakes { node: maker.id, kind, version: 1 };
        assert_eq!(retire(1, &keys(9_000), std::slice::from_ref(&maker)), Err(still));
        let late = Node { changed_at: Some(NOW - seconds(1_400)), ..node(7, &[version(2), version(1)]) };
        assert_eq!(retire(1, &keys(9_000), std::slice::from_ref(&late)), Err(soon(seconds(100))));
        let other = node(8, &[version(1), version(2)]);
        let all = retirement_waits(kind, 1, &keys(1_490), &[maker.clone(), late.clone(), other.clone()], NOW);
        let still = |node: &Node| Refusal::StillMakes { node: node.id, kind, version: 1 };
        assert_eq!(all, Ok(vec![still(&maker), still(&other), soon(seconds(100))]), "not only the first");
        assert!(retire(1, &listed(&[2, 1], None), &[late]).is_err(), "moved by hand");
    }
}
