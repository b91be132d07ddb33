//! Load on nodes that share Redis and Postgres, compared with a floor of the same structure. There is an API
//! node, and a worker that is started and stopped separately.
//!
//! The kernel gives the CPU time of each process. The CPU time of a pair includes the API node and Redis.
//! Redis itself reports bytes and round trips.

mod directory;
mod members;
mod settings;

use anyhow::{Context, Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::Parser;
use countersign_bench::{
    Cost, Guard, Load, Server, beside_me, cpu_of,
    nodes::{Installation, Redis, free_port},
    resident, run, wait_for,
};
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// Measures nodes on Redis and Postgres, and compares them with their floor. Starts redis-server itself.
#[derive(Parser)]
struct Arguments {
    /// URL of an empty Postgres database
    #[arg(long, env = "COUNTERSIGN_BENCH_POSTGRES")]
    postgres: String,
    /// File with the certificate authority of Postgres
    #[arg(long, env = "COUNTERSIGN_BENCH_POSTGRES_CA", default_value = "")]
    postgres_ca: String,
    /// Number of pairs in each round
    #[arg(long, default_value_t = 20_000)]
    pairs: usize,
    /// Number of rounds; Countersign and the floor take turns
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Number of connections that send at once
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// Number of live verifications in the last measurement of memory and cost
    #[arg(long, default_value_t = 1_000_000)]
    live: usize,
    /// Number of tenants in the last measurement of cost
    #[arg(long, default_value_t = 10_000)]
    tenants: usize,
    /// Number of tenants, with two keys each, that a node loads at its start
    #[arg(long, default_value_t = 100_000)]
    directory: usize,
    /// Number of members of one tenant that a node loads at its start; every fifth has a key
    #[arg(long, default_value_t = 100_000)]
    members: usize,
}

/// Up to this number of live verifications, their messages are also sent and their events recorded. Postgres
/// takes a minute for about 100,000 of them.
const DRAINED: usize = 100_000;

/// The state that all parts of the run share.
struct Fleet {
    folder: PathBuf,
    arguments: Arguments,
    installation: Installation,
    redis: Redis,
    redis_url: String,
    connection: redis::aio::MultiplexedConnection,
    next_number: usize,
    nodes: usize,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    // The client requires a provider although it uses plain HTTP here.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = tempfile::tempdir()?;
    let mut fleet = Fleet::start(folder.path(), arguments).await?;
    fleet.installation.run(&["keyring", "create"])?;
    fleet.installation.run(&["migrate"])?;
    let key = fleet.make_key("bench")?;
    let began = Instant::now();
    let mut api = fleet.serve("api", vec![key]).await?;
    let ready = began.elapsed();
    let idle = resident(api.process.0.id())?;
    let floor = fleet.floor()?;

    println!("## Nodes on Redis and Postgres");
    let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
    let Arguments { pairs, rounds, connections, .. } = fleet.arguments;
    println!("{rounds} x {pairs} pairs, {connections} connections, {profile} profile, request log on");
    println!();
    let (best, floor_best) = fleet.compare(&floor, &api).await?;
    fleet.half_load(&floor, floor_best, &api, best).await?;
    fleet.round_trips(&api).await?;
    fleet.worker(&api).await?;
    fleet.live(&api).await?;
    fleet.tenants(&mut api).await?;
    drop(api);
    fleet.member().await?;
    fleet.settings().await?;
    fleet.members().await?;
    fleet.directory().await?;
    println!(
        "API node with few tenants: ready after {:.2} s, idle at {} MiB",
        ready.as_secs_f64(),
        idle >> 10
    );
    println!("1 passed, 0 failed");
    Ok(())
}

impl Fleet {
    async fn start(folder: &Path, arguments: Arguments) -> Result<Self> {
        let redis = Redis::start(&folder.join("redis"), free_port()?, &[]).await?;
        let redis_url = format!("redis://127.0.0.1:{}", redis.port);
        let connection = redis::Client::open(redis_url.as_str())?.get_multiplexed_async_connection().await?;
        let Arguments { postgres, postgres_ca, .. } = &arguments;
        // Live keys need a provider. No worker runs while they start, so nobody calls this one.
        let secret = format!("whsec_{}", STANDARD.encode([7; 32]));
        let installation = Installation::new(folder, &redis_url, postgres, postgres_ca)
            .with("DELIVERY__RELAY__URL", "http://127.0.0.1:9/")
            .with("DELIVERY__RELAY__SECRET", &secret);
        let folder = folder.to_owned();
        Ok(Self { folder, arguments, installation, redis, redis_url, connection, next_number: 0, nodes: 0 })
    }

    /// Makes a test key. Its code is known, and its messages go the same way to a provider.
    fn make_key(&self, name: &str) -> Result<String> {
        let tenant = self.installation.make_tenant(name)?;
        self.installation.make_key(&tenant, "verifications:start,verifications:check", true)
    }

    async fn serve(&mut self, role: &str, keys: Vec<String>) -> Result<Server> {
        self.nodes += 1;
        let node = self.installation.serve(role, &format!("{role}{}", self.nodes)).await?;
        let beside = vec![self.redis.process.0.id()];
        Ok(Server { process: node.process, base_url: node.base_url, keys, live_key: None, beside })
    }

    fn floor(&self) -> Result<Server> {
        let ready = self.folder.join("floor.ready");
        let child = Command::new(beside_me("floor")?)
            .arg(&self.redis_url)
            .arg(&ready)
            .stdout(Stdio::null())
            .spawn()?;
        let mut server = Server::new(child);
        server.base_url = wait_for(&ready, &mut server.process.0)?;
        server.beside = vec![self.redis.process.0.id()];
        Ok(server)
    }

    /// A load with phone numbers that have never been used.
    fn load(&mut self, pairs: usize) -> Load {
        let load = Load::new(pairs, self.next_number, self.arguments.connections);
        self.next_number += pairs;
        load
    }

    async fn empty(&mut self) -> Result<()> {
        // Flush in the background: deleting a million records takes longer than a client waits.
        Ok(redis::cmd("FLUSHALL").arg("ASYNC").exec_async(&mut self.connection).await?)
    }

    /// Sends as fast as answers arrive, to the two servers in turn. Returns the throughput of both.
    async fn compare(&mut self, floor: &Server, api: &Server) -> Result<(f64, f64)> {
        let (mut floor_cost, mut costs) = (Cost::default(), Guard::ALL.map(|_| Cost::default()));
        for round in 0..=self.arguments.rounds {
            // The first round warms caches and is not counted.
            let pairs = if round == 0 { self.arguments.pairs / 10 + 1 } else { self.arguments.pairs };
            let load = self.load(pairs);
            let cost = run(floor, &load).await?;
            if round > 0 {
                floor_cost.add(cost);
            }
            self.empty().await?;
            for (n, guard) in Guard::ALL.into_iter().enumerate().take(3) {
                let load = Load { guard, ..self.load(pairs) };
                let cost = run(api, &load).await?;
                if round > 0 {
                    costs[n].add(cost);
                }
                self.empty().await?;
            }
        }
        println!("| | pairs/s | ratio | CPU of API node + Redis for a pair, us | ratio | of it Redis |");
        println!("|---|---|---|---|---|---|");
        let (base, base_cpu) = (floor_cost.pairs_per_second(), floor_cost.cpu_per_pair());
        println!("| floor | {base:.0} | 1.00 | {base_cpu:.1} | 1.00 | {:.1} |", floor_cost.cpu_beside());
        for (guard, cost) in Guard::ALL.into_iter().zip(&costs).take(3) {
            let (rate, cpu) = (cost.pairs_per_second(), cost.cpu_per_pair());
            let (a, b) = (rate / base, cpu / base_cpu);
            let redis = cost.cpu_beside();
            println!(
                "| countersign, {} | {rate:.0} | {a:.2} | {cpu:.1} | {b:.2} | {redis:.1} |",
                guard.name()
            );
        }
        Ok((costs[0].pairs_per_second(), base))
    }

    /// Measures the latency at half of the possible throughput.
    async fn half_load(&mut self, floor: &Server, floor_best: f64, api: &Server, best: f64) -> Result<()> {
        println!();
        println!("| half load | pairs/s | p50, ms | p95, ms | p99, ms |");
        println!("|---|---|---|---|---|");
        // Both servers get half of what the slower one can do. Otherwise the latencies could not be compared.
        let pace = best.min(floor_best) / 2.0;
        for (name, server) in [("floor", floor), ("countersign", api)] {
            let load = Load { pace: Some(pace), ..self.load(self.arguments.pairs) };
            let cost = run(server, &load).await?;
            let [p50, p95, p99] = [50, 95, 99].map(|percent| cost.percentile(percent));
            println!("| {name} | {pace:.0} | {p50:.2} | {p95:.2} | {p99:.2} |");
            self.empty().await?;
        }
        Ok(())
    }

    /// Counts the commands that clients sent to Redis for each operation.
    async fn round_trips(&mut self, api: &Server) -> Result<()> {
        println!();
        println!("| round trips for | each |");
        println!("|---|---|");
        let pairs = (self.arguments.pairs / 10).max(100);
        for guard in [Guard::None, Guard::EndUserIp, Guard::IdempotencyKey] {
            for check in [false, true] {
                let before = self.calls().await?;
                let load = Load { guard, check, ..self.load(pairs) };
                run(api, &load).await?;
                let calls = (self.calls().await? - before) as f64 / pairs as f64;
                let act = if check { "a start and its check" } else { "a start" };
                println!("| {act}, {} | {calls:.2} |", guard.name());
            }
        }
        self.empty().await
    }

    /// The number of scripts called. The node itself calls only a few besides those for requests.
    async fn calls(&mut self) -> Result<u64> {
        let info: String = redis::cmd("INFO").arg("commandstats").query_async(&mut self.connection).await?;
        let of = |name: &str| {
            let line = info.lines().find(|line| line.starts_with(&format!("cmdstat_{name}:")));
            let calls =
                line.and_then(|line| line.split("calls=").nth(1)?.split(',').next()?.parse::<u64>().ok());
            calls.unwrap_or(0)
        };
        Ok(of("evalsha") + of("eval"))
    }

    /// Measures the cost of the worker and the recorder, after an API node has filled the outbox.
    async fn worker(&mut self, api: &Server) -> Result<()> {
        let pairs = self.arguments.pairs;
        let load = Load { check: false, ..self.load(pairs) };
        run(api, &load).await?;
        let redis = cpu_of(self.redis.process.0.id())?;
        let since = Instant::now();
        let worker = self.drain().await?;
        let wall = since.elapsed().as_secs_f64();
        let each = |cpu: Duration| cpu.as_secs_f64() * 1e6 / pairs as f64;
        let (worker, redis) =
            (each(cpu_of(worker.process.0.id())?), each(cpu_of(self.redis.process.0.id())? - redis));
        println!();
        println!(
            "Worker and recorder: {:.0} messages/s sent, delivered and recorded; {worker:.0} us of the worker's CPU and {redis:.0} us of Redis for each",
            pairs as f64 / wall
        );
        self.empty().await
    }

    /// The keys of waiting messages and events. This is called once, because it looks at every key.
    async fn queues(&mut self) -> Result<Vec<Vec<u8>>> {
        Ok(redis::cmd("KEYS").arg("{cs???}[de]").query_async(&mut self.connection).await?)
    }

    /// Starts a worker, and waits until the outbox and the event queues are empty.
    async fn drain(&mut self) -> Result<Server> {
        let queues = self.queues().await?;
        let worker = self.serve("worker", Vec::new()).await?;
        let since = Instant::now();
        loop {
            let mut waiting = 0;
            for name in &queues {
                let command = if name.ends_with(b"d") { "ZCARD" } else { "XLEN" };
                waiting += redis::cmd(command).arg(name).query_async::<u64>(&mut self.connection).await?;
            }
            if waiting == 0 {
                return Ok(worker);
            }
            ensure!(since.elapsed() < Duration::from_secs(3_600), "{waiting} were left after an hour");
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Measures memory and cost with more and more live verifications.
    async fn live(&mut self, api: &Server) -> Result<()> {
        println!();
        println!(
            "| live verifications | bytes of Redis for each, message queued | message sent, events recorded | CPU for a further pair, us |"
        );
        println!("|---|---|---|---|");
        let mut size = 1_000;
        while size <= self.arguments.live {
            self.empty().await?;
            let before = self.memory().await?;
            let load = Load { check: false, ..self.load(size) };
            run(api, &load).await?;
            let queued = (self.memory().await? - before) / size as u64;
            let mut sent = "-".to_owned();
            if size <= DRAINED {
                drop(self.drain().await?);
                sent = (self.memory().await?.saturating_sub(before) / size as u64).to_string();
            }
            let cost = run(api, &self.load(self.arguments.pairs.min(20_000))).await?;
            println!("| {size} | {queued} | {sent} | {:.1} |", cost.cpu_per_pair());
            size *= 10;
        }
        self.empty().await
    }

    async fn memory(&mut self) -> Result<u64> {
        // Lazy freeing and rehashing need a moment.
        sleep(Duration::from_millis(500)).await;
        let info: String = redis::cmd("INFO").arg("memory").query_async(&mut self.connection).await?;
        let field = |name: &str| {
            let line = info.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|number| number.trim().parse::<u64>().ok()).context("INFO memory")
        };
        Ok(field("used_memory:")? - field("mem_clients_normal:")? - field("mem_aof_buffer:")?)
    }
}
