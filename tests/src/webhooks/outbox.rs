//! The messages to webhooks, and the claims on them.

use super::Place;
use crate::{
    codes::{rng, seconds},
    directory::{
        Base,
        people::{invitation, join, member, owner, person},
    },
    history::{TENANT, event, key, story},
};
use anyhow::{Result, ensure};
use countersign_core::{
    access::{
        change::Change,
        key::{Key, PresentedKey},
        scope::Scopes,
    },
    acts::webhook_upkeep::keep_webhooks,
    id::{AttemptId, KeyId, RecordKey, WebhookId},
    management::key_rotation::plan,
    mode::Mode,
    people::{
        invitation::Author,
        member::{Limits, Member},
    },
    ports::{
        clock::Clock,
        directory::{keys::KeyChange, members::Joining},
        history::{HistoryUpkeep, Recorded},
        webhooks::{KeptBounds, NextTry, Retained, Settled, WebhookAttempt, WebhookClaim, WebhookSettlement},
    },
    tenant::resource::ResourceKind,
    verification::event::EventKind,
};
use countersign_stores::sql::{Kind, Statement};
use serde_json::Value;
use std::{collections::BTreeSet, time::Duration};

const KINDS: Statement = Statement {
    table: "webhook_messages",
    text: "SELECT id, kind, body FROM webhook_messages WHERE webhook_id = $1 ORDER BY at, id",
    params: &[Kind::Text],
};

/// The messages to a webhook: type and body.
async fn told(base: &Base, webhook: WebhookId) -> Result<Vec<(String, Value)>> {
    let rows = base.sql.query(&KINDS, vec![webhook.to_string().into()]).await?;
    rows.iter().map(|row| Ok((row.text(1)?.to_owned(), serde_json::from_str(row.text(2)?)?))).collect()
}

async fn kinds(base: &Base, webhook: WebhookId) -> Result<Vec<String>> {
    Ok(told(base, webhook).await?.into_iter().map(|(kind, _)| kind).collect())
}

pub async fn an_event_is_told_once_although_its_batch_is_repeated(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let (webhook, _) = place.webhook("one", "https://one.invalid/", Mode::Live).await?;
    let story = story(0);
    // A batch that was recorded in part before a crash, and then completely, twice at once.
    assert_eq!(place.history.record(&story[..2]).await?.new, 2);
    let (one, two) = tokio::join!(place.history.record(&story), place.history.record(&story));
    let mut both = one?;
    both += two?;
    assert_eq!(both, Recorded { new: 4, repeated: 8, dead: 0 });
    let told = told(base, webhook.id).await?;
    let kinds: Vec<_> = told.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(
        kinds,
        ["verification.started", "verification.sent", "verification.delivered", "verification.approved"]
    );
    let last = &told[3].1["data"];
    assert_eq!(
        (&last["status"], &last["profile"], &last["country"]),
        (&"approved".into(), &"default".into(), &"PL".into())
    );
    assert_eq!(last["verification_id"], key(0).id.to_string());
    // Another process, which remembers nothing about the verification, makes the same messages.
    let other = countersign_stores::history::SqlHistory::telling(
        base.sql.clone(),
        place.context.snapshot.clone(),
        place.context.keyring.clone(),
    );
    let late = event(key(0), 90, &EventKind::Delivered { message: crate::history::message(4) });
    assert_eq!(other.record(&[late]).await?.new, 1);
    let told = super::outbox::told(base, webhook.id).await?;
    let late = &told.last().unwrap().1["data"];
    assert_eq!((&late["status"], &late["delivery"]), (&"approved".into(), &"delivered".into()));
    assert_eq!((&late["profile"], &late["provider"]), (&"default".into(), &"relay".into()));
    Ok(())
}

