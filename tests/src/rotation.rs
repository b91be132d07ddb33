//! Passwords in files that change while `serve` runs, mounted as Kubernetes mounts a secret.

mod servers;

use crate::{
    codes::{HandClock, new_tenant, number, rng},
    directory::Base,
};
use anyhow::{Context, Result, ensure};
use countersign::{Application, Parts};
use countersign_core::{
    access::{
        change::Change,
        key::{Key, PresentedKey},
        scope::Scopes,
    },
    id::KeyId,
    mode::Mode,
};
use serde_json::{Value, json};
use servers::{Form, Servers};
use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// Longer than the files are looked at.
const LOOKED: Duration = Duration::from_millis(1_800);

/// Someone who starts, checks and lists without a pause.
struct Client {
    base: String,
    key: String,
    http: reqwest::Client,
    next: AtomicUsize,
}

impl Client {
    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Value> {
        let answer = request.bearer_auth(&self.key).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status.is_success(), "{status} {text}");
        Ok(serde_json::from_str(&text)?)
    }

    async fn verify(&self) -> Result<()> {
        let to = number(self.next.fetch_add(1, Ordering::Relaxed));
        let post = |path: &str, body: Value| self.http.post(format!("{}{path}", self.base)).json(&body);
        let started = self.send(post("/v1/verifications", json!({ "to": to }))).await?;
        let id = started["id"].as_str().context("an id")?;
        let checked = self.send(post(&format!("/v1/verifications/{id}/check"), json!({ "code": "123456" })));
        ensure!(checked.await?["status"] == "approved");
        Ok(())
    }

    async fn go_round(&self) -> Result<()> {
        self.verify().await?;
        let list = self.http.get(format!("{}/v1/verifications?limit=1", self.base));
        self.send(list).await.map(drop)
    }

    /// Once it is served: at the start, and after connections were cut.
    async fn go_round_soon(&self) -> Result<()> {
        for _ in 0..100 {
            if self.go_round().await.is_ok() {
                return Ok(());
            }
            sleep(Duration::from_millis(100)).await;
        }
        self.go_round().await
    }

    /// Until `stop`; how often, and the first failure.
    async fn go_on(&self, stop: &AtomicBool) -> (usize, Option<anyhow::Error>) {
        let mut rounds = 0;
        while !stop.load(Ordering::Relaxed) {
            if let Err(error) = self.go_round().await {
                return (rounds, Some(error));
            }
            rounds += 1;
            sleep(Duration::from_millis(10)).await;
        }
        (rounds, None)
    }
}

async fn new_client(application: &Application) -> Client {
    let (clock, context) = (HandClock::new(), &application.context);
    let caller = new_tenant(context, &clock, "Rotating").await;
    let now = countersign_core::ports::clock::Clock::now(&*clock);
    let mut rng = rng();
    let presented = PresentedKey::generate(Mode::Test, KeyId::new(now, &mut rng), &mut rng);
    let key = Key::new(&presented, caller.tenant, "test".into(), Scopes::all(), now);
    context.directory.create_key(&key, None, None, &[], &Change::by_system(key.created_at)).await.unwrap();
    context.refresh().await.unwrap();
    let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap();
    let (base, key) = (application.base_url(), presented.expose().to_string());
    Client { base, key, http, next: AtomicUsize::new(0) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passwords_are_rotated_without_a_restart_and_without_a_failed_call() -> Result<()> {
    rotate(Form::Urls).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_are_passwords_that_stand_alone_in_their_files() -> Result<()> {
    rotate(Form::Passwords).await
}

async fn rotate(form: Form) -> Result<()> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let (base, folder) = (Base::empty_postgres().await?, tempfile::tempdir()?);
    let servers = Servers::prepare(&base, form, folder.path()).await?;
    // The server waits for what is in the files by the time that its stores are there.
    servers.set_password("one").await?;
    servers.write(folder.path(), "wrong")?;
    countersign_stores::sql::Sql::postgres(&servers.url(0, "one"), None)?.migrate().await?;
    let building = tokio::spawn(Application::build(Parts::new(servers.settings(folder.path())?)));
    sleep(LOOKED).await;
    assert!(!building.is_finished(), "it waits");
    servers.write(folder.path(), "one")?;
    let application = building.await??;
    let client = new_client(&application).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(application.run(stop.clone()));
    client.go_round_soon().await?;
    let stop_load = AtomicBool::new(false);
    let rotate = async {
        // The files first: both servers refuse what they hold by then.
        servers.write(folder.path(), "two")?;
        sleep(LOOKED).await;
        servers.set_password("two").await?;
        assert!(servers.takes("one").await?.iter().all(|taken| !taken));
        assert!(servers.takes("two").await?.iter().all(|taken| *taken));
        sleep(LOOKED * 2).await;
        // Something that is no URL changes nothing, nor does another password.
        std::fs::write(folder.path().join("..two/redis"), "redis")?;
        std::fs::write(folder.path().join("..two/postgres"), "")?;
        sleep(LOOKED).await;
        stop_load.store(true, Ordering::Relaxed);
        anyhow::Ok(())
    };
    let load = futures_util::future::join_all((0..3).map(|_| client.go_on(&stop_load)));
    let (rotated, loads) = tokio::join!(rotate, load);
    rotated?;
    for (rounds, failure) in loads {
        assert!(failure.is_none() && rounds > 10, "{rounds} {failure:?}");
    }
    // Not one connection of before is needed any more.
    servers.cut().await?;
    client.go_round_soon().await?;
    // The servers first: what is open goes on, and what must be opened waits for the files.
    servers.set_password("three").await?;
    client.verify().await?;
    servers.write(folder.path(), "three")?;
    sleep(LOOKED).await;
    servers.cut().await?;
    client.go_round_soon().await?;
    stop.cancel();
    running.await??;
    base.close().await
}
