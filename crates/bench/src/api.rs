//! A plain client of the API, without retries.

use anyhow::Result;
use serde_json::Value;
use std::time::Duration;

/// An answer that arrived completely.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub json: Value,
    /// Whether the answer repeats the one of an earlier request.
    pub replayed: bool,
    /// The header RateLimit.
    pub limits: String,
    /// The header Retry-After.
    pub retry_after: Option<String>,
}

/// Why no answer arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// The connection failed: the server did not carry the request out.
    Unsent,
    /// The request was sent, and the server may have carried it out.
    Cut,
}

impl Answer {
    /// The status `approved`, or the code of the problem.
    pub fn word(&self) -> &str {
        self.json["code"].as_str().or(self.json["status"].as_str()).unwrap_or_default()
    }

    /// How many more starts fit into the limit `name`.
    pub fn remaining(&self, name: &str) -> Option<u64> {
        let item = self.limits.split(", ").find(|item| item.starts_with(&format!("\"{name}\";")))?;
        item.split(';').find_map(|part| part.strip_prefix("r="))?.parse().ok()
    }
}

/// A client with one key and one URL.
pub struct Api {
    client: reqwest::Client,
    base_url: String,
    key: String,
}

impl Api {
    pub fn new(base_url: &str, key: &str) -> Result<Self> {
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build()?;
        Ok(Self { client, base_url: base_url.to_owned(), key: key.to_owned() })
    }

    /// Sends a GET.
    pub async fn get(&self, path: &str) -> Result<Answer, Lost> {
        self.send(self.client.get(format!("{}{path}", self.base_url))).await
    }

    /// Sends a PUT.
    pub async fn put(&self, path: &str, body: &Value) -> Result<Answer, Lost> {
        self.send(self.client.put(format!("{}{path}", self.base_url)).json(body)).await
    }

    /// Sends a merge patch.
    pub async fn patch(&self, path: &str, body: &Value) -> Result<Answer, Lost> {
        self.send(self.client.patch(format!("{}{path}", self.base_url)).json(body)).await
    }

    /// Sends a POST, with or without an Idempotency-Key.
    pub async fn post(&self, path: &str, body: &Value, once: Option<&str>) -> Result<Answer, Lost> {
        let mut request = self.client.post(format!("{}{path}", self.base_url)).json(body);
        if let Some(once) = once {
            request = request.header("Idempotency-Key", once);
        }
        self.send(request).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer, Lost> {
        let lost = |error: reqwest::Error| if error.is_connect() { Lost::Unsent } else { Lost::Cut };
        let response = request.bearer_auth(&self.key).send().await.map_err(lost)?;
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let replayed = header("idempotent-replayed") == Some("true");
        let (limits, status) =
            (header("ratelimit").unwrap_or_default().to_owned(), response.status().as_u16());
        let retry_after = header("retry-after").map(str::to_owned);
        // If the body breaks off, there is no answer.
        let json = response.json().await.map_err(lost)?;
        Ok(Answer { status, json, replayed, limits, retry_after })
    }
}
