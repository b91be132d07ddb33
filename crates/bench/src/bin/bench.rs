//! The load: start + check pairs against Countersign and against the floor, by
//! turns in one run on one machine, reported as ratios.
//!
//! It talks HTTP only. CPU is read from the kernel for each process, so the
//! load generator's own share does not count. Figures of different runs or
//! machines say little; the ratios of one run do.

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// Measures start + check pairs on the embedded engine beside its floor.
#[derive(Parser)]
struct Arguments {
    /// Pairs in each round.
    #[arg(long, default_value_t = 20_000)]
    pairs: usize,
    /// Rounds; Countersign and the floor take turns.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Connections that send at once.
    #[arg(long, default_value_t = 32)]
    connections: usize,
}

/// A server that was started, and ends with this value.
struct Server {
    child: Child,
    base_url: String,
    key: Option<String>,
    /// A live one: test keys change no limits.
    live_key: Option<String>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What one round cost.
#[derive(Default)]
struct Cost {
    pairs: usize,
    wall: Duration,
    cpu: Duration,
    latencies: Vec<Duration>,
}

impl Cost {
    fn pairs_per_second(&self) -> f64 {
        self.pairs as f64 / self.wall.as_secs_f64()
    }

    fn cpu_per_pair(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.pairs as f64
    }

    fn p99(&self) -> f64 {
        let mut sorted = self.latencies.clone();
        sorted.sort();
        sorted.get(sorted.len() * 99 / 100).map_or(0.0, |latency| latency.as_secs_f64() * 1e3)
    }

    fn add(&mut self, other: Self) {
        self.pairs += other.pairs;
        self.wall += other.wall;
        self.cpu += other.cpu;
        self.latencies.extend(other.latencies);
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    // The client wants one although it speaks plain HTTP here.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = tempfile::tempdir()?;
    let floor = start_floor(folder.path())?;
    let countersign = start_countersign(folder.path())?;
    let (mut floor_cost, mut costs) = (Cost::default(), Guard::ALL.map(|_| Cost::default()));
    for round in 0..=arguments.rounds {
        // Each number starts once; the first round warms caches and is not counted.
        let pairs = if round == 0 { arguments.pairs / 10 + 1 } else { arguments.pairs };
        let first_number = round * (arguments.pairs + 1) * Guard::ALL.len();
        let load = Load { pairs, first_number, connections: arguments.connections, guard: Guard::None };
        let floor_round = run(&floor, &load).await?;
        if round > 0 {
            floor_cost.add(floor_round);
        }
        for (n, guard) in Guard::ALL.into_iter().enumerate() {
            let first_number = first_number + n * (arguments.pairs + 1);
            set_limits(&countersign, guard == Guard::All).await?;
            let round_cost = run(&countersign, &Load { first_number, guard, ..load }).await?;
            if round > 0 {
                costs[n].add(round_cost);
            }
        }
    }
    report(&arguments, &floor_cost, &costs);
    Ok(())
}

/// What a pair bears besides the number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Guard {
    /// The limits of the number and the wrong codes, as always.
    None,
    /// An end user's address, each its own.
    EndUserIp,
    /// An Idempotency-Key at start and check.
    IdempotencyKey,
    /// Both, and limits by key, tenant, country and prefix.
    All,
}

impl Guard {
    const ALL: [Self; 4] = [Self::None, Self::EndUserIp, Self::IdempotencyKey, Self::All];

    fn name(self) -> &'static str {
        match self {
            Self::None => "as it is",
            Self::EndUserIp => "with end_user_ip",
            Self::IdempotencyKey => "with Idempotency-Key",
            Self::All => "with both, and limits by key, tenant, country, prefix",
        }
    }
}

/// One round against one server.
#[derive(Clone, Copy)]
struct Load {
    pairs: usize,
    first_number: usize,
    connections: usize,
    guard: Guard,
}

/// Limits that nobody reaches, which each start must still take from.
async fn set_limits(server: &Server, on: bool) -> Result<()> {
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build()?;
    for name in ["key", "tenant", "country", "prefix"] {
        let url = format!("{}/v1/limits/{name}", server.base_url);
        let request = match on {
            true => client.put(url).json(&json!({ "buckets": [{ "max": 1_000_000, "window": 60 }] })),
            false => client.delete(url),
        };
        let answer = request.bearer_auth(server.live_key.as_deref().context("key")?).send().await?;
        ensure!(answer.status().is_success(), "the limit {name} answered {}", answer.status());
    }
    Ok(())
}

fn report(arguments: &Arguments, floor: &Cost, costs: &[Cost; Guard::ALL.len()]) {
    let Arguments { pairs, rounds, connections } = arguments;
    let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
    println!(
        "start + check, embedded engine, {rounds} x {pairs} pairs, {connections} connections, {profile} profile"
    );
    println!("| | pairs/s | ratio | CPU for a pair, us | ratio | p99 of a pair, ms | ratio |");
    println!("|---|---|---|---|---|---|---|");
    let row = |name: &str, cost: &Cost| {
        let of = |measure: fn(&Cost) -> f64| (measure(cost), measure(cost) / measure(floor));
        let [(rate, a), (cpu, b), (p99, c)] =
            [of(Cost::pairs_per_second), of(Cost::cpu_per_pair), of(Cost::p99)];
        println!("| {name} | {rate:.0} | {a:.2} | {cpu:.1} | {b:.2} | {p99:.1} | {c:.2} |");
    };
    row("floor", floor);
    for (guard, cost) in Guard::ALL.into_iter().zip(costs) {
        row(&format!("countersign, {}", guard.name()), cost);
    }
    println!("1 passed, 0 failed");
}

