mod mail;
mod portal;

use super::*;

fn from_text(text: &str) -> Result<Settings, Problems> {
    let mut reader = Reader::default();
    reader.add_text(text, "test.toml");
    read_all(reader)
}

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn problems(outcome: Result<Settings, Problems>) -> Vec<String> {
    outcome.err().unwrap().0
}

/// The settings in a form that can be compared. Secrets have no defaults, so hiding them loses nothing.
fn shown(settings: &Settings) -> String {
    format!("{settings:?}")
}

fn codes_file(settings: &Settings) -> &Path {
    let CodesUrl::Sqlite(file) = &settings.codes.url else { panic!("not a file") };
    file
}

fn is_setting(line: &str) -> bool {
    line.strip_prefix('#').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()))
}

#[test]
fn each_line_of_the_default_file_says_its_default() {
    let defaults = shown(&from_text("").unwrap());
    assert_eq!(shown(&from_text(DEFAULT_FILE).unwrap()), defaults);
    let lines: Vec<_> = DEFAULT_FILE.lines().collect();
    let settings: Vec<_> = (0..lines.len()).filter(|at| is_setting(lines[*at])).collect();
    for at in &settings {
        let mut lines = lines.clone();
        lines[*at] = &lines[*at][1..];
        assert_eq!(shown(&from_text(&lines.join("\n")).unwrap()), defaults, "{}", lines[*at]);
    }
    let uncommented: Vec<_> =
        lines.iter().map(|line| if is_setting(line) { &line[1..] } else { line }).collect();
    assert_eq!(shown(&from_text(&uncommented.join("\n")).unwrap()), defaults);
}

#[test]
fn the_default_file_names_every_setting() {
    let mut reader = Reader::default();
    reader.add_text(
        &DEFAULT_FILE.lines().map(|l| if is_setting(l) { &l[1..] } else { l }).collect::<Vec<_>>().join("\n"),
        "x",
    );
    let documented = reader.keys();
    let known = keys_that_are_read();
    assert_eq!(documented, known);
}

fn keys_that_are_read() -> Vec<String> {
    let mut reader = Reader::default();
    read_sections(&mut reader);
    reader.known_keys()
}

#[test]
fn every_problem_is_told_at_once_with_its_source() {
    let text = "
        [server]
        bind = \"0.0.0.0:8080\"
        workers = -1
        shutdown_timeout = \"25\"
        [log]
        lvel = \"info\"
        format = \"xml\"
        [codes]
        url = \"http://localhost\"
        partitions = \"64\"
        [colour]
    ";
    let mut reader = Reader::default();
    reader.add_text(text, "test.toml");
    reader.add_environment(variables(&[
        ("COUNTERSIGN__DELIVERY__LEASE", "12s"),
        ("COUNTERSIGN__SERVER__BND", "x"),
    ]));
    let problems = problems(read_all(reader));
    for expected in [
        "server.workers (test.toml): must be a whole number from 0 to 256",
        "server.shutdown_timeout (test.toml): must be a time",
        "log.lvel (test.toml): unknown setting; did you mean log.level?",
        "log.format (test.toml): must be one of \"auto\", \"human\", \"json\"",
        "codes.url (test.toml): must be \"sqlite://PATH\"",
        "codes.partitions (test.toml): must be a whole number",
        "[colour] (test.toml): unknown section",
        "delivery.lease (COUNTERSIGN__DELIVERY__LEASE): must be at least twice",
        "server.bnd (COUNTERSIGN__SERVER__BND): unknown setting; did you mean server.bind?",
    ] {
        assert!(problems.iter().any(|problem| problem.starts_with(expected)), "{expected}: {problems:#?}");
    }
    assert_eq!(problems.len(), 9, "{problems:#?}");
}

