//! What many nodes do when one of them, or what they share, goes away.
//!
//! Real nodes, a real Redis Cluster and a real Postgres, seen over HTTP alone but
//! for the last look at the history. Each trial says what it saw, and fails the
//! run when that is not what is promised. Start reading at `main`.

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

/// Takes away from many nodes what they stand on, and looks at what they answer.
#[derive(Parser)]
struct Arguments {
    /// An empty Postgres database, as a URL without TLS's name check in its way: by address.
    #[arg(long, env = "COUNTERSIGN_BENCH_POSTGRES")]
    postgres: String,
    /// The authority of its certificate.
    #[arg(long, env = "COUNTERSIGN_BENCH_POSTGRES_CA", default_value = "")]
    postgres_ca: String,
    /// Seconds for which Postgres is away.
    #[arg(long, default_value_t = 60)]
    away: u64,
    /// How often a master is killed, and how often a worker.
    #[arg(long, default_value_t = 20)]
    kills: usize,
    /// Clients that act at once.
    #[arg(long, default_value_t = 16)]
    clients: usize,
    /// The program of the release before.
    #[arg(long)]
    old: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    // The client wants one although it speaks plain HTTP here.
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

/// How long what must happen soon may take on a busy machine.
const SOON: Duration = Duration::from_secs(60);
