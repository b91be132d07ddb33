//! The outbox of notices.

use crate::{
    codes::{keyring, rng},
    directory::{
        Base, at,
        statements::{Trace, assert_alike, trace_each},
    },
};
use anyhow::{Context, Result, ensure};
use countersign_core::{
    id::{NoticeId, PersonId},
    keyring::{KeyRing, VersionedKey},
    locale::Locale,
    management::{reseal::Resealed, reseal_people::reseal_notices},
    people::{
        hours::Zone,
        notice::{Channel, MOST_WAITING, News, Notice, Recipient, SealedNotice},
        person::EmailAddress,
    },
    ports::people::notices::{NoticeCounts, Notices},
    time::Timestamp,
};
use countersign_stores::{
    directory::SqlDirectory,
    people::{NOTICES, SqlPeople},
    sql::{Kind, Statement, Value},
};
use futures_util::future::join_all;
use rand::{SeedableRng as _, rngs::StdRng};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

const LEASE: Duration = Duration::from_secs(60);

fn people(base: &Base) -> SqlPeople {
    SqlPeople::new(SqlDirectory::new(base.sql.clone(), Arc::new(keyring())))
}

fn notice(number: u8, person: Option<u8>, news: News, made_at: Timestamp) -> Notice {
    Notice {
        id: NoticeId::from_bytes([number; 16]),
        person: person.map(|byte| PersonId::from_bytes([byte; 16])),
        to: Recipient::Mail(EmailAddress::parse("anna@example.com").unwrap()),
        name: None,
        language: Locale::default(),
        zone: Zone::default(),
        made_at,
        news,
    }
}

fn sealed(number: u8, person: Option<u8>) -> SealedNotice {
    notice(number, person, News::TwoFactorOn, at(10)).sealed(&keyring(), &mut rng())
}

pub async fn a_notice_is_held_sent_and_deleted(base: &Base) -> Result<()> {
    let outbox = people(base);
    let whole =
        [notice(1, Some(1), News::TwoFactorOn, at(10)), notice(2, None, News::RecoveryCodesMade, at(9))];
    outbox.add_notices(&whole.each_ref().map(|one| one.sealed(&keyring(), &mut rng()))).await?;
    assert_eq!(outbox.claim_notices(9, at(8), at(8) + LEASE).await?, [], "none is due yet");
    let mut held = outbox.claim_notices(9, at(10), at(10) + LEASE).await?;
    held.sort_by_key(|claim| claim.id);
    for (claim, notice) in held.iter().zip(&whole) {
        assert_eq!(claim.open(&keyring()).as_ref(), Some(notice));
        assert_eq!(
            (claim.tries, claim.kind.as_str(), claim.made_at),
            (1, notice.news.kind(), notice.made_at)
        );
    }
    assert_eq!(held.len(), 2);
    ensure!(outbox.claim_notices(9, at(10), at(10) + LEASE).await?.is_empty(), "both are held");
    ensure!(outbox.end_notice(&held[0]).await?);
    ensure!(outbox.retry_notice(&held[1], at(500)).await?);
    assert_eq!(outbox.count_notices().await?, NoticeCounts { waiting: 1, dropped: 0 });
    ensure!(outbox.claim_notices(9, at(499), at(500)).await?.is_empty());
    let again = outbox.claim_notices(9, at(500), at(600)).await?;
    assert_eq!(again.iter().map(|claim| (claim.id, claim.tries)).collect::<Vec<_>>(), [(whole[1].id, 2)]);
    ensure!(outbox.end_notice(&again[0]).await?);
    assert_eq!(outbox.count_notices().await?.waiting, 0);
    Ok(())
}

pub async fn workers_at_once_never_hold_one_notice(base: &Base) -> Result<()> {
    let outbox = people(base);
    let all: Vec<_> = (0..120).map(|number| sealed(number, None)).collect();
    outbox.add_notices(&all).await?;
    let workers = (0..8).map(|_| {
        let outbox = outbox.clone();
        tokio::spawn(async move {
            let mut mine = Vec::new();
            loop {
                let held = outbox.claim_notices(5, at(20), at(20) + LEASE).await?;
                if held.is_empty() {
                    return anyhow::Ok(mine);
                }
                mine.extend(held.into_iter().map(|claim| claim.id));
            }
        })
    });
    let mut held = Vec::new();
    for worker in join_all(workers).await {
        held.extend(worker??);
    }
    assert_eq!(held.len(), 120);
    assert_eq!(held.into_iter().collect::<BTreeSet<_>>().len(), 120);
    Ok(())
}

pub async fn only_the_newest_claim_settles(base: &Base) -> Result<()> {
    let outbox = people(base);
    outbox.add_notices(&[sealed(1, Some(1))]).await?;
    let claim = async |now| -> Result<_> {
        let held = outbox.claim_notices(1, now, now + LEASE).await?;
        held.into_iter().next().context("the notice")
    };
    let first = claim(at(20)).await?;
    let second = claim(at(20) + LEASE).await?;
    assert_eq!((first.tries, second.tries), (1, 2));
    ensure!(!outbox.end_notice(&first).await?, "its lease is over");
    ensure!(!outbox.retry_notice(&first, at(21)).await?);
    ensure!(outbox.end_notice(&second).await?);
    ensure!(!outbox.end_notice(&second).await?, "it is gone");
    Ok(())
}

