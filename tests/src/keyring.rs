//! Rotates the key ring of a running server.

use crate::{
    app::{Answer, TestApp, TestKey},
    codes::{rng, seconds},
};
use countersign::keyfile::{self, KeyFile};
use countersign_core::{
    access::change::Change,
    keyring::version::{KeyKind, KeyVersions},
    management::{
        keyring_rotation::{LONGEST_RECORD, Refusal},
        reseal::{Resealed, reseal_resources},
    },
    ports::{clock::Clock, nodes::Node},
    tenant::profile::Policy,
};
use serde_json::json;
use std::time::Duration;

fn change<T>(app: &TestApp, edit: impl FnOnce(&mut KeyFile) -> anyhow::Result<T>) -> anyhow::Result<T> {
    keyfile::update(&app.folder.path().join("keyring.toml"), edit)
}

/// The only node, once its row fulfils `ready`.
async fn node(app: &TestApp, ready: impl Fn(&Node) -> bool) -> Node {
    for _ in 0..500 {
        let nodes = app.nodes.list_nodes(app.clock.now()).await.unwrap();
        if let [node] = nodes.as_slice()
            && ready(node)
        {
            return node.clone();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the node did not note it in 10 s");
}

/// The only node, once it has `count` versions of each kind and `primary` is the primary one.
async fn node_with(app: &TestApp, primary: u8, count: usize) -> Node {
    let has = |versions: &KeyVersions| {
        versions.iter().count() == count && versions.primary().is_some_and(|one| one.number == primary)
    };
    node(app, |node| has(&node.versions.mac) && has(&node.versions.seal)).await
}

async fn check(app: &TestApp, key: &TestKey, id: &str, code: &str) -> Answer {
    app.post(&format!("/v1/verifications/{id}/check"), key, json!({ "code": code })).await
}

fn refusal(outcome: anyhow::Result<()>) -> Refusal {
    outcome.unwrap_err().downcast::<Refusal>().unwrap()
}

#[tokio::test]
async fn a_rotation_loses_no_code_and_a_retired_key_counts_none_as_wrong() {
    let app = TestApp::spawn().await;
    let key = app.tenant("Acme").await;
    let [first, late] = [app.start(&key, "+48500600701").await, app.start(&key, "+48500600702").await];
    let [first_code, late_code] = [app.message(&first).await.code, app.message(&late).await.code];

    let before = node_with(&app, 1, 1).await;
    for kind in KeyKind::ALL {
        change(&app, |file| file.add(kind, &mut rng())).unwrap();
    }
    let promote = |kind, node: &Node| {
        change(&app, |file| Ok(file.promote(kind, std::slice::from_ref(node), app.clock.now())?)).map(drop)
    };
    let lacks = Refusal::Lacks { node: before.id, kind: KeyKind::Mac, version: 2 };
    assert_eq!(refusal(promote(KeyKind::Mac, &before)), lacks);
    let reads = node_with(&app, 1, 2).await;
    assert_eq!(reads.changed_at, None, "a version that only reads changes nothing");
    for kind in KeyKind::ALL {
        promote(kind, &reads).unwrap();
    }
    let makes = node_with(&app, 2, 2).await;
    assert!(makes.changed_at.is_some());

    let second = app.start(&key, "+48500600703").await;
    let second_code = app.message(&second).await.code;
    for (id, code) in [(&first, &first_code), (&second, &second_code)] {
        assert_eq!(check(&app, &key, id, code).await.json()["status"], "approved");
    }

    let retire = |kind, nodes: &[Node], now| change(&app, |file| Ok(file.retire(kind, 1, nodes, now)?));
    let soon = retire(KeyKind::Mac, std::slice::from_ref(&makes), app.clock.now());
    assert!(matches!(refusal(soon), Refusal::TooSoon { .. }));
    // Retires the version against the rule, while a record with it still exists.
    retire(KeyKind::Mac, &[], app.clock.now() + LONGEST_RECORD).unwrap();
    node(&app, |node| node.versions.mac.iter().count() == 1).await;
    for _ in 0..7 {
        let answer = check(&app, &key, &late, &late_code).await;
        assert_eq!(answer.problem(), (503, "codes_unavailable".into()));
    }
    let untouched = app.get(&format!("/v1/verifications/{late}"), &key).await.json();
    assert_eq!(untouched["attempts_left"], Policy::default().max_checks);
    assert_eq!(untouched["status"], "pending");

    // After the wait, no record needs the version.
    app.clock.turn(LONGEST_RECORD + seconds(1));
    let later = node(&app, |node| node.seen_at >= app.clock.now()).await;
    retire(KeyKind::Seal, &[later], app.clock.now()).unwrap();
    node_with(&app, 2, 1).await;
    assert_eq!(check(&app, &key, &late, &late_code).await.problem(), (404, "not_found".into()));
    let third = app.start(&key, "+48500600704").await;
    let third = app.get(&format!("/v1/verifications/{third}"), &key).await.json();
    assert_eq!(third["to"], "+48500600704", "it opens what it seals now");
}

#[tokio::test]
async fn a_ring_that_is_not_ours_is_not_taken_over() {
    let app = TestApp::spawn().await;
    let key = app.tenant("Acme").await;
    let id = app.start(&key, "+48500600705").await;
    let code = app.message(&id).await.code;
    let other = tempfile::tempdir().unwrap();
    let other = other.path().join("keyring.toml");
    keyfile::create(&other, 64, &mut rng()).unwrap();
    let before = app.context.keyring.versions();
    for text in [std::fs::read_to_string(&other).unwrap(), "mac = 1".to_owned()] {
        keyfile::write_private(&app.folder.path().join("keyring.toml"), text.as_bytes()).unwrap();
        tokio::time::sleep(Duration::from_millis(1_300)).await;
        assert_eq!(app.context.keyring.versions(), before);
    }
    assert_eq!(check(&app, &key, &id, &code).await.json()["status"], "approved");
}

#[tokio::test]
async fn a_node_that_stops_is_forgotten() {
    let app = TestApp::spawn().await;
    let (nodes, now) = (app.nodes.clone(), app.clock.now());
    assert_eq!(nodes.list_nodes(now).await.unwrap().len(), 1);
    app.stop();
    for _ in 0..500 {
        if nodes.list_nodes(now).await.unwrap().is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("still noted after 10 s");
}

#[tokio::test]
async fn what_resources_seal_goes_over_to_the_newest_key() {
    let app = TestApp::spawn().await;
    let key = app.tenant("Acme").await;
    app.provider(&key, "main").await;
    let webhook = json!({"name": "events", "url": "https://events.example/"});
    assert_eq!(app.post("/v1/webhooks", &key, webhook).await.status, 201);
    node_with(&app, 1, 1).await;
    let versions = async || {
        let all = app.context.directory.list_resources(key.caller.tenant).await.unwrap();
        all.into_iter().map(|one| one.sealed.unwrap()[0]).collect::<Vec<_>>()
    };
    let now = app.clock.now();
    for kind in KeyKind::ALL {
        change(&app, |file| file.add(kind, &mut rng())).unwrap();
    }
    let reads = node_with(&app, 1, 2).await;
    let nothing = reseal_resources(&app.context, &Change::by_system(now), &mut rng()).await.unwrap();
    assert_eq!((nothing, versions().await), (Resealed::default(), vec![1, 1]));
    for kind in KeyKind::ALL {
        change(&app, |file| Ok(file.promote(kind, std::slice::from_ref(&reads), now)?)).unwrap();
    }
    node_with(&app, 2, 2).await;
    let done = reseal_resources(&app.context, &Change::by_system(now), &mut rng()).await.unwrap();
    assert_eq!((done, versions().await), (Resealed { resealed: 2, unreadable: 0 }, vec![2, 2]));
    let view = app.context.snapshot.tenant(key.caller.tenant).unwrap();
    let settings = view.providers[0].open(&app.context.keyring).unwrap();
    assert_eq!(settings, crate::delivery::settings("https://sms.example"));
    let again = reseal_resources(&app.context, &Change::by_system(now), &mut rng()).await.unwrap();
    assert_eq!(again, Resealed::default());
}
