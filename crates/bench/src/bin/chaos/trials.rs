//! The trials, and what each must show.

use crate::{
    Arguments, SOON,
    load::{Book, Clients},
};
use anyhow::{Context, Result, bail, ensure};
use countersign_bench::{
    api::{Answer, Api},
    nodes::{Cluster, Installation, Node, Redis, Watched},
    proxy::Proxy,
    relay::Phones,
};
use serde_json::json;
use std::{
    collections::HashSet,
    net::ToSocketAddrs as _,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::sleep};

const SCOPES: &str =
    "verifications:start,verifications:check,verifications:read,settings:read,settings:write,keys:write";
/// The promised time until a disabled key is refused everywhere, with a margin for a busy machine.
const REVOKED_WITHIN: Duration = Duration::from_secs(2);
/// The promised time until the nodes work again after Redis has returned.
const BACK_WITHIN: Duration = Duration::from_secs(2);

pub struct Trials<'a> {
    pub installation: Installation,
    pub arguments: &'a Arguments,
    pub proxy: &'a Proxy,
    pub phones: Arc<Phones>,
}

/// The same URL, but through a proxy.
pub async fn behind_proxy(url: &str) -> Result<(String, Proxy)> {
    let (before, rest) = url.rsplit_once('@').unwrap_or(("", url));
    let (place, path) = rest.split_once('/').context("the URL names no database")?;
    let target = place.to_socket_addrs()?.next().context("the URL names no server")?;
    let proxy = Proxy::open(target).await?;
    let user = if before.is_empty() { String::new() } else { format!("{before}@") };
    Ok((format!("{user}{}/{path}", proxy.address), proxy))
}

pub fn say(trial: &str, seen: &str) {
    println!("| {trial} | {seen} |");
}