#[test]
fn beyond_this_machine_it_serves_only_through_tls_or_a_proxy() {
    let server = |lines: &str| from_text(&format!("[server]\n{lines}"));
    let tls = "[server.tls]\ncertificate = \"c.pem\"\nkey = \"/etc/k.pem\"";
    for bind in ["0.0.0.0:8443", "[::]:8443", "10.0.0.1:80", "[::ffff:10.0.0.1]:80"] {
        let bind = format!("bind = {bind:?}\n");
        let refused = server(&bind).unwrap().refuse_plain().unwrap_err().0;
        assert!(
            refused.len() == 1 && refused[0].starts_with("server.bind (test.toml): would"),
            "{refused:?}"
        );
        assert!(server(&format!("{bind}trusted_proxies = [\"10.0.0.0/8\"]")).unwrap().refuse_plain().is_ok());
        let files = server(&format!("{bind}{tls}")).unwrap().server.tls.unwrap();
        assert_eq!(files.certificate, Path::new("countersign-data/c.pem"));
        assert_eq!(files.key, Path::new("/etc/k.pem"));
    }
    for bind in ["127.0.0.1:80", "[::1]:80", "[::ffff:127.0.0.1]:80"] {
        assert!(server(&format!("bind = {bind:?}")).unwrap().refuse_plain().is_ok());
    }
    for (line, missing) in [("certificate", "key"), ("key", "certificate")] {
        let half = problems(server(&format!("bind = \"0.0.0.0:1\"\n[server.tls]\n{line} = \"x\"")));
        let expected = format!("server.tls.{missing} (default): must be set too");
        assert!(half.len() == 1 && half[0].starts_with(&expected), "{half:?}");
    }
}

#[test]
fn proxies_are_a_list_and_each_wrong_one_is_told() {
    let server = |value: &str| from_text(&format!("[server]\ntrusted_proxies = {value}"));
    let wrong = problems(server("[\"10.0.0.0/8\", \"::/0\", \"0.0.0.0/0\", \"proxy\"]"));
    assert_eq!(wrong.len(), 3, "{wrong:?}");
    assert_eq!(wrong[0], "server.trusted_proxies (test.toml): \"::/0\" trusts everybody");
    let octal = problems(server("[\"010.0.0.0/8\"]"));
    let expected = "server.trusted_proxies (test.toml): \"010.0.0.0/8\" has a number with a leading zero; \
        write \"10.0.0.0/8\", not \"010.0.0.0/8\"";
    assert_eq!(octal, [expected]);
    let halves = problems(server("[\"::/1\", \"8000::/1\"]"));
    assert_eq!(halves, ["server.trusted_proxies (test.toml): trusts everybody"]);
    for no_list in ["\"10.0.0.0/8\"", "[1]", "8"] {
        assert!(problems(server(no_list))[0].contains("must be a list"), "{no_list}");
    }
    let from_variable = |text| {
        let variable = variables(&[("COUNTERSIGN__SERVER__TRUSTED_PROXIES", text)]);
        Settings::load(None, variable, [])
    };
    let expected = server("[\"10.0.0.0/8\", \"::1\"]").unwrap().server.trusted_proxies;
    for text in [" 10.0.0.0/8, ::1,", "[\"10.0.0.0/8\", \"::1\"]", "\n[ \"10.0.0.0/8\",\n\"::1\" ] "] {
        assert_eq!(from_variable(text).unwrap().server.trusted_proxies, expected, "{text}");
    }
    for text in ["", "[]"] {
        assert!(from_variable(text).unwrap().server.trusted_proxies.is_empty(), "{text}");
    }
    for text in ["[\"10.0.0.0/8\"", "[10.0.0.0/8]", "[1]", "[\"::1\"] x"] {
        let told = problems(from_variable(text));
        let begin = "server.trusted_proxies (COUNTERSIGN__SERVER__TRUSTED_PROXIES): must be a list";
        assert!(told.len() == 1 && told[0].starts_with(begin), "{text}: {told:?}");
    }
    let told = problems(from_variable("[\"10.0.0.0/8\", \"proxy\"]"));
    assert!(told.len() == 1 && told[0].contains("\"proxy\""), "{told:?}");
}

#[test]
fn the_environment_wins_over_the_file_and_a_flag_over_both() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.toml");
    std::fs::write(&file, "[server]\nbind = \"127.0.0.1:1\"\nworkers = 1\n[data]\nfolder = \"file\"")
        .unwrap();
    let environment = variables(&[
        ("COUNTERSIGN__SERVER__WORKERS", "2"),
        ("COUNTERSIGN__DATA__FOLDER", "variable"),
        ("COUNTERSIGN_CONFIG", "not a setting"),
        ("PATH", "/bin"),
    ]);
    let flag = ("data.folder", "/flag".to_owned(), "--data");
    let settings = Settings::load(Some(&file), environment, [flag]).unwrap();
    assert_eq!(settings.server.bind.port(), 1);
    assert_eq!(settings.server.workers, 2);
    assert_eq!(codes_file(&settings), Path::new("/flag/codes.sqlite"));
    assert_eq!(settings.keyring.file, Path::new("/flag/keyring.toml"));
}

