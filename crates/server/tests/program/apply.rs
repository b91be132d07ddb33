//! `apply`, as a job runs it.

use super::files::program;
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    path::Path,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// A folder with a file, its secrets and a gateway that takes every message.
struct Place {
    folder: tempfile::TempDir,
    url: String,
    sent: Arc<AtomicUsize>,
}

struct Ended {
    code: i32,
    lines: Vec<String>,
    said: String,
}

impl Place {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/send", listener.local_addr().unwrap());
        let sent = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&sent);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let mut request = [0; 4096];
                if stream.read(&mut request).unwrap_or(0) > 0 {
                    count.fetch_add(1, Ordering::SeqCst);
                    let _ = stream
                        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                }
            }
        });
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("secrets")).unwrap();
        let place = Self { folder, url, sent };
        place.secret("gateway-token", "gateway-secret-1");
        place.secret("smsapi-token", "smsapi-secret-1");
        place.fresh_key("acme-backend-key");
        place
    }

    fn secret(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join("secrets").join(name), format!("{text}\n")).unwrap();
    }

    fn fresh_key(&self, name: &str) -> String {
        let text = self.run("key generate").lines.remove(0);
        self.secret(name, &text);
        text
    }

    fn run(&self, line: &str) -> Ended {
        let arguments: Vec<_> = line.split(' ').collect();
        let mut command = program(self.folder.path(), &arguments);
        command.env("COUNTERSIGN__DELIVERY__ALLOWED_NETWORKS", "127.0.0.0/8").stdout(Stdio::piped());
        let ended = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let lines = text(ended.stdout).lines().map(str::to_owned).collect();
        Ended { code: ended.status.code().unwrap(), lines, said: text(ended.stderr) }
    }

    /// Applies a text; `flags` may be empty.
    fn apply(&self, text: &str, flags: &str) -> Ended {
        std::fs::write(self.folder.path().join("file.toml"), text).unwrap();
        self.run(format!("apply file.toml {flags}").trim())
    }

    /// The same, and it must go well.
    fn done(&self, text: &str) -> Vec<String> {
        let Ended { code, lines, said } = self.apply(text, "");
        assert_eq!(code, 0, "{said}\n{lines:#?}");
        lines
    }

    /// The example of the documentation, with the gateway of this test.
    fn example(&self) -> String {
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/apply.md"));
        let text = text.unwrap();
        let (_, rest) = text.split_once("```toml\n").unwrap();
        let (example, _) = rest.split_once("```").unwrap();
        assert!(example.contains("https://sms.example.com/v2/send"));
        example.replace("https://sms.example.com/v2/send", &self.url)
    }

    fn tenant(&self) -> String {
        let tenants = self.run("tenant list").lines;
        assert_eq!(tenants.len(), 1, "{tenants:?}");
        tenants[0].split('\t').next().unwrap().to_owned()
    }

    fn keys(&self) -> Vec<String> {
        self.run(&format!("key list --tenant {}", self.tenant())).lines
    }

    fn sent(&self) -> usize {
        self.sent.load(Ordering::SeqCst)
    }
}

fn unchanged(lines: &[String]) -> bool {
    lines.len() == 1 && lines[0].starts_with("= ")
}

#[test]
fn the_documented_example_is_applied_and_then_nothing_changes() {
    let place = Place::new();
    let example = place.example();
    let dry = place.apply(&example, "--dry-run --exit-code");
    assert_eq!((dry.code, place.sent()), (2, 0), "{}", dry.said);
    assert!(place.run("tenant list").lines.is_empty(), "a dry run changes nothing");
    let done = place.done(&example);
    assert_eq!(done, dry.lines, "what was announced is done");
    for line in ["+ tenant Acme", "+ Acme key backend", "+ Acme route everywhere", "+ provider shared"] {
        assert!(done.iter().any(|one| one == line), "{line}: {done:#?}");
    }
    assert!(done.iter().any(|line| line.starts_with("~ Acme profile default") || line.starts_with("= ")));
    assert_eq!(place.sent(), 1, "a message went through the account");
    assert!(place.keys()[0].contains("\tactive\tbackend\t"));
    let again = place.apply(&example, "");
    assert!(again.code == 0 && unchanged(&again.lines), "{:#?}", again.lines);
    assert!(again.said.contains("Nothing to change."), "{}", again.said);
    let dry = place.apply(&example, "--dry-run --exit-code --json");
    assert_eq!((dry.code, dry.lines.len(), place.sent()), (0, 1, 1));
    assert!(
        serde_json::from_str::<serde_json::Value>(&dry.lines[0]).unwrap()["unchanged"].as_u64() > Some(5)
    );
}

