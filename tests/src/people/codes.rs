//! Half-way sign-ins and proofs.

use super::{
    accounts::proof,
    world::{World, half, is_moved, secret},
};
use crate::directory::{Base, at};
use anyhow::{Context as _, Result, ensure};
use countersign_core::{
    id::{PersonId, VerificationId},
    people::{
        account::AccountChange,
        proof::Proof,
        session::{HalfSignIn, RECOVERY_TRIES},
    },
    ports::people::codes::PendingCodes as _,
};

pub async fn a_half_way_sign_in_lasts_until_its_end(base: &Base) -> Result<()> {
    let world = World::new(base).await?;
    let people = &world.people;
    let begun = half(world.owner.person, 1);
    let stale = HalfSignIn { epoch: 2, ..half(world.owner.person, 2) };
    people.begin_half(&begun).await?;
    ensure!(is_moved(&people.begin_half(&stale).await));
    ensure!(is_moved(&people.begin_half(&half(PersonId::from_bytes([9; 16]), 3)).await));
    assert_eq!(people.half(begun.secret, at(608)).await?, Some((begun.clone(), world.account().await?)));
    ensure!(
        people.half(begun.secret, at(609)).await?.is_none() && people.half(secret(7), at(9)).await?.is_none()
    );
    let sent = VerificationId::from_bytes([5; 16]);
    people.note_half_sent(&begun, Some(sent)).await?;
    ensure!(is_moved(&people.note_half_sent(&begun, Some(sent)).await), "another request sent a code");
    let (noted, _) = people.half(begun.secret, at(10)).await?.context("it is there")?;
    assert_eq!((noted.verification, noted.sends), (Some(sent), 1));
    ensure!(!people.count_recovery_try(begun.secret, at(609)).await?);
    for _ in 0..RECOVERY_TRIES {
        ensure!(people.count_recovery_try(begun.secret, at(10)).await?);
    }
    ensure!(!people.count_recovery_try(begun.secret, at(10)).await?);
    people.end_half(begun.secret).await?;
    ensure!(people.half(begun.secret, at(10)).await?.is_none());
    ensure!(is_moved(&people.note_half_sent(&noted, None).await));
    Ok(())
}

pub async fn a_proof_is_good_once_for_what_it_was_made(base: &Base) -> Result<()> {
    let world = World::new(base).await?;
    let people = &world.people;
    let session = world.sign_in(1).await?;
    let first = proof(&session);
    let second = Proof { object: "key_1".to_owned(), ..first.clone() };
    ensure!(is_moved(&people.begin_proof(&Proof { epoch: 2, ..first.clone() }).await));
    let strange = Proof { session: world.sign_in(2).await?.id, ..first.clone() };
    people.begin_proof(&first).await?;
    people.begin_proof(&second).await?;
    let read = async |object: &str, seconds| people.proof(session.id, "password", object, at(seconds)).await;
    ensure!(read("", 21).await?.is_none(), "a session has one proof");
    assert_eq!(read("key_1", 619).await?.as_ref(), Some(&second));
    ensure!(read("key_1", 620).await?.is_none());
    people.note_proof_sent(&second, Some(VerificationId::from_bytes([5; 16]))).await?;
    ensure!(is_moved(&people.note_proof_sent(&second, None).await));
    for wrong in [
        first.clone(),
        Proof { digest: [8; 32], ..second.clone() },
        Proof { act: "email".to_owned(), ..second.clone() },
        Proof { epoch: 2, ..second.clone() },
        strange,
    ] {
        ensure!(!people.take_proof(&wrong, at(21)).await?, "{wrong:?}");
    }
    ensure!(!people.take_proof(&second, at(620)).await?);
    ensure!(people.take_proof(&second, at(619)).await?);
    ensure!(!people.take_proof(&second, at(619)).await?);
    world.change(AccountChange::SignOutEverywhere { forget_devices: false }).await?;
    ensure!(is_moved(&people.begin_proof(&first).await), "the session is over");
    Ok(())
}
