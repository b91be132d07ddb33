//! Members on two servers with the same stores.

use super::{join_at, key_at, owner, subuser};
use crate::{
    codes::{HandClock, new_tenant},
    directory::{Base, started},
};
use anyhow::Result;
use countersign::{Application, Parts, Settings, keyfile};
use countersign_core::{
    access::scope::{Scope, Scopes},
    context::Context,
    ports::clock::Clock as _,
};
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    path::Path,
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A server of its own on stores that others use too.
struct Node {
    url: String,
    context: Context,
    client: reqwest::Client,
    running: JoinHandle<Result<()>>,
}

impl Node {
    async fn start(
        folder: &Path,
        keyring: &Path,
        stores: [(&'static str, &str); 2],
        stop: &CancellationToken,
    ) -> Result<Self> {
        std::fs::create_dir(folder)?;
        // Nodes that share a store have the same key ring.
        std::fs::copy(keyring, folder.join("keyring.toml"))?;
        let flag = |key, text: &str| (key, text.to_owned(), "test");
        let own = [
            flag("data.folder", &folder.to_string_lossy()),
            flag("server.bind", "127.0.0.1:0"),
            flag("server.operator_bind", "127.0.0.1:0"),
            flag("server.workers", "1"),
        ];
        let flags = own.into_iter().chain(stores.map(|(key, text)| flag(key, text)));
        let application = Application::build(Parts::new(Settings::load(None, [], flags)?)).await?;
        let (url, context) = (application.base_url(), application.context.clone());
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build()?;
        let stop = stop.clone();
        let running = tokio::spawn(async move { application.run(stop).await });
        Ok(Self { url, context, client, running })
    }

    async fn ask(&self, method: Method, path: &str, key: &str, body: Value) -> Result<u16> {
        let request = self.client.request(method, format!("{}{path}", self.url)).bearer_auth(key);
        let request = if body.is_null() { request } else { request.json(&body) };
        Ok(request.send().await?.status().as_u16())
    }

    /// Waits for this answer. Returns how long that took since `start`.
    async fn wait_for(&self, path: &str, key: &str, status: u16, start: Instant) -> Result<Duration> {
        while self.ask(Method::GET, path, key, Value::Null).await? != status {
            anyhow::ensure!(start.elapsed() < Duration::from_secs(10), "{path} never answers {status}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(start.elapsed())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_demotion_holds_on_both_nodes_within_two_seconds() -> Result<()> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let (base, folder) = (Base::postgres().await?, tempfile::tempdir()?);
    base.sql.migrate().await?;
    let redis = format!("{}/993", started("COUNTERSIGN_TEST_REDIS")?);
    let mut connection = redis::Client::open(redis.as_str())?.get_multiplexed_async_connection().await?;
    let _: () = redis::cmd("FLUSHDB").query_async(&mut connection).await?;
    let (postgres, keyring) = (base.server_url().unwrap(), folder.path().join("keyring.toml"));
    keyfile::create(&keyring, 64, &mut rand::rng())?;
    let stores = [("database.url", postgres.as_str()), ("codes.url", redis.as_str())];
    let stop = CancellationToken::new();
    let one = Node::start(&folder.path().join("one"), &keyring, stores, &stop).await?;
    let other = Node::start(&folder.path().join("other"), &keyring, stores, &stop).await?;

    let clock = HandClock::new();
    let tenant = new_tenant(&one.context, &clock, "Acme").await.tenant;
    let boss = join_at(&one.context, tenant, ("boss@example.com", owner()), clock.now()).await;
    let clerk = join_at(&one.context, tenant, ("clerk@example.com", subuser()), clock.now()).await;
    let boss_key = key_at(&one.context, &boss, Scopes::all(), clock.now()).await.text;
    let clerk_key = key_at(&one.context, &clerk, Scopes::all(), clock.now()).await.text;
    let here = format!("/v1/members/{}", clerk.id);
    for node in [&one, &other] {
        node.wait_for("/v1/audit", &clerk_key, 200, Instant::now()).await?;
    }
    let promised = Duration::from_secs(2);
    let fewer = json!({ "permissions": [Scope::SettingsRead.as_str()] });
    for (change, path, status) in
        [(fewer, "/v1/audit", 403), (json!({ "disabled": true }), "/v1/members", 401)]
    {
        assert_eq!(other.ask(Method::GET, "/v1/members", &clerk_key, Value::Null).await?, 200);
        assert_eq!(one.ask(Method::PATCH, &here, &boss_key, change).await?, 200);
        let start = Instant::now();
        assert_eq!(
            one.ask(Method::GET, path, &clerk_key, Value::Null).await?,
            status,
            "at once where it was made"
        );
        let took = other.wait_for(path, &clerk_key, status, start).await?;
        assert!(took < promised, "{took:?}");
    }
    // Both nodes change one member at once: each change is made.
    let changes = (0..20).map(|n| {
        let node = if n % 2 == 0 { &one } else { &other };
        node.ask(Method::PATCH, &here, &boss_key, json!({ "pool": n }))
    });
    for status in futures_util::future::join_all(changes).await {
        assert_eq!(status?, 200);
    }
    // A removed member is back for nobody, and its key is refused by both.
    assert_eq!(other.ask(Method::DELETE, &here, &boss_key, Value::Null).await?, 204);
    let start = Instant::now();
    assert!(one.wait_for(&here, &boss_key, 404, start).await? < promised);
    for node in [&one, &other] {
        assert_eq!(node.ask(Method::GET, "/v1/members", &clerk_key, Value::Null).await?, 401);
    }
    stop.cancel();
    for node in [one, other] {
        node.running.await??;
    }
    base.close().await
}
