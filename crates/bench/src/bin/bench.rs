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
    let (mut floor_cost, mut cost) = (Cost::default(), Cost::default());
    for round in 0..=arguments.rounds {
        // Each number starts once; the first round warms caches and is not counted.
        let pairs = if round == 0 { arguments.pairs / 10 + 1 } else { arguments.pairs };
        let first_number = round * (arguments.pairs + 1);
        let floor_round = run(&floor, pairs, first_number, arguments.connections).await?;
        let round_cost = run(&countersign, pairs, first_number, arguments.connections).await?;
        if round > 0 {
            floor_cost.add(floor_round);
            cost.add(round_cost);
        }
    }
    report(&arguments, &floor_cost, &cost);
    Ok(())
}

fn report(arguments: &Arguments, floor: &Cost, cost: &Cost) {
    let Arguments { pairs, rounds, connections } = arguments;
    let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
    println!(
        "start + check, embedded engine, {rounds} x {pairs} pairs, {connections} connections, {profile} profile"
    );
    println!("| | floor | countersign | ratio |");
    println!("|---|---|---|---|");
    let row = |name: &str, floor: f64, cost: f64| {
        println!("| {name} | {floor:.1} | {cost:.1} | {:.2} |", cost / floor);
    };
    row("pairs/s", floor.pairs_per_second(), cost.pairs_per_second());
    row("CPU of the server for a pair, us (worker included)", floor.cpu_per_pair(), cost.cpu_per_pair());
    row("p99 of a pair, ms", floor.p99(), cost.p99());
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
    let mut server = Server { child, base_url: String::new(), key: None };
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
    let mut server = Server { child, base_url: String::new(), key: None };
    let facts: Value = serde_json::from_str(&wait_for(&ready, &mut server.child)?)?;
    server.base_url = facts["base_url"].as_str().context("base_url")?.to_owned();
    server.key = Some(facts["test_key"].as_str().context("test_key")?.to_owned());
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

async fn run(server: &Server, pairs: usize, first_number: usize, connections: usize) -> Result<Cost> {
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
                one_pair(&client, &base_url, key.as_deref(), first_number + pair).await?;
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

async fn one_pair(client: &reqwest::Client, base_url: &str, key: Option<&str>, number: usize) -> Result<()> {
    let to = format!("+4850{:07}", 1_000_000 + number);
    let start = if key.is_some() { "/v1/verifications" } else { "/start" };
    let started = post(client, &format!("{base_url}{start}"), key, &json!({ "to": to })).await?;
    let id = &started["id"];
    let checked = match (key, id.as_str()) {
        (Some(_), Some(id)) => {
            let url = format!("{base_url}/v1/verifications/{id}/check");
            post(client, &url, key, &json!({ "code": "123456" })).await?
        }
        _ => post(client, &format!("{base_url}/check"), key, &json!({ "id": id, "code": "123456" })).await?,
    };
    ensure!(checked["status"] == "approved", "a pair ended as {checked}");
    Ok(())
}

async fn post(client: &reqwest::Client, url: &str, key: Option<&str>, body: &Value) -> Result<Value> {
    let mut request = client.post(url).json(body);
    if let Some(key) = key {
        request = request.bearer_auth(key);
    }
    let response = request.send().await?;
    ensure!(response.status().is_success(), "{url} answered {}", response.status());
    Ok(response.json().await?)
}