pub async fn only_the_mode_of_a_webhook_is_told(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let (live, _) = place.webhook("one", "https://one.invalid/", Mode::Live).await?;
    let (test, _) = place.webhook("one", "https://one.invalid/", Mode::Test).await?;
    let of_test = RecordKey { mode: Mode::Test, ..key(1) };
    place.history.record(&[event(of_test, 1, &EventKind::Approved)]).await?;
    assert_eq!(kinds(base, test.id).await?, ["verification.approved"]);
    assert!(kinds(base, live.id).await?.is_empty());
    Ok(())
}

pub async fn changes_of_keys_are_told_with_the_change(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let (webhook, _) = place.webhook("one", "https://one.invalid/", Mode::Live).await?;
    let directory = &place.context.directory;
    let mut key = new_key(&place);
    directory.create_key(&key, None, None, &[], &Change::by_system(key.created_at)).await?;
    assert!(
        directory.create_key(&key, None, None, &[], &Change::by_system(key.created_at)).await.is_err(),
        "a change that fails is not told"
    );
    place.clock.turn(seconds(1));
    for disabled in [true, false] {
        let change = KeyChange { disabled: Some(disabled), ..KeyChange::default() };
        place.clock.turn(seconds(1));
        key = directory
            .update_key(TENANT, key.id, change, None, &Change::by_system(place.clock.now()))
            .await?
            .unwrap();
    }
    place.clock.turn(seconds(1));
    let (rotation, secret) = plan(&key, seconds(60), place.clock.now(), &mut rng());
    directory.rotate_key(&rotation, None, None, &Change::by_system(rotation.new.created_at)).await?;
    place.clock.turn(seconds(1));
    assert!(directory.delete_key(TENANT, key.id, None, &Change::by_system(place.clock.now())).await?);
    let told = told(base, webhook.id).await?;
    let kinds: BTreeSet<_> = told.iter().map(|(kind, _)| kind.as_str()).collect();
    let expected = ["key.created", "key.disabled", "key.enabled", "key.rotated", "key.deleted"];
    assert_eq!((kinds, told.len()), (expected.into_iter().collect(), 6), "two are created");
    let rotated = &told.iter().find(|(kind, _)| kind == "key.rotated").unwrap().1["data"];
    assert_eq!(rotated["key_id"], key.id.to_string());
    assert_eq!(rotated["replaced_by"], rotation.new.id.to_string());
    assert_eq!(rotated["expires_at"], rotation.ends_at.to_string());
    let text = secret.expose();
    assert!(told.iter().all(|(_, body)| !body.to_string().contains(&text[40..])));
    Ok(())
}

pub async fn changes_of_members_are_told_with_the_change(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let (webhook, _) = place.webhook("one", "https://one.invalid/", Mode::Live).await?;
    let (test, _) = place.webhook("two", "https://two.invalid/", Mode::Test).await?;
    let directory = &place.context.directory;
    let (invited, _) = invitation(TENANT, 1, Author::Operator);
    let by = || Change::by_operator(place.clock.now());
    directory.create_invitation((&invited).into(), None, &by()).await?;
    ensure!(directory.create_invitation((&invited).into(), None, &by()).await.is_err());
    let boss = member(TENANT, 2, owner());
    join(base, &boss).await?;
    let clerk = member(TENANT, 3, invited.limits.clone());
    let person = person(1, clerk.person);
    let joining =
        || Joining { member: &clerk, person: Some(&person), invitation: Some(&invited), password: None };
    directory.add_member(joining(), None, &[], &by()).await?;
    ensure!(directory.add_member(joining(), None, &[], &by()).await.is_err(), "the link is void");
    let mut last = clerk.clone();
    for (pool, disabled) in [(Some(9), false), (Some(9), true), (Some(9), false)] {
        let limits = Limits { pool, ..last.limits.clone() };
        let next = Member { limits, disabled, version: last.version + 1, ..last.clone() };
        place.clock.turn(seconds(1));
        directory.update_member((&last, &next), None, &[], &by()).await?;
        ensure!(directory.update_member((&last, &next), None, &[], &by()).await.is_err(), "it has moved");
        last = next;
    }
    // The last owner stays, and the refused removal makes no message.
    ensure!(directory.delete_member(&boss, None, &by()).await.is_err());
    directory.delete_member(&last, None, &by()).await?;
    let told = told(base, webhook.id).await?;
    let mut kinds: Vec<_> = told.iter().map(|(kind, _)| kind.as_str()).collect();
    kinds.sort_unstable();
    let expected = ["created", "created", "deleted", "disabled", "enabled", "invited", "updated"];
    assert_eq!(kinds, expected.map(|kind| format!("member.{kind}")));
    let data = |kind: &str| &told.iter().rfind(|(told, _)| told == kind).unwrap().1["data"];
    assert_eq!(data("member.updated")["member_id"], clerk.id.to_string());
    assert_eq!(data("member.updated")["pool"], 9);
    assert_eq!(data("member.disabled")["disabled"], true);
    let by_invitation = told.iter().filter(|(_, body)| body["data"]["member_id"] == clerk.id.to_string());
    let created = by_invitation.clone().find(|(kind, _)| kind == "member.created").unwrap();
    assert_eq!(created.1["data"]["invitation_id"], invited.id.to_string());
    assert_eq!(by_invitation.count(), 5);
    for (_, body) in &told {
        let body = body.to_string();
        assert!(!body.contains('@') && !body.contains("per_"), "{body}");
    }
    assert!(super::outbox::kinds(base, test.id).await?.is_empty());
    Ok(())
}

