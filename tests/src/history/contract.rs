//! The contract of the history. `history.rs` runs each of these tests on both engines.

use super::{NUMBER, PROFILE, TENANT, at, event, history, key, kinds, message, rng, start, story};
use crate::directory::Base;
use anyhow::{Context, Result};
use countersign_core::{
    access::{actor::Who, share::Share},
    history::{
        fold::Counts,
        query::{Filter, ListQuery, ReportQuery},
    },
    id::{KeyId, MemberId, ProfileId, TenantId, VerificationId},
    keyring::{Fingerprint, KeyRing, Place, Sealed, VersionedKey},
    management::reseal_history::{Progress, Resealing, count_sealed_with, reseal_contacts, reseal_progress},
    mode::Mode,
    ports::{
        codes::events::UnrecordedEvent,
        history::{History, HistoryUpkeep, Recorded},
    },
    verification::{
        event::{Event, EventKind, Started},
        receipt::{ParkedReceipt, ReceiptReport},
        status::{CancelReason, Delivery, Status},
    },
};
use countersign_stores::sql::{Statement, Value};
use std::time::Duration;

const HOUR: i64 = 3_600;

async fn counts(history: &impl History) -> Result<Counts> {
    let query = ReportQuery { from: at(-HOUR), to: at(1_000 * HOUR), profiles: Share::all(), country: None };
    let mut sum = Counts::default();
    for hour in history.report(TENANT, Mode::Live, &query).await? {
        sum.0.iter_mut().zip(hour.counts.0).for_each(|(sum, count)| *sum += count);
    }
    Ok(sum)
}

fn counted(events: &[UnrecordedEvent]) -> Counts {
    let mut counts = Counts::default();
    events.iter().for_each(|event| counts.add(&EventKind::unpack(&event.body).unwrap()));
    counts
}

fn all(limit: u16) -> ListQuery {
    ListQuery {
        before: None,
        limit,
        created_after: None,
        created_before: None,
        profiles: Share::all(),
        filter: Filter::All,
        now: at(0),
    }
}

async fn ids(history: &impl History, query: &ListQuery) -> Result<Vec<VerificationId>> {
    Ok(history.list(TENANT, Mode::Live, query).await?.iter().map(|past| past.id).collect())
}

fn new(new: usize) -> Recorded {
    Recorded { new, ..Recorded::default() }
}

pub async fn a_verification_is_kept_with_its_timeline(base: &Base) -> Result<()> {
    let (history, story) = (history(base), story(0));
    assert_eq!(history.record(&story).await?, new(6));
    let past = history.read(key(0)).await?.context("row")?;
    assert_eq!((past.status, past.ended_at), (Status::Approved, Some(at(5))));
    assert_eq!((past.checks, past.sends, past.delivery), (1, 2, Delivery::Queued));
    assert_eq!((past.profile, past.number), (PROFILE, Some(NUMBER)));
    assert_eq!((past.contact, past.started_at, past.expires_at), (Some(vec![1, 9, 9]), at(0), at(300)));
    let timeline = history.timeline(key(0)).await?;
    assert_eq!(
        kinds(&timeline),
        ["started", "message_sent", "delivered", "check_wrong", "resent", "approved"]
    );
    let EventKind::Started(started) = &timeline[0].kind else { panic!("{timeline:?}") };
    assert!(
        started.contact.is_empty() && started.number == Fingerprint([0; 16]),
        "the person stands in one place"
    );
    for other in [
        countersign_core::id::RecordKey { tenant: TenantId::from_bytes([9; 16]), ..key(0) },
        countersign_core::id::RecordKey { mode: Mode::Test, ..key(0) },
        key(1),
    ] {
        assert!(history.read(other).await?.is_none() && history.timeline(other).await?.is_empty());
    }
    Ok(())
}

