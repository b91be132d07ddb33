//! `probe`: asks a service as its clients do, with a test key through a whole verification. Nothing is sent.

use super::{answer, healthcheck::PATIENCE};
use crate::{cli::ProbeArgs, configuration::Secret, machine};
use anyhow::{Context as _, bail, ensure};
use rand::RngExt as _;
use reqwest::{Certificate, Client, RequestBuilder, redirect};
use serde_json::{Value, json};
use std::time::Duration;

/// What each answer may take.
const WITHIN: Duration = PATIENCE.saturating_mul(2);
/// The code of each verification in test mode.
const CODE: &str = "123456";
const TEST_KEY: &str = "cs_test_";

pub(super) async fn run(args: ProbeArgs) -> anyhow::Result<()> {
    let key = read_key(&args)?;
    let mut client = Client::builder().timeout(WITHIN).no_proxy().redirect(redirect::Policy::none());
    if let Some(file) = &args.ca_file {
        let read = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
        let authorities = Certificate::from_pem_bundle(&read);
        let authorities = authorities.with_context(|| format!("{} holds no certificate", file.display()))?;
        client = client.tls_certs_merge(authorities);
    }
    let service = Service { client: client.build()?, base: args.url.trim_end_matches('/').to_owned() };
    service.get("/health/live").await.context("live")?;
    answer(&format!("live      {} answers", service.base))?;
    let document = service.get("/openapi.json").await.context("document")?;
    let document: Value = serde_json::from_str(&document).context("document: it is no JSON")?;
    let version = document["info"]["version"].as_str().context("document: it names no version")?;
    answer(&format!("document  version {version}"))?;
    let Some(key) = key else {
        return answer("key       none: no verification was tried");
    };
    // Numbers of test mode have their own limits; each probe asks for another one.
    let any = || format!("+4850{}", machine::rng().random_range(1_000_000..10_000_000));
    let to = args.to.unwrap_or_else(any);
    let started = service.post("/v1/verifications", &key, json!({ "to": to, "code_length": CODE.len() }));
    let started = started.await.context("start")?;
    let id = started["id"].as_str().context("start: it has no id")?;
    ensure!(started["livemode"] == false, "start: it is no test");
    answer(&format!("start     {id}"))?;
    let check = format!("/v1/verifications/{id}/check");
    let checked = service.post(&check, &key, json!({ "code": CODE })).await.context("check")?;
    let status = checked["status"].as_str().context("check: it has no status")?;
    ensure!(status == "approved", "check: {status}, not approved");
    answer("check     approved")
}

/// A live key would send a message that nobody asked for.
fn read_key(args: &ProbeArgs) -> anyhow::Result<Option<Secret>> {
    let given = args.key.clone().filter(|key| !key.expose().is_empty());
    let read = args
        .key_file
        .as_ref()
        .map(|file| Secret::read(file).with_context(|| format!("{} cannot be read", file.display())));
    let key = read.transpose()?.or(given);
    let test = key.as_ref().is_none_or(|key| key.expose().starts_with(TEST_KEY));
    ensure!(test, "The key is no test key: it does not begin with {TEST_KEY}");
    Ok(key)
}

struct Service {
    client: Client,
    base: String,
}

impl Service {
    async fn get(&self, path: &str) -> anyhow::Result<String> {
        self.send(self.client.get(format!("{}{path}", self.base))).await
    }

    async fn post(&self, path: &str, key: &Secret, body: Value) -> anyhow::Result<Value> {
        let request = self.client.post(format!("{}{path}", self.base)).bearer_auth(key.expose());
        let text = self.send(request.json(&body)).await?;
        serde_json::from_str(&text).context("the answer is no JSON")
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<String> {
        let sent = request.send().await.with_context(|| format!("{} does not answer", self.base))?;
        let status = sent.status();
        let text = sent.text().await.context("the answer breaks off")?;
        if status.is_success() {
            return Ok(text);
        }
        let problem = serde_json::from_str::<Value>(&text).unwrap_or_default();
        let part = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
        bail!("{} {} {}", status.as_u16(), part("code"), part("detail"))
    }
}