pub async fn the_move_of_a_key_names_its_member(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let (webhook, _) = place.webhook("one", "https://one.invalid/", Mode::Live).await?;
    let (directory, key) = (&place.context.directory, new_key(&place));
    let by = Change::by_operator(place.clock.now());
    directory.create_key(&key, None, None, &[], &by).await?;
    let boss = member(TENANT, 2, owner());
    join(base, &boss).await?;
    directory.move_key(&key, Some(boss.id), None, &by).await?;
    let told = told(base, webhook.id).await?;
    let data = |kind: &str| &told.iter().find(|(told, _)| told == kind).unwrap().1["data"];
    assert_eq!(data("key.created")["member_id"], Value::Null);
    assert_eq!(data("key.updated")["member_id"], boss.id.to_string());
    Ok(())
}

fn new_key(place: &Place) -> Key {
    let now = place.clock.now();
    let presented = PresentedKey::generate(Mode::Live, KeyId::new(now, &mut rng()), &mut rng());
    Key::new(&presented, TENANT, "one".into(), Scopes::all(), now)
}

async fn claim(place: &Place, webhook: WebhookId, limit: u16) -> Result<Vec<WebhookClaim>> {
    let now = place.clock.now();
    Ok(place.context.webhooks.claim(webhook, (now, now + seconds(60)), limit).await?)
}

fn settlement(place: &Place, claim: &WebhookClaim, reason: Option<&str>, next: NextTry) -> WebhookSettlement {
    let at = place.clock.now();
    let attempt = WebhookAttempt {
        id: AttemptId::new(at, &mut rng()),
        message: claim.id,
        kind: claim.kind.clone(),
        at,
        status_code: reason.is_none().then_some(204),
        duration: Duration::from_millis(7),
        reason: reason.map(str::to_owned),
    };
    WebhookSettlement { attempt, next }
}

pub async fn two_workers_never_hold_one_message(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let (webhook, _) = place.webhook("one", "https://one.invalid/", Mode::Live).await?;
    let queued: BTreeSet<_> = place.queue(&webhook, 60).await?.into_iter().collect();
    let mut held = Vec::new();
    for _ in 0..5 {
        let claims = (0..4).map(|_| claim(&place, webhook.id, 3));
        for claims in futures_util::future::try_join_all(claims).await? {
            assert_eq!(claims.len(), 3);
            held.extend(claims.into_iter().map(|claim| claim.id));
        }
    }
    assert_eq!(held.len(), 60, "each is held once");
    assert_eq!(held.into_iter().collect::<BTreeSet<_>>(), queued);
    assert!(claim(&place, webhook.id, 3).await?.is_empty());
    Ok(())
}