#[test]
fn what_differs_is_shown_and_set_right() {
    let place = Place::new();
    let example = place.example();
    place.done(&example);
    let heavy = example.replace("name = \"everywhere\"", "name = \"everywhere\"\n  weight = 5");
    assert_eq!(place.done(&heavy)[0], "~ Acme route everywhere: weight: 1 -> 5");
    assert_eq!(
        place.done(&example)[0],
        "~ Acme route everywhere: weight: 5 -> 1",
        "an absent field is at its default"
    );
    // A secret that changed is seen, is not shown, and must show that it works.
    place.secret("gateway-token", "gateway-secret-2");
    let lines = place.done(&example);
    assert_eq!(lines[0], "~ Acme provider gateway: settings.secrets.token: (secret) -> (secret)");
    assert_eq!((lines.len(), place.sent()), (3, 2), "{lines:#?}");
    assert!(unchanged(&place.done(&example)));
    // What others changed is set right, but for a key that is disabled.
    let tenant = place.tenant();
    let key = place.keys()[0].split('\t').next().unwrap().to_owned();
    assert_eq!(place.run(&format!("key disable --tenant {tenant} {key}")).code, 0);
    assert_eq!(place.run(&format!("allowlist set --tenant {tenant}")).code, 0);
    let lines = place.done(&example);
    assert!(lines[0].starts_with("~ tenant Acme: api_allowlist: [] -> [{"), "{lines:#?}");
    assert!(lines.len() == 2 && place.keys()[0].contains("\tdisabled\t"), "{lines:#?}");
    let security = format!("tenant security set {tenant} --session-total 1d --password-days default");
    for line in [format!("allowlist portal clear --tenant {tenant}"), security] {
        assert_eq!(place.run(&line).code, 0, "{line}");
    }
    let lines = place.done(&example);
    for part in [
        "~ tenant Acme: ",
        "portal_allowlist: [] -> [{",
        "security.password_days: 30 -> 90",
        "security.session_total: 86400 -> 43200",
    ] {
        assert!(lines[0].contains(part), "{part}: {lines:#?}");
    }
    assert!(unchanged(&place.done(&example)));
    // By another name it is another tenant, unless its id says that it is the same.
    let renamed =
        example.replace("name = \"Acme\"\nlocale", &format!("name = \"Acme 2\"\nid = \"{tenant}\"\nlocale"));
    let renamed = renamed.replace("share = [\"Acme\"]", "share = [\"Acme 2\"]");
    assert_eq!(place.done(&renamed)[0], "~ tenant Acme 2: name: \"Acme\" -> \"Acme 2\"");
    assert_eq!(place.tenant(), tenant);
}

#[test]
fn security_settings_that_cannot_hold_are_refused_before_anything_changes() {
    let place = Place::new();
    let file = |security: &str| {
        let countries = "countries = { default = \"allow\", countries = {} }";
        format!("name = \"production\"\n[[tenants]]\nname = \"Acme\"\n{countries}\nsecurity = {security}\n")
    };
    for (security, said) in [
        ("{ session_idle = 86400 }", "tenants[0].security: a session may not be idle for longer"),
        ("{ session_idle = 5 }", "tenants[0].security.session_idle: must be one of 300, 900"),
        (
            "{ require_2fa = \"2027-01-01T00:00:00Z\" }",
            "tenants[0].security: the tenant `portal` has no route",
        ),
    ] {
        let refused = place.apply(&file(security), "");
        assert!(refused.code == 1 && refused.said.contains(said), "{said}: {}", refused.said);
    }
    assert!(place.run("tenant list").lines.is_empty());
    place.done(&file("{ session_idle = 86400, session_total = 86400 }"));
    assert!(unchanged(&place.done(&file("{ session_idle = 86400, session_total = 86400 }"))));
    let lines = place.done(&file("{}"));
    assert!(
        lines[0].contains("security.session_idle: 86400 -> 3600"),
        "an absent field is at its default: {lines:?}"
    );
}