fn beside_me(name: &str) -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    ensure!(path.exists(), "{} is not built: cargo build --workspace", path.display());
    Ok(path)
}

fn start_floor(folder: &Path) -> Result<Server> {
    let ready = folder.join("floor.ready");
    let child = Command::new(beside_me("floor")?).arg(folder).arg(&ready).stdout(Stdio::null()).spawn()?;
    let mut server = Server { child, base_url: String::new(), key: None, live_key: None };
    server.base_url = wait_for(&ready, &mut server.child)?;
    Ok(server)
}

/// A live key would need the phone; a test key's code is known, and its
/// message takes the same way to its provider.
fn start_countersign(folder: &Path) -> Result<Server> {
    let ready = folder.join("countersign.ready");
    let log = std::fs::File::create(folder.join("countersign.log"))?;
    let child = Command::new(beside_me("countersign")?)
        .args(["dev", "--port", "0", "--operator-port", "0", "--data"])
        .arg(folder.join("data"))
        .arg("--ready-file")
        .arg(&ready)
        .env("COUNTERSIGN__LOG__LEVEL", "info")
        .env("COUNTERSIGN__LOG__FORMAT", "json")
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()?;
    let mut server = Server { child, base_url: String::new(), key: None, live_key: None };
    let facts: Value = serde_json::from_str(&wait_for(&ready, &mut server.child)?)?;
    server.base_url = facts["base_url"].as_str().context("base_url")?.to_owned();
    server.key = Some(facts["test_key"].as_str().context("test_key")?.to_owned());
    server.live_key = Some(facts["key"].as_str().context("key")?.to_owned());
    Ok(server)
}

fn wait_for(ready: &Path, child: &mut Child) -> Result<String> {
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

/// User and system time of a process, from the kernel.
fn cpu_of(pid: u32) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may hold spaces; utime and stime are the 12th and 13th after it.
    let fields = stat.rsplit_once(')').context("stat")?.1;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    // Linux reports in USER_HZ, which is 100 on every architecture we build for.
    Ok(Duration::from_millis(ticks * 10))
}

async fn run(server: &Server, load: &Load) -> Result<Cost> {
    let Load { pairs, first_number, connections, guard } = *load;
    let client = reqwest::Client::builder()
        .no_proxy()
        .pool_max_idle_per_host(connections)
        .timeout(Duration::from_secs(30))
        .build()?;
    let next = Arc::new(AtomicUsize::new(0));
    let (before, since) = (cpu_of(server.child.id())?, Instant::now());
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..connections {
        let (client, next) = (client.clone(), next.clone());
        let (base_url, key) = (server.base_url.clone(), server.key.clone());
        tasks.spawn(async move {
            let mut latencies = Vec::new();
            loop {
                let pair = next.fetch_add(1, Ordering::Relaxed);
                if pair >= pairs {
                    return anyhow::Ok(latencies);
                }
                let since = Instant::now();
                one_pair(&client, &base_url, key.as_deref(), first_number + pair, guard).await?;
                latencies.push(since.elapsed());
            }
        });
    }
    let mut latencies = Vec::new();
    while let Some(task) = tasks.join_next().await {
        latencies.extend(task??);
    }
    let wall = since.elapsed();
    let cpu = cpu_of(server.child.id())? - before;
    Ok(Cost { pairs, wall, cpu, latencies })
}

async fn one_pair(
    client: &reqwest::Client,
    base_url: &str,
    key: Option<&str>,
    number: usize,
    guard: Guard,
) -> Result<()> {
    let to = format!("+4850{:07}", 1_000_000 + number);
    let start = if key.is_some() { "/v1/verifications" } else { "/start" };
    let once =
        |act: &str| matches!(guard, Guard::IdempotencyKey | Guard::All).then(|| format!("{act}-{number}"));
    let mut body = json!({ "to": to });
    if matches!(guard, Guard::EndUserIp | Guard::All) {
        body["end_user_ip"] = std::net::Ipv4Addr::from_bits(number as u32 | 0x0b00_0000).to_string().into();
    }
    let started = post(client, &format!("{base_url}{start}"), key, once("start"), &body).await?;
    let id = &started["id"];
    let checked = match (key, id.as_str()) {
        (Some(_), Some(id)) => {
            let url = format!("{base_url}/v1/verifications/{id}/check");
            post(client, &url, key, once("check"), &json!({ "code": "123456" })).await?
        }
        _ => {
            let body = json!({ "id": id, "code": "123456" });
            post(client, &format!("{base_url}/check"), key, None, &body).await?
        }
    };
    ensure!(checked["status"] == "approved", "a pair ended as {checked}");
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