pub async fn repeats_and_any_order_change_nothing(base: &Base) -> Result<()> {
    let history = history(base);
    let forward: Vec<_> = (0..30).flat_map(|n| story(10 * n)).collect();
    assert_eq!(history.record(&forward).await?, new(180));
    let (rows, sums) = (history.list(TENANT, Mode::Live, &all(100)).await?, counts(&*history).await?);
    assert_eq!(history.record(&forward).await?, Recorded { repeated: 180, ..Recorded::default() });
    // Half of the batch is recorded already, and one event is in it twice.
    let mut half = [story(0), story(1_000)].concat();
    half.push(half[6].clone());
    assert_eq!(history.record(&half).await?, Recorded { new: 6, repeated: 7, dead: 0 });
    assert_eq!(history.list(TENANT, Mode::Live, &all(100)).await?[1..], rows);
    assert_eq!(counts(&*history).await?.0.iter().sum::<u64>(), sums.0.iter().sum::<u64>() + 6);
    // In reverse order and one by one: the row is created before the start arrives.
    let key = key(2_000);
    for one in story(2_000).iter().rev() {
        assert!(history.read(key).await?.is_none());
        assert_eq!(history.record(std::slice::from_ref(one)).await?, new(1));
    }
    let (past, twin) = (history.read(key).await?.context("row")?, &rows[0]);
    assert_eq!(
        (past.status, past.checks, past.sends, past.delivery),
        (twin.status, twin.checks, twin.sends, twin.delivery)
    );
    assert_eq!((past.ended_at, past.number, past.contact.is_some()), (Some(at(2_005)), Some(NUMBER), true));
    Ok(())
}

pub async fn receipts_are_kept_with_their_provider_and_counted_once(base: &Base) -> Result<()> {
    let history = history(base);
    let (undelivered, delivered) = (Delivery::Undelivered, Delivery::Delivered);
    // In each order, in one batch or in several, and each event twice.
    for (n, order) in [[undelivered, delivered], [delivered, undelivered]].into_iter().enumerate() {
        for apart in [false, true] {
            let n = 10 * n as i64 + 100 * i64::from(apart);
            let (key, message) = (key(n), super::message(n));
            let provider = "first".to_owned();
            let mut events = vec![
                event(key, n, &start(n)),
                event(key, n + 1, &EventKind::MessageSent { message, provider }),
            ];
            for delivery in order.into_iter().chain(order) {
                let receipt = ParkedReceipt { provider: "second".into(), delivery, code: "42".into() };
                let report = ReceiptReport::new((key, message), receipt);
                events.push(UnrecordedEvent { id: report.event, ..event(key, n + 2, &report.kind()) });
            }
            let mut recorded = Recorded::default();
            for batch in events.chunks(if apart { 1 } else { 10 }) {
                recorded += history.record(batch).await?;
            }
            assert_eq!(recorded, Recorded { new: 4, repeated: 2, dead: 0 });
            assert_eq!(history.read(key).await?.context("row")?.delivery, delivered);
            let timeline = history.timeline(key).await?;
            let of_receipts: Vec<_> =
                timeline.iter().filter(|event| event.kind.provider() == Some("second")).collect();
            assert_eq!(of_receipts.len(), 2);
            assert!(
                of_receipts
                    .iter()
                    .all(|event| matches!(&event.kind, EventKind::Receipt { code, .. } if code == "42"))
            );
        }
    }
    let counted = counts(&*history).await?;
    let of = |name| Counts::NAMES.iter().position(|known| *known == name).map(|at| counted.0[at]);
    assert_eq!((of("sent"), of("delivered"), of("undelivered")), (Some(4), Some(4), Some(4)));
    let rows = base.sql.query(&BY_PROVIDER, vec![]).await?;
    let found: Vec<_> =
        rows.iter().map(|row| Ok((row.text(0)?.to_owned(), row.int(1)?))).collect::<Result<_>>()?;
    assert_eq!(found, [("".into(), 0), ("first".into(), 0), ("second".into(), 8)]);
    Ok(())
}

/// A user may enter the code before the provider's answer is recorded.
pub async fn an_approval_counts_for_its_provider_whoever_is_noted_first(base: &Base) -> Result<()> {
    let provider = || "first".to_owned();
    for (n, apart) in [(0, true), (10, false)] {
        let (key, message) = (key(n), super::message(n));
        let events = [
            event(key, n, &start(n)),
            event(key, n + 1, &EventKind::Approved),
            event(key, n + 2, &EventKind::MessageSent { message, provider: provider() }),
            event(key, n + 3, &EventKind::MessageSent { message, provider: provider() }),
        ];
        for batch in events.chunks(if apart { 1 } else { 10 }) {
            // Each batch is recorded by a node that remembers nothing.
            assert_eq!(history(base).record(batch).await?, new(batch.len()));
        }
    }
    let rows = base.sql.query(&CONVERTED, vec![]).await?;
    let found: Vec<_> = rows.iter().map(|row| row.values().to_vec()).collect();
    assert_eq!(found, [vec![Value::from("first"), 4.into(), 2.into()]]);
    Ok(())
}

