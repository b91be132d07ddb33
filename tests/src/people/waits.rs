//! Waits after wrong passwords.

use super::world::World;
use crate::{
    codes::keyring,
    directory::{Base, at, people::email},
};
use anyhow::{Result, ensure};
use countersign_core::{
    id::{DeviceId, PersonId},
    people::waits::{FORGOTTEN_AFTER, LADDER, WaitCount, WaitRule, Waiting},
    ports::people::waits::Waits as _,
    time::Timestamp,
};
use futures_util::future::join_all;
use std::time::Duration;

fn pair() -> WaitCount {
    WaitCount::of_pair(email(1).mark(&keyring()), [192, 0, 2, 1].into(), &keyring())
}

pub async fn the_ladder_and_the_window_make_wait(base: &Base) -> Result<()> {
    let world = World::new(base).await?;
    let people = &world.people;
    let (pair, account) = (pair(), WaitCount::of_account(email(1).mark(&keyring()), &keyring()));
    let count = async |counts: &[WaitCount], now: Timestamp| people.count_try(counts, now).await;
    for _ in 0..5 {
        ensure!(count(&[pair, account], at(0)).await?.is_ok());
    }
    let mut now = at(0);
    for step in LADDER.into_iter().chain([LADDER[6], LADDER[6]]) {
        // The last one was free, or its wait is over. This failure makes wait for the step.
        ensure!(count(&[pair, account], now).await?.is_ok());
        let until = now + step;
        for early in [now, until - Duration::from_micros(1)] {
            assert_eq!(count(&[account, pair], early).await?, Err(Waiting { count: pair, until }));
        }
        now = until;
    }
    // What is given back takes its wait along, but not the others' failures.
    ensure!(count(&[pair], now).await?.is_ok());
    people.give_back(&[pair], now).await?;
    ensure!(count(&[pair], now).await?.is_ok(), "the try was given back");
    ensure!(count(&[pair], now).await?.is_err());
    // The clock is set back by a day: nobody waits longer than the rule says.
    let back = now - Duration::from_secs(86_400);
    ensure!(count(&[pair], back).await?.is_ok());
    ensure!(count(&[pair], back).await?.is_err() && count(&[pair], back + LADDER[6]).await?.is_ok());
    people.reset_wait(&pair).await?;
    for _ in 0..5 {
        ensure!(count(&[pair], now).await?.is_ok());
    }
    // A day after the last failure all are free again.
    let tomorrow = now + FORGOTTEN_AFTER + Duration::from_micros(1);
    for _ in 0..5 {
        ensure!(count(&[pair], tomorrow).await?.is_ok());
    }
    ensure!(count(&[pair], tomorrow).await?.is_ok() && count(&[pair], tomorrow).await?.is_err());

    let network = WaitCount::of_network([192, 0, 2, 9].into(), &keyring());
    let WaitRule::Window { most, length } = network.rule else { anyhow::bail!("it has a window") };
    assert_eq!((most, length), (30, Duration::from_secs(600)));
    for second in 0..30 {
        ensure!(count(&[network], at(second)).await?.is_ok(), "{second}");
    }
    assert_eq!(count(&[network], at(30)).await?, Err(Waiting { count: network, until: at(600) }));
    ensure!(count(&[network], at(599)).await?.is_err());
    ensure!(count(&[network], at(600)).await?.is_ok(), "the window is over");
    ensure!(count(&[network], at(-90_000)).await?.is_ok(), "the clock was set back");
    let device =
        WaitCount::of_device(DeviceId::from_bytes([1; 16]), PersonId::from_bytes([1; 16]), &keyring());
    for _ in 0..10 {
        ensure!(count(&[device], at(0)).await?.is_ok());
    }
    ensure!(count(&[device, network], at(1)).await?.is_err());
    people.reset_wait(&device).await?;
    ensure!(count(&[device], at(1)).await?.is_ok());
    let before = tomorrow + Duration::from_secs(86_400);
    let forgotten = people.forget_waits(before, 2).await?;
    assert_eq!((forgotten, people.forget_waits(before, 9).await?), (2, 2));
    Ok(())
}

pub async fn of_tries_at_once_only_the_free_ones_count(base: &Base) -> Result<()> {
    let world = World::new(base).await?;
    let counts = [pair(), WaitCount::of_network([192, 0, 2, 1].into(), &keyring())];
    let tries = (0..50).map(|number| {
        let (node, mut counts) = (world.node(number).clone(), counts);
        if number.is_multiple_of(3) {
            counts.reverse();
        }
        tokio::spawn(async move { node.count_try(&counts, at(0)).await })
    });
    let mut evaluated = 0;
    for outcome in join_all(tries).await {
        evaluated += u32::from(outcome??.is_ok());
    }
    // Five are free; the sixth makes the next one wait.
    assert_eq!(evaluated, 6);
    Ok(())
}