#[test]
fn paths_start_at_the_data_folder_unless_they_are_absolute() {
    let text = "[data]\nfolder = \"d\"\n[codes]\nurl = \"sqlite:///var/c.sqlite\"\n[database]\nurl = \"sqlite://x.sqlite\"";
    let settings = from_text(text).unwrap();
    assert_eq!(codes_file(&settings), Path::new("/var/c.sqlite"));
    assert!(matches!(&settings.database, DatabaseUrl::Sqlite(path) if path == Path::new("d/x.sqlite")));
}

#[test]
fn secrets_come_from_one_place_and_show_up_nowhere() {
    // This fails only if a provider is installed already, which is fine.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    std::fs::write(&file, format!("{secret}\n")).unwrap();
    let relay = format!(
        "[delivery.relay]\nurl = \"https://sms.example/path-4711\"\nsecret_file = \"{}\"",
        file.display()
    );
    let settings = from_text(&relay).unwrap();
    let read = settings.delivery.relay.as_ref().unwrap().settings();
    assert_eq!(read.secret.as_str(), secret);
    assert!(!shown(&settings).contains("whsec_") && !shown(&settings).contains("4711"));
    let twice = problems(from_text(&format!("{relay}\nsecret = \"{secret}\"")));
    assert!(twice.iter().any(|p| p.contains("set one of them")), "{twice:?}");
    assert!(!twice.concat().contains("MfKQ"), "{twice:?}");
    let missing = problems(from_text(&relay.replace("secret\"", "nowhere\"")));
    assert!(missing.iter().any(|p| p.contains("nowhere cannot be read")), "{missing:?}");
}

#[test]
fn a_relay_is_checked_with_everything_else() {
    let secret = "secret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"";
    for (lines, expected) in [
        (format!("url = \"http://sms.example/\"\n{secret}"), "delivery.relay.url (test.toml): "),
        (
            "url = \"https://sms.example/\"\nsecret = \"hunter2\"".into(),
            "delivery.relay.secret (test.toml): ",
        ),
        ("url = \"https://sms.example/\"".into(), "delivery.relay.secret (default): must be set"),
        (secret.into(), "delivery.relay.url (default): must be set"),
        ("timeout = \"10s\"".into(), "delivery.relay.timeout (test.toml): must be shorter"),
    ] {
        let problems = problems(from_text(&format!("[delivery.relay]\n{lines}")));
        assert!(problems.len() == 1 && problems[0].starts_with(expected), "{lines}: {problems:?}");
        assert!(!problems[0].contains("hunter2"));
    }
}

#[test]
fn a_proxy_is_checked_and_shows_up_nowhere() {
    let delivery = |lines: &str| from_text(&format!("[delivery]\n{lines}"));
    let settings =
        delivery("proxy = \"http://app:hunter2@proxy:3128\"\nproxy_lookup = \"proxy\"\nca_file = \"x.pem\"");
    let settings = settings.unwrap();
    assert!(settings.delivery.proxy.is_some() && settings.delivery.proxy_resolves);
    assert_eq!(settings.delivery.ca.as_deref(), Some(Path::new("countersign-data/x.pem")));
    assert!(!shown(&settings).contains("hunter2"));
    for (lines, expected) in [
        (
            "proxy = \"socks5://app:hunter2@proxy:1\"",
            "delivery.proxy (test.toml): must be like http://HOST:PORT",
        ),
        ("proxy_lookup = \"proxy\"", "delivery.proxy_lookup (test.toml): is of use with delivery.proxy only"),
        ("proxy_lookup = \"x\"", "delivery.proxy_lookup (test.toml): must be one of \"here\", \"proxy\""),
        ("proxy_file = \"/nowhere\"", "delivery.proxy_file (test.toml): /nowhere cannot be read"),
    ] {
        let told = problems(delivery(lines));
        assert!(told.len() == 1 && told[0].starts_with(expected), "{lines}: {told:?}");
        assert!(!told[0].contains("hunter2"));
    }
}