pub async fn of_too_many_of_a_kind_the_rest_is_dropped_and_counted(base: &Base) -> Result<()> {
    let outbox = people(base);
    let most = u8::try_from(MOST_WAITING)?;
    let all: Vec<_> = (0..most + 3).map(|number| sealed(number, Some(1))).collect();
    outbox.add_notices(&all).await?;
    let other = notice(100, Some(1), News::RecoveryCodesMade, at(10)).sealed(&keyring(), &mut rng());
    outbox.add_notices(&[other, sealed(101, Some(2)), sealed(102, None)]).await?;
    let expected = NoticeCounts { waiting: u64::from(MOST_WAITING) + 3, dropped: 3 };
    assert_eq!(outbox.count_notices().await?, expected);
    // A notice that is sent makes room for the next.
    let held = outbox.claim_notices(1, at(20), at(30)).await?;
    ensure!(outbox.end_notice(&held[0]).await?);
    outbox.add_notices(&[sealed(110, Some(1)), sealed(111, Some(1))]).await?;
    assert_eq!(outbox.count_notices().await?, NoticeCounts { dropped: 4, ..expected });
    Ok(())
}

/// The ring of the tests with these seal keys; the first is primary. Version 1 is the one of [`keyring`].
fn ring(seal: &[(u8, u8)]) -> KeyRing {
    let key = |(version, byte): &(u8, u8)| VersionedKey { version: *version, key: [*byte; 32] };
    let mac = vec![VersionedKey { version: 1, key: [2; 32] }];
    KeyRing::new([1; 32], mac, seal.iter().map(key).collect()).unwrap()
}

pub async fn what_waits_goes_over_to_the_newest_seal_key(base: &Base) -> Result<()> {
    let outbox = people(base);
    let all: Vec<_> = (0..=203).map(|number| sealed(number, (number % 2 == 0).then_some(number))).collect();
    outbox.add_notices(&all).await?;
    let pass = async |ring: &KeyRing| reseal_notices(&outbox, ring, &mut rng()).await;
    let none = Resealed::default();
    assert_eq!(pass(&keyring()).await?, none, "one version needs nothing");
    assert_eq!(pass(&ring(&[(1, 3), (2, 9)])).await?, none, "the new one only reads");
    assert_eq!(pass(&ring(&[(2, 9), (3, 8)])).await?, Resealed { unreadable: 204, ..none });
    assert_eq!(outbox.count_notices_sealed_with(1).await?, 204);
    let before = outbox.notices_not_sealed_with(2, None, 1).await?;
    assert_eq!(pass(&ring(&[(2, 9), (1, 3)])).await?, Resealed { resealed: 204, ..none });
    ensure!(!outbox.reseal_notice(&before[0], b"stale").await?, "it is another content by now");
    assert_eq!(outbox.count_notices_sealed_with(1).await?, 0);
    assert_eq!(outbox.count_notices_sealed_with(2).await?, 204);
    for claim in outbox.claim_notices(300, at(20), at(30)).await? {
        ensure!(claim.open(&ring(&[(2, 9)])).is_some() && claim.open(&keyring()).is_none());
    }
    Ok(())
}

/// The values find the seeded notices.
fn values_for(index: usize, statement: &Statement) -> Vec<Value> {
    let (id, person) =
        (|n| NoticeId::from_bytes([n; 16]).to_string(), PersonId::from_bytes([1; 16]).to_string());
    let text = statement.text;
    match statement.table {
        "notice_state" if text.contains("dropped + 1") => {
            vec![person.into(), "two_factor_on".into(), 1.into()]
        }
        "notice_state" => vec![],
        _ if text.starts_with("INSERT") => vec![
            id(9).into(),
            person.into(),
            "new_owner".into(),
            Channel::Sms.as_str().into(),
            [7; 40].as_slice().into(),
            77.into(),
            1.into(),
        ],
        _ if text.contains("tries + 1") => vec![at(10).micros().into(), at(70).micros().into(), 2.into()],
        _ if text.contains("due_at = $3") => vec![id(3).into(), 1.into(), at(80).micros().into()],
        _ if text.contains("sealed = $3") => {
            vec![id(9).into(), [7; 40].as_slice().into(), [index as u8; 40].as_slice().into()]
        }
        _ if text.contains("<> $2") => vec!["ntc_".into(), [1].as_slice().into(), 9.into()],
        _ if text.contains("count(*)") => vec![[1].as_slice().into()],
        _ => vec![id(2).into(), 0.into()],
    }
}

macro_rules! dump {
    ($($table:literal: $text:literal),+ $(,)?) => { &[$(&Statement { table: $table, text: $text, params: &[] as &[Kind] }),+] };
}

static DUMP: &[&Statement] = dump!(
    "notice_state": "SELECT only_row, claims, dropped FROM notice_state",
    "notices": "SELECT id, person_id, kind, channel, sealed, tries, due_at, made_at FROM notices ORDER BY id",
);

async fn trace(base: &Base) -> Result<Trace> {
    base.sql.migrate().await?;
    // The nonces are the same in both traces.
    let mut rng = StdRng::seed_from_u64(1);
    let seeds = [1, 2, 3].map(|n| notice(n, Some(1), News::TwoFactorOn, at(12 - i64::from(n))));
    people(base).add_notices(&seeds.map(|seed| seed.sealed(&keyring(), &mut rng))).await?;
    trace_each(base, NOTICES, values_for, DUMP).await
}

#[tokio::test]
async fn each_statement_does_the_same_on_both_engines() -> Result<()> {
    let sqlite = trace(&Base::sqlite()?).await?;
    let base = Base::postgres().await?;
    let postgres = trace(&base).await;
    base.close().await?;
    assert_alike(NOTICES, &sqlite, &postgres?);
    Ok(())
}
