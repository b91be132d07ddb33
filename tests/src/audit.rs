//! The audit log over HTTP: list, export, and its verification outside of the server.

use crate::{
    app::{TestApp, TestKey, answer},
    codes::seconds,
};
use countersign_core::{
    access::change::Change,
    audit::{chain::Break, entry::Draft},
    management::audit::{Kept, forget_old, verify},
    mode::Mode,
    ports::clock::Clock as _,
};
use serde_json::{Value, json};
use std::{
    io::Write as _,
    process::{Command, Stdio},
    time::Duration,
};

const DAY: Duration = Duration::from_secs(86_400);

/// The program in docs/audit.md.
fn documented_program() -> String {
    let text = include_str!("../../docs/audit.md");
    let (_, rest) = text.split_once("```python\n").unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

/// Runs the program in docs/audit.md on an export. Returns what it printed, or why it failed.
pub async fn verify_outside(export: &str) -> Result<String, String> {
    let export = export.to_owned();
    tokio::task::spawn_blocking(move || run_program(&export)).await.unwrap()
}

fn run_program(export: &str) -> Result<String, String> {
    let mut python = Command::new("python3")
        .args(["-c", &documented_program()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It stops reading at the first wrong entry.
    let _ = python.stdin.take().unwrap().write_all(export.as_bytes());
    let output = python.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().trim().to_owned();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

async fn list(app: &TestApp, key: &TestKey, query: &str) -> Vec<Value> {
    let page = app.get(&format!("/v1/audit?{query}"), key).await;
    assert_eq!(page.status, 200, "{query}: {page:?}");
    page.json()["data"].as_array().unwrap().clone()
}

async fn export(app: &TestApp, key: &TestKey, query: &str) -> String {
    let exported = app.get(&format!("/v1/audit/export?{query}"), key).await;
    assert_eq!((exported.status, exported.header("content-type")), (200, "application/x-ndjson"));
    assert_eq!(exported.header("cache-control"), "no-store");
    exported.text
}

fn numbers(export: &str) -> Vec<i64> {
    export.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["n"].as_i64().unwrap()).collect()
}

/// Appends entries, a second apart.
async fn append(app: &TestApp, key: &TestKey, count: usize) {
    for n in 0..count {
        app.clock.turn(seconds(1));
        let by = Change::by_system(app.clock.now());
        let draft = Draft::created(
            "test.act",
            n,
            json!({ "large": u64::MAX, "text": "Zażółć \u{1}\"\u{1f600}",
            // RFC 8785 sorts the emoji first, and Python's own order last.
            "\u{fb33}": 1, "\u{1f600}": { "\u{fb33}": 1, "\u{1f600}": 2 } }),
        );
        app.context.directory.append(key.caller.tenant, &draft, &by).await.unwrap();
    }
}

fn rfc3339(at: countersign_core::time::Timestamp) -> String {
    jiff::Timestamp::from_microsecond(at.micros()).unwrap().to_string()
}

#[tokio::test]
async fn a_change_has_an_entry_with_its_author_and_both_states() {
    let app = TestApp::spawn().await;
    let owner = app.tenant("Acme").await;
    let stranger = app.tenant("Other").await;
    let body = json!({ "name": "Backend", "scopes": ["settings:read"] });
    let created = app.post("/v1/keys", &owner, body).await;
    let id = created.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/keys/{id}");
    let changed = app.send("PATCH", &path, Some(&owner.text), Some(&json!({ "disabled": true }))).await;
    assert_eq!(changed.status, 200);

    let entries = list(&app, &owner, &format!("object={id}")).await;
    let [update, create] = entries.as_slice() else { panic!("{entries:?}") };
    assert_eq!((&create["action"], &update["action"]), (&json!("key.create"), &json!("key.update")));
    assert_eq!((&create["before"], &create["after"]["name"]), (&Value::Null, &json!("Backend")));
    assert_eq!(update["before"], create["after"]);
    assert_eq!((&update["before"]["disabled"], &update["after"]["disabled"]), (&json!(false), &json!(true)));
    assert_eq!(update["n"].as_i64().unwrap(), create["n"].as_i64().unwrap() + 1);
    for (entry, answer) in [(create, &created), (update, &changed)] {
        assert_eq!(entry["actor"], owner.caller.key().unwrap().to_string());
        assert_eq!(entry["address"], "127.0.0.1");
        assert_eq!(entry["request"], answer.header("x-request-id"));
        assert_eq!(entry["tenant"], owner.caller.tenant.to_string());
        assert_eq!(entry["acting_for"], Value::Null);
    }
    assert!(!created.json()["secret"].as_str().unwrap().is_empty());
    let secret = created.json()["secret"].as_str().unwrap().rsplit('_').next().unwrap().to_owned();
    assert!(!export(&app, &owner, "").await.contains(&secret));
    assert!(list(&app, &stranger, &format!("object={id}")).await.is_empty(), "it is another tenant's");
    assert!(!export(&app, &stranger, "").await.contains(&id));
}

#[tokio::test]
async fn filters_narrow_the_list() {
    let app = TestApp::spawn().await;
    let owner = app.tenant("Acme").await;
    app.clock.turn(seconds(60));
    let middle = rfc3339(app.clock.now());
    let other = app.key_for(&owner.caller, owner.caller.mode, owner.caller.grants).await;
    let body = json!({ "name": "Backend", "scopes": ["settings:read"] });
    assert_eq!(app.post("/v1/keys", &other, body).await.status, 201);
    let limit = json!({ "buckets": [{ "max": 1, "window": 60 }] });
    assert_eq!(app.send("PUT", "/v1/limits/tenant", Some(&owner.text), Some(&limit)).await.status, 200);

    let all = list(&app, &owner, "limit=100").await;
    let only = |field: &str, value: &str| {
        all.iter().filter(|entry| entry[field] == value).cloned().collect::<Vec<_>>()
    };
    let (first, second) = (owner.caller.key().unwrap(), other.caller.key().unwrap());
    for actor in [first.to_string(), second.to_string(), "system".to_owned()] {
        let found = list(&app, &owner, &format!("actor={actor}")).await;
        assert!(!found.is_empty(), "{actor}");
        assert_eq!(found, only("actor", &actor));
    }
    assert_eq!(list(&app, &owner, "action=key.create").await, only("action", "key.create"));
    assert_eq!(list(&app, &owner, "action=key").await, only("action", "key.create"));
    assert!(list(&app, &owner, "action=ke").await.is_empty(), "a kind is a whole word");
    let early = list(&app, &owner, &format!("until={middle}&limit=100")).await;
    let late = list(&app, &owner, &format!("from={middle}&limit=100")).await;
    assert!(!early.is_empty() && !late.is_empty());
    assert_eq!([late, early].concat(), all);

    for query in [
        "limit=0",
        "limit=101",
        "cursor=0",
        "cursor=-1",
        "cursor=x",
        "from=yesterday",
        "until=1",
        "action=Key",
        "action=key.",
        "action=",
        "actor=",
        "object=",
        "n=1",
    ] {
        let refused = app.get(&format!("/v1/audit?{query}"), &owner).await;
        assert_eq!(refused.problem(), (400, "invalid_request".into()), "{query}");
    }
    for query in ["from=x", "limit=1", "actor=system"] {
        let refused = app.get(&format!("/v1/audit/export?{query}"), &owner).await;
        assert_eq!(refused.problem(), (400, "invalid_request".into()), "{query}");
    }
}

#[tokio::test]
async fn pages_have_no_gaps_while_entries_are_added() {
    let app = TestApp::spawn().await;
    let owner = app.tenant("Acme").await;
    append(&app, &owner, 6).await;
    let newest = list(&app, &owner, "limit=1").await[0]["n"].as_i64().unwrap();
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app.get(&format!("/v1/audit?limit=2{cursor}"), &owner).await.json();
        found.extend(page["data"].as_array().unwrap().iter().map(|entry| entry["n"].as_i64().unwrap()));
        append(&app, &owner, 1).await;
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(found, (1..=newest).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn an_export_is_verified_by_the_documented_program() {
    let app = TestApp::spawn().await;
    let owner = app.tenant("Acme").await;
    append(&app, &owner, 430).await;
    let whole = export(&app, &owner, "").await;
    let last = i64::try_from(whole.lines().count()).unwrap();
    assert_eq!(numbers(&whole), (1..=last).collect::<Vec<_>>());
    let keyring = &app.context.keyring;
    let found = verify(&*app.context.directory, keyring, owner.caller.tenant, None).await.unwrap().unwrap();
    assert_eq!(found.entries, last);
    let head = found.head.text();
    assert_eq!(verify_outside(&whole).await, Ok(head.clone()));
    assert_eq!(verify_outside("").await, Ok("no entries".to_owned()));

    let lines: Vec<_> = whole.lines().collect();
    let joined = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    assert_eq!(
        verify_outside(&joined(&lines[5..])).await,
        Ok(head),
        "a part is verified from its second entry on"
    );
    let without = [&lines[..7], &lines[8..]].concat();
    assert_eq!(verify_outside(&joined(&without)).await, Err("entry 8 is missing".to_owned()));
    for (from, to) in [
        ("\"actor\":\"system\"", "\"actor\":\"operator\""),
        ("Zażółć", "Zazolc"),
        ("\"large\":\"", "\"large\":\"9"),
    ] {
        let changed = lines[9].replacen(from, to, 1);
        assert_ne!(changed, lines[9], "{from}");
        let forged = [&lines[..9], &[changed.as_str()], &lines[10..]].concat();
        assert!(
            verify_outside(&joined(&forged)).await.is_err_and(|error| error.contains(" was changed")),
            "{from}"
        );
    }

    let third: Value = serde_json::from_str(lines[200]).unwrap();
    let late: Value = serde_json::from_str(lines[405]).unwrap();
    let query = format!("from={}&until={}", third["at"].as_str().unwrap(), late["at"].as_str().unwrap());
    assert_eq!(numbers(&export(&app, &owner, &query).await), (201..=405).collect::<Vec<_>>());
    assert_eq!(export(&app, &owner, "until=2001-01-01T00:00:00Z").await, "");
    let head = app.client.head(format!("{}/v1/audit/export", app.base_url)).bearer_auth(&owner.text);
    let head = answer(head).await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
}

#[tokio::test]
async fn the_retention_removes_the_beginning_and_the_rest_is_verified() {
    let app = TestApp::spawn().await;
    let owner = app.tenant("Acme").await;
    let (directory, keyring, tenant) = (&*app.context.directory, &app.context.keyring, owner.caller.tenant);
    append(&app, &owner, 1_200).await;
    let old = i64::try_from(export(&app, &owner, "").await.lines().count()).unwrap();
    app.clock.turn(DAY * 2);
    append(&app, &owner, 3).await;
    let now = app.clock.now();
    let by = Change::by_system(now);
    let whole = export(&app, &owner, "").await;
    for (before, why) in [(DAY * 3, "nothing is so old"), (DAY + seconds(3_600), "it may stay a day longer")]
    {
        forget_old(directory, keyring, now - before, &by).await.unwrap();
        assert_eq!(export(&app, &owner, "").await, whole, "{why}");
    }
    let done = forget_old(directory, keyring, now - seconds(3_600), &by).await.unwrap();
    assert!(done.failed.is_empty(), "{done:?}");
    assert!(done.entries >= old.unsigned_abs(), "{done:?}");

    let rest = export(&app, &owner, "").await;
    let left = numbers(&rest);
    assert_eq!(left[0], old + 1);
    assert!(verify_outside(&rest).await.is_ok());
    let about = list(&app, &owner, "action=audit").await;
    assert!(!about.is_empty() && about.iter().all(|entry| entry["actor"] == "system"), "{about:?}");
    let found = verify(directory, keyring, tenant, None).await.unwrap().unwrap();
    assert_eq!((found.entries, found.head.n), (left.len().try_into().unwrap(), *left.last().unwrap()));
    forget_old(directory, keyring, now - seconds(3_600), &by).await.unwrap();
    assert_eq!(export(&app, &owner, "").await, rest, "there is nothing more to remove");
    let kept = |n, hash| verify(directory, keyring, tenant, Some(Kept { n, hash }));
    let removed = kept(old - 1, [0; 32]).await.unwrap().unwrap();
    assert!(removed.kept_removed, "its hash cannot be compared");
    assert!(!kept(found.head.n, found.head.hash).await.unwrap().unwrap().kept_removed);
    assert_eq!(kept(found.head.n, [0; 32]).await.unwrap(), Err(Break::NotKept(found.head.n)));
}

#[tokio::test]
async fn a_test_key_does_not_read_the_log() {
    let app = TestApp::spawn().await;
    let owner = app.tenant("Acme").await;
    let test = app.key_for(&owner.caller, Mode::Test, owner.caller.grants).await;
    let live = app.key_for(&owner.caller, Mode::Live, owner.caller.grants).await;
    for path in ["/v1/audit", "/v1/audit/export"] {
        let refused = app.get(path, &test).await;
        assert_eq!(refused.problem(), (403, "insufficient_scope".into()), "{path}");
        assert_eq!(app.get(path, &live).await.status, 200, "{path}");
    }
}