impl Trials<'_> {
    /// A tenant for one trial, with a test key and a live key.
    pub fn keys(&self, name: &str) -> Result<(String, String, String)> {
        self.keys_by(&self.installation, name)
    }

    pub fn keys_by(&self, installation: &Installation, name: &str) -> Result<(String, String, String)> {
        let tenant = installation.make_tenant(name)?;
        let test = installation.make_key(&tenant, SCOPES, true)?;
        let live = installation.make_key(&tenant, SCOPES, false)?;
        Ok((tenant, test, live))
    }

    async fn nodes(&self, roles: &[(&str, &str)]) -> Result<Vec<Node>> {
        let mut nodes = Vec::new();
        for (role, name) in roles {
            nodes.push(self.installation.serve(role, name).await?);
        }
        Ok(nodes)
    }

    /// Reads one number from the history of a tenant.
    fn history(&self, sql: &str) -> Result<u64> {
        // This query is made after the trial, so it does not use the proxy.
        let output = Command::new("psql").arg(&self.arguments.postgres).args(["-Atc", sql]).output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?.trim().parse()?)
    }

    /// Counts the events of a kind.
    pub fn events(&self, tenant: &str, kind: &str) -> String {
        format!(
            "SELECT count(*) FROM events e JOIN verifications v ON v.id = e.verification_id
            AND v.created_at = e.created_at WHERE v.tenant_id = '{tenant}' AND e.kind = '{kind}'"
        )
    }

    pub async fn wait_for_history(&self, what: &str, sql: &str, expected: u64) -> Result<()> {
        let since = Instant::now();
        loop {
            let found = self.history(sql)?;
            if found == expected {
                return Ok(());
            }
            ensure!(since.elapsed() < SOON, "{what}: {found} in the history, not {expected}");
            sleep(Duration::from_millis(500)).await;
        }
    }

    pub async fn two_nodes_count_as_one(&self) -> Result<()> {
        let (_, test, live) = self.keys("Two")?;
        let roles = [("api", "api1"), ("api", "api2"), ("worker", "worker1"), ("worker", "worker2")];
        let nodes = self.nodes(&roles).await?;
        let api = |node: usize, key: &str| Api::new(&nodes[node].base_url, key).map(Arc::new);
        let limit = json!({ "buckets": [{ "max": 100, "window": 3600 }] });
        let set = api(0, &live)?.put("/v1/limits/tenant", &limit).await;
        ensure!(set.is_ok_and(|answer| answer.status == 200), "the limit was not set");
        // The copy on the other node is a moment behind.
        sleep(REVOKED_WITHIN).await;
        let (apis, book) = ([api(0, &test)?, api(1, &test)?], Book::from(0));
        let mut tasks = JoinSet::new();
        for n in 0..300 {
            let (book, api) = (Arc::clone(&book), Arc::clone(&apis[n % 2]));
            tasks.spawn(async move { book.start(&api).await });
        }
        let mut ids = Vec::new();
        while let Some(id) = tasks.join_next().await {
            ids.extend(id?);
        }
        ensure!(ids.len() == 100, "a limit of 100 admitted {}: {:?}", ids.len(), book.others());
        let mut tasks = JoinSet::new();
        for id in &ids {
            for n in 0..8 {
                let (book, api, id) = (Arc::clone(&book), Arc::clone(&apis[n % 2]), id.clone());
                tasks.spawn(async move { book.check(&api, &id, None).await });
            }
        }
        while let Some(answered) = tasks.join_next().await {
            ensure!(answered?, "a check was not answered: {:?}", book.others());
        }
        book.ensure_single()?;
        ensure!(book.approvals().len() == 100, "not all were approved");
        say(
            "two API nodes, two workers",
            "300 starts on both at once against a limit of 100: 100 made; 800 checks of them on both: 100 approvals",
        );
        Ok(())
    }

    pub async fn a_disabled_key_is_refused_everywhere(&self) -> Result<()> {
        let (_, _, live) = self.keys("Keys")?;
        let nodes = self.nodes(&[("api", "api1"), ("api", "api2")]).await?;
        let [near, far] = [0, 1].map(|node| Api::new(&nodes[node].base_url, &live));
        let (near, far) = (near?, far?);
        let mut longest = Duration::ZERO;
        for away in [false, true] {
            longest = longest.max(self.disable_a_key(&near, &nodes[1].base_url, away).await?);
            // Other keys still work, even if the directory has been away for longer than a copy may be old.
            sleep(if away { REVOKED_WITHIN * 2 } else { Duration::ZERO }).await;
            ensure!(status(&far).await == 200, "another key was refused");
        }
        self.proxy.mend();
        say(
            "a key disabled on one node; a second key disabled, and Postgres cut off right after",
            &format!(
                "refused on the other after {} ms at most; other keys keep working",
                longest.as_millis()
            ),
        );
        Ok(())
    }

    /// Disables a key at the node `near`, and measures how long it still works at `far`. With `cut`, Postgres
    /// is cut off at once.
    pub async fn disable_a_key(&self, near: &Api, far: &str, cut: bool) -> Result<Duration> {
        let body = json!({ "name": "victim", "mode": "test", "scopes": ["verifications:read"] });
        let made = near.post("/v1/keys", &body, None).await;
        let made = made.ok().filter(|made| made.status == 201).context("no key was made")?;
        let text = |name: &str| made.json[name].as_str().unwrap_or_default().to_owned();
        let victim = Api::new(far, &text("secret"))?;
        wait_until(async || status(&victim).await == 200).await.context("the key never worked")?;
        let disabled = near.patch(&format!("/v1/keys/{}", text("id")), &json!({ "disabled": true })).await;
        ensure!(disabled.is_ok_and(|answer| answer.status == 200), "the key was not disabled");
        if cut {
            self.proxy.cut();
        }
        let since = Instant::now();
        wait_until(async || status(&victim).await == 401).await.context("the key still works")?;
        let took = since.elapsed();
        ensure!(took <= REVOKED_WITHIN, "it was refused only after {took:?}");
        Ok(took)
    }

    pub async fn postgres_goes_away(&self) -> Result<()> {
        let (tenant, test, _) = self.keys("Postgres")?;
        let roles = [("api", "api1"), ("api", "api2"), ("worker", "worker1"), ("worker", "worker2")];
        let nodes = self.nodes(&roles).await?;
        let apis: Vec<_> = nodes[..2]
            .iter()
            .map(|node| Api::new(&node.base_url, &test).map(Arc::new))
            .collect::<Result<_>>()?;
        let book = Book::from(1_000);
        let clients = Clients::begin(&apis, self.arguments.clients, &book);
        sleep(Duration::from_secs(2)).await;
        let before = book.starts();
        self.proxy.cut();
        sleep(Duration::from_secs(self.arguments.away)).await;
        let during = book.starts() - before;
        self.proxy.mend();
        sleep(Duration::from_secs(2)).await;
        clients.end().await;
        ensure!(book.others().is_empty(), "with Postgres away: {:?}", book.others());
        book.ensure_single()?;
        ensure!(during > 0, "nothing was started meanwhile");
        let (starts, approvals) = (book.starts() as u64, book.approvals().len() as u64);
        ensure!(starts == approvals, "{starts} starts, {approvals} approvals");
        for (kind, column) in [
            ("started", "started"),
            ("approved", "approved"),
            ("message_sent", "sent"),
            ("delivered", "delivered"),
        ] {
            let events = self.events(&tenant, kind);
            // A message whose code was approved before it was sent is dropped, so only starts and approvals
            // have exact numbers.
            if matches!(kind, "started" | "approved") {
                self.wait_for_history(kind, &events, starts).await?;
            }
            let counted =
                format!("SELECT coalesce(sum({column}), 0) FROM rollups WHERE tenant_id = '{tenant}'");
            let difference = format!("SELECT abs(({events}) - ({counted}))");
            self.wait_for_history(column, &difference, 0).await?;
        }
        let dead = self.history("SELECT count(*) FROM dead_events")?;
        ensure!(dead == 0, "{dead} events were put aside");
        say(
            &format!("Postgres away for {} s under load", self.arguments.away),
            &format!(
                "{during} starts and checks meanwhile, none refused; then all {starts} in the history, each event once"
            ),
        );
        Ok(())
    }

    pub async fn workers_die(&self, kills: usize) -> Result<()> {
        let (_, _, live) = self.keys("Workers")?;
        let node = self.installation.serve("api", "api1").await?;
        let (api, book) = (Arc::new(Api::new(&node.base_url, &live)?), Book::from(100_000));
        let mut workers = self.nodes(&[("worker", "worker1"), ("worker", "worker2")]).await?;
        let mut tasks = JoinSet::new();
        let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
        for _ in 0..self.arguments.clients {
            let (api, book, stop) = (Arc::clone(&api), Arc::clone(&book), Arc::clone(&stop));
            tasks.spawn(async move {
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    let _ = book.start(&api).await;
                    sleep(Duration::from_millis(20)).await;
                }
            });
        }
        for kill in 0..kills {
            // The worker dies at another point of its loop each time.
            sleep(Duration::from_millis(500 + 37 * (kill as u64 % 13))).await;
            let name = if kill % 2 == 0 { "worker1" } else { "worker2" };
            workers[kill % 2].process.kill()?;
            workers[kill % 2] = self.installation.serve("worker", name).await?;
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        while tasks.join_next().await.is_some() {}
        let ids: HashSet<String> =
            book.started.lock().map_err(|_| anyhow::anyhow!("poisoned"))?.iter().cloned().collect();
        let arrived = async || ids.iter().all(|id| self.phones.of(id).is_some());
        wait_until(arrived).await.context("a message was lost")?;
        ensure!(self.phones.faults().is_empty(), "{:?}", self.phones.faults());
        // Messages that a dead worker had handed over are sent again, with the same id.
        sleep(Duration::from_secs(6)).await;
        let received = ids.iter().filter_map(|id| self.phones.of(id));
        let (mut twice, mut ways) = (0, 0);
        for received in received {
            ensure!(received.messages.len() == 1, "one verification got messages of two ids");
            let times = received.messages.values().copied().max().unwrap_or_default();
            twice += usize::from(times > 1);
            ways = ways.max(times);
        }
        // A dying worker has at most 32 messages in progress.
        ensure!(twice <= 32 * kills, "{twice} came twice");
        say(
            &format!("a worker killed {kills} times under load"),
            &format!(
                "{} messages, none lost; {twice} sent twice (the provider's answer was not noted before the kill), the same code and id",
                ids.len()
            ),
        );
        Ok(())
    }

    pub async fn redis_goes_away(&self, redis: &mut Redis) -> Result<()> {
        let installation = self.installation.with("CODES__URL", &format!("redis://127.0.0.1:{}", redis.port));
        let (_, test, _) = self.keys("Redis")?;
        let node = installation.serve("all", "alone").await?;
        let (api, book) = (Api::new(&node.base_url, &test)?, Book::from(200_000));
        let id = book.start(&api).await.context("no start before the outage")?;
        redis.process.kill()?;
        sleep(Duration::from_millis(300)).await;
        let refused = api.post("/v1/verifications", &json!({ "to": "+48500999999" }), None).await;
        let Ok(refused) = refused else { bail!("no answer with Redis away") };
        ensure!(
            (refused.status, refused.word()) == (503, "codes_unavailable") && refused.retry_after.is_some(),
            "with Redis away: {refused:?}"
        );
        sleep(Duration::from_secs(3)).await;
        redis.restart().await?;
        let since = Instant::now();
        wait_until(async || book.start(&api).await.is_some()).await.context("it did not come back")?;
        let back = since.elapsed();
        ensure!(back <= BACK_WITHIN, "back only after {back:?}");
        ensure!(book.check(&api, &id, None).await, "what was acknowledged before is gone");
        book.ensure_single()?;
        say(
            "Redis killed, and back after 3 s",
            &format!(
                "503 codes_unavailable with Retry-After meanwhile; back {} ms after its return, with what was acknowledged before",
                back.as_millis()
            ),
        );
        Ok(())
    }

    pub async fn a_watched_master_dies(&self, mut watched: Watched) -> Result<()> {
        let installation =
            self.installation.with("CODES__URL", &watched.url).with("CODES__CONFIRM_REPLICAS", "0");
        let (_, test, _) = self.keys("Sentinel")?;
        let node = installation.serve("all", "watched").await?;
        let (api, book) = (Api::new(&node.base_url, &test)?, Book::from(250_000));
        let id = book.start(&api).await.context("no start before the failover")?;
        // The replica has the data by then.
        sleep(Duration::from_secs(1)).await;
        watched.master.process.kill()?;
        let since = Instant::now();
        wait_until(async || book.start(&api).await.is_some()).await.context("it did not come back")?;
        let back = since.elapsed();
        ensure!(book.check(&api, &id, None).await, "what was acknowledged before is gone");
        book.ensure_single()?;
        say(
            "a master that three Sentinels watch killed",
            &format!(
                "served again after {:.1} s (they wait for 1 s before they act), with what was acknowledged before",
                back.as_secs_f64()
            ),
        );
        Ok(())
    }

    pub async fn masters_die(&self, cluster: &mut Cluster, replicas: u32) -> Result<()> {
        let (_, test, _) = self.keys("Masters")?;
        let installation = self.installation.with("CODES__CONFIRM_REPLICAS", &replicas.to_string());
        let nodes = [installation.serve("api", "api1").await?, installation.serve("api", "api2").await?];
        let apis: Vec<_> =
            nodes.iter().map(|node| Api::new(&node.base_url, &test).map(Arc::new)).collect::<Result<_>>()?;
        let book = Book::from(300_000 + 200_000 * replicas as usize);
        let kills = self.arguments.kills;
        let mut longest = Duration::ZERO;
        for kill in 0..kills {
            let clients = Clients::begin(&apis, self.arguments.clients, &book);
            sleep(Duration::from_secs(1)).await;
            let masters = cluster.masters().await;
            let victim = masters.get(kill % masters.len().max(1)).copied().context("no master")?;
            cluster.servers[victim].process.kill()?;
            let since = Instant::now();
            // If this many starts in a row succeed, all three masters serve their phone numbers again.
            let mut row = 0;
            while row < 30 {
                row = if book.start(&apis[0]).await.is_some() { row + 1 } else { 0 };
                ensure!(since.elapsed() < SOON, "the cluster is not served again: {:?}", book.others());
            }
            longest = longest.max(since.elapsed());
            if kill == 0 {
                // A node also starts while a server in its URL is dead.
                drop(installation.serve("api", "late").await.context("no node starts beside a dead server")?);
            }
            clients.end().await;
            // Checks each approved verification again: none may be answered `approved` twice.
            let known: Vec<_> = book.approvals().into_keys().collect();
            for id in known.iter().rev().take(200) {
                book.check(&apis[1], id, None).await;
            }
            cluster.servers[victim].restart().await?;
            cluster.settle().await?;
        }
        let approvals = book.approvals();
        let doubled = approvals.values().filter(|times| **times > 1).count();
        if replicas > 0 {
            book.ensure_single()?;
        }
        let refused: usize = book.others().values().sum();
        say(
            &format!("a cluster's master killed {kills} times under load, confirm_replicas = {replicas}"),
            &format!(
                "{} approvals, {doubled} answered twice; {refused} other answers, {:?}; served again after {:.1} s at most",
                approvals.len(),
                book.others(),
                longest.as_secs_f64()
            ),
        );
        Ok(())
    }
}

async fn status(api: &Api) -> u16 {
    let answer: Result<Answer, _> = api.get("/v1/verifications?limit=1").await;
    match answer {
        // Management needs Postgres. The key was accepted before the server noticed that.
        Ok(answer) if answer.word() == "directory_unavailable" => 200,
        Ok(answer) => answer.status,
        Err(_) => 0,
    }
}

pub async fn wait_until(done: impl AsyncFn() -> bool) -> Result<()> {
    let since = Instant::now();
    while !done().await {
        ensure!(since.elapsed() < SOON, "not within {SOON:?}");
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
