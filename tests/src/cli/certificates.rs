//! Client certificates, with a Postgres and with Redis servers of their own that ask for them.

use super::{Place, eventually, free_port};
use crate::directory::execute_on;
use countersign::keyfile;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use std::{
    fs::Permissions,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

const CHECK: &str = "config check --connect";
/// The role of Postgres, which the common name of the certificate must be.
const USER: &str = "app";
/// Longer than the files are looked at.
const LOOKED: Duration = Duration::from_millis(2_500);

struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// Writes `NAME.pem` and `NAME.key`, with this common name.
    fn issue(&self, folder: &Path, name: &str, common: &str) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, common);
        let leaf = params.signed_by(&key, &self.issuer).unwrap();
        let file = |end: &str| folder.join(format!("{name}.{end}"));
        std::fs::write(file("pem"), leaf.pem()).unwrap();
        std::fs::write(file("key"), key.serialize_pem()).unwrap();
        std::fs::set_permissions(file("key"), Permissions::from_mode(0o600)).unwrap();
    }
}

/// A process that ends with the test, by this signal.
struct Process(Child, Signal);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.0), self.1);
        let _ = self.0.wait();
    }
}

/// The files of all servers: the authority that signs, their certificate, and `clients.pem`, whose authorities
/// they accept.
struct Servers {
    // They end before their folder goes.
    running: Vec<Process>,
    folder: tempfile::TempDir,
}

impl Servers {
    fn new(authority: &Authority, accepted: &[&Authority]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        std::fs::write(folder.path().join("ca.pem"), &authority.pem).unwrap();
        authority.issue(folder.path(), "server", "server");
        let servers = Self { running: Vec::new(), folder };
        servers.accept(accepted);
        servers
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.file(name).to_string_lossy().into_owned()
    }

    fn accept(&self, accepted: &[&Authority]) {
        let all: String = accepted.iter().map(|authority| authority.pem.as_str()).collect();
        std::fs::write(self.file("clients.pem"), all).unwrap();
    }

    fn spawn(&mut self, command: &mut Command, end: Signal) {
        let command = command.current_dir(self.folder.path()).stdin(Stdio::null());
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        self.running.push(Process(child, end));
    }

    /// Returns the URL of a server that knows `USER` by its certificate alone, and the superuser's way to it.
    async fn start_postgres(&mut self) -> (String, String) {
        let (port, folder) = (free_port(), self.text("."));
        let mut init = postgres("initdb");
        init.args([
            "-D",
            "data",
            "-U",
            "countersign",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-locale",
            "--no-sync",
        ])
        .current_dir(self.folder.path());
        if let Some([user, group]) = postgres_user() {
            // Postgres refuses to run as root.
            for file in [self.folder.path().to_owned(), self.file("server.key"), self.file("clients.pem")] {
                std::os::unix::fs::chown(file, Some(user), Some(group)).unwrap();
            }
        }
        let outcome = init.output().unwrap();
        assert!(outcome.status.success(), "{outcome:?}");
        let rules = format!("local all all trust\nhostssl all {USER} all cert\n");
        std::fs::write(self.file("data/pg_hba.conf"), rules).unwrap();
        let mut command = postgres("postgres");
        command.args(["-D", "data", "-h", "127.0.0.1", "-p", &port.to_string(), "-k", &folder]);
        let settings = [
            "fsync=off".to_owned(),
            "ssl=on".to_owned(),
            format!("ssl_cert_file={}", self.text("server.pem")),
            format!("ssl_key_file={}", self.text("server.key")),
            format!("ssl_ca_file={}", self.text("clients.pem")),
        ];
        for setting in &settings {
            command.args(["-c", setting]);
        }
        // An immediate shutdown, which leaves no process and no shared memory.
        self.spawn(&mut command, Signal::QUIT);
        let admin = format!("host={folder} port={port} user=countersign dbname=postgres");
        let make = format!("CREATE ROLE {USER} LOGIN SUPERUSER");
        eventually(async || execute_on(&admin, &make).await.ok()).await;
        (format!("postgres://{USER}@127.0.0.1:{port}/postgres"), admin)
    }

