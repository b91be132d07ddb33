//! Fifty tries at once on two nodes.

use super::{
    accounts::{codes, consumed, link, phone, proof},
    world::{World, by, finish, half, is_moved, secret, session},
};
use crate::directory::{
    Base, at,
    people::{invitation, member, password, person},
};
use anyhow::{Context as _, Result, ensure};
use countersign_core::{
    id::VerificationId,
    people::{
        account::AccountChange,
        invitation::Author,
        link::{Link, LinkKind},
        password::PasswordText,
        session::{HalfSignIn, Session},
    },
    ports::{
        directory::{
            invitations::Invitations as _,
            members::{Joining, Members as _},
        },
        error::StoreError,
        people::{
            accounts::{Accounts as _, Along},
            codes::PendingCodes as _,
            links::Links as _,
            sessions::{Finished, Sessions as _},
        },
    },
};
use futures_util::future::join_all;
use std::future::Future;

const TRIES: u32 = 50;

/// Makes the tries at once. Returns the number of those that were made; all others found that something moved.
async fn made<T: Send + 'static>(
    tries: impl Iterator<Item = impl Future<Output = Result<T, StoreError>> + Send + 'static>,
) -> Result<u32> {
    let mut made = 0;
    for outcome in join_all(tries.map(tokio::spawn)).await {
        match outcome? {
            Ok(_) => made += 1,
            Err(StoreError::Moved) => {}
            Err(error) => return Err(error).context("it neither succeeded nor moved"),
        }
    }
    Ok(made)
}

pub async fn of_sign_ins_with_one_recovery_code_one_is_finished(base: &Base) -> Result<()> {
    let world = World::new(base).await?;
    let id = world.owner.person;
    let marks = codes(id);
    world.change(AccountChange::TwoFactorOn(phone(id, "+48500600700"), marks.clone())).await?;
    let tries = (0..TRIES).map(|number| {
        let (node, code) = (world.node(number).clone(), marks[0]);
        let session = Session { epoch: 2, ..session(id, number) };
        async move { finish(&node, &session, |one| Finished { recovery: Some(code), ..one }).await }
    });
    assert_eq!(made(tries).await?, 1);
    assert_eq!(world.people.count_recovery_codes(id).await?, 9);
    assert_eq!(world.people.list_sessions(id).await?.len(), 1);
    assert_eq!(world.entries(world.tenant, "portal.sign_in").await?.len(), 1);
    Ok(())
}

pub async fn of_sign_ins_with_one_half_one_is_finished(base: &Base) -> Result<()> {
    let world = World::new(base).await?;
    let id = world.owner.person;
    world.people.begin_half(&half(id, 999)).await?;
    let tries = (0..TRIES).map(|number| {
        let (node, session) = (world.node(number).clone(), session(id, number));
        async move { finish(&node, &session, |one| Finished { half: Some(secret(999)), ..one }).await }
    });
    assert_eq!(made(tries).await?, 1);
    assert_eq!(world.people.list_sessions(id).await?.len(), 1);
    Ok(())
}

pub async fn of_acceptances_of_one_invitation_one_counts(base: &Base) -> Result<()> {
    let world = World::new(base).await?;
    let (offer, _) = invitation(world.tenant, 200, Author::Operator);
    world.directory.create_invitation((&offer).into(), None, &by(5)).await?;
    let tries = (0..TRIES).map(|number| {
        let directory = world.directory_of(number);
        let (offer, member) = (offer.clone(), member(offer.tenant, 100 + number as u8, offer.limits.clone()));
        let whole = person(200, member.person);
        async move {
            let password = password();
            let joining = Joining {
                member: &member,
                person: Some(&whole),
                password: Some(&password),
                invitation: Some(&offer),
            };
            directory.add_member(joining, None, &[], &by(30)).await
        }
    });
    assert_eq!(made(tries).await?, 1);
    assert_eq!(world.directory.list_members(world.tenant, None, 9).await?.len(), 2);
    ensure!(world.directory.list_invitations(world.tenant, None, 9).await?.is_empty());
    Ok(())
}

pub async fn of_changes_with_one_proof_one_counts(base: &Base) -> Result<()> {
    let world = World::new(base).await?;
    let session = world.sign_in(1).await?;
    world.people.begin_proof(&proof(&session)).await?;
    let account = world.account().await?;
    let tries = (0..TRIES).map(|number| {
        let (node, account, proof) = (world.node(number).clone(), account.clone(), proof(&session));
        async move {
            let consumes = [consumed(&proof)];
            let along = Along { consumes: &consumes, ..Along::default() };
            let password = AccountChange::Password(PasswordText::stored(format!("hash {number}")));
            node.change_account(&account, &password, along, &by(30)).await
        }
    });
    assert_eq!(made(tries).await?, 1);
    assert_eq!(world.people.former_passwords(world.owner.person).await?.len(), 1);
    assert_eq!(world.account().await?.person.epoch, 2);
    Ok(())
}

/// A password is changed while sign-ins, proofs and links of the former epoch are under way.
pub async fn nothing_of_the_former_epoch_is_completed(base: &Base) -> Result<()> {
    let world = World::new(base).await?;
    let id = world.owner.person;
    for round in 0..5_u32 {
        let epoch = world.account().await?.person.epoch;
        let number = |n: u32| 1_000 * (round + 1) + n;
        let begun = Session { epoch, ..session(id, number(0)) };
        finish(&world.people, &begun, |finished| finished).await?;
        let waiting = proof(&begun);
        world.people.begin_proof(&waiting).await?;
        let account = world.account().await?;
        let changing = {
            let node = world.people.clone();
            tokio::spawn(async move {
                let password = AccountChange::Password(PasswordText::stored(format!("hash {round}")));
                node.change_account(&account, &password, Along::default(), &by(30)).await
            })
        };
        let signing = (1..20).map(|n| {
            let (node, session) = (world.node(n).clone(), Session { epoch, ..session(id, number(n)) });
            async move { finish(&node, &session, |finished| finished).await }
        });
        let beginning = (20..40).map(|n| {
            let (node, half) = (world.node(n).clone(), HalfSignIn { epoch, ..half(id, number(n)) });
            async move { node.begin_half(&half).await }
        });
        let proving = (40..50).map(|n| {
            let (node, proof) = (world.node(n).clone(), waiting.clone());
            async move { node.begin_proof(&proof).await }
        });
        let (signed, began, proved) = tokio::join!(made(signing), made(beginning), made(proving));
        signed?;
        began?;
        proved?;
        changing.await??;
        // What was first is over, and nothing can be completed any more.
        ensure!(world.people.list_sessions(id).await?.is_empty(), "a session of the former epoch");
        for n in 20..40 {
            ensure!(world.people.half(secret(number(n)), at(20)).await?.is_none());
            let session = Session { epoch, ..session(id, number(n)) };
            let late =
                finish(&world.people, &session, |one| Finished { half: Some(secret(number(n))), ..one });
            ensure!(is_moved(&late.await));
        }
        ensure!(!world.people.take_proof(&waiting, at(21)).await?);
        ensure!(is_moved(&world.people.begin_proof(&waiting).await));
        ensure!(is_moved(
            &world.people.note_proof_sent(&waiting, Some(VerificationId::from_bytes([1; 16]))).await
        ));
        let reset = link(LinkKind::Reset, Some(id), number(60));
        let reset = Link { epoch, ..reset };
        ensure!(is_moved(&world.people.add_link(&reset, &[]).await));
    }
    Ok(())
}
