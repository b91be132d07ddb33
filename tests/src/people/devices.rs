//! Browsers.

use super::world::{World, by, device_of, finish, session};
use crate::directory::{
    Base, at,
    people::{join, member, subuser},
};
use anyhow::{Context as _, Result, ensure};
use countersign_core::{
    people::session::Session,
    ports::people::{codes::PendingCodes as _, devices::Devices as _, sessions::Sessions as _},
};

pub async fn a_browser_belongs_to_who_finished_a_sign_in_there(base: &Base) -> Result<()> {
    let world = World::new(base).await?;
    let (people, id) = (&world.people, world.owner.person);
    let second = member(world.tenant, 2, subuser());
    join(base, &second).await?;
    let (one, two) = (world.sign_in(1).await?, world.sign_in(2).await?);
    let device = device_of(&one);
    assert_eq!(people.device(device.secret, at(10)).await?.as_ref(), Some(&device));
    ensure!(people.device(device.secret, at(11)).await?.is_none(), "its cookie is too old");
    ensure!(people.own_device(second.person, one.device).await?.is_none());
    // Another person signs in there.
    let shared = Session { device: one.device, ..session(second.person, 3) };
    finish(people, &shared, |one| one).await?;
    let trust = async |person, device, trusted| people.trust_device(person, device, trusted, &by(30)).await;
    ensure!(!trust(second.person, two.device, true).await?);
    ensure!(trust(id, one.device, true).await?);
    let own = people.own_device(id, one.device).await?.context("a browser")?;
    assert_eq!(own.trusted_at, Some(at(30)));
    assert_eq!(people.own_device(second.person, one.device).await?.context("a browser")?.trusted_at, None);
    ensure!(trust(id, one.device, false).await?);
    assert_eq!(people.own_device(id, one.device).await?.context("a browser")?.trusted_at, None);
    assert_eq!(world.entries(world.tenant, "portal.trust_device").await?.len(), 1);
    assert_eq!(people.list_devices(id, 9).await?.len(), 2);
    assert_eq!(people.list_devices(id, 1).await?.len(), 1);
    people.begin_proof(&super::accounts::proof(&one)).await?;
    ensure!(people.forget_device(id, one.device, &by(31)).await?);
    ensure!(!people.forget_device(id, one.device, &by(31)).await?);
    assert_eq!(world.entries(world.tenant, "portal.forget_device").await?.len(), 1);
    assert_eq!(people.list_sessions(id).await?, [two]);
    assert_eq!(people.list_sessions(second.person).await?, [shared], "another person's session goes on");
    Ok(())
}

pub async fn browsers_are_forgotten(base: &Base) -> Result<()> {
    let world = World::new(base).await?;
    for number in 1..=3 {
        world.sign_in(number).await?;
    }
    let later = session(world.owner.person, 3);
    world
        .people
        .touch_session(later.id, at(10) + std::time::Duration::from_secs(9_000), later.address)
        .await?;
    assert_eq!(world.people.forget_devices(at(10), 9).await?, 0);
    assert_eq!(world.people.forget_devices(at(11), 1).await?, 1);
    assert_eq!(world.people.forget_devices(at(11), 9).await?, 1);
    let left = world.people.list_devices(world.owner.person, 9).await?;
    assert_eq!(left.iter().map(|own| own.device.id).collect::<Vec<_>>(), [later.device]);
    Ok(())
}
