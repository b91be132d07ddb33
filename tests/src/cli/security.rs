//! The commands for the allowlist of the portal and for the security settings.

use super::Place;

const UNKNOWN: &str = "ten_01jz0w8e9c4t6yv2k5n3m7p8qr";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_of_the_portal_is_changed_on_the_server() {
    let place = Place::new();
    let tenant = place.run("tenant create --name Acme --countries all").await.expect(0, &[]).last();
    let list = async |act: &str, rest: &str| {
        place.run(format!("allowlist portal {act} --tenant {tenant} {rest}").trim()).await
    };
    let entries = |answer: &str| {
        let ranges = answer.lines().filter_map(|line| line.split_once('\t'));
        ranges.map(|(range, _)| range.to_owned()).collect::<Vec<_>>().join(" ")
    };
    list("list", "").await.expect(0, &["every address is admitted"]);
    let set = list("set", "--allow 203.0.113.9/24").await.expect(0, &["No server runs"]);
    assert_eq!(entries(&set.answer), "203.0.113.0/24");
    let added = list("add", "::ffff:192.0.2.1 2001:db8::/32").await.expect(0, &[]);
    assert_eq!(entries(&added.answer), "203.0.113.0/24 192.0.2.1/32 2001:db8::/32");
    list("add", "192.0.2.1").await.expect(1, &["a range stands twice"]);
    list("remove", "192.0.2.2").await.expect(1, &["no entry 192.0.2.2/32"]);
    let removed = list("remove", "192.0.2.1 2001:db8::1/32").await.expect(0, &[]);
    assert_eq!(entries(&removed.answer), "203.0.113.0/24");
    list("remove", "203.0.113.0/24").await.expect(1, &["would be empty"]);
    let listed = list("list", "").await.expect(0, &[]);
    assert_eq!(entries(&listed.answer), "203.0.113.0/24", "refused changes change nothing");
    let api = place.run(&format!("allowlist show --tenant {tenant}")).await;
    api.expect(0, &["every address is admitted"]);
    for (line, said) in [
        (format!("allowlist portal set --tenant {tenant}"), "--allow"),
        (format!("allowlist portal add --tenant {tenant}"), "RANGE"),
        (format!("allowlist portal add --tenant {tenant} office"), "203.0.113.0/24"),
        ("allowlist portal list".to_owned(), "--tenant"),
    ] {
        place.run(&line).await.expect(2, &[said]);
    }
    place.run(&format!("allowlist portal clear --tenant {UNKNOWN}")).await.expect(1, &["There is no tenant"]);
    list("clear", "").await.expect(0, &["every address is admitted"]);
    place.run("allowlist portal add --operator 192.0.2.1").await.expect(0, &[]);

    let log = place.run(&format!("audit export --tenant {tenant}")).await.expect(0, &[]).answer;
    let changes: Vec<_> = log.lines().filter(|line| line.contains("allowlist:portal")).collect();
    assert_eq!(changes.len(), 4, "{log}");
    assert!(changes.iter().all(|line| line.contains("allowlist.update")), "{changes:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_security_settings_are_changed_on_the_server() {
    let place = Place::new();
    let tenant = place.run("tenant create --name Acme --countries all").await.expect(0, &[]).last();
    let shown = |answer: &str| {
        let lines = answer.lines().filter_map(|line| line.split_once('\t'));
        lines.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    };
    let defaults = "require_2fa=off password_age=remind password_days=30 session_idle=1h session_total=12h";
    let show = place.run(&format!("tenant security show {tenant}")).await.expect(0, &[]);
    assert_eq!(shown(&show.answer), defaults);
    let operators = place.run("tenant security show --operator").await.expect(0, &[]);
    assert!(shown(&operators.answer).contains("session_idle=15m"), "{operators:?}");
    let set = async |values: &str| place.run(&format!("tenant security set {tenant} {values}")).await;
    let changed = set("--password-age force --password-days 90 --session-idle 7d --session-total 30d").await;
    let expected = "require_2fa=off password_age=force password_days=90 session_idle=7d session_total=30d";
    assert_eq!(shown(&changed.expect(0, &["No server runs"]).answer), expected);
    set("--session-total 1d").await.expect(1, &["may not be idle for longer"]);
    set("--require-2fa 2027-01-01").await.expect(1, &["`portal` has no route"]);
    let show = place.run(&format!("tenant security show {tenant}")).await.expect(0, &[]);
    assert_eq!(shown(&show.answer), expected, "refused changes change nothing");
    for (values, said) in [
        ("", "required"),
        ("--session-idle 2h", "5m, 15m"),
        ("--session-total 1h", "12h, 1d"),
        ("--password-days 366", "1 to 365"),
        ("--password-age never", "remind"),
        ("--require-2fa soon", "a date"),
        ("--operator --password-days 5", "cannot be used with"),
    ] {
        place.run(format!("tenant security set {tenant} {values}").trim()).await.expect(2, &[said]);
    }
    place.run(&format!("tenant security show {UNKNOWN}")).await.expect(1, &["There is no tenant"]);
    let reset =
        set("--require-2fa off --password-age default --password-days default --session-idle default \
         --session-total default");
    assert_eq!(shown(&reset.await.expect(0, &[]).answer), defaults);
    let log = place.run(&format!("audit export --tenant {tenant}")).await.expect(0, &[]).answer;
    assert_eq!(log.matches("security.update").count(), 2, "{log}");
}
