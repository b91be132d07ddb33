//! Asks a server what any client would ask. The chart's test and a check after an upgrade use it.

use super::answer;
use crate::cli::ProbeArgs;
use anyhow::{Context as _, bail, ensure};
use reqwest::{Client, RequestBuilder, StatusCode, redirect::Policy};
use serde_json::{Value, json};
use std::{path::Path, time::Duration};
use zeroize::Zeroizing;

const PATIENCE: Duration = Duration::from_secs(10);

/// A magic number, which no country list refuses.
const NUMBER: &str = "+15005550006";

/// The code of test mode; a profile decides how much of it is used.
const CODE: &str = "1234567890";

/// The usual length first. A code of a wrong length uses no try.
const LENGTHS: [usize; 7] = [6, 4, 5, 7, 8, 9, 10];

/// The most bytes of an answer that are read.
const MOST_READ: usize = 64 * 1024;

/// The same for the OpenAPI document, several times its size today.
const LARGEST_DOCUMENT: usize = 4 * 1024 * 1024;

/// Characters of a problem that are shown.
const MOST_SHOWN: usize = 300;

const MAKE_A_KEY: &str = "No key: nothing was started. This makes one, which sends nothing: countersign key create \
    --tenant ten_... --name probe --test --scopes verifications:start,verifications:check";

pub(super) async fn run(args: &ProbeArgs) -> anyhow::Result<()> {
    let key = args.key_file.as_deref().map(read_key).transpose()?;
    let client = Client::builder().timeout(PATIENCE).no_proxy().redirect(Policy::none());
    let client = client.danger_accept_invalid_certs(args.any_certificate).build()?;
    let base = args.url.trim_end_matches('/');
    // The errors below name the URL.
    ensure!(!base.contains('@'), "The URL must not contain a user name or a password");
    let ready = format!("{base}/health/ready");
    let asked = client.get(&ready).send().await.with_context(|| format!("{ready} does not answer"))?;
    ensure!(asked.status().is_success(), "{ready} answers {}", asked.status());
    answer("ready")?;
    let (_, document) = ask(client.get(format!("{base}/openapi.json")), LARGEST_DOCUMENT).await?;
    let version = document["info"]["version"].as_str().context("The document names no version")?;
    let own = env!("CARGO_PKG_VERSION");
    ensure!(version == own, "The server has version {version}, this program {own}");
    answer(&format!("version\t{version}"))?;
    match key {
        Some(key) => verify(&client, base, &key).await,
        None => {
            eprintln!("{MAKE_A_KEY}");
            Ok(())
        }
    }
}

/// A live key would send a message to a stranger.
fn read_key(file: &Path) -> anyhow::Result<Zeroizing<String>> {
    let shown = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("{shown} cannot be read"))?;
    let text = Zeroizing::new(text);
    let key = Zeroizing::new(text.trim().to_owned());
    ensure!(key.starts_with("cs_test_"), "{shown} has no test key (cs_test_...)");
    Ok(key)
}

async fn verify(client: &Client, base: &str, key: &str) -> anyhow::Result<()> {
    let start = client.post(format!("{base}/v1/verifications")).bearer_auth(key);
    let (status, started) = ask(start.json(&json!({ "to": NUMBER })), MOST_READ).await?;
    ensure!(status == StatusCode::CREATED, "The start got {status}: {}", problem(&started));
    let id = started["id"].as_str().context("The start got no id")?;
    answer(&format!("started\t{id}"))?;
    for length in LENGTHS {
        let check = client.post(format!("{base}/v1/verifications/{id}/check")).bearer_auth(key);
        let (status, checked) = ask(check.json(&json!({ "code": CODE[..length] })), MOST_READ).await?;
        ensure!(status.is_success(), "The check got {status}: {}", problem(&checked));
        if checked["status"] == "approved" {
            return answer(&format!("approved\t{id}"));
        }
    }
    bail!("The server did not take the code of test mode")
}

/// The body as JSON, whatever the status is.
async fn ask(request: RequestBuilder, most: usize) -> anyhow::Result<(StatusCode, Value)> {
    let mut answer = request.send().await.context("The server does not answer")?;
    let status = answer.status();
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.context("The answer breaks off")? {
        ensure!(
            body.len() + part.len() <= most,
            "An answer with {status} is longer than {} KiB",
            most / 1024
        );
        body.extend_from_slice(&part);
    }
    let body =
        serde_json::from_slice(&body).with_context(|| format!("An answer with {status} is no JSON"))?;
    Ok((status, body))
}

fn problem(body: &Value) -> String {
    let text = [&body["code"], &body["detail"]].map(|part| part.as_str().unwrap_or("-")).join(": ");
    // What a server answers must not steer a terminal.
    text.chars().filter(|one| !one.is_control()).take(MOST_SHOWN).collect()
}