const CONVERTED: Statement = Statement {
    table: "conversions",
    text: "SELECT provider, CAST(sum(sent) AS bigint), CAST(sum(approved) AS bigint) FROM conversions
        GROUP BY provider ORDER BY provider",
    params: &[],
};

const BY_PROVIDER: Statement = Statement {
    table: "rollups",
    text: "SELECT provider, CAST(sum(delivered + undelivered) AS bigint) FROM rollups
        GROUP BY provider ORDER BY provider",
    params: &[],
};

pub async fn two_recorders_at_once_count_each_event_once(base: &Base) -> Result<()> {
    let events: Vec<_> = (0..40).flat_map(|n| story(10 * n)).collect();
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let (history, events) = (history(base), events.clone());
            tokio::spawn(async move {
                let mut recorded = Recorded::default();
                for batch in events.chunks(50) {
                    recorded += history.record(batch).await?;
                }
                anyhow::Ok(recorded)
            })
        })
        .collect();
    let mut sum = Recorded::default();
    for task in tasks {
        sum += task.await??;
    }
    assert_eq!(sum, Recorded { new: 240, repeated: 720, dead: 0 });
    assert_eq!(counts(&*history(base)).await?, counted(&events));
    Ok(())
}

const DEAD: Statement = Statement {
    table: "dead_events",
    text: "SELECT id, kind, reason FROM dead_events ORDER BY kind",
    params: &[],
};

pub async fn what_cannot_be_recorded_is_put_aside(base: &Base) -> Result<()> {
    let history = history(base);
    let mut events = story(0);
    let damaged = UnrecordedEvent { body: vec![1, 99], ..event(key(50), 50, &EventKind::Approved) };
    let future = UnrecordedEvent { body: vec![2], ..event(key(60), 60, &EventKind::Approved) };
    events.splice(2..2, [damaged, future]);
    let expected = Recorded { new: 6, repeated: 0, dead: 2 };
    assert_eq!(history.record(&events).await?, expected);
    assert_eq!(history.record(&events).await?, Recorded { new: 0, repeated: 6, dead: 2 });
    let dead = base.sql.query(&DEAD, vec![]).await?;
    assert_eq!(dead.len(), 2, "each one once");
    assert!(dead.iter().all(|row| row.text(1).is_ok_and(|kind| kind == "unreadable")));
    Ok(())
}

pub async fn an_erasure_takes_the_number_out_before_and_after(base: &Base) -> Result<()> {
    let history = history(base);
    history.record(&story(0)).await?;
    history.record(&story(10)).await?;
    let search = ListQuery { filter: Filter::Number(NUMBER), ..all(10) };
    assert_eq!(ids(&*history, &search).await?.len(), 2);
    assert_eq!(history.erase(TENANT, Mode::Test, NUMBER, at(25)).await?, 0, "the other mode is another");
    assert_eq!(history.erase(TENANT, Mode::Live, NUMBER, at(25)).await?, 2);
    assert!(ids(&*history, &search).await?.is_empty());
    // Started before the erasure and recorded after it, including events that were recorded first.
    let late = story(20);
    history.record(&late[1..]).await?;
    history.record(&late[..1]).await?;
    for n in [0, 10, 20] {
        let past = history.read(key(n)).await?.context("row")?;
        assert_eq!((past.number, past.contact, past.status), (None, None, Status::Approved));
    }
    // A start after the erasure is a new one.
    history.record(&story(30)).await?;
    assert_eq!(ids(&*history, &search).await?, [key(30).id]);
    assert_eq!(history.erase(TENANT, Mode::Live, NUMBER, at(10)).await?, 0);
    assert_eq!(ids(&*history, &all(10)).await?.len(), 4);
    Ok(())
}

pub async fn what_has_passed_expires_once(base: &Base) -> Result<()> {
    let history = history(base);
    for n in 0..5 {
        history.record(&[event(key(n), n, &start(n))]).await?;
    }
    history.record(&story(100)).await?;
    assert_eq!(history.expire(at(301), 10).await?, 2);
    assert_eq!(history.expire(at(1_000), 2).await?, 2);
    assert_eq!(history.expire(at(1_000), 2).await?, 1);
    assert_eq!(history.expire(at(1_000), 2).await?, 0);
    // A node that was paused makes the same event, which is known already.
    let Event { id, at: when, kind, .. } = Event::expired(key(0).id, at(300));
    let again = UnrecordedEvent { id, at: when, body: kind.pack(), ..event(key(0), 0, &kind) };
    assert_eq!(history.record(&[again]).await?.repeated, 1);
    let past = history.read(key(3)).await?.context("row")?;
    assert_eq!((past.status, past.ended_at), (Status::Expired, Some(at(303))));
    let expired = Counts::NAMES.iter().position(|name| *name == "expired").context("name")?;
    assert_eq!(counts(&*history).await?.0[expired], 5);
    assert_eq!(kinds(&history.timeline(key(3)).await?), ["started", "expired"]);
    Ok(())
}