#[test]
fn only_what_the_file_made_is_deleted() {
    let place = Place::new();
    let made = place.run("tenant create --name Acme --countries all").lines.remove(0);
    let own = place.run(&format!("key create --tenant {made} --name own --scopes numbers:read"));
    assert_eq!(own.code, 0);
    std::fs::write(place.folder.path().join("secrets/own"), &own.lines[0]).unwrap();
    let example = place.example();
    let own = "[[tenants.keys]]\nname = \"own\"\nscopes = [\"numbers:read\"]\nsecret = { file = \"secrets/own\" }\n";
    let both = example.replacen("[[tenants.keys]]", &format!("{own}\n[[tenants.keys]]"), 1);
    place.done(&both);
    assert_eq!((place.tenant(), place.keys().len()), (made, 2), "the tenant of the name is taken over");
    let least = "name = \"production\"\n[[tenants]]\nname = \"Acme\"\n";
    let lines = place.done(least);
    for line in
        ["- Acme route everywhere", "- Acme provider gateway", "- Acme sender Acme", "- Acme template login"]
    {
        assert!(lines.iter().any(|one| one == line), "{line}: {lines:#?}");
    }
    assert!(lines.iter().any(|line| line == "- provider shared"), "{lines:#?}");
    let keys = place.keys();
    assert!(keys.len() == 1 && keys[0].contains("\town\t"), "{keys:#?}");
    assert!(unchanged(&place.done(least)));
    // A tenant that was there before is never deleted, and one that the file made only if asked.
    let other = "name = \"production\"\n[[tenants]]\nname = \"Other\"\n";
    let other = format!("{other}countries = {{ default = \"allow\", countries = {{}} }}\n");
    place.done(&other);
    let none = "name = \"production\"\n";
    let lines = place.done(none);
    assert!(lines.len() == 1 && lines[0].starts_with("! tenant Other: "), "{lines:#?}");
    let pruned = place.apply(none, "--prune-tenants").lines;
    assert!(pruned.len() == 1 && pruned[0].starts_with("- tenant Other: "), "{pruned:#?}");
    let tenants = place.run("tenant list").lines.join("\n");
    assert!(tenants.contains("\tdeleted\t") && tenants.contains("\tactive\t"), "{tenants}");
    assert!(place.apply(none, "--prune-tenants").lines.is_empty());
    let refused = place.apply(&other, "");
    assert!(
        refused.code == 1 && refused.said.contains("tenants[0].name: the tenant ten_"),
        "{}",
        refused.said
    );
}

#[test]
fn another_secret_is_a_rotation() {
    let place = Place::new();
    let example = place.example();
    let old = std::fs::read_to_string(place.folder.path().join("secrets/acme-backend-key")).unwrap();
    place.done(&example);
    place.fresh_key("acme-backend-key");
    let lines = place.done(&example);
    assert_eq!(lines[0], "+ Acme key backend");
    assert!(lines[1].starts_with("~ Acme key backend: expires_at: none -> \""), "{lines:#?}");
    assert_eq!(place.keys().iter().filter(|key| key.contains("\tactive\tbackend\t")).count(), 2);
    assert!(unchanged(&place.done(&example)), "it ends by itself");
    // Back to the old one, which then has no end, while the other ends.
    place.secret("acme-backend-key", old.trim());
    let lines = place.done(&example);
    assert!(lines[0].contains("expires_at: \"") && lines[0].contains("-> none"), "{lines:#?}");
    assert!(lines[1].contains("expires_at: none -> \""), "{lines:#?}");
    // One that has ended is deleted.
    let tenant = place.tenant();
    let ended = place.keys().into_iter().find(|key| !key.contains("\t-\t-\t-")).unwrap();
    let ended = ended.split('\t').next().unwrap().to_owned();
    assert_eq!(place.run(&format!("key disable --tenant {tenant} {ended}")).code, 0);
    assert_eq!(place.done(&example)[0], format!("- Acme key backend: {ended}"));
    assert_eq!(place.keys().len(), 1);
}

