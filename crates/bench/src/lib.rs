//! Shared by the benches: processes that end when they are dropped, their CPU time from the kernel, and load
//! over HTTP.

pub mod api;
pub mod nodes;
pub mod proxy;
pub mod relay;

use anyhow::{Context, Result, bail, ensure};
use nodes::Running;
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::Child,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// A server that was started. It ends when it is dropped.
pub struct Server {
    pub process: Running,
    /// The URL at which it answers.
    pub base_url: String,
    /// The test keys, which take turns; a floor has none.
    pub keys: Vec<String>,
    /// A live key, because test keys cannot change limits.
    pub live_key: Option<String>,
    /// Other processes whose CPU time is counted too.
    pub beside: Vec<u32>,
}

impl Server {
    /// A process whose URL is not known yet.
    pub fn new(child: Child) -> Self {
        Self {
            process: Running(child),
            base_url: String::new(),
            keys: Vec::new(),
            live_key: None,
            beside: Vec::new(),
        }
    }

    /// The CPU time of the process, and of the other processes.
    fn cpu(&self) -> Result<[Duration; 2]> {
        Ok([cpu_of(self.process.0.id())?, self.beside.iter().copied().map(cpu_of).sum::<Result<_>>()?])
    }
}

/// The cost of one round.
#[derive(Default)]
pub struct Cost {
    /// The number of pairs carried out.
    pub pairs: usize,
    wall: Duration,
    cpu: Duration,
    beside: Duration,
    latencies: Vec<Duration>,
}

impl Cost {
    pub fn pairs_per_second(&self) -> f64 {
        self.pairs as f64 / self.wall.as_secs_f64()
    }

    /// The CPU time of a pair in microseconds, for the server and the other processes.
    pub fn cpu_per_pair(&self) -> f64 {
        (self.cpu + self.beside).as_secs_f64() * 1e6 / self.pairs as f64
    }

    /// The CPU time of a pair in microseconds, for the other processes only.
    pub fn cpu_beside(&self) -> f64 {
        self.beside.as_secs_f64() * 1e6 / self.pairs as f64
    }

    /// The 99th percentile of the latency, in milliseconds.
    pub fn p99(&self) -> f64 {
        self.percentile(99)
    }

    /// A percentile of the latency, in milliseconds.
    pub fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.latencies.clone();
        sorted.sort();
        sorted.get(sorted.len() * percent / 100).map_or(0.0, |latency| latency.as_secs_f64() * 1e3)
    }

    /// Adds the cost of another round.
    pub fn add(&mut self, other: Self) {
        self.pairs += other.pairs;
        self.wall += other.wall;
        self.cpu += other.cpu;
        self.beside += other.beside;
        self.latencies.extend(other.latencies);
    }
}

/// The optional features that a pair uses.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// None: only the limits of the phone number and the wrong codes, which always apply.
    None,
    /// An end user's address, a different one for each pair.
    EndUserIp,
    /// An Idempotency-Key for start and check.
    IdempotencyKey,
    /// Both, and limits by key, tenant, country and prefix.
    All,
}

impl Guard {
    /// In the order of the report.
    pub const ALL: [Self; 4] = [Self::None, Self::EndUserIp, Self::IdempotencyKey, Self::All];

    /// The name in the report.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "as it is",
            Self::EndUserIp => "with end_user_ip",
            Self::IdempotencyKey => "with Idempotency-Key",
            Self::All => "with both, and limits by key, tenant, country, prefix",
        }
    }
}

/// One round of load on one server.
#[derive(Clone, Copy)]
pub struct Load {
    /// The number of pairs.
    pub pairs: usize,
    /// The first phone number; each pair uses the next one.
    pub first_number: usize,
    /// The number of connections that send at once.
    pub connections: usize,
    /// The features that the pairs use.
    pub guard: Guard,
    /// The number of pairs a second, begun at even times, however long the answers take. `None` means as fast
    /// as answers arrive.
    pub pace: Option<f64>,
    /// Whether the started verifications are also checked.
    pub check: bool,
    /// Whether the keys are live. Then the code is not known, and the check sends a wrong one.
    pub live: bool,
}

impl Load {
    /// Pairs as fast as answers arrive, with checks.
    pub fn new(pairs: usize, first_number: usize, connections: usize) -> Self {
        Self { pairs, first_number, connections, guard: Guard::None, pace: None, check: true, live: false }
    }
}

/// The path of a program that was built together with this one.
pub fn beside_me(name: &str) -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    ensure!(path.exists(), "{} is not built: cargo build --workspace", path.display());
    Ok(path)
}

