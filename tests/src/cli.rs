//! The commands for operators. Each runs as a process of its own, while servers run, are broken or are down.

mod apply;
mod audit;
mod certificates;
mod followed;
mod members;
mod probe;
mod rotation;
mod security;
mod trial;

use clap::Parser;
use countersign::{Application, Parts, Settings, cli::Cli};
use std::{
    net::TcpListener,
    path::Path,
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const ARGUMENTS: &str = "COUNTERSIGN_CLI_ARGUMENTS";

/// The process that the tests below start: this test binary, running only this test, as `countersign` with
/// arguments.
#[tokio::test]
#[ignore = "it is begun by the tests of this file, as a process"]
async fn command() {
    let Ok(arguments) = std::env::var(ARGUMENTS) else { return };
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let arguments: Vec<String> = serde_json::from_str(&arguments).unwrap();
    let arguments = std::iter::once("countersign".to_owned()).chain(arguments);
    let code = Cli::parse_from(arguments).run().await;
    let code = (0..=2).find(|one| ExitCode::from(*one) == code).unwrap();
    std::process::exit(code.into());
}

/// The result of a command.
#[derive(Debug)]
struct Ended {
    code: i32,
    answer: String,
    said: String,
}

impl Ended {
    /// Fails unless the command ended with this code and its output contains each of these texts.
    fn expect(self, code: i32, parts: &[&str]) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        for part in parts {
            assert!(self.said.contains(part), "no {part:?} in {self:#?}");
        }
        self
    }

    /// The last line on standard output.
    fn last(&self) -> String {
        self.answer.lines().last().unwrap().to_owned()
    }
}

/// An installation: a folder, two ports, and further settings.
struct Place {
    folder: tempfile::TempDir,
    ports: [u16; 2],
    settings: Vec<(&'static str, String)>,
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

impl Place {
    fn new() -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        Self { folder: tempfile::tempdir().unwrap(), ports: [free_port(), free_port()], settings: Vec::new() }
    }

    fn with(mut self, setting: &'static str, value: impl Into<String>) -> Self {
        self.settings.push((setting, value.into()));
        self
    }

    /// The data folder, which the first start creates.
    fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    fn flags(&self) -> Vec<(&'static str, String)> {
        let own = [
            ("data.folder", self.data().to_string_lossy().into_owned()),
            ("server.bind", format!("127.0.0.1:{}", self.ports[0])),
            ("server.operator_bind", format!("127.0.0.1:{}", self.ports[1])),
            ("server.workers", "1".to_owned()),
        ];
        own.into_iter().chain(self.settings.iter().cloned()).collect()
    }

    async fn run(&self, line: &str) -> Ended {
        self.run_words(&line.split(' ').collect::<Vec<_>>()).await
    }

    /// Runs a command whose arguments may contain spaces.
    async fn run_words(&self, arguments: &[&str]) -> Ended {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["cli::command", "--exact", "--ignored", "--nocapture"])
            .env(ARGUMENTS, serde_json::to_string(arguments).unwrap())
            .stdin(Stdio::null());
        for (key, value) in self.flags() {
            command.env(format!("COUNTERSIGN__{}", key.to_uppercase().replace('.', "__")), value);
        }
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ended {
            code: output.status.code().unwrap(),
            answer: text(&output.stdout),
            said: text(&output.stderr),
        }
    }

    /// A server that does not run yet.
    async fn application(&self, dev: bool) -> Application {
        let flags = self.flags().into_iter().map(|(key, value)| (key, value, "test"));
        let settings = Settings::load(None, [], flags).unwrap();
        Application::build(Parts { dev, ..Parts::new(settings) }).await.unwrap()
    }

    /// Starts a server in this process, with the machine's clock.
    async fn serve(&self, dev: bool) -> Server {
        let application = self.application(dev).await;
        let demo = application.demo.as_ref().map(|demo| demo.key.expose().to_string());
        let (base_url, stop) = (application.base_url(), CancellationToken::new());
        let running = tokio::spawn(application.run(stop.clone()));
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap();
        Server { base_url, demo, client, stop, running }
    }
}

struct Server {
    base_url: String,
    demo: Option<String>,
    client: reqwest::Client,
    stop: CancellationToken,
    running: JoinHandle<anyhow::Result<()>>,
}

impl Server {
    /// The status of a request with this key, which needs a scope that the key has.
    async fn status(&self, key: &str) -> u16 {
        let asked = self.client.get(format!("{}/v1/keys", self.base_url)).bearer_auth(key).send().await;
        asked.unwrap().status().as_u16()
    }

    async fn stop(self) {
        self.stop.cancel();
        self.running.await.unwrap().unwrap();
    }
}

/// Every file in a folder with its contents, without the index files by which readers of SQLite cooperate.
fn files(folder: &Path) -> Vec<(std::ffi::OsString, Vec<u8>)> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    // A server that has just stopped may remove a file between the listing and the read.
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.unwrap();
        match std::fs::read(entry.path()) {
            Err(gone) if gone.kind() == std::io::ErrorKind::NotFound => None,
            bytes => Some((entry.file_name(), bytes.unwrap())),
        }
    };
    let mut files: Vec<_> = entries.filter_map(read).collect();
    files.retain(|(name, _)| !name.to_string_lossy().ends_with("-shm"));
    files.sort();
    files
}

/// Repeats `look` until it returns a value, for up to 20 s.
async fn eventually<T>(mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "it did not come about in 20 s");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
