//! Re-sealing of persons and invitations after a rotation of the seal key.

use super::{
    Base,
    people::{invitation, join, member, owner, subuser},
};
use crate::codes::{keyring, rng};
use anyhow::{Context, Result, ensure};
use countersign_core::{
    access::change::Change,
    keyring::{KeyRing, VersionedKey},
    management::{
        audit::verify,
        reseal::Resealed,
        reseal_people::{reseal_invitations, reseal_people},
    },
    people::invitation::{Author, Invitation},
    ports::directory::{invitations::Invitations as _, members::Members as _, people::People as _},
};

/// More than a page.
const PERSONS: u8 = 203;

/// The ring of the tests with these seal keys; the first is primary. Version 1 is the one of [`keyring`].
fn ring(seal: &[(u8, u8)]) -> KeyRing {
    let key = |(version, byte): &(u8, u8)| VersionedKey { version: *version, key: [*byte; 32] };
    let mac = vec![VersionedKey { version: 1, key: [2; 32] }];
    KeyRing::new([1; 32], mac, seal.iter().map(key).collect()).unwrap()
}

pub async fn what_people_seal_goes_over_to_the_newest_key(base: &Base) -> Result<()> {
    let (tenant, directory) = (base.tenant(1).await?.id, &*base.directory);
    let by = Change::by_system(super::at(5));
    for number in 0..PERSONS {
        let limits = if number == 0 { owner() } else { subuser() };
        join(base, &member(tenant, number, limits)).await?;
    }
    let other = base.tenant(2).await?.id;
    let [(one, _), (two, _), (gone, _)] =
        [(tenant, 251), (other, 252), (other, 253)].map(|(of, n)| invitation(of, n, Author::Operator));
    for invitation in [&one, &two, &gone] {
        directory.create_invitation(invitation.into(), None, &by).await?;
    }
    directory.withdraw_invitation(&gone, None, &by).await?;
    let counts = async |version| -> Result<(u64, u64)> {
        let people = directory.count_people_sealed_with(version).await?;
        Ok((people, directory.count_invitations_sealed_with(version).await?))
    };
    let passes = async |ring: &KeyRing| -> Result<(Resealed, Resealed)> {
        let people = reseal_people(directory, ring, &mut rng()).await?;
        Ok((people, reseal_invitations(directory, ring, &mut rng()).await?))
    };
    let all = (u64::from(PERSONS), 2);
    let some = |(people, invitations), unreadable| {
        let pass = |count| match unreadable {
            true => Resealed { unreadable: count, resealed: 0 },
            false => Resealed { resealed: count, unreadable: 0 },
        };
        (pass(people), pass(invitations))
    };
    assert_eq!((counts(1).await?, counts(2).await?), (all, (0, 0)), "an ended one has no address");
    let chains = async || -> Result<_> {
        let whole = async |of| verify(directory, &keyring(), of, None).await?.ok().context("a whole chain");
        Ok((whole(tenant).await?, whole(other).await?))
    };
    let (before, changes) = (chains().await?, base.changes().await?.len());

    assert_eq!(passes(&keyring()).await?, some((0, 0), false), "one version needs nothing");
    assert_eq!(passes(&ring(&[(1, 3), (2, 9)])).await?, some((0, 0), false), "the new one only reads");
    assert_eq!(passes(&ring(&[(2, 9), (3, 8)])).await?, some(all, true), "no key opens them");
    assert_eq!(counts(1).await?, all);
    assert_eq!(passes(&ring(&[(2, 9), (1, 3)])).await?, some(all, false));
    assert_eq!((counts(1).await?, counts(2).await?), ((0, 0), all));
    assert_eq!(passes(&ring(&[(2, 9), (1, 3)])).await?, some((0, 0), false));

    // Nothing but the seal is another, and the old key is needed no more.
    let new = ring(&[(2, 9)]);
    for former in [&one, &two] {
        let stored = directory.invitation(former.tenant, former.id).await?.context("an invitation")?;
        assert_eq!(stored.open(&new), former.open(&keyring()));
        ensure!(stored.sealed != former.sealed && stored.open(&new).is_some());
        assert_eq!(Invitation { sealed: former.sealed.clone(), ..stored.clone() }, *former);
        ensure!(!directory.reseal_invitation(former, b"stale").await?, "it is another content by now");
        // A change that read the invitation before is not refused.
        directory.withdraw_invitation(former, None, &by).await?;
    }
    for member in directory.list_members(tenant, None, u16::from(PERSONS)).await? {
        let person = directory.person(member.person).await?.context("a person")?;
        ensure!(person.open(&new).is_some() && person.open(&keyring()).is_none());
        assert_eq!(directory.find_person(person.email).await?.map(|found| found.id), Some(person.id));
    }
    let (after, changed) = (chains().await?, base.changes().await?.len());
    assert_eq!(changed, changes + 2, "the two withdrawals alone");
    for (before, after) in [(before.0, after.0), (before.1, after.1)] {
        assert_eq!(after.entries, before.entries + 1);
        let kept = countersign_core::management::audit::Kept { n: before.head.n, hash: before.head.hash };
        let of = before.head.tenant;
        ensure!(verify(directory, &keyring(), of, Some(kept)).await?.is_ok(), "the former entries stay");
    }
    Ok(())
}