#[test]
fn a_broken_file_is_told_by_its_line_without_quoting_it() {
    let problems = problems(from_text("[delivery.relay]\nurl = \"\"\nsecret = whsec_hunter2\n"));
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].starts_with("test.toml, line 3: ") && !problems[0].contains("hunter2"),
        "{problems:?}"
    );
}

#[test]
fn a_key_ring_may_stand_in_a_variable_and_shows_up_nowhere() {
    let key = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=";
    let text = format!(
        "fingerprint = \"{key}\"\n[[mac]]\nversion = 1\nkey = \"{key}\"\n[[seal]]\nversion = 1\nkey = \"{key}\"\n"
    );
    let load = |text: &str| {
        let variable = ("COUNTERSIGN__KEYRING__TEXT".to_owned(), text.to_owned());
        Settings::load(None, [variable], [])
    };
    let settings = load(&text).unwrap();
    assert_eq!(settings.keyring.text.as_ref().unwrap().expose(), text);
    assert!(!shown(&settings).contains("QUFB"));
    let refused = problems(load(&text.replace("version = 1\n", "version = 0\n")));
    assert!(
        refused[0].starts_with("keyring.text (COUNTERSIGN__KEYRING__TEXT): is not valid: mac"),
        "{refused:?}"
    );
    assert!(refused.len() == 1 && !refused[0].contains("QUFB"), "{refused:?}");
}

#[test]
fn the_codes_store_is_a_file_or_servers() {
    let with = |pairs: &[(&str, &str)]| Settings::load(None, variables(pairs), []);
    let url = ("COUNTERSIGN__CODES__URL", "rediss-cluster://app:hunter2@a:1,b:2");
    let settings = with(&[url, ("COUNTERSIGN__CODES__CONFIRM_REPLICAS", "1")]).unwrap();
    assert!(matches!(settings.codes.url, CodesUrl::Redis(_)) && settings.codes.confirm_replicas == 1);
    assert!(!shown(&settings).contains("hunter2"));
    let told = problems(with(&[("COUNTERSIGN__CODES__URL", "redis://app:hunter2@a:port")]));
    assert!(told[0].starts_with("codes.url") && !told[0].contains("hunter2"), "{told:?}");
    let told = problems(with(&[("COUNTERSIGN__CODES__CONFIRM_REPLICAS", "1")]));
    assert!(told[0].contains("redis URL only"), "{told:?}");
    let told = problems(with(&[("COUNTERSIGN__CODES__CA_FILE", "ca.pem")]));
    assert!(told[0].contains("rediss:// URL only"), "{told:?}");
}

#[test]
fn client_certificates_come_as_pairs_and_with_tls() {
    let with = |section: &str, url: &str, names: &[&str]| {
        let key = |name: &str| format!("COUNTERSIGN__{section}__{name}").to_uppercase();
        let url = (key("url"), url.to_owned());
        let files = names.iter().map(|name| (key(name), format!("{name}.pem")));
        Settings::load(None, std::iter::once(url).chain(files), [])
    };
    let both = ["client_certificate", "client_key"];
    let [postgres, redis] = ["postgres://app@db/d", "rediss-sentinel://a:1/main"];
    let settings = with("database", postgres, &both).unwrap();
    let DatabaseUrl::Postgres { certificates, .. } = settings.database else { panic!() };
    let files = certificates.client.unwrap();
    assert_eq!(files.certificate, Path::new("countersign-data/client_certificate.pem"));
    assert_eq!(files.key, Path::new("countersign-data/client_key.pem"));
    assert!(with("codes", redis, &both).is_ok());
    for (section, url) in [("database", postgres), ("codes", redis)] {
        for (one, missing) in [(both[0], both[1]), (both[1], both[0])] {
            let told = problems(with(section, url, &[one]));
            assert!(
                told[0].starts_with(&format!("{section}.{missing} (default): must be set too")),
                "{told:?}"
            );
        }
    }
    for (section, url, why) in [
        ("database", "sqlite://d.sqlite", "a postgres:// URL only"),
        ("database", "postgres://app@db/d?sslmode=disable", "TLS only, which sslmode=disable"),
        ("codes", "sqlite://c.sqlite", "a rediss:// URL only"),
        ("codes", "redis-cluster://a:1", "a rediss:// URL only"),
    ] {
        let told = problems(with(section, url, &both));
        assert!(told[0].starts_with(&format!("{section}.client_certificate ")), "{told:?}");
        assert!(told.len() == 1 && told[0].contains(why), "{told:?}");
    }
}

