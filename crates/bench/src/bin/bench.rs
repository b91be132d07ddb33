//! Load with pairs, each of one start and one check. Countersign and the floor take turns in one run on one
//! machine, and the report gives the ratios.
//!
//! The load uses only HTTP. The kernel gives the CPU time of each process, so the load generator's own does
//! not count. Figures of different runs or machines cannot be compared well; the ratios of one run can.

use anyhow::{Context, Result, ensure};
use clap::Parser;
use countersign_bench::{Cost, Guard, Load, Server, beside_me, run, wait_for};
use serde_json::{Value, json};
use std::{
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

/// Measures pairs of start and check on the embedded engine, and compares them with the floor.
#[derive(Parser)]
struct Arguments {
    /// Number of pairs in each round
    #[arg(long, default_value_t = 20_000)]
    pairs: usize,
    /// Number of rounds; Countersign and the floor take turns
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Number of connections that send at once
    #[arg(long, default_value_t = 32)]
    connections: usize,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    // The client requires a provider although it uses plain HTTP here.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = tempfile::tempdir()?;
    let floor = start_floor(folder.path())?;
    let countersign = start_countersign(folder.path())?;
    let (mut floor_cost, mut costs) = (Cost::default(), Guard::ALL.map(|_| Cost::default()));
    for round in 0..=arguments.rounds {
        // Each phone number starts once. The first round warms caches and is not counted.
        let pairs = if round == 0 { arguments.pairs / 10 + 1 } else { arguments.pairs };
        let first_number = round * (arguments.pairs + 1) * Guard::ALL.len();
        let load = Load::new(pairs, first_number, arguments.connections);
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

/// Sets limits that nobody reaches, but from which each start must take.
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

fn start_floor(folder: &Path) -> Result<Server> {
    let ready = folder.join("floor.ready");
    let child = Command::new(beside_me("floor")?).arg(folder).arg(&ready).stdout(Stdio::null()).spawn()?;
    let mut server = Server::new(child);
    server.base_url = wait_for(&ready, &mut server.process.0)?;
    Ok(server)
}

/// A live key would need the virtual phone. With a test key, the code is known, and the message goes the same
/// way to its provider.
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
    let mut server = Server::new(child);
    let facts: Value = serde_json::from_str(&wait_for(&ready, &mut server.process.0)?)?;
    server.base_url = facts["base_url"].as_str().context("base_url")?.to_owned();
    server.keys = vec![facts["test_key"].as_str().context("test_key")?.to_owned()];
    server.live_key = Some(facts["key"].as_str().context("key")?.to_owned());
    Ok(server)
}
