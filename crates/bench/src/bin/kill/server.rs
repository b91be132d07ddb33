//! The process that is killed: `countersign serve` with the same folder, again and again.

use anyhow::{Context, Result, bail, ensure};
use std::{
    fs::OpenOptions,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// The lowest allowed values. The messages of a killed process are free again after `LEASE`.
pub const LEASE: Duration = Duration::from_secs(5);
const SETTINGS: [(&str, &str); 5] = [
    ("COUNTERSIGN__DELIVERY__LEASE", "5s"),
    ("COUNTERSIGN__DELIVERY__SEND_TIMEOUT", "2s"),
    ("COUNTERSIGN__DELIVERY__RELAY__TIMEOUT", "1s"),
    ("COUNTERSIGN__LOG__FORMAT", "json"),
    ("COUNTERSIGN__LOG__LEVEL", "info"),
];
const SCOPES: &str = "verifications:start,verifications:check,verifications:read,reports:read,settings:write";
/// The longest time for a start. Even a debug build on a busy machine needs less.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// An installation, whether its server runs or not.
pub struct Installation {
    folder: PathBuf,
    relay_url: String,
    relay_secret: String,
}

/// A running server. It is killed when it is dropped.
pub struct Server {
    child: Child,
    pub base_url: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Sends SIGKILL: nothing of the process runs afterwards.
    pub fn kill(mut self) -> Result<()> {
        ensure!(self.child.try_wait()?.is_none(), "the server ended by itself");
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Installation {
    pub fn new(folder: &Path, relay_url: &str, relay_secret: &str) -> Self {
        let (relay_url, relay_secret) = (relay_url.to_owned(), relay_secret.to_owned());
        Self { folder: folder.to_owned(), relay_url, relay_secret }
    }

    /// A file of the data folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join("data").join(name)
    }

    /// The standard error of all server processes so far.
    pub fn log(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.folder.join("log"))?)
    }

    fn command(&self) -> Result<Command> {
        let program = std::env::current_exe()?.with_file_name("countersign");
        ensure!(program.exists(), "{} is not built: cargo build --workspace", program.display());
        let mut command = Command::new(program);
        command
            .envs(SETTINGS)
            .env("COUNTERSIGN__DATA__FOLDER", self.folder.join("data"))
            .env("COUNTERSIGN__DELIVERY__RELAY__URL", &self.relay_url)
            .env("COUNTERSIGN__DELIVERY__RELAY__SECRET", &self.relay_secret)
            .stdin(Stdio::null());
        Ok(command)
    }

    /// Makes a tenant and a key for it, and returns the key.
    pub fn make_key(&self) -> Result<String> {
        let tenant = self.run(&["tenant", "create", "--name", "Acme", "--countries", "all"])?;
        self.run(&["key", "create", "--tenant", &tenant, "--name", "load", "--scopes", SCOPES])
    }

    fn run(&self, arguments: &[&str]) -> Result<String> {
        let output = self.command()?.args(arguments).output()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        ensure!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        Ok(text(&output.stdout))
    }

    /// Starts the server and waits until it is ready.
    pub async fn start(&self) -> Result<Server> {
        // Use new ports each time: a connection of the dead process may still occupy the old ones.
        let (api, operator) = (free_port()?, free_port()?);
        let log = OpenOptions::new().create(true).append(true).open(self.folder.join("log"))?;
        let child = self
            .command()?
            .arg("serve")
            .env("COUNTERSIGN__SERVER__BIND", format!("127.0.0.1:{api}"))
            .env("COUNTERSIGN__SERVER__OPERATOR_BIND", format!("127.0.0.1:{operator}"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        let mut server = Server { child, base_url: format!("http://127.0.0.1:{api}") };
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build()?;
        let (since, url) = (Instant::now(), format!("{}/health/ready", server.base_url));
        while since.elapsed() < READY_WITHIN {
            if client.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(server);
            }
            if let Some(status) = server.child.try_wait()? {
                bail!("the server ended at its start: {status}\n{}", self.log()?);
            }
            sleep(Duration::from_millis(20)).await;
        }
        bail!("the server was not ready within {READY_WITHIN:?}\n{}", self.log()?)
    }
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("a free port")?;
    Ok(listener.local_addr()?.port())
}
