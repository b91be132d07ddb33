//! Nodes that share Redis and Postgres, and Redis servers for one run.

use crate::beside_me;
use anyhow::{Context, Result, bail, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use countersign_core::keyring::{KeyRing, VersionedKey};
use std::{
    fs::OpenOptions,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// The longest time until a server is ready. Even a debug build on a busy machine needs less.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// A process that ends when it is dropped.
pub struct Running(pub Child);

impl Running {
    /// Sends SIGKILL: nothing of the process runs afterwards.
    pub fn kill(&mut self) -> Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }

    /// Sends SIGTERM: the process completes what it has begun.
    pub fn end(mut self) -> Result<()> {
        let asked = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status()?;
        ensure!(asked.success() && self.0.wait()?.success(), "it did not end as it should");
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// An installation: the configuration of its nodes.
pub struct Installation {
    /// The folder with the key ring, the logs and the nodes' folders.
    pub folder: PathBuf,
    /// The settings as environment variables.
    pub settings: Vec<(String, String)>,
    /// The program, unless it is the one built together with this.
    binary: Option<PathBuf>,
}

/// A node of an installation.
pub struct Node {
    pub process: Running,
    /// The URL at which it answers; a worker has none.
    pub base_url: String,
}

impl Installation {
    /// An installation on these stores.
    pub fn new(folder: &Path, codes_url: &str, postgres: &str, postgres_ca: &str) -> Self {
        let keyring = folder.join("keyring.toml");
        let settings = [
            ("CODES__URL", codes_url),
            ("DATABASE__URL", postgres),
            ("DATABASE__CA_FILE", postgres_ca),
            ("KEYRING__FILE", &keyring.to_string_lossy()),
            ("LOG__FORMAT", "json"),
        ];
        let settings = settings.map(|(name, value)| (format!("COUNTERSIGN__{name}"), value.to_owned()));
        Self { folder: folder.to_owned(), settings: settings.into(), binary: None }
    }

    /// An installation of one node, with everything in the folder `data`.
    pub fn embedded(folder: &Path) -> Self {
        let settings = vec![("COUNTERSIGN__LOG__FORMAT".to_owned(), "json".to_owned())];
        Self { folder: folder.to_owned(), settings, binary: None }
    }

    /// The same installation with another setting.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let name = format!("COUNTERSIGN__{name}");
        let mut settings = self.settings.clone();
        settings.retain(|(known, _)| *known != name);
        settings.push((name, value.to_owned()));
        Self { folder: self.folder.clone(), settings, binary: self.binary.clone() }
    }

    /// The same installation with another program.
    pub fn by(&self, binary: &Path) -> Self {
        let (folder, settings) = (self.folder.clone(), self.settings.clone());
        Self { folder, settings, binary: Some(binary.to_owned()) }
    }

    fn command(&self) -> Result<Command> {
        let binary = self.binary.clone().map_or_else(|| beside_me("countersign"), Ok)?;
        let mut command = Command::new(binary);
        command
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .env("COUNTERSIGN__DATA__FOLDER", self.folder.join("data"))
            .stdin(Stdio::null());
        Ok(command)
    }

    /// Runs a command and returns its answer.
    pub fn run(&self, arguments: &[&str]) -> Result<String> {
        let output = self.command()?.args(arguments).output()?;
        ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Makes a tenant and returns its id.
    pub fn make_tenant(&self, name: &str) -> Result<String> {
        self.run(&["tenant", "create", "--name", name, "--countries", "all"])
    }

    /// The key ring of a new installation, which has one key of each kind.
    pub fn keyring(&self) -> Result<KeyRing> {
        let text = std::fs::read_to_string(self.folder.join("keyring.toml"))?;
        let read = |line: &str| -> Result<[u8; 32]> {
            let key = STANDARD.decode(line.trim_matches('"'))?;
            key.try_into().ok().context("a key of 32 bytes")
        };
        let keys = |name: &str| -> Result<Vec<[u8; 32]>> {
            text.lines().filter_map(|line| line.strip_prefix(name)).map(read).collect()
        };
        let (fingerprints, others) = (keys("fingerprint = ")?, keys("key = ")?);
        let (&[fingerprint], &[mac, seal]) = (&fingerprints[..], &others[..]) else {
            bail!("the key ring is not new");
        };
        let first = |key| vec![VersionedKey { version: 1, key }];
        KeyRing::new(fingerprint, first(mac), first(seal)).context("a key ring")
    }

    /// Makes a key of a tenant. The code of a test key is known, and its messages go the same way to a
    /// provider that sends nothing.
    pub fn make_key(&self, tenant: &str, scopes: &str, test: bool) -> Result<String> {
        let mut arguments = vec!["key", "create", "--tenant", tenant, "--name", "bench", "--scopes", scopes];
        arguments.extend(test.then_some("--test"));
        self.run(&arguments)
    }

    fn log_file(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.log"))
    }

    /// The standard error of a node, over all its restarts.
    pub fn log(&self, name: &str) -> Result<String> {
        Ok(std::fs::read_to_string(self.log_file(name))?)
    }

    /// Starts a node and waits until it is ready.
    pub async fn serve(&self, role: &str, name: &str) -> Result<Node> {
        // Use new ports each time: a connection of a dead process may still occupy the old ones.
        let (api, operator) = (free_port()?, free_port()?);
        let log = OpenOptions::new().create(true).append(true).open(self.log_file(name))?;
        let child = self
            .command()?
            .args(["serve", "--role", role])
            .env("COUNTERSIGN__DATA__FOLDER", self.folder.join(name))
            .env("COUNTERSIGN__SERVER__BIND", format!("127.0.0.1:{api}"))
            .env("COUNTERSIGN__SERVER__OPERATOR_BIND", format!("127.0.0.1:{operator}"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        let mut node = Node { process: Running(child), base_url: format!("http://127.0.0.1:{api}") };
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build()?;
        let (since, url) = (Instant::now(), format!("http://127.0.0.1:{operator}/health/ready"));
        while since.elapsed() < READY_WITHIN {
            if client.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(node);
            }
            if let Some(status) = node.process.0.try_wait()? {
                bail!("a node ended at its start: {status}\n{}", self.log(name)?);
            }
            sleep(Duration::from_millis(5)).await;
        }
        bail!("a node was not ready within {READY_WITHIN:?}\n{}", self.log(name)?)
    }
}

/// A Redis server for one run.
pub struct Redis {
    pub process: Running,
    pub port: u16,
    folder: PathBuf,
    options: Vec<String>,
}

impl Redis {
    /// Starts `redis-server` in a folder of its own.
    pub async fn start(folder: &Path, port: u16, options: &[&str]) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        let process = spawn_redis(folder, port, &options)?;
        let mut redis = Self { process, port, folder: folder.to_owned(), options };
        redis.wait().await?;
        Ok(redis)
    }

    /// Starts the server again after its end, with the data that it had written.
    pub async fn restart(&mut self) -> Result<()> {
        self.process = spawn_redis(&self.folder, self.port, &self.options)?;
        self.wait().await
    }

    async fn wait(&mut self) -> Result<()> {
        let since = Instant::now();
        while since.elapsed() < READY_WITHIN {
            if self
                .ask(&["PING"])
                .await
                .is_ok_and(|answer| answer == redis::Value::SimpleString("PONG".into()))
            {
                return Ok(());
            }
            ensure!(self.process.0.try_wait()?.is_none(), "redis-server ended at its start");
            sleep(Duration::from_millis(5)).await;
        }
        bail!("redis-server was not ready within {READY_WITHIN:?}")
    }

    /// Sends a command to exactly this server.
    pub async fn ask(&self, command: &[&str]) -> redis::RedisResult<redis::Value> {
        let url = format!("redis://127.0.0.1:{}", self.port);
        let mut connection = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
        let (verb, arguments) = command.split_first().unwrap_or((&"PING", &[]));
        redis::cmd(verb).arg(arguments).query_async(&mut connection).await
    }
}

fn spawn_redis(folder: &Path, port: u16, options: &[String]) -> Result<Running> {
    let child = Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--appendonly", "yes", "--save", ""])
        .args(["--maxmemory-policy", "noeviction", "--logfile", "log", "--dir"])
        .arg(folder)
        .args(options)
        .stdout(Stdio::null())
        .spawn()
        .context("redis-server must be installed")?;
    Ok(Running(child))
}

/// A master with a replica, and three Sentinels that watch it.
pub struct Watched {
    /// The server that is the master at the start.
    pub master: Redis,
    _replica: Redis,
    _sentinels: Vec<Running>,
    /// The URL of the codes store.
    pub url: String,
}

impl Watched {
    /// Starts them all.
    pub async fn start(folder: &Path) -> Result<Self> {
        let master = Redis::start(&folder.join("watched"), free_port()?, &[]).await?;
        let port = master.port.to_string();
        let options = ["--replicaof", "127.0.0.1", &port];
        let replica = Redis::start(&folder.join("replica"), free_port()?, &options).await?;
        let (mut sentinels, mut addresses) = (Vec::new(), Vec::new());
        for n in 0..3 {
            let (folder, port) = (folder.join(format!("sentinel{n}")), free_port()?.to_string());
            std::fs::create_dir_all(&folder)?;
            let file = folder.join("sentinel.conf");
            let text = format!(
                "sentinel monitor main 127.0.0.1 {} 2\nsentinel down-after-milliseconds main 1000\nsentinel failover-timeout main 5000\n",
                master.port
            );
            std::fs::write(&file, text)?;
            let child = Command::new("redis-server")
                .arg(&file)
                .args(["--sentinel", "--port", &port, "--bind", "127.0.0.1", "--logfile", "log", "--dir"])
                .arg(&folder)
                .stdout(Stdio::null())
                .spawn()?;
            sentinels.push(Running(child));
            addresses.push(format!("127.0.0.1:{port}"));
        }
        // Wait until they know each other and the replica.
        sleep(Duration::from_secs(5)).await;
        let url = format!("redis-sentinel://{}/main", addresses.join(","));
        Ok(Self { master, _replica: replica, _sentinels: sentinels, url })
    }
}

/// Three masters, each with a replica.
pub struct Cluster {
    pub servers: Vec<Redis>,
}

impl Cluster {
    /// Starts the servers and joins them to a cluster.
    pub async fn start(folder: &Path) -> Result<Self> {
        let mut servers = Vec::new();
        for n in 0..6 {
            let options = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"];
            servers.push(Redis::start(&folder.join(format!("redis{n}")), cluster_port()?, &options).await?);
        }
        let addresses = servers.iter().map(|server| format!("127.0.0.1:{}", server.port));
        let joined = Command::new("redis-cli")
            .args(["--cluster", "create"])
            .args(addresses)
            .args(["--cluster-replicas", "1", "--cluster-yes"])
            .output()
            .context("redis-cli must be installed")?;
        ensure!(joined.status.success(), "{}", String::from_utf8_lossy(&joined.stdout));
        let cluster = Self { servers };
        cluster.settle().await?;
        Ok(cluster)
    }

    /// The URL of the codes store.
    pub fn url(&self) -> String {
        let servers: Vec<_> =
            self.servers.iter().map(|server| format!("127.0.0.1:{}", server.port)).collect();
        format!("redis-cluster://{}", servers.join(","))
    }

    /// Waits until every server has the same view, and every master has a replica that follows it.
    pub async fn settle(&self) -> Result<()> {
        let since = Instant::now();
        while since.elapsed() < READY_WITHIN {
            let mut masters = 0;
            let mut settled = true;
            for server in &self.servers {
                let text = async |command: &[&str]| match server.ask(command).await {
                    Ok(redis::Value::BulkString(text)) => String::from_utf8_lossy(&text).into_owned(),
                    Ok(redis::Value::VerbatimString { text, .. }) => text,
                    _ => String::new(),
                };
                settled &= text(&["CLUSTER", "INFO"]).await.contains("cluster_state:ok");
                let role = text(&["INFO", "replication"]).await;
                if role.contains("role:master") {
                    masters += 1;
                    settled &= role.contains("state=online");
                } else {
                    settled &= role.contains("master_link_status:up");
                }
            }
            if settled && masters == 3 {
                return Ok(());
            }
            sleep(Duration::from_millis(100)).await;
        }
        bail!("the cluster did not settle within {READY_WITHIN:?}")
    }

    /// The indexes of the servers that are masters now.
    pub async fn masters(&self) -> Vec<usize> {
        let mut masters = Vec::new();
        for (n, server) in self.servers.iter().enumerate() {
            if let Ok(redis::Value::Array(role)) = server.ask(&["ROLE"]).await
                && role.first() == Some(&redis::Value::BulkString(b"master".to_vec()))
            {
                masters.push(n);
            }
        }
        masters
    }
}

/// A port that is free just now.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// A free port for a node of a cluster, which also listens on a port 10,000 higher.
fn cluster_port() -> Result<u16> {
    for _ in 0..100 {
        let port = free_port()?;
        if port < 55_000 && TcpListener::bind(("127.0.0.1", port + 10_000)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port below 55,000 whose second port is free, too")
}