pub async fn the_old_is_deleted_in_steps(base: &Base) -> Result<()> {
    let history = history(base);
    for n in 0..7 {
        history.record(&story(HOUR * n)).await?;
    }
    let now = at(5 * HOUR);
    assert_eq!(history.retain(now, 3).await?, 3);
    assert_eq!(history.retain(now, 3).await?, 2);
    assert_eq!(history.retain(now, 3).await?, 0);
    assert_eq!(ids(&*history, &all(10)).await?, [key(6 * HOUR).id, key(5 * HOUR).id]);
    assert!(history.timeline(key(0)).await?.is_empty());
    assert_eq!(history.timeline(key(5 * HOUR)).await?.len(), 6);
    let mut deleted = 0;
    while history.retain_counts(now).await? > 0 {
        deleted += 1;
    }
    assert_eq!(deleted, 5, "one hour a step");
    assert_eq!(counts(&*history).await?.0[0], 2);
    Ok(())
}

pub async fn pages_have_no_gaps_and_no_doubles(base: &Base) -> Result<()> {
    let history = history(base);
    for n in 0..25 {
        history.record(&story(10 * n)).await?;
    }
    let (mut seen, mut before): (Vec<VerificationId>, _) = (Vec::new(), None);
    loop {
        let page = ids(&*history, &ListQuery { before, ..all(4) }).await?;
        seen.extend(&page);
        // Newer verifications arrive between the pages.
        let n = 1_000 + 10 * seen.len() as i64;
        history.record(&story(n)).await?;
        match page.last() {
            Some(last) => before = Some(*last),
            None => break,
        }
    }
    assert_eq!(seen, (0..25).rev().map(|n| key(10 * n).id).collect::<Vec<_>>());
    let span = ListQuery { created_after: Some(at(50)), created_before: Some(at(80)), ..all(100) };
    assert_eq!(ids(&*history, &span).await?, [key(70).id, key(60).id, key(50).id]);
    Ok(())
}

pub async fn lists_keep_to_their_filter_tenant_and_mode(base: &Base) -> Result<()> {
    let history = history(base);
    history.record(&story(0)).await?;
    history.record(&[event(key(10), 10, &start(10))]).await?;
    history
        .record(&[
            event(key(20), 20, &start(20)),
            event(key(20), 21, &EventKind::Canceled(CancelReason::Client)),
        ])
        .await?;
    let list = async |filter, now| ids(&*history, &ListQuery { filter, now: at(now), ..all(10) }).await;
    assert_eq!(list(Filter::Status(Status::Approved), 0).await?, [key(0).id]);
    assert_eq!(list(Filter::Status(Status::Pending), 100).await?, [key(10).id]);
    assert!(list(Filter::Status(Status::Pending), 310).await?.is_empty(), "its time has passed");
    assert_eq!(list(Filter::Number(NUMBER), 0).await?.len(), 3);
    for (tenant, mode) in [(TENANT, Mode::Test), (TenantId::from_bytes([9; 16]), Mode::Live)] {
        for filter in [Filter::All, Filter::Number(NUMBER)] {
            for profiles in [Share::all(), Share::one(PROFILE)] {
                let query = ListQuery { filter, profiles, ..all(10) };
                assert!(history.list(tenant, mode, &query).await?.is_empty());
            }
        }
    }
    Ok(())
}

/// The start of a verification of another profile.
fn start_in(n: i64, profile: ProfileId) -> EventKind {
    let EventKind::Started(started) = start(n) else { unreachable!() };
    EventKind::Started(Box::new(Started { profile, ..*started }))
}

fn other(number: u8) -> ProfileId {
    ProfileId::from_bytes([number; 16])
}

