//! `countersign audit` finds what was changed in the database.

use super::Place;
use crate::audit::verify_outside;
use countersign::machine::SystemClock;
use countersign_core::{access::change::Change, audit::chain::Head, ports::clock::Clock as _};
use rusqlite::Connection;
use std::time::Duration;

const SET: &str = "UPDATE audit SET";

/// An installation with a tenant and some entries in its log.
async fn prepared() -> (Place, String) {
    let place = Place::new();
    let tenant = place.run("tenant create --name Acme --countries all").await.expect(0, &[]).last();
    for n in 0..4 {
        let create = format!("key create --tenant {tenant} --name app{n} --scopes settings:read");
        place.run(&create).await.expect(0, &[]);
    }
    (place, tenant)
}

impl Place {
    /// Changes the database behind the server's back.
    fn tamper(&self, statement: &str) {
        let file = Connection::open(self.data().join("directory.sqlite")).unwrap();
        file.execute_batch(statement).unwrap_or_else(|error| panic!("{statement}: {error}"));
    }

    /// The line of a tenant: the number of entries, and the head.
    async fn verified(&self, tenant: &str) -> (String, String) {
        let ended = self.run("audit verify").await.expect(0, &[]);
        let line = ended.answer.lines().find(|line| line.starts_with(tenant));
        let fields: Vec<_> = line.unwrap_or_else(|| panic!("{ended:?}")).split('\t').collect();
        (fields[1].to_owned(), fields[2].to_owned())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_is_verified_and_exported_on_the_server() {
    let (place, tenant) = prepared().await;
    let (entries, head) = place.verified(&tenant).await;
    let verified = place.run(&format!("audit verify --tenant {tenant}")).await.expect(0, &[]);
    assert_eq!(verified.last(), format!("{tenant}\t{entries}\t{head}"));
    let exported = place.run(&format!("audit export --tenant {tenant}")).await.expect(0, &[]).answer;
    let lines: String =
        exported.lines().filter(|line| line.starts_with('{')).map(|line| format!("{line}\n")).collect();
    assert_eq!(lines.lines().count().to_string(), entries);
    assert_eq!(verify_outside(&lines).await, Ok(head.clone()));
    let operator = place.run("audit export --operator").await.expect(0, &[]).answer;
    assert!(operator.contains("key.create") && operator.contains(&tenant), "{operator}");

    let kept = format!("audit verify --tenant {tenant} --head {head}");
    place.run(&kept).await.expect(0, &[]);
    let create = format!("key create --tenant {tenant} --name later --scopes settings:read");
    place.run(&create).await.expect(0, &[]);
    place.run(&kept).await.expect(0, &[]);
    let (_, hash) = head.split_once(':').unwrap();
    for other in [format!("1:{hash}"), format!("99:{hash}"), format!("{}:{}", entries, "0".repeat(64))] {
        let line = format!("audit verify --tenant {tenant} --head {other}");
        place.run(&line).await.expect(1, &["whose hash was kept elsewhere"]);
    }
    place.run(&format!("audit verify --head {head}")).await.expect(1, &["name it with --tenant"]);
    place
        .run(&format!("audit verify --tenant {tenant} --operator"))
        .await
        .expect(2, &["cannot be used with"]);
    place.run("audit export").await.expect(2, &["--tenant"]);
    place.run("audit export --tenant ten_00000000000000000000000009").await.expect(1, &["tenant list"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_chain_stops_changes_until_the_operator_begins_it_anew() {
    let (place, tenant) = prepared().await;
    place.tamper(&format!("UPDATE audit_heads SET hash = zeroblob(32) WHERE tenant_id = '{tenant}'"));
    let create = format!("key create --tenant {tenant} --name later --scopes settings:read");
    place.run(&create).await.expect(1, &["the MAC is wrong", "countersign audit verify"]);
    place.run(&format!("audit restart --tenant {tenant}")).await.expect(2, &["--why"]);
    let why = format!("audit restart --tenant {tenant} --why trial");
    let head = place.run(&why).await.expect(0, &["audit verify"]).last();
    assert!(head.starts_with("5:"), "{head}");
    place.run(&create).await.expect(0, &[]);
    assert_eq!(place.verified(&tenant).await.0, "2");
    let operator = place.run("audit export --operator").await.expect(0, &[]).answer;
    assert!(operator.contains("audit.restart") && operator.contains("\"why\":\"trial\""), "{operator}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_change_of_the_database_is_found() {
    let (place, tenant) = prepared().await;
    place.verified(&tenant).await;
    let file = place.data().join("directory.sqlite");
    let copy = place.folder.path().join("copy.sqlite");
    place.tamper(&format!("VACUUM INTO '{}'", copy.display()));
    let head = "n = n - 1, hash = (SELECT hash FROM audit a WHERE a.tenant_id = audit_heads.tenant_id AND \
        a.n = audit_heads.n - 1)";
    let of = format!("WHERE tenant_id = '{tenant}'");
    for (what, statement, said) in [
        ("change", format!("{SET} object = 'x' {of} AND n = 2"), "entry 2 was changed"),
        ("time", format!("{SET} at = at + 1 {of} AND n = 2"), "entry 2 was changed"),
        ("author", format!("{SET} actor = 'system' {of} AND n = 2"), "entry 2 was changed"),
        ("state", format!("{SET} state_after = '{{}}' {of} AND n = 3"), "entry 3 was changed"),
        ("hash", format!("{SET} hash = zeroblob(32) {of} AND n = 2"), "entry 2 was changed"),
        ("delete", format!("DELETE FROM audit {of} AND n = 2"), "entry 2 is missing"),
        ("first", format!("DELETE FROM audit {of} AND n = 1"), "entry 1 is missing"),
        (
            "reorder",
            format!(
                "{SET} n = 1000 {of} AND n = 2; {SET} n = 2 {of} AND n = 3; {SET} n = 3 {of} AND n = 1000"
            ),
            "entry 2 was changed",
        ),
        (
            "close a gap",
            format!(
                "DELETE FROM audit {of} AND n = 2; {SET} n = -n {of} AND n > 2; {SET} n = -n - 1 {of} AND n < 0"
            ),
            "entry 2 was changed",
        ),
        ("cut", format!("DELETE FROM audit {of} AND n > 3"), "the chain ends at entry 3"),
        ("head back", format!("UPDATE audit_heads SET {head} {of}"), "comes after the head"),
        (
            "cut, head back",
            format!(
                "UPDATE audit_heads SET {head} {of}; DELETE FROM audit {of} AND n > (SELECT n FROM audit_heads {of})"
            ),
            "the MAC of the head does not match",
        ),
        ("no head", format!("DELETE FROM audit_heads {of}"), "but no head"),
        ("cut all", format!("DELETE FROM audit {of}"), "the chain ends at entry 0"),
        (
            "the whole chain",
            format!("DELETE FROM audit {of}; DELETE FROM audit_heads {of}"),
            "the tenant has no chain",
        ),
        (
            "said to be erasing",
            format!("UPDATE tenants SET erasing = 1 WHERE id = '{tenant}'"),
            "no entry of the operator says so",
        ),
        ("an unreadable head", format!("UPDATE audit_heads SET mac = x'00' {of}"), "audit_heads"),
        (
            "anchor of the head",
            format!("INSERT INTO audit_anchors SELECT * FROM audit_heads {of}; DELETE FROM audit {of}"),
            "the MAC of the anchor does not match",
        ),
        (
            "another tenant's entry",
            format!(
                "{SET} hash = (SELECT hash FROM audit WHERE tenant_id <> '{tenant}' LIMIT 1) {of} AND n = 2"
            ),
            "entry 2 was changed",
        ),
    ] {
        place.tamper(&statement);
        let found = place.run("audit verify").await;
        assert_eq!(found.code, 1, "{what}: {found:?}");
        assert!(
            found.said.contains(&format!("{tenant}: ")) && found.said.contains(said),
            "{what}: {found:?}"
        );
        assert!(found.said.contains("1 of 2 chains"), "{what}: {found:?}");
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{end}", file.display()));
        }
        std::fs::copy(&copy, &file).unwrap();
    }
    place.verified(&tenant).await;
}

/// The whole chain as it was before is consistent in itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_was_put_back_is_found_by_a_head_kept_elsewhere() {
    let (place, tenant) = prepared().await;
    let copy = place.folder.path().join("copy.sqlite");
    place.tamper(&format!("VACUUM INTO '{}'", copy.display()));
    let create = format!("key create --tenant {tenant} --name later --scopes settings:read");
    place.run(&create).await.expect(0, &[]);
    let (_, head) = place.verified(&tenant).await;
    let kept = format!("audit verify --tenant {tenant} --head {head}");
    place.run(&kept).await.expect(0, &[]);
    let file = place.data().join("directory.sqlite");
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", file.display()));
    }
    std::fs::copy(&copy, &file).unwrap();
    assert_ne!(place.verified(&tenant).await.1, head);
    place.run(&kept).await.expect(1, &["whose hash was kept elsewhere"]);
    // Another change takes the same number.
    place.run(&create).await.expect(0, &[]);
    assert_ne!(place.verified(&tenant).await.1, head);
    place.run(&kept).await.expect(1, &["whose hash was kept elsewhere"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_retention_or_an_erasure_removed_is_told_from_a_break() {
    let (place, tenant) = prepared().await;
    let application = place.application(false).await;
    let (directory, keyring) = (&application.context.directory, &application.context.keyring);
    let (id, by) = (tenant.parse().unwrap(), Change::by_system(SystemClock.now()));
    let entries = directory.read_chain(id, 0, 9).await.unwrap();
    let kept = |n: usize| format!("audit verify --tenant {tenant} --head {n}:{}", entries[n - 1].hash_text());
    for n in [2, 5] {
        place.run(&kept(n)).await.expect(0, &[]);
    }
    let cut = Head::anchor(keyring, id, 3, entries[2].hash);
    assert_eq!(directory.forget_audit(&cut, &by).await.unwrap(), 3);
    let said = "entry 2 was removed by the retention; it cannot be compared";
    let compared = place.run(&kept(2)).await.expect(2, &[said]);
    assert!(compared.last().starts_with(&format!("{tenant}\t3\t6:")), "{compared:?}");
    place.run(&kept(5)).await.expect(0, &[]);
    place.run("audit verify").await.expect(0, &[]);

    place.run(&format!("tenant delete {tenant}")).await.expect(0, &[]);
    let later = SystemClock.now() + Duration::from_secs(60);
    assert!(directory.begin_erasure(id, later, &by).await.unwrap());
    assert!(!directory.erase_tenant(id, 1, &by).await.unwrap(), "more is left");
    let verified = place.run("audit verify").await.expect(0, &[]).answer;
    let skipped = verified.lines().find(|line| line.starts_with(&tenant)).unwrap();
    let erased = format!("{tenant}\tskipped\terased by entry ");
    assert!(skipped.starts_with(&erased) && skipped.ends_with(" of the operator"), "{verified}");
    while !directory.erase_tenant(id, 100, &by).await.unwrap() {}
    let verified = place.run("audit verify").await.expect(0, &[]).answer;
    assert!(!verified.contains(&tenant), "nothing is left to verify: {verified}");
}
