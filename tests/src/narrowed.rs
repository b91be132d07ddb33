//! A member is narrowed on one of two nodes, and the database goes away right after: the other node has never read
//! the change, and refuses the member's key all the same.

use crate::{
    app::answer,
    codes::rng,
    directory::{
        Base, execute_on,
        people::{self, member, owner},
        people_races::{narrow, narrowings},
        started,
    },
};
use anyhow::{Context as _, Result, ensure};
use countersign::{Application, Parts, Settings, keyfile};
use countersign_core::{
    access::{
        change::Change,
        key::{Key, PresentedKey},
    },
    id::{KeyId, MemberId, ProfileId, TenantId},
    mode::Mode,
    people::member::Member,
    phone::countries::Countries,
    ports::{clock::Clock as _, directory::members::Joining},
    tenant::{Tenant, TenantName, profile::Profile},
};
use serde_json::json;
use std::{
    path::Path,
    time::{Duration, Instant},
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

const ADMITTED: u16 = 400;

/// The promise.
const WITHIN: Duration = Duration::from_secs(2);

struct Node {
    application_url: String,
    /// The role in Postgres by which this node alone connects.
    role: String,
}

struct Installation {
    base: Base,
    folder: tempfile::TempDir,
    admin: String,
    redis: String,
    client: reqwest::Client,
    stop: CancellationToken,
}

impl Installation {
    async fn prepare() -> Result<Self> {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let (base, folder) = (Base::postgres().await?, tempfile::tempdir()?);
        base.sql.migrate().await?;
        let admin = base.server_url().context("a server")?;
        let redis = format!("{}/993", started("COUNTERSIGN_TEST_REDIS")?);
        let mut connection = redis::Client::open(redis.as_str())?.get_multiplexed_async_connection().await?;
        redis::cmd("FLUSHDB").exec_async(&mut connection).await?;
        keyfile::create(&folder.path().join("keyring.toml"), 64, &mut rand::rng())?;
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build()?;
        Ok(Self { base, folder, admin, redis, client, stop: CancellationToken::new() })
    }

    fn settings(&self, folder: &Path, url: &str) -> Result<Settings> {
        let flags = [
            ("data.folder", folder.to_string_lossy().into_owned()),
            ("keyring.file", self.folder.path().join("keyring.toml").to_string_lossy().into_owned()),
            ("database.url", url.to_owned()),
            ("codes.url", self.redis.clone()),
            ("codes.confirm_replicas", "0".to_owned()),
            ("server.bind", "127.0.0.1:0".to_owned()),
            ("server.operator_bind", "127.0.0.1:0".to_owned()),
            ("server.workers", "1".to_owned()),
            ("server.auth_failures", "10000".to_owned()),
        ];
        Ok(Settings::load(None, [], flags.map(|(key, text)| (key, text, "test")))?)
    }

    /// Starts a node with a role of its own.
    async fn node(&self, name: &str) -> Result<(Node, Application)> {
        let role = format!("{}_{name}", self.base.name().context("a name")?);
        for statement in [
            format!("CREATE ROLE {role} LOGIN"),
            format!("GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}"),
            format!("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {role}"),
            format!("GRANT ALL ON SCHEMA public TO {role}"),
        ] {
            execute_on(&self.admin, &statement).await?;
        }
        let folder = self.folder.path().join(name);
        std::fs::create_dir(&folder)?;
        let url = self.admin.replacen("countersign@", &format!("{role}@"), 1);
        let application = Application::build(Parts::new(self.settings(&folder, &url)?)).await?;
        Ok((Node { application_url: application.base_url(), role }, application))
    }

    /// Takes the database away from a node, or gives it back.
    async fn database(&self, node: &Node, there: bool) -> Result<()> {
        let role = &node.role;
        let login = if there { "LOGIN" } else { "NOLOGIN" };
        execute_on(&self.admin, &format!("ALTER ROLE {role} {login}")).await?;
        let cut = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'");
        if there { Ok(()) } else { execute_on(&self.admin, &cut).await }
    }

    /// The status of a request that needs neither the database nor the codes store: 400 if the key is admitted.
    async fn status(&self, node: &Node, key: &str) -> u16 {
        let request = self.client.post(format!("{}/v1/checks", node.application_url));
        answer(request.bearer_auth(key).json(&json!({ "no_such_field": true }))).await.status
    }

    async fn wait(&self, node: &Node, key: &str, status: u16, within: Duration) -> Result<()> {
        let since = Instant::now();
        loop {
            let found = self.status(node, key).await;
            if found == status {
                return Ok(());
            }
            ensure!(since.elapsed() < within, "{found} and not {status} after {within:?}");
            sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn key_of(application: &Application, member: &Member) -> Result<String> {
    let now = countersign_core::ports::clock::Clock::now(&*clock());
    let presented = PresentedKey::generate(Mode::Live, KeyId::new(now, &mut rng()), &mut rng());
    let scopes = member.limits.permissions;
    let key =
        Key { member: Some(member.id), ..Key::new(&presented, member.tenant, "one".into(), scopes, now) };
    application.context.directory.create_key(&key, None, None, &[], &Change::by_system(now)).await?;
    Ok(presented.expose().to_string())
}

fn clock() -> std::sync::Arc<crate::codes::HandClock> {
    crate::codes::HandClock::new()
}

async fn join(application: &Application, tenant: TenantId, number: u8) -> Result<(MemberId, String)> {
    let member = member(tenant, number, owner());
    let person = people::person(number, member.person);
    let joining = Joining { member: &member, person: Some(&person), invitation: None, password: None };
    let by = Change::by_system(clock().now());
    application.context.directory.add_member(joining, None, &[], &by).await?;
    Ok((member.id, key_of(application, &member).await?))
}

/// The status for the key of a member who was narrowed so, on a node that has read it.
fn narrowed(name: &str) -> u16 {
    match name {
        "disabled" | "removed" => 401,
        "permissions" => 403,
        _ => ADMITTED,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_narrowing_holds_within_two_seconds_although_the_database_is_gone() -> Result<()> {
    let installation = Installation::prepare().await?;
    let ((near, one), (far, two)) = (installation.node("near").await?, installation.node("far").await?);
    let now = clock().now();
    let tenant = Tenant::new(TenantId::new(now, &mut rng()), TenantName::parse("Acme").unwrap(), now);
    let profile = Profile::first(ProfileId::new(now, &mut rng()), tenant.id, now);
    let by = Change::by_system(now);
    one.context.directory.create_tenant(&tenant, &profile, &Countries::default(), None, &by).await?;
    let (_, kept) = join(&one, tenant.id, 99).await?;
    let mut all = Vec::new();
    for ((name, change), number) in narrowings().into_iter().zip(1..) {
        let (id, key) = join(&one, tenant.id, number).await?;
        all.push((name, change, id, key));
    }
    let context = one.context.clone();
    let running = [one, two].map(|node| tokio::spawn(node.run(installation.stop.clone())));
    for node in [&near, &far] {
        for key in all.iter().map(|(.., key)| key).chain([&kept]) {
            installation.wait(node, key, ADMITTED, Duration::from_secs(10)).await?;
        }
    }
    // The other node reads none of the changes, and the first one has the database only for them.
    installation.database(&far, false).await?;
    let mut since = Vec::new();
    for (_, change, id, _) in &all {
        narrow(&context, tenant.id, *id, change.as_ref(), &by).await?;
        since.push(Instant::now());
    }
    installation.database(&near, false).await?;
    for ((name, .., key), since) in all.iter().zip(since) {
        installation.wait(&far, key, 401, WITHIN).await.context(*name)?;
        ensure!(since.elapsed() <= WITHIN, "{name}: refused only after {:?}", since.elapsed());
        assert_eq!(installation.status(&near, key).await, narrowed(name), "{name}");
    }
    // Nobody else is refused, however long the database is away.
    sleep(WITHIN + Duration::from_millis(500)).await;
    for node in [&near, &far] {
        assert_eq!(installation.status(node, &kept).await, ADMITTED);
        installation.database(node, true).await?;
    }
    for (name, _, _, key) in &all {
        let within = Duration::from_secs(20);
        installation
            .wait(&far, key, narrowed(name), within)
            .await
            .with_context(|| format!("{name}, read"))?;
    }
    installation.stop.cancel();
    for node in running {
        node.await??;
    }
    for node in [&near, &far] {
        execute_on(&installation.admin, &format!("DROP OWNED BY {0}; DROP ROLE {0}", node.role)).await?;
    }
    installation.base.close().await
}