pub async fn whoever_lost_its_lease_settles_nothing(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let (webhook, _) = place.webhook("one", "https://one.invalid/", Mode::Live).await?;
    let queued = place.queue(&webhook, 1).await?;
    let first = claim(&place, webhook.id, 9).await?.remove(0);
    place.clock.turn(seconds(61));
    let second = claim(&place, webhook.id, 9).await?.remove(0);
    assert_eq!((second.id, first.id), (queued[0], queued[0]));
    let outbox = &place.context.webhooks;
    let late = settlement(&place, &first, None, NextTry::Delivered);
    assert_eq!(outbox.settle(&first, &late).await?, Settled::Lost);
    assert!(place.log(&webhook).await?.is_empty());
    // A redelivery requested while an attempt is in progress begins after this attempt.
    assert!(outbox.redeliver(TENANT, webhook.id, queued[0], place.clock.now()).await?);
    assert!(claim(&place, webhook.id, 9).await?.is_empty());
    let failed = settlement(&place, &second, Some("status 500"), NextTry::GivenUp);
    let began = place.clock.now();
    assert_eq!(outbox.settle(&second, &failed).await?, Settled::Noted { failing_since: Some(began) });
    assert_eq!(outbox.settle(&second, &failed).await?, Settled::Lost, "once");
    assert_eq!(place.log(&webhook).await?, std::slice::from_ref(&failed.attempt));
    let again = claim(&place, webhook.id, 9).await?.remove(0);
    assert_eq!((again.id, again.attempts), (queued[0], 0), "as if it had never been tried");
    place.clock.turn(seconds(1));
    let given_up = settlement(&place, &again, Some("status 500"), NextTry::GivenUp);
    assert_eq!(outbox.settle(&again, &given_up).await?, Settled::Noted { failing_since: Some(began) });
    let failures = |since, most| outbox.failures(webhook.id, since, most);
    assert_eq!((failures(began, 9).await?, failures(began, 1).await?), (2, 1));
    assert_eq!(failures(began + seconds(1), 9).await?, 1);
    // A message that was given up is sent again on request, and a success ends the series of failures.
    assert!(claim(&place, webhook.id, 9).await?.is_empty());
    assert!(outbox.redeliver(TENANT, webhook.id, queued[0], place.clock.now()).await?);
    let third = claim(&place, webhook.id, 9).await?.remove(0);
    assert_eq!((third.id, third.attempts), (queued[0], 0));
    let done = settlement(&place, &third, None, NextTry::Delivered);
    assert_eq!(outbox.settle(&third, &done).await?, Settled::Noted { failing_since: None });
    let other = countersign_core::id::TenantId::from_bytes([8; 16]);
    assert!(!outbox.redeliver(other, webhook.id, queued[0], place.clock.now()).await?);
    assert!(outbox.list_attempts(other, webhook.id, None, 10).await?.is_empty());
    Ok(())
}

pub async fn webhooks_that_wait_are_found_in_their_turn(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let (outbox, mut ids) = (&place.context.webhooks, Vec::new());
    for name in ["a", "b", "c", "d"] {
        place.clock.turn(seconds(1));
        let (webhook, _) = place.webhook(name, "https://one.invalid/", Mode::Live).await?;
        place.queue(&webhook, 2).await?;
        ids.push(webhook.id);
    }
    let now = place.clock.now();
    assert_eq!(outbox.due(None, now, 3).await?, ids[..3]);
    assert_eq!(outbox.due(Some(ids[2]), now, 3).await?, ids[3..]);
    claim(&place, ids[1], 2).await?;
    assert_eq!(outbox.due(None, now, 9).await?, [ids[0], ids[2], ids[3]]);
    assert!(outbox.due(None, now - seconds(60), 9).await?.is_empty());
    for left in [1, 1, 0] {
        assert_eq!(outbox.end_tries(ids[0], 1).await?, left);
    }
    assert_eq!(outbox.due(None, now, 9).await?, [ids[2], ids[3]]);
    Ok(())
}

