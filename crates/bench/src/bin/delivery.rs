//! Runs the worker with a gateway that takes 100 ms for each message. Measures how many messages it sends in
//! a second, and whether its memory stays constant.

use anyhow::{Result, ensure};
use clap::Parser;
use countersign_bench::{
    Load, Server,
    nodes::{Installation, Node},
    relay, resident, run,
};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Sends many messages through a slow gateway.
#[derive(Parser)]
struct Arguments {
    /// Number of messages in all
    #[arg(long, default_value_t = 100_000)]
    messages: usize,
    /// Number of messages in progress at once
    #[arg(long, default_value_t = 128)]
    parallel: usize,
}

/// The time that the gateway takes for each message.
const TAKES: Duration = Duration::from_millis(100);
/// The number of messages that are started and sent before the next round.
const ROUND: usize = 5_000;
/// The longest time until the messages of a round have arrived.
const PATIENCE: Duration = Duration::from_secs(300);
/// The allowed growth of the process's memory from the first rounds to the last, in MiB.
const FLAT: u64 = 40;

#[tokio::main]
async fn main() -> Result<()> {
    let Arguments { messages, parallel } = Arguments::parse();
    // The client requires a provider although it uses plain HTTP here.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = tempfile::tempdir()?;
    let relay = relay::listen(TAKES)?;
    let installation = Installation::embedded(folder.path())
        .with("DELIVERY__PARALLEL", &parallel.to_string())
        .with("DELIVERY__RELAY__URL", &relay.url)
        .with("DELIVERY__RELAY__SECRET", &relay.secret);
    let tenant = installation.make_tenant("Delivery")?;
    let key = installation.make_key(&tenant, "verifications:start,verifications:check", false)?;
    let node = installation.serve("all", "data").await?;
    let Node { process, base_url } = node;
    let api = Server { process, base_url, keys: vec![key], live_key: None, beside: Vec::new() };
    let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
    println!("## Messages through a gateway that takes {} ms", TAKES.as_millis());
    println!(
        "{messages} messages, {parallel} under way at once, {profile} profile, embedded, request log on\n"
    );
    println!("| messages | a second | memory, MiB |\n|---|---|---|");
    let mut memory = Vec::new();
    let mut sent = 0;
    while sent < messages {
        let round = ROUND.min(messages - sent);
        let since = Instant::now();
        run(&api, &Load { check: false, ..Load::new(round, sent, 32) }).await?;
        sent += round;
        while relay.phones.count().0 < sent {
            ensure!(since.elapsed() < PATIENCE, "{} of {sent} messages arrived", relay.phones.count().0);
            sleep(Duration::from_millis(100)).await;
        }
        memory.push(resident(api.process.0.id())? >> 10);
        let pace = round as f64 / since.elapsed().as_secs_f64();
        println!("| {sent} | {pace:.0} | {} |", memory[memory.len() - 1]);
    }
    let (count, twice) = relay.phones.count();
    ensure!((count, twice) == (messages, 0), "{count} messages, {twice} of them twice");
    ensure!(relay.phones.faults().is_empty(), "{:?}", relay.phones.faults());
    // The first rounds fill caches, such as that of phone numbers.
    let settled = memory.get(memory.len() / 4).copied().unwrap_or_default();
    let last = memory.last().copied().unwrap_or_default();
    ensure!(last <= settled + FLAT, "memory grew from {settled} to {last} MiB");
    println!("\nNone twice; {parallel} places allow {:.0} a second.", parallel as f64 / TAKES.as_secs_f64());
    println!("1 passed, 0 failed");
    Ok(())
}
