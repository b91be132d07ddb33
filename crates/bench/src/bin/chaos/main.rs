//! Chaos trials: several nodes run while one of them, Postgres or Redis fails.
//!
//! The nodes, the Redis Cluster and Postgres are real. The trials use only HTTP, and SQL for the final look
//! at the history. Each trial prints what it saw, and the run fails if that differs from the promise. Start
//! reading at `main`.

mod load;
mod points;
mod trials;
mod upgrade;

use anyhow::Result;
use clap::Parser;
use countersign_bench::{
    nodes::{Cluster, Installation, Redis, Watched, free_port},
    relay,
};
use countersign_core::time::Timestamp;
use std::{
    path::PathBuf,
    time::{Duration, SystemTime},
};

/// Stops nodes, Postgres and Redis under load, and checks the answers of the remaining nodes.
#[derive(Parser)]
struct Arguments {
    /// URL of an empty Postgres database, with the server's address instead of its name, because TLS would
    /// check the name
    #[arg(long, env = "COUNTERSIGN_BENCH_POSTGRES")]
    postgres: String,
    /// File with the certificate authority of Postgres
    #[arg(long, env = "COUNTERSIGN_BENCH_POSTGRES_CA", default_value = "")]
    postgres_ca: String,
    /// Number of seconds for which Postgres is down
    #[arg(long, default_value_t = 60)]
    away: u64,
    /// How often a master and a worker are killed
    #[arg(long, default_value_t = 20)]
    kills: usize,
    /// Number of clients that run at once
    #[arg(long, default_value_t = 16)]
    clients: usize,
    /// The program of the previous release
    #[arg(long)]
    old: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    // The client requires a provider although it uses plain HTTP here.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    let relay = relay::listen(relay::QUICK)?;
    let (direct, proxy) = trials::behind_proxy(&arguments.postgres).await?;
    let mut cluster = Cluster::start(folder).await?;
    let installation = Installation::new(folder, &cluster.url(), &direct, &arguments.postgres_ca)
        .with("DELIVERY__LEASE", "5s")
        .with("DELIVERY__SEND_TIMEOUT", "2s")
        .with("DELIVERY__RELAY__TIMEOUT", "1s")
        .with("DELIVERY__RELAY__URL", &relay.url)
        .with("DELIVERY__RELAY__SECRET", &relay.secret);
    let trials = trials::Trials { installation, arguments: &arguments, proxy: &proxy, phones: relay.phones };
    let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
    println!("# When something goes away\n");
    println!(
        "{}, {profile} profile, {} clients. `just chaos` writes this page: real nodes, a Redis Cluster of three masters",
        today(),
        arguments.clients
    );
    println!(
        "with a replica each, and Postgres behind a proxy that cuts it off. Each client starts on one API"
    );
    println!("node and checks on the other.\n");
    println!("| trial | result |\n|---|---|");
    trials.installation.run(&["keyring", "create"])?;
    match &arguments.old {
        Some(old) => trials.two_releases(old).await?,
        None => {
            trials::say("the release before and this one side by side", "not tried: `--old` names no program")
        }
    }
    trials.installation.run(&["migrate"])?;
    trials.two_nodes_count_as_one().await?;
    trials.a_disabled_key_is_refused_everywhere().await?;
    trials.postgres_goes_away().await?;
    trials.workers_die(arguments.kills).await?;
    let mut alone = Redis::start(&folder.join("alone"), free_port()?, &["--appendfsync", "always"]).await?;
    trials.a_worker_dies_at_each_point(&alone).await?;
    trials.redis_goes_away(&mut alone).await?;
    drop(alone);
    trials.a_watched_master_dies(Watched::start(folder).await?).await?;
    for replicas in [0, 1] {
        trials.masters_die(&mut cluster, replicas).await?;
    }
    println!("\n1 passed, 0 failed");
    Ok(())
}

/// The date, UTC.
#[expect(clippy::disallowed_methods, reason = "the real one, for the report")]
fn today() -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let now = Timestamp::from_millis(i64::try_from(now.as_millis()).unwrap_or_default());
    now.to_string().chars().take(10).collect()
}

/// The longest time for anything that must happen soon, on a busy machine.
const SOON: Duration = Duration::from_secs(60);