pub async fn what_is_old_or_too_much_goes(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let (webhook, _) = place.webhook("one", "https://one.invalid/", Mode::Live).await?;
    let outbox = &place.context.webhooks;
    for _ in 0..9 {
        place.clock.turn(seconds(1));
        place.queue(&webhook, 1).await?;
    }
    for claim in claim(&place, webhook.id, 5).await? {
        let done = settlement(&place, &claim, None, NextTry::Delivered);
        assert_eq!(outbox.settle(&claim, &done).await?, Settled::Noted { failing_since: None });
        place.clock.turn(seconds(1));
    }
    let count = async || anyhow::Ok((told(base, webhook.id).await?.len(), place.log(&webhook).await?.len()));
    let old = KeptBounds { before: place.clock.now() - seconds(3_600), most: 100, waiting: 100 };
    let all = KeptBounds { before: place.clock.now() + seconds(9), ..old };
    let retain = async |bounds, limit| outbox.retain(webhook.id, &bounds, limit).await;
    assert_eq!(retain(old, 100).await?, Retained::default());
    let went = |deleted, dropped, more| Retained { deleted, dropped, more };
    let few = KeptBounds { most: 4, waiting: 3, ..old };
    assert_eq!(retain(few, 100).await?, went(2, 1, false), "the newest of each stay");
    assert_eq!(count().await?, (4 + 3, 4));
    claim(&place, webhook.id, 1).await?;
    assert_eq!(retain(all, 1).await?, went(2, 1, true), "one of each a step");
    assert_eq!(retain(all, 100).await?, went(6, 1, false));
    assert_eq!(count().await?, (1, 0), "what is under way stays");
    Ok(())
}

pub async fn what_a_deleted_webhook_left_is_forgotten(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let (gone, _) = place.webhook("gone", "https://one.invalid/", Mode::Live).await?;
    let (kept, _) = place.webhook("kept", "https://one.invalid/", Mode::Live).await?;
    place.queue(&gone, 2).await?;
    place.queue(&kept, 2).await?;
    let (id, now) = (*gone.id.bytes(), place.clock.now());
    place
        .context
        .directory
        .delete_resource(TENANT, (ResourceKind::Webhook, id), &[], &Change::by_system(now))
        .await?;
    place.context.refresh().await?;
    keep_webhooks(&place.context, now).await?;
    assert_eq!(told(base, gone.id).await?.len(), 2, "another node may not know a young one yet");
    keep_webhooks(&place.context, now + seconds(120)).await?;
    assert_eq!(told(base, gone.id).await?.len(), 2, "a copy that is not up to date says nothing");
    for all in [false, false, true] {
        assert_eq!(place.context.webhooks.forget(TENANT, gone.id, 1).await?, all);
    }
    place.queue(&gone, 2).await?;
    place.context.snapshot.mark(std::time::Instant::now());
    keep_webhooks(&place.context, now + seconds(120)).await?;
    assert!(told(base, gone.id).await?.is_empty());
    assert_eq!(told(base, kept.id).await?.len(), 2);
    Ok(())
}

pub async fn a_key_that_ends_soon_is_told_once(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let day = seconds(86_400);
    for days in [3, 30] {
        let key = Key { expires_at: Some(place.clock.now() + day * days), ..new_key(&place) };
        place.context.directory.create_key(&key, None, None, &[], &Change::by_system(key.created_at)).await?;
    }
    let (webhook, _) = place.webhook("one", "https://one.invalid/", Mode::Live).await?;
    for _ in 0..3 {
        keep_webhooks(&place.context, place.clock.now()).await?;
        place.clock.turn(seconds(900));
    }
    assert_eq!(kinds(base, webhook.id).await?, ["key.expiring"]);
    Ok(())
}
