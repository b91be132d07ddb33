//! An independent SMSC as a child process.

use anyhow::{Context, Result, bail};
use countersign_core::{
    code::Code,
    id::{MessageId, VerificationId},
    phone::PhoneNumber,
    ports::clock::Clock,
    time::Timestamp,
};
use countersign_delivery::{Accepted, Connect, Outgoing, Provider, SendError, Smpp, SmppSettings, Told};
use serde_json::{Value, json};
use std::{io, path::PathBuf, process::Stdio, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    net::TcpStream,
    process::{Child, ChildStdout, Command},
    sync::mpsc,
    task::JoinHandle,
    time::timeout,
};
use zeroize::Zeroizing;

const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);
/// Longer than any step takes on a busy machine.
const AT_MOST: Duration = Duration::from_secs(20);

/// The implementation of the SMSC.
#[derive(Clone, Copy)]
pub enum Kind {
    Node,
    Python,
}

/// The process. It ends with its test.
pub struct Smsc {
    _child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    port: u16,
}

/// A path that the test run prepared and put into the environment.
fn prepared(name: &str) -> Result<String> {
    #[expect(clippy::disallowed_methods, reason = "the test run names its tools in the environment")]
    let value = std::env::var(name);
    value.with_context(|| format!("{name} must be set; tests/run.sh installs the SMSC and sets it"))
}

impl Smsc {
    pub async fn start(kind: Kind, config: Value) -> Result<Self> {
        let mut command = match kind {
            Kind::Node => {
                let mut command = Command::new("node");
                let folder = PathBuf::from(prepared("COUNTERSIGN_TEST_SMPP_NODE")?);
                command.arg(folder.join("server.cjs"));
                command
            }
            Kind::Python => {
                let mut command = Command::new(prepared("COUNTERSIGN_TEST_SMPP_PYTHON")?);
                command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/smpp/server.py"));
                command
            }
        };
        command.arg(config.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().context("the SMSC does not start")?;
        let lines = BufReader::new(child.stdout.take().context("stdout")?).lines();
        let mut smsc = Self { _child: child, lines, port: 0 };
        let listening = smsc.event("listening").await?;
        smsc.port = u16::try_from(listening["port"].as_u64().context("port")?)?;
        Ok(smsc)
    }

    /// Waits for the next event with this name, and skips the others.
    pub async fn event(&mut self, name: &str) -> Result<Value> {
        let find = async {
            while let Some(line) = self.lines.next_line().await? {
                let event: Value = serde_json::from_str(&line)?;
                if event["event"] == name {
                    return Ok(event);
                }
            }
            bail!("the SMSC ended")
        };
        timeout(AT_MOST, find).await.with_context(|| format!("no {name}"))?
    }

    /// An account at this SMSC.
    pub fn account(&self, change: impl FnOnce(&mut SmppSettings)) -> Result<Account> {
        let value = json!({
            "host": "127.0.0.1", "port": self.port, "tls": false, "system_id": "acme", "password": "secret",
        });
        let mut settings = SmppSettings::parse(&value).map_err(|faults| anyhow::anyhow!("{faults:?}"))?;
        change(&mut settings);
        let (sender, reports) = mpsc::channel(10);
        let smpp = Smpp::new("smpp", settings, Arc::new(Direct), sender, Arc::new(Fixed))?;
        Ok(Account { smpp: Arc::new(smpp), reports })
    }
}

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        NOW
    }

    fn steady(&self) -> Duration {
        Duration::ZERO
    }
}

struct Direct;

#[async_trait::async_trait]
impl Connect for Direct {
    async fn connect(&self, host: &str, port: u16, _: Duration) -> io::Result<TcpStream> {
        TcpStream::connect((host, port)).await
    }
}

/// A provider and its reports.
pub struct Account {
    pub smpp: Arc<Smpp>,
    reports: mpsc::Receiver<Told>,
}

impl Account {
    /// Sends in the background, because the test must not hang.
    pub fn begin(&self, text: &str) -> JoinHandle<Result<Accepted, SendError>> {
        let (smpp, text) = (Arc::clone(&self.smpp), Zeroizing::new(text.to_owned()));
        tokio::spawn(async move {
            let message = outgoing(text).map_err(|error| SendError::reject(error.to_string()))?;
            let sent = timeout(AT_MOST, smpp.send(&message)).await;
            sent.unwrap_or_else(|_| Err(SendError::reject("the test waited in vain")))
        })
    }

    pub async fn send(&self, text: &str) -> Result<Result<Accepted, SendError>> {
        Ok(self.begin(text).await?)
    }

    /// Sends a message that must be accepted, and returns its id.
    pub async fn take(&self, text: &str) -> Result<String> {
        let accepted = self.send(text).await??;
        accepted.id.context("an id")
    }

    pub async fn report(&mut self) -> Result<Told> {
        timeout(AT_MOST, self.reports.recv()).await.context("no report")?.context("the provider is gone")
    }

    pub fn has_report(&mut self) -> bool {
        self.reports.try_recv().is_ok()
    }
}

fn outgoing(text: Zeroizing<String>) -> Result<Outgoing> {
    Ok(Outgoing {
        message: MessageId::from_bytes([1; 16]),
        verification: VerificationId::from_bytes([2; 16]),
        attempt: 1,
        to: PhoneNumber::parse("+48500500500")?,
        from: "Acme".into(),
        text,
        code: Code::parse("123456").context("code")?,
        expires_at: NOW + Duration::from_secs(300),
        callback: None,
    })
}
