//! Links in mails.

use super::{
    accounts::link,
    world::{World, by, is_moved},
};
use crate::directory::{Base, at};
use anyhow::{Result, ensure};
use countersign_core::{
    id::PersonId,
    people::{
        account::AccountChange,
        link::{Link, LinkKind},
    },
    ports::{
        error::StoreError,
        people::{
            accounts::{Accounts as _, Along, Consumed},
            links::Links as _,
            sessions::Sessions as _,
        },
    },
};
use std::time::Duration;

pub async fn a_link_is_good_once_and_counts_for_an_hour(base: &Base) -> Result<()> {
    let world = World::new(base).await?;
    let (people, id) = (&world.people, world.owner.person);
    ensure!(is_moved(
        &people.add_link(&link(LinkKind::Reset, Some(PersonId::from_bytes([9; 16])), 1), &[]).await
    ));
    ensure!(is_moved(&people.add_link(&Link { epoch: 2, ..link(LinkKind::Reset, Some(id), 1) }, &[]).await));
    let undo = Link { epoch: 7, ..link(LinkKind::UndoAddress, Some(id), 2) };
    people.add_link(&undo, &[]).await?;
    assert_eq!(people.link(undo.secret, at(21)).await?.as_ref(), Some(&undo), "it has no epoch");
    let first = link(LinkKind::Reset, Some(id), 3);
    people.add_link(&first, &[]).await?;
    ensure!(people.link(first.secret, at(20) + LinkKind::Reset.life()).await?.is_none(), "it is too old");
    let consumes = [Consumed::Link(first.secret)];
    let along = Along { consumes: &consumes, ..Along::default() };
    let change = AccountChange::SignOutEverywhere { forget_devices: false };
    people.change_account(&world.account().await?, &change, along, &by(30)).await?;
    ensure!(people.link(first.secret, at(31)).await?.is_none());
    // The used one counts in the bound of an hour, also after the upkeep.
    let add = async |number: u32, made_at| {
        let link = link(LinkKind::Reset, Some(id), number);
        people
            .add_link(&Link { epoch: 2, made_at, expires_at: made_at + LinkKind::Reset.life(), ..link }, &[])
            .await
    };
    add(4, at(40)).await?;
    add(5, at(40)).await?;
    people.forget_sessions(at(0), at(20) + Duration::from_secs(3_599), 9).await?;
    let full = add(6, at(20) + Duration::from_secs(3_599)).await;
    ensure!(matches!(full, Err(StoreError::Full { most: 3, .. })), "{full:?}");
    people.add_link(&Link { epoch: 2, ..link(LinkKind::ConfirmAddress, Some(id), 7) }, &[]).await?;
    add(6, at(20) + Duration::from_secs(3_600)).await?;
    // Tries at once do not pass the bound together.
    let late = at(20) + Duration::from_secs(20_000);
    let tries = (100..150).map(|number| {
        let node = world.node(number).clone();
        let link = link(LinkKind::Reset, Some(id), number);
        let link = Link { epoch: 2, made_at: late, expires_at: late + LinkKind::Reset.life(), ..link };
        tokio::spawn(async move { node.add_link(&link, &[]).await })
    });
    let mut added = 0;
    for outcome in futures_util::future::join_all(tries).await {
        match outcome? {
            Ok(()) => added += 1,
            Err(StoreError::Full { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    assert_eq!(added, 3);
    Ok(())
}
