//! `serve` while its stores do not exist yet, or while its database is older than the program.

use crate::directory::Base;
use anyhow::{Context, Result};
use countersign::{Application, Parts, Settings, keyfile};
use std::{
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// A port that is free just now.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

fn settings(folder: &Path, url: &str, ports: [u16; 2]) -> Result<Settings> {
    settings_with(folder, ports, &[("database.url", url)])
}

fn settings_with(folder: &Path, ports: [u16; 2], urls: &[(&'static str, &str)]) -> Result<Settings> {
    // Nodes that share a store get their key ring from the operator.
    keyfile::create(&folder.join("keyring.toml"), 64, &mut rand::rng())?;
    let flag = |key, text: String| (key, text, "test");
    let flags = [
        flag("data.folder", folder.to_string_lossy().into_owned()),
        flag("server.bind", format!("127.0.0.1:{}", ports[0])),
        flag("server.operator_bind", format!("127.0.0.1:{}", ports[1])),
        flag("server.workers", "1".to_owned()),
    ];
    let flags = flags.into_iter().chain(urls.iter().map(|(key, url)| flag(key, (*url).to_owned())));
    Ok(Settings::load(None, [], flags)?)
}

/// The status, the media type and the body.
async fn get(port: u16, path: &str) -> Result<(u16, String, String)> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build()?;
    let mut outcome = Err(anyhow::anyhow!("no look"));
    for _ in 0..100 {
        outcome = client.get(format!("http://127.0.0.1:{port}{path}")).send().await.map_err(Into::into);
        if outcome.is_ok() {
            break;
        }
        // The port is bound a moment later.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let answer = outcome?;
    let status = answer.status().as_u16();
    let kind = answer.headers().get("content-type").context("a type")?.to_str()?.to_owned();
    Ok((status, kind, answer.text().await?))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serve_waits_for_its_schema_and_then_serves() -> Result<()> {
    let (base, folder) = (Base::empty_postgres().await?, tempfile::tempdir()?);
    let ports = [free_port()?, free_port()?];
    let url = base.server_url().context("a server")?;
    let parts = Parts::new(settings(folder.path(), &url, ports)?);
    let building = tokio::spawn(Application::build(parts));
    for port in ports {
        assert_eq!(get(port, "/health/live").await?.0, 200);
        let (status, kind, body) = get(port, "/health/ready").await?;
        assert_eq!((status, kind.as_str()), (503, "application/problem+json"));
        assert!(body.contains("directory_unavailable"), "{body}");
    }
    assert_eq!(get(ports[0], "/v1/verifications").await?.0, 503);
    assert!(!building.is_finished());
    base.sql.migrate().await?;
    let application = building.await??;
    let stop = CancellationToken::new();
    let running = tokio::spawn(application.run(stop.clone()));
    assert_eq!(get(ports[1], "/health/ready").await?.0, 200);
    assert_eq!(get(ports[0], "/v1/verifications").await?.0, 401);
    stop.cancel();
    running.await??;
    base.close().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serve_waits_for_a_database_that_is_away_and_can_be_stopped() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (ports, nobody) = ([free_port()?, free_port()?], free_port()?);
    let url = format!("postgres://countersign@127.0.0.1:{nobody}/directory");
    let parts = Parts::new(settings(folder.path(), &url, ports)?);
    let building = tokio::spawn(Application::build(parts));
    assert_eq!(get(ports[1], "/health/ready").await?.0, 503);
    assert_eq!(get(ports[1], "/health/live").await?.0, 200);
    // A signal does this: the process stops waiting, and the ports are free again.
    building.abort();
    let _ = building.await;
    for _ in 0..100 {
        if ports.iter().all(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    anyhow::bail!("the ports are still taken")
}

#[tokio::test]
async fn a_key_ring_that_is_missing_is_not_waited_with() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let url = format!("redis://127.0.0.1:{}", free_port()?);
    let settings = settings_with(folder.path(), [free_port()?, free_port()?], &[("codes.url", &url)])?;
    std::fs::remove_file(folder.path().join("keyring.toml"))?;
    let building = Application::build(Parts::new(settings));
    let refused = tokio::time::timeout(Duration::from_secs(10), building).await?.err().context("refused")?;
    assert!(refused.to_string().contains("keyring create"), "{refused}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serve_waits_for_a_codes_store_that_is_away() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (ports, redis) = ([free_port()?, free_port()?], free_port()?);
    let url = format!("redis://127.0.0.1:{redis}");
    let parts = Parts::new(settings_with(folder.path(), ports, &[("codes.url", &url)])?);
    let building = tokio::spawn(Application::build(parts));
    for (port, path) in [(ports[1], "/health/ready"), (ports[0], "/v1/verifications")] {
        let (status, kind, body) = get(port, path).await?;
        assert_eq!((status, kind.as_str()), (503, "application/problem+json"));
        assert!(body.contains("codes_unavailable"), "{body}");
    }
    assert!(!building.is_finished());
    let mut server = Command::new("redis-server")
        .args([
            "--port",
            &redis.to_string(),
            "--bind",
            "127.0.0.1",
            "--appendonly",
            "yes",
            "--save",
            "",
            "--dir",
        ])
        .arg(folder.path())
        .stdout(Stdio::null())
        .spawn()?;
    let application = tokio::time::timeout(Duration::from_secs(30), building).await;
    let outcome = match application {
        Ok(built) => built?.map(drop),
        Err(_) => Err(anyhow::anyhow!("it waits although the codes store answers")),
    };
    server.kill()?;
    server.wait()?;
    outcome
}