/// Waits for the file that a server writes when it is ready, and returns its contents.
pub fn wait_for(ready: &Path, child: &mut Child) -> Result<String> {
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(30) {
        let text = std::fs::read_to_string(ready).unwrap_or_default();
        if !text.is_empty() {
            return Ok(text);
        }
        if let Some(status) = child.try_wait()? {
            bail!("a server ended at its start: {status}");
        }
        #[expect(clippy::disallowed_methods, reason = "nothing else runs yet")]
        std::thread::sleep(Duration::from_millis(20));
    }
    bail!("a server was not ready within 30 s")
}

/// The user and system time of a process, from the kernel.
pub fn cpu_of(pid: u32) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may contain spaces. utime and stime are the 12th and 13th fields after it.
    let fields = stat.rsplit_once(')').context("stat")?.1;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    // Linux reports in USER_HZ, which is 100 on every architecture that we build for.
    Ok(Duration::from_millis(ticks * 10))
}

/// Runs a load.
pub async fn run(server: &Server, load: &Load) -> Result<Cost> {
    let Load { pairs, connections, .. } = *load;
    let client = reqwest::Client::builder()
        .no_proxy()
        .pool_max_idle_per_host(connections)
        .timeout(Duration::from_secs(30))
        .build()?;
    let next = Arc::new(AtomicUsize::new(0));
    let (before, since) = (server.cpu()?, Instant::now());
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..connections {
        let (client, next, load) = (client.clone(), next.clone(), *load);
        let (base_url, keys) = (server.base_url.clone(), server.keys.clone());
        tasks.spawn(async move {
            let mut latencies = Vec::new();
            loop {
                let pair = next.fetch_add(1, Ordering::Relaxed);
                if pair >= pairs {
                    return anyhow::Ok(latencies);
                }
                let mut begun = Instant::now();
                if let Some(pace) = load.pace {
                    // A late beginning counts as latency: the load does not slow down when the server does.
                    begun = since + Duration::from_secs_f64(pair as f64 / pace);
                    tokio::time::sleep_until(begun.into()).await;
                }
                let key = keys.get(pair % keys.len().max(1)).map(String::as_str);
                one_pair(&client, &base_url, key, load.first_number + pair, &load).await?;
                latencies.push(begun.elapsed());
            }
        });
    }
    let mut latencies = Vec::new();
    while let Some(task) = tasks.join_next().await {
        latencies.extend(task??);
    }
    let (wall, after) = (since.elapsed(), server.cpu()?);
    let [cpu, beside] = [0, 1].map(|n| after[n] - before[n]);
    Ok(Cost { pairs, wall, cpu, beside, latencies })
}

async fn one_pair(
    client: &reqwest::Client,
    base_url: &str,
    key: Option<&str>,
    number: usize,
    Load { guard, check, live, .. }: &Load,
) -> Result<()> {
    let to = format!("+4850{:07}", 1_000_000 + number % 8_900_000);
    let start = if key.is_some() { "/v1/verifications" } else { "/start" };
    let once =
        |act: &str| matches!(guard, Guard::IdempotencyKey | Guard::All).then(|| format!("{act}-{number}"));
    let mut body = json!({ "to": to });
    if matches!(guard, Guard::EndUserIp | Guard::All) {
        body["end_user_ip"] = std::net::Ipv4Addr::from_bits(number as u32 | 0x0b00_0000).to_string().into();
    }
    let started = post(client, &format!("{base_url}{start}"), key, once("start"), &body).await?;
    if !check {
        return Ok(());
    }
    let id = &started["id"];
    let checked = match (key, id.as_str()) {
        (Some(_), Some(id)) => {
            let url = format!("{base_url}/v1/verifications/{id}/check");
            let code = if *live { "000000" } else { "123456" };
            post(client, &url, key, once("check"), &json!({ "code": code })).await?
        }
        _ => {
            let body = json!({ "id": id, "code": "123456" });
            post(client, &format!("{base_url}/check"), key, None, &body).await?
        }
    };
    let wrong = *live && checked["status"] == "pending";
    ensure!(wrong || checked["status"] == "approved", "a pair ended as {checked}");
    Ok(())
}

async fn post(
    client: &reqwest::Client,
    url: &str,
    key: Option<&str>,
    once: Option<String>,
    body: &Value,
) -> Result<Value> {
    let mut request = client.post(url).json(body);
    if let Some(key) = key {
        request = request.bearer_auth(key);
    }
    if let Some(once) = once {
        request = request.header("Idempotency-Key", once);
    }
    let response = request.send().await?;
    ensure!(response.status().is_success(), "{url} answered {}", response.status());
    Ok(response.json().await?)
}

/// The resident memory of a process, in KiB.
pub fn resident(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}
