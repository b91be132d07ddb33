//! One GET with a time-out, for `healthcheck` and for the start of `dev`.

use super::load;
use anyhow::{Context as _, ensure};
use std::{path::Path, time::Duration};

const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn run(config: Option<&Path>, url: Option<String>) -> anyhow::Result<()> {
    let url = match url {
        Some(url) => url,
        None => format!("http://{}/health/ready", load(config, [])?.server.operator_bind),
    };
    get(&url).await
}

/// Whether the URL answers with success.
pub(super) async fn get(url: &str) -> anyhow::Result<()> {
    let client = reqwest::Client::builder();
    let client = client.timeout(PATIENCE).no_proxy().redirect(reqwest::redirect::Policy::none()).build()?;
    let answer = client.get(url).send().await.with_context(|| format!("{url} does not answer"))?;
    ensure!(answer.status().is_success(), "{url} answers {}", answer.status());
    Ok(())
}
