//! Attempts to sign in.

use super::world::{World, session, sign_in_id, signed_in};
use crate::{
    codes::{keyring, rng},
    directory::{Base, at},
};
use anyhow::{Context as _, Result, ensure};
use countersign_core::{
    id::NoticeId,
    locale::Locale,
    people::{
        hours::Zone,
        notice::{News, Notice, Recipient, SealedNotice},
        person::{EmailAddress, EmailMark},
        session::{SignIn, SignInOutcome},
    },
    phone::Country,
    ports::people::{activity::Activity as _, devices::Devices as _, notices::Notices as _},
};
use countersign_stores::sql::Statement;
use futures_util::future::join_all;
use std::{
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

const COUNT: Statement = Statement { table: "sign_ins", text: "SELECT count(*) FROM sign_ins", params: &[] };

fn guess(world: &World, number: u32) -> SignIn {
    SignIn {
        id: sign_in_id(number),
        outcome: SignInOutcome::WrongPassword,
        device: None,
        ..signed_in(&session(world.owner.person, number))
    }
}

pub async fn guesses_are_added_up(base: &Base) -> Result<()> {
    let world = World::new(base).await?;
    let count = async || -> Result<i64> {
        Ok(base.sql.query(&COUNT, vec![]).await?.first().context("a row")?.int(0)?)
    };
    // A thousand guesses of one person's password, from all addresses of one customer.
    let from = |number: u32| -> IpAddr { Ipv6Addr::from(0x2001_0db8_u128 << 96 | u128::from(number)).into() };
    for part in 0..20 {
        let guesses = (part * 50..part * 50 + 50).map(|number| {
            let (node, guess) =
                (world.node(number), SignIn { address: from(number), ..guess(&world, number) });
            async move { node.note_sign_in(&guess, None).await }
        });
        for outcome in join_all(guesses).await {
            outcome?;
        }
    }
    ensure!(count().await? <= 6, "{} rows", count().await?);
    let listed = world.people.list_sign_ins(world.owner.person, None, 9).await?;
    assert_eq!(listed.iter().map(|row| row.count).sum::<u32>(), 1_000);
    // One after the other: five rows, and one with the rest.
    let elsewhere: IpAddr = [192, 0, 2, 1].into();
    for number in 2_000..2_010 {
        let guess = SignIn { address: elsewhere, at: at(100 + i64::from(number)), ..guess(&world, number) };
        world.people.note_sign_in(&guess, None).await?;
    }
    let listed = world.people.list_sign_ins(world.owner.person, None, 99).await?;
    let counts: Vec<_> = listed.iter().filter(|row| row.address == elsewhere).map(|row| row.count).collect();
    assert_eq!(counts, [5, 1, 1, 1, 1, 1]);
    let rolled = &listed[0];
    assert_eq!((rolled.id, rolled.at), (sign_in_id(2_005), at(2_109)), "it shows the last guess");
    // Addresses that nobody has, and other outcomes.
    let before = count().await?;
    for number in 3_000..3_100_u32 {
        let email = EmailMark([(number % 100) as u8; 16]);
        let guess = SignIn { person: None, email, address: elsewhere, ..guess(&world, number) };
        world.people.note_sign_in(&guess, None).await?;
    }
    assert_eq!(count().await? - before, 6);
    let before = count().await?;
    for number in 4_000..4_010 {
        let asked = SignIn { outcome: SignInOutcome::CodeAsked, address: elsewhere, ..guess(&world, number) };
        world.people.note_sign_in(&asked, None).await?;
    }
    assert_eq!(count().await? - before, 10);
    let next =
        SignIn { address: elsewhere, at: at(100) + Duration::from_secs(3_600), ..guess(&world, 5_000) };
    world.people.note_sign_in(&next, None).await?;
    assert_eq!(world.people.list_sign_ins(world.owner.person, None, 1).await?, [next], "another hour");
    Ok(())
}

pub async fn attempts_are_listed_newest_first_and_forgotten(base: &Base) -> Result<()> {
    let world = World::new(base).await?;
    let one = SignIn {
        tenant: Some(world.tenant),
        country: Country::parse("PL"),
        outcome: SignInOutcome::RefusedByList,
        ..guess(&world, 1)
    };
    let two = SignIn { outcome: SignInOutcome::WrongCode, at: at(20), ..guess(&world, 2) };
    for sign_in in [&one, &two] {
        world.people.note_sign_in(sign_in, None).await?;
    }
    let (people, id) = (&world.people, world.owner.person);
    assert_eq!(people.list_sign_ins(id, None, 9).await?, [two.clone(), one.clone()]);
    assert_eq!(people.list_sign_ins(id, Some(two.id), 9).await?, std::slice::from_ref(&one));
    assert_eq!(people.list_tenant_sign_ins(world.tenant, id, None, 9).await?, std::slice::from_ref(&one));
    ensure!(people.list_tenant_sign_ins(world.tenant, id, Some(one.id), 9).await?.is_empty());
    assert_eq!(people.forget_sign_ins(at(20), 9).await?, 1);
    assert_eq!(people.list_sign_ins(id, None, 9).await?, [two]);
    Ok(())
}

fn notice(world: &World, number: u8) -> SealedNotice {
    Notice {
        id: NoticeId::from_bytes([number; 16]),
        person: Some(world.owner.person),
        to: Recipient::Mail(EmailAddress::parse("anna@example.com").unwrap()),
        name: None,
        language: Locale::default(),
        zone: Zone::default(),
        made_at: at(10),
        news: News::TwoFactorOn,
    }
    .sealed(&keyring(), &mut rng())
}

pub async fn a_known_browser_gets_a_mail_seldom(base: &Base) -> Result<()> {
    let world = World::new(base).await?;
    let own = world.sign_in(1).await?;
    let people = &world.people;
    let note = async |number: u32, seconds, since: Option<i64>| -> Result<u64> {
        let asked = SignIn { outcome: SignInOutcome::CodeAsked, at: at(seconds), ..guess(&world, number) };
        let notice = notice(&world, number as u8);
        let seldom = since.map(|since| (own.device, at(since)));
        people.note_sign_in(&asked, Some((&notice, seldom))).await?;
        Ok(people.count_notices().await?.waiting)
    };
    assert_eq!(note(11, 20, None).await?, 1);
    assert_eq!(note(12, 21, Some(0)).await?, 2);
    assert_eq!(note(13, 22, Some(21)).await?, 2, "one came at 21");
    assert_eq!(note(14, 23, Some(22)).await?, 3);
    let device = people.own_device(own.person, own.device).await?.context("a browser")?;
    assert_eq!(device.mailed_at, Some(at(23)));
    assert_eq!(people.list_sign_ins(own.person, None, 9).await?.len(), 5, "each attempt is noted");
    Ok(())
}