#[test]
fn a_password_may_have_a_file_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    let with = |text: &str, pairs: &[(&str, &str)]| {
        std::fs::write(&file, text).unwrap();
        let name = file.to_str().unwrap();
        let pairs = pairs.iter().map(|(key, value)| (*key, if *value == "FILE" { name } else { *value }));
        let pairs = pairs.map(|(key, value)| (format!("COUNTERSIGN__{key}"), value.to_owned()));
        Settings::load(None, pairs, [])
    };
    let (postgres, redis) = ("postgres://app@db/d", "redis-sentinel://app@a:1/main");
    let right = [
        ("DATABASE__URL", postgres),
        ("DATABASE__PASSWORD_FILE", "FILE"),
        ("CODES__URL", redis),
        ("CODES__PASSWORD_FILE", "FILE"),
        ("CODES__SENTINEL_PASSWORD_FILE", "FILE"),
    ];
    for text in ["hunter2 @", "hunter2 @\n", "hunter2 @\r\n"] {
        let settings = with(text, &right).unwrap();
        let DatabaseUrl::Postgres { url, .. } = &settings.database else { panic!() };
        assert_eq!(url.expose(), "postgres://app:hunter2%20%40@db/d");
        let CodesUrl::Redis(servers) = &settings.codes.url else { panic!() };
        assert_eq!(servers.url.expose(), "redis-sentinel://app:hunter2%20%40@a:1/main");
        assert_eq!(servers.sentinel_password.as_ref().unwrap().expose(), "hunter2 @");
        assert!(!shown(&settings).contains("hunter2"));
    }
    for (pairs, expected) in [
        (
            [("DATABASE__URL", "postgres://app:other@db/d"), ("DATABASE__PASSWORD_FILE", "FILE")],
            "database.password_file (COUNTERSIGN__DATABASE__PASSWORD_FILE): database.url holds a password, too",
        ),
        (
            [("CODES__URL", "redis://:other@a:1"), ("CODES__PASSWORD_FILE", "FILE")],
            "codes.password_file (COUNTERSIGN__CODES__PASSWORD_FILE): codes.url holds a password, too",
        ),
        (
            [("CODES__URL", redis), ("CODES__PASSWORD_FILE", "/nowhere")],
            "codes.password_file (COUNTERSIGN__CODES__PASSWORD_FILE): /nowhere cannot be read",
        ),
        (
            [("DATABASE__URL", "sqlite://d"), ("DATABASE__PASSWORD_FILE", "FILE")],
            "database.password_file (COUNTERSIGN__DATABASE__PASSWORD_FILE): is of use with",
        ),
        (
            [("CODES__URL", "redis://a:1"), ("CODES__SENTINEL_PASSWORD_FILE", "FILE")],
            "codes.sentinel_password_file (COUNTERSIGN__CODES__SENTINEL_PASSWORD_FILE): is of use with",
        ),
        // Without a user the password would belong to nobody.
        (
            [("DATABASE__URL", "postgres://db/d"), ("DATABASE__PASSWORD_FILE", "FILE")],
            "database.url (COUNTERSIGN__DATABASE__URL): the database URL names no user",
        ),
    ] {
        let told = problems(with("hunter2", &pairs));
        assert!(told.len() == 1 && told[0].starts_with(expected), "{told:?}");
        assert!(!told[0].contains("hunter2") && !told[0].contains("other@"));
    }
    let empty = problems(with("\n", &right));
    assert!(empty.len() == 2 && empty[0].ends_with("it is empty"), "{empty:?}");
    let large = problems(with(&"x".repeat(16 * 1024 + 1), &right));
    assert!(large[0].ends_with("it is larger than 16 KiB"), "{large:?}");
    std::fs::write(folder.path().join("url"), "postgres://app:other@db/d").unwrap();
    let url = folder.path().join("url").to_string_lossy().into_owned();
    let twice = problems(with("hunter2", &[("DATABASE__URL_FILE", &url), right[1]]));
    assert!(twice.len() == 1 && twice[0].contains("database.url_file holds a password, too"), "{twice:?}");
}
