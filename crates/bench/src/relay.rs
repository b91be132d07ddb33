//! The receiving system of the operator, as `docs/relay.md` describes it, with one difference: it counts
//! repeated messages instead of dropping them.

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use anyhow::{Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep, sleep_until, timeout_at},
};

/// The time that a quick gateway takes. So some messages are always in progress when a kill comes.
pub const QUICK: Duration = Duration::from_millis(10);

/// The messages of one verification: how often each arrived, and their code.
#[derive(Clone, Debug, Default)]
pub struct Received {
    pub code: String,
    pub messages: HashMap<String, usize>,
}

/// All messages that arrived.
#[derive(Default)]
pub struct Phones {
    received: Mutex<HashMap<String, Received>>,
    faults: Mutex<Vec<String>>,
    arrived: Notify,
    manner: watch::Sender<Manner>,
    asked: Mutex<HashSet<String>>,
}

/// How requests are answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    /// After a short time.
    #[default]
    Soon,
    /// When the manner changes.
    Late,
    /// Never. The messages do not count as arrived.
    Never,
}

impl Phones {
    fn received(&self) -> MutexGuard<'_, HashMap<String, Received>> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The messages that arrived for a verification.
    pub fn of(&self, id: &str) -> Option<Received> {
        self.received().get(id).cloned()
    }

    /// Waits for a message of the verification, and returns its code.
    pub async fn wait(&self, id: &str, until: Instant) -> Option<String> {
        loop {
            let arrived = self.arrived.notified();
            if let Some(received) = self.of(id) {
                return Some(received.code);
            }
            // A message may arrive between the look and the wait, so the wait is short.
            let next = Instant::now() + Duration::from_millis(50);
            if until < next {
                sleep_until(until).await;
                return self.of(id).map(|received| received.code);
            }
            let _ = timeout_at(next, arrived).await;
        }
    }

    /// Returns the number of messages, and how many of them arrived more than once.
    pub fn count(&self) -> (usize, usize) {
        let received = self.received();
        let times = || received.values().flat_map(|received| received.messages.values());
        (times().count(), times().filter(|times| **times > 1).count())
    }

    /// Sets how requests are answered from now on, including those that wait.
    pub fn answer(&self, manner: Manner) {
        self.manner.send_replace(manner);
    }

    /// Returns whether a request with a message of this verification came, answered or not.
    pub fn was_asked(&self, id: &str) -> bool {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).contains(id)
    }

    fn note_asked(&self, body: &[u8]) {
        let message: Value = serde_json::from_slice(body).unwrap_or_default();
        let id = message["verification_id"].as_str().unwrap_or_default().to_owned();
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
    }

    /// The faults of requests.
    pub fn faults(&self) -> Vec<String> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn take(&self, message: &Value) -> Result<()> {
        let text = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
        let (id, verification, code) = (text("id"), text("verification_id"), text("text"));
        let code: String = code.chars().take_while(char::is_ascii_digit).collect();
        ensure!(code.len() == 6, "{id} carries no code");
        let mut received = self.received();
        let known = received.entry(verification).or_default();
        ensure!(known.code.is_empty() || known.code == code, "{id} carries another code than before");
        known.code = code;
        *known.messages.entry(id).or_default() += 1;
        drop(received);
        self.arrived.notify_waiters();
        Ok(())
    }
}

/// The receiving server, its address and its secret.
pub struct Relay {
    pub phones: Arc<Phones>,
    pub url: String,
    pub secret: String,
}

/// Listens until the process ends.
pub fn listen(takes: Duration) -> Result<Relay> {
    let (phones, key) = (Arc::new(Phones::default()), *b"a secret of thirty-two bytes ...");
    let state = phones.clone();
    let app = move || {
        App::new().app_data(web::Data::new((state.clone(), key, takes))).route("/sms", web::post().to(take))
    };
    let server = HttpServer::new(app).workers(1).disable_signals().bind(("127.0.0.1", 0))?;
    let url = format!("http://{}/sms", server.addrs()[0]);
    tokio::spawn(server.run());
    Ok(Relay { phones, url, secret: format!("whsec_{}", STANDARD.encode(key)) })
}

async fn take(
    state: web::Data<(Arc<Phones>, [u8; 32], Duration)>,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    let (phones, key, takes) = state.get_ref();
    phones.note_asked(&body);
    let mut manner = phones.manner.subscribe();
    let manner = manner.wait_for(|manner| *manner != Manner::Late).await.map(|manner| *manner);
    if !matches!(manner, Ok(Manner::Soon)) {
        return HttpResponse::GatewayTimeout().finish();
    }
    sleep(*takes).await;
    let taken = verify(&request, key, &body)
        .and_then(|()| Ok(serde_json::from_slice(&body)?))
        .and_then(|message| phones.take(&message));
    match taken {
        Ok(()) => HttpResponse::NoContent().finish(),
        Err(error) => {
            phones.faults.lock().unwrap_or_else(PoisonError::into_inner).push(format!("relay: {error}"));
            HttpResponse::BadRequest().finish()
        }
    }
}

fn verify(request: &HttpRequest, key: &[u8], body: &[u8]) -> Result<()> {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut mac = Hmac::<Sha256>::new_from_slice(key)?;
    mac.update(format!("{}.{}.", header("webhook-id"), header("webhook-timestamp")).as_bytes());
    mac.update(body);
    let given = header("webhook-signature").strip_prefix("v1,").unwrap_or_default();
    mac.verify_slice(&STANDARD.decode(given)?)?;
    Ok(())
}