    /// Starts a server that asks for certificates, and returns its port.
    fn start_redis(&mut self, name: &str, further: &[&str]) -> u16 {
        let port = free_port();
        std::fs::create_dir(self.file(name)).unwrap();
        let mut command = Command::new("redis-server");
        let (certificate, key, clients) =
            (self.text("server.pem"), self.text("server.key"), self.text("clients.pem"));
        let (number, folder) = (port.to_string(), self.text(name));
        command.args(further).args(["--port", "0", "--bind", "127.0.0.1", "--tls-auth-clients", "yes"]);
        for (option, value) in [
            ("--tls-port", &number),
            ("--dir", &folder),
            ("--tls-cert-file", &certificate),
            ("--tls-key-file", &key),
            ("--tls-ca-cert-file", &clients),
        ] {
            command.args([option, value]);
        }
        self.spawn(&mut command, Signal::KILL);
        port
    }

    /// Sends a command to a Redis server, with the certificate `app.pem`.
    async fn redis(&self, port: u16, words: &[&str]) -> redis::RedisResult<redis::Value> {
        let read = |name| std::fs::read(self.file(name)).unwrap();
        let certificates = redis::TlsCertificates {
            client_tls: Some(redis::ClientTlsConfig {
                client_cert: read("app.pem"),
                client_key: read("app.key"),
            }),
            root_cert: Some(read("ca.pem")),
        };
        let client = redis::Client::build_with_tls(format!("rediss://127.0.0.1:{port}"), certificates)?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        redis::cmd(words[0]).arg(&words[1..]).query_async(&mut connection).await
    }

    async fn await_redis(&self, port: u16) {
        eventually(async || self.redis(port, &["PING"]).await.ok()).await;
    }

    /// An installation that shows `NAME.pem` to these servers.
    fn place(&self, database: &str, codes: &str, name: Option<&str>) -> Place {
        let mut place = Place::new().with("database.url", database).with("codes.url", codes);
        for section in ["database", "codes"] {
            place = place.with(leak(section, "ca_file"), self.text("ca.pem"));
            if let Some(name) = name {
                place = place
                    .with(leak(section, "client_certificate"), self.text(&format!("{name}.pem")))
                    .with(leak(section, "client_key"), self.text(&format!("{name}.key")));
            }
        }
        std::fs::create_dir(place.data()).unwrap();
        keyfile::create(&place.data().join("keyring.toml"), 64, &mut rand::rng()).unwrap();
        place
    }
}

fn leak(section: &str, name: &str) -> &'static str {
    format!("{section}.{name}").leak()
}

/// A program of Postgres, which may not be in the path, as a user that it accepts.
fn postgres(program: &str) -> Command {
    let found = Command::new("bash").args(["-c", ". ./needs.sh && find_initdb"]).output().unwrap();
    let initdb = String::from_utf8(found.stdout).unwrap();
    let initdb = std::fs::canonicalize(initdb.trim()).expect("initdb");
    let mut command = Command::new(initdb.with_file_name(program));
    if let Some([user, group]) = postgres_user() {
        command.uid(user).gid(group);
    }
    command
}

/// The user and the group that run Postgres, if this is root.
fn postgres_user() -> Option<[u32; 2]> {
    let id = |flag| {
        let found = Command::new("id").args([flag, "postgres"]).output().unwrap();
        String::from_utf8(found.stdout).unwrap().trim().parse().expect("a user `postgres`")
    };
    rustix::process::geteuid().is_root().then(|| [id("-u"), id("-g")])
}