#[test]
fn all_faults_are_named_with_their_places_before_anything_changes() {
    let place = Place::new();
    let example = place.example();
    let broken = example
        .replace("verifications:check", "verifications:chek")
        .replace("secrets/gateway-token", "secrets/none")
        .replace("max = 1000", "max = 0")
        .replace("{code} is your", "This is your")
        .replace("name = \"production\"", "name = \"production\"\nextra = 1");
    let refused = place.apply(&broken, "");
    assert_eq!(refused.code, 1);
    for part in [
        "tenants[0].keys[0].scopes: ",
        "tenants[0].providers[0].settings.secrets.token: the file secrets/none cannot be read",
        "tenants[0].limits[0].buckets: ",
        "tenants[0].templates[0].texts.en: ",
        "extra: is not known here",
    ] {
        assert!(refused.said.contains(part), "no {part:?} in {}", refused.said);
    }
    // What only the directory knows.
    let broken = example
        .replace("provider = \"gateway\"", "provider = \"nothing\"")
        .replace("share = [\"Acme\"]", "share = [\"Nobody\"]");
    let refused = place.apply(&broken, "");
    for part in [
        "tenants[0].routes[0].provider: names no account nothing",
        "providers[0].share: names no tenant Nobody",
    ] {
        assert!(refused.said.contains(part), "no {part:?} in {}", refused.said);
    }
    let untried = place.apply(&example.replace("test_to = \"+48500500500\"", ""), "");
    assert!(
        untried.said.contains("tenants[0].routes[0].provider: gateway has taken no message"),
        "{}",
        untried.said
    );
    place.secret("acme-backend-key", "cs_live_nonsense");
    let key = place.apply(&example, "");
    assert!(key.said.contains("tenants[0].keys[0].secret: must be the text of a key"), "{}", key.said);
    assert!(place.run("tenant list").lines.is_empty() && place.sent() == 0, "nothing was changed");
    // A key of another tenant, and other scopes.
    place.fresh_key("acme-backend-key");
    place.done(&example);
    let other = place.apply(&example.replace("verifications:check", "numbers:read"), "");
    assert!(other.said.contains("tenants[0].keys[0].scopes: cannot change"), "{}", other.said);
    let keys = "[[tenants.keys]]\nname = \"b\"\nscopes = [\"numbers:read\"]\n";
    let stolen = format!(
        "name = \"b\"\n[[tenants]]\nname = \"B\"\ncountries = {{ default = \"allow\", countries = {{}} }}\n{keys}\
         secret = {{ file = \"secrets/acme-backend-key\" }}\n"
    );
    let stolen = place.apply(&stolen, "");
    assert!(stolen.said.contains("tenants[0].keys[0].secret: has the id of another key"), "{}", stolen.said);
}

#[test]
fn a_run_that_was_killed_is_finished_by_the_next() {
    let place = Place::new();
    let example = place.example();
    std::fs::write(place.folder.path().join("file.toml"), &example).unwrap();
    for lines in [1, 1, 1, 2, 2] {
        let mut command = program(place.folder.path(), &["apply", "file.toml"]);
        command.env("COUNTERSIGN__DELIVERY__ALLOWED_NETWORKS", "127.0.0.0/8").stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        for _ in 0..lines {
            output.read_line(&mut String::new()).unwrap();
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    place.done(&example);
    assert!(unchanged(&place.done(&example)));
    assert_eq!(place.keys().len(), 1, "one tenant with one key");
}

#[test]
fn two_at_once_make_one_of_each() {
    let place = Place::new();
    let example = place.example();
    // The first command of all makes the database and the key ring.
    assert_eq!(place.apply(&example, "--dry-run").code, 0);
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..3).map(|_| scope.spawn(|| place.run("apply file.toml"))).collect();
        for run in runs {
            let Ended { code, said, .. } = run.join().unwrap();
            assert_eq!(code, 0, "{said}");
        }
    });
    assert!(unchanged(&place.done(&example)));
    assert_eq!(place.keys().len(), 1, "one tenant with one key");
}
