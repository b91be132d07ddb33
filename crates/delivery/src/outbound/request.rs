//! One request and its answer.

use super::{HttpClient, MAX_BYTES, OutboundError};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Method, StatusCode, Uri,
    body::{Bytes, Incoming},
    header::{ACCEPT, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT},
};
use std::{fmt, time::Duration};
use tokio::time::timeout;
use url::Url;

const AGENT: &str = concat!("countersign/", env!("CARGO_PKG_VERSION"));
/// The longest wait that is believed.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);
/// If the caller ignores the body, it is still read for this long, so that the connection can serve the next
/// call.
const IDLE_ANSWER_TIMEOUT: Duration = Duration::from_millis(500);
const MAX_IDLE_BYTES: usize = 16 * 1024;

/// A request to the outside. Debug shows only the method.
pub struct Request {
    method: Method,
    pub(super) url: Url,
    headers: HeaderMap,
    body: Vec<u8>,
    timeout: Duration,
    reads_body: bool,
}

impl Request {
    /// A request without a body. `timeout` covers everything from connecting to the end of the answer.
    pub fn new(method: Method, url: Url, timeout: Duration) -> Self {
        Self { method, url, headers: HeaderMap::new(), body: Vec::new(), timeout, reads_body: true }
    }

    /// Sets a header.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    pub fn body(mut self, content_type: &'static str, body: Vec<u8>) -> Self {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        self.body = body;
        self
    }

    /// Decides the answer by status and headers alone: [`Reply::body`] stays empty, however long or slow the
    /// body is.
    pub fn ignore_answer(mut self) -> Self {
        self.reads_body = false;
        self
    }

    #[cfg(test)]
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    #[cfg(test)]
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    #[cfg(test)]
    pub(crate) fn body_bytes(&self) -> &[u8] {
        &self.body
    }

    pub(super) async fn send(self, client: &HttpClient) -> Result<Reply, OutboundError> {
        let (within, reads_body) = (self.timeout, self.reads_body);
        let request = self.build()?;
        let call = async {
            let mut response = client.request(request).await?;
            let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
            let body = match reads_body {
                true => read(response.into_body()).await?,
                false => discard(response.into_body()).await,
            };
            Ok(Reply { retry_after: retry_after(&headers), status, headers, body })
        };
        // The time may have run out while connecting; nobody can tell by then.
        timeout(within, call).await.unwrap_or(Err(OutboundError::Timeout { sent: true }))
    }

    fn build(self) -> Result<hyper::Request<Full<Bytes>>, OutboundError> {
        if self.body.len() > MAX_BYTES {
            return Err(OutboundError::Request);
        }
        let mut request = hyper::Request::new(Full::new(Bytes::from(self.body)));
        *request.method_mut() = self.method;
        *request.uri_mut() = Uri::try_from(self.url.as_str()).map_err(|_| OutboundError::Request)?;
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        headers.extend(self.headers);
        Ok(request)
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("method", &self.method).finish_non_exhaustive()
    }
}

/// An answer. Debug shows only the status.
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// The whole body, at most [`MAX_BYTES`].
    pub body: Vec<u8>,
    /// The wait that the other side requests, at most an hour.
    pub retry_after: Option<Duration>,
}

impl Reply {
    /// The body as JSON; `None` if it is not JSON.
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("status", &self.status).finish_non_exhaustive()
    }
}

async fn read(mut answer: Incoming) -> Result<Vec<u8>, OutboundError> {
    let mut body = Vec::new();
    // Once a status is there the request was sent, whatever breaks now.
    while let Some(frame) = answer.frame().await {
        let Ok(chunk) = frame.map_err(|_| OutboundError::Broken)?.into_data() else { continue };
        if body.len() + chunk.len() > MAX_BYTES {
            return Err(OutboundError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

async fn discard(mut answer: Incoming) -> Vec<u8> {
    let read = async {
        let mut bytes = 0;
        while let Some(Ok(frame)) = answer.frame().await {
            bytes += frame.data_ref().map_or(0, Bytes::len);
            if bytes > MAX_IDLE_BYTES {
                break;
            }
        }
    };
    // Status and headers have decided already, so running out of time changes nothing.
    let _ = timeout(IDLE_ANSWER_TIMEOUT, read).await;
    Vec::new()
}

/// Reads seconds or a date. A date is measured from the answer's own `Date`, because the two clocks may
/// differ.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = |text: &str| httpdate::parse_http_date(text).ok();
            let now = date(headers.get(DATE)?.to_str().ok()?)?;
            date(text)?.duration_since(now).ok()?
        }
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(headers: &[(&'static str, &'static str)]) -> Option<Duration> {
        let pairs = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        retry_after(&pairs.collect())
    }

    #[test]
    fn a_wait_is_said_in_seconds_or_as_a_date() {
        let seconds = |n| Some(Duration::from_secs(n));
        let (date, later) = ("Tue, 24 Nov 2026 10:00:00 GMT", "Tue, 24 Nov 2026 10:01:30 GMT");
        assert_eq!(wait(&[("retry-after", "7")]), seconds(7));
        assert_eq!(wait(&[("retry-after", later), ("date", date)]), seconds(90));
        assert_eq!(wait(&[("retry-after", date), ("date", later)]), None, "it has passed");
        assert_eq!(wait(&[("retry-after", later)]), None, "nobody knows what its clock says");
        assert_eq!(wait(&[("retry-after", "soon"), ("date", date)]), None);
        assert_eq!(wait(&[("retry-after", "99999999999")]), Some(MAX_RETRY_AFTER));
    }
}