const LASTING: [&str; 4] = ["--appendonly", "yes", "--maxmemory-policy", "noeviction"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_kind_of_server_is_reached_with_the_right_certificate_alone() {
    let (ours, theirs) = (Authority::new("first"), Authority::new("second"));
    let mut servers = Servers::new(&ours, &[&ours]);
    let folder = servers.folder.path().to_owned();
    ours.issue(&folder, "app", USER);
    ours.issue(&folder, "other", "other");
    theirs.issue(&folder, "stranger", USER);
    let (database, _) = servers.start_postgres().await;
    let single = servers.start_redis("single", &LASTING);
    let cluster = servers.start_redis(
        "cluster",
        &[
            &LASTING[..],
            &["--cluster-enabled", "yes", "--tls-cluster", "yes", "--cluster-announce-ip", "127.0.0.1"],
        ]
        .concat(),
    );
    let config = servers.text("sentinel.conf");
    std::fs::write(&config, format!("sentinel monitor main 127.0.0.1 {single} 1\n")).unwrap();
    let sentinel = servers.start_redis("sentinel", &[&config, "--sentinel", "--tls-replication", "yes"]);
    for port in [single, cluster, sentinel] {
        servers.await_redis(port).await;
    }
    servers.redis(cluster, &["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]).await.unwrap();
    eventually(async || {
        let state = servers.redis(cluster, &["CLUSTER", "INFO"]).await.unwrap();
        format!("{state:?}").contains("cluster_state:ok").then_some(())
    })
    .await;

    let codes = format!("rediss://127.0.0.1:{single}");
    for (name, told) in [
        (
            None,
            [
                "valid client certificate",
                "CertificateRequired",
                "set database.client_certificate and",
                "set codes.client_certificate and",
            ],
        ),
        (
            Some("stranger"),
            [
                "UnknownCA",
                "2 reasons",
                "not accept database.client_certificate",
                "not accept codes.client_certificate",
            ],
        ),
    ] {
        servers.place(&database, &codes, name).run(CHECK).await.expect(1, &told);
    }
    let all = ["certificate authentication failed", "not accept database.client_certificate"];
    let ended = servers.place(&database, &codes, Some("other")).run(CHECK).await.expect(1, &all);
    assert!(!ended.said.contains("codes."), "Redis looks at the authority alone: {ended:?}");
    let mixed =
        servers.place(&database, &codes, Some("app")).with("codes.client_key", servers.text("other.key"));
    mixed.run(CHECK).await.expect(1, &["codes.client_key: ", "is not the key of the certificate"]);

    for codes in [
        codes,
        format!("rediss-cluster://127.0.0.1:{cluster}"),
        format!("rediss-sentinel://127.0.0.1:{sentinel}/main"),
    ] {
        let place = servers.place(&database, &codes, Some("app"));
        let ended = place.run(CHECK).await.expect(1, &["1 reason", "database.url: The database is older"]);
        assert!(ended.said.contains("the first start claims it"), "{codes}: {ended:?}");
        if codes.contains("sentinel") {
            servers.place(&database, &codes, None).run(CHECK).await.expect(1, &["codes.url: "]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewed_certificate_is_used_without_a_restart() {
    let (former, next) = (Authority::new("first"), Authority::new("second"));
    let mut servers = Servers::new(&former, &[&former, &next]);
    let folder = servers.folder.path().to_owned();
    former.issue(&folder, "app", USER);
    former.issue(&folder, "former", USER);
    let (database, admin) = servers.start_postgres().await;
    let port = servers.start_redis("single", &LASTING);
    servers.await_redis(port).await;
    let codes = format!("rediss://127.0.0.1:{port}");
    let place = servers.place(&database, &codes, Some("app"));
    place.run("migrate").await.expect(0, &[]);
    let server = place.serve(true).await;
    let key = server.demo.clone().unwrap();
    let start = async |to: &str| {
        let asked = server.client.post(format!("{}/v1/verifications", server.base_url)).bearer_auth(&key);
        asked.json(&json!({ "to": to })).send().await.unwrap().status().as_u16()
    };
    assert_eq!(start("+48500600801").await, 201);

    // A pair that does not fit together changes nothing.
    next.issue(&folder, "new", USER);
    std::fs::rename(servers.file("new.key"), servers.file("app.key")).unwrap();
    tokio::time::sleep(LOOKED).await;
    assert_eq!(start("+48500600802").await, 201);
    std::fs::rename(servers.file("new.pem"), servers.file("app.pem")).unwrap();
    tokio::time::sleep(LOOKED).await;

    // From now on no connection opens with the former pair, and none of before stays.
    servers.accept(&[&next]);
    execute_on(&admin, "SELECT pg_reload_conf()").await.unwrap();
    let clients = servers.text("clients.pem");
    servers.redis(port, &["CONFIG", "SET", "tls-ca-cert-file", &clients]).await.unwrap();
    eventually(async || {
        let refused = servers.place(&database, &codes, Some("former")).run(CHECK).await.said;
        let all = ["not accept database.client_certificate", "not accept codes.client_certificate"];
        all.iter().all(|part| refused.contains(part)).then_some(())
    })
    .await;
    let cut = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{USER}'");
    execute_on(&admin, &cut).await.unwrap();
    servers.redis(port, &["CLIENT", "KILL", "TYPE", "normal"]).await.unwrap();
    servers.redis(port, &["CLIENT", "KILL", "TYPE", "pubsub"]).await.unwrap();
    let taken = servers.place(&database, &codes, Some("app")).run(CHECK).await;
    assert!(!taken.said.contains("client_certificate"), "{taken:?}");
    // The server notices a moment later that its connections were cut.
    let tries = AtomicU32::new(0);
    eventually(async || {
        let to = format!("+485006008{:02}", 10 + tries.fetch_add(1, Ordering::Relaxed) % 90);
        (start(&to).await == 201).then_some(())
    })
    .await;
    server.stop().await;
}