pub async fn a_share_of_profiles_bounds_lists_and_their_pages(base: &Base) -> Result<()> {
    let history = history(base);
    // Three profiles in turn, and every second verification is canceled.
    let profiles = [PROFILE, other(8), other(9)];
    for n in 0..30 {
        let (key, profile) = (key(n), profiles[n as usize % 3]);
        history.record(&[event(key, n, &start_in(n, profile))]).await?;
        if n % 2 == 0 {
            history.record(&[event(key, n + 100, &EventKind::Canceled(CancelReason::Client))]).await?;
        }
    }
    let of = |which: &[usize], even: bool| -> Vec<VerificationId> {
        let kept = |n: &i64| which.contains(&(*n as usize % 3)) && (!even || n % 2 == 0);
        (0..30).rev().filter(kept).map(|n| key(n).id).collect()
    };
    for which in [&[][..], &[0], &[1], &[0, 2], &[0, 1, 2]] {
        // A profile without any verification changes nothing.
        let listed = which.iter().map(|which| profiles[*which]).chain([other(7)]);
        let shared = if which.is_empty() { Share::none() } else { Share::of(listed)? };
        for (filter, even) in
            [(Filter::All, false), (Filter::Status(Status::Canceled), true), (Filter::Number(NUMBER), false)]
        {
            let query = ListQuery { profiles: shared.clone(), filter, ..all(4) };
            let (mut seen, mut before): (Vec<VerificationId>, _) = (Vec::new(), None);
            loop {
                let page = ids(&*history, &ListQuery { before, ..query.clone() }).await?;
                seen.extend(&page);
                before = page.last().copied();
                if page.len() < 4 {
                    break;
                }
            }
            assert_eq!(seen, of(which, even), "{which:?} {filter:?}");
            let span = ListQuery { created_after: Some(at(6)), created_before: Some(at(12)), ..query };
            let mut within = of(which, even);
            within.retain(|id| (at(6)..at(12)).contains(&id.created_at()));
            within.truncate(4);
            assert_eq!(ids(&*history, &span).await?, within, "{which:?} {filter:?}");
        }
    }
    Ok(())
}

pub async fn a_share_of_profiles_bounds_reports(base: &Base) -> Result<()> {
    let history = history(base);
    for (n, profile) in [(0, PROFILE), (1, other(8)), (2, other(8)), (3, other(9))] {
        history.record(&[event(key(n), n, &start_in(n, profile))]).await?;
    }
    // An event that arrives before its start is counted without a profile, and only for all profiles.
    history.record(&[event(key(50), 50, &EventKind::Approved)]).await?;
    let counts = async |profiles| -> Result<u64> {
        let query = ReportQuery { from: at(0), to: at(HOUR), profiles, country: None };
        let hours = history.report(TENANT, Mode::Live, &query).await?;
        Ok(hours.iter().flat_map(|hour| hour.counts.0).sum())
    };
    assert_eq!(counts(Share::all()).await?, 5);
    assert_eq!(counts(Share::none()).await?, 0);
    assert_eq!(counts(Share::one(other(8))).await?, 2);
    assert_eq!(counts(Share::of([PROFILE, other(8), other(7)])?).await?, 3);
    let most = (100..200).map(other).collect::<Vec<_>>();
    assert_eq!(counts(Share::of(most)?).await?, 0);
    Ok(())
}

pub async fn counts_are_those_of_the_events(base: &Base) -> Result<()> {
    let history = history(base);
    let events: Vec<_> = (0..50).flat_map(|n| story(137 * n)).collect();
    for batch in events.chunks(7) {
        history.record(batch).await?;
    }
    assert_eq!(counts(&*history).await?, counted(&events));
    let hour = ReportQuery { from: at(0), to: at(HOUR), profiles: Share::one(PROFILE), country: None };
    let first = history.report(TENANT, Mode::Live, &hour).await?;
    let within: Vec<_> = events.iter().filter(|event| event.at < at(HOUR)).cloned().collect();
    assert_eq!((first.len(), first[0].hour, first[0].counts), (1, at(0), counted(&within)));
    let elsewhere = ReportQuery { country: countersign_core::phone::Country::parse("DE"), ..hour.clone() };
    assert!(history.report(TENANT, Mode::Live, &elsewhere).await?.is_empty());
    assert!(history.report(TENANT, Mode::Test, &hour).await?.is_empty());
    // Later events of a message count for the provider that accepted it.
    let rows = base.sql.query(&PROVIDERS, vec![]).await?;
    assert_eq!(
        rows.iter().map(|row| row.values().to_vec()).collect::<Vec<_>>(),
        [vec![Value::from(""), 50.into(), 0.into()], vec!["relay".into(), 0.into(), 50.into()],]
    );
    Ok(())
}

const PROVIDERS: Statement = Statement {
    table: "rollups",
    text: "SELECT provider, CAST(sum(started) AS bigint), CAST(sum(approved) AS bigint) FROM rollups
        GROUP BY provider ORDER BY provider",
    params: &[],
};

pub async fn contacts_are_sealed_anew_and_a_restart_goes_on(base: &Base) -> Result<()> {
    let ring = |versions: &[u8]| {
        let keys = || versions.iter().map(|v| VersionedKey { version: *v, key: [*v; 32] }).collect();
        KeyRing::new([9; 32], keys(), keys()).context("ring")
    };
    let (old, both, mut rng) = (ring(&[1])?, ring(&[2, 1])?, rng(1));
    let place = |n| Place { kind: Sealed::Contact, tenant: TENANT, id: *key(n).id.bytes(), number: NUMBER };
    for n in 0..450 {
        let EventKind::Started(mut started) = start(n) else { continue };
        started.contact = old.seal(&place(n), b"contact", &mut rng);
        history(base).record(&[event(key(n), n, &EventKind::Started(started))]).await?;
    }
    let mut pages = 0;
    // Another process reads each page.
    while reseal_contacts(&*history(base), &both, super::at(0), &mut rng).await? == Resealing::Working {
        let progress = reseal_progress(&*history(base), 2, super::at(0)).await?;
        assert!(matches!(progress, Progress::Under { seen_to: Some(_), counts: true }), "{progress:?}");
        let left = count_sealed_with(&*history(base), 2, 1).await?;
        assert_eq!(left, ([250, 50, 0][pages], true), "behind the pass");
        pages += 1;
    }
    let progress = async |primary, clean_from| reseal_progress(&*history(base), primary, clean_from).await;
    assert_eq!((pages, progress(2, super::at(0)).await?), (3, Progress::Clean));
    let early = Progress::Early { next: super::at(0) + Duration::from_secs(15 * 60) };
    assert_eq!(progress(2, super::at(1)).await?, early, "something may have come behind it");
    assert_eq!(progress(3, super::at(0)).await?, Progress::NotBegun);
    assert_eq!(
        count_sealed_with(&*history(base), 2, 2).await?,
        (450, true),
        "from the first on, for it is over"
    );
    let new = ring(&[2])?;
    for n in [0, 200, 449] {
        let contact = history(base).read(key(n)).await?.context("row")?.contact.context("contact")?;
        assert_eq!(new.open(&place(n), &contact)?.as_slice(), b"contact");
    }
    // With a key ring that lost the key, the contacts stay as they are and are reported.
    let lost = ring(&[3])?;
    let told = loop {
        match reseal_contacts(&*history(base), &lost, super::at(0), &mut rng).await? {
            Resealing::Working => {}
            Resealing::Done { unreadable } => break unreadable,
        }
    };
    assert_eq!((told, progress(3, super::at(0)).await?), (450, Progress::Unreadable(450)));
    Ok(())
}

pub async fn the_timeline_names_the_authors(base: &Base) -> Result<()> {
    let history = history(base);
    let member =
        Who::Member { id: MemberId::from_bytes([7; 16]), acted_by: Some(MemberId::from_bytes([8; 16])) };
    let with = |seconds, kind: &EventKind, who| UnrecordedEvent { who, ..event(key(0), seconds, kind) };
    let EventKind::Started(started) = start(0) else { unreachable!() };
    let by_nobody = EventKind::Started(Box::new(Started { key: None, ..*started }));
    let resent = EventKind::Resent { message: message(2), send: 2, new_code: false };
    let canceled = EventKind::Canceled(CancelReason::Client);
    let sent = EventKind::MessageSent { message: message(0), provider: "relay".to_owned() };
    let events = [
        with(0, &by_nobody, Some(Who::Operator(None))),
        with(1, &sent, None),
        with(2, &resent, Some(member)),
        with(3, &EventKind::CheckWrong { attempts_left: 4, in_row: 1, wait: None }, None),
        with(4, &canceled, Some(Who::Key(KeyId::from_bytes([9; 16])))),
    ];
    assert_eq!(history.record(&events).await?.new, 5);
    let read: Vec<_> = history.timeline(key(0)).await?.iter().map(Event::author).collect();
    let by_key = Some(Who::Key(KeyId::from_bytes([9; 16])));
    assert_eq!(read, [Some(Who::Operator(None)), Some(Who::System), Some(member), None, by_key]);
    // A start by a key names it in the event itself, as in each release.
    history.record(&[event(key(9), 9, &start(9))]).await?;
    let author = history.timeline(key(9)).await?[0].author();
    assert_eq!(author, Some(Who::Key(KeyId::from_bytes([4; 16]))));
    Ok(())
}
