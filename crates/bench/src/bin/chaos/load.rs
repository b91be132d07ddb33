//! Clients that start and check verifications, and record every answer.

use anyhow::{Result, ensure};
use countersign_bench::api::{Answer, Api, Lost};
use serde_json::json;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{task::JoinSet, time::sleep};

/// The answers that the clients got.
#[derive(Default)]
pub struct Book {
    /// The ids of acknowledged starts.
    pub started: Mutex<Vec<String>>,
    /// How often each verification was answered `approved`.
    pub approved: Mutex<BTreeMap<String, usize>>,
    /// The number of unexpected answers, by operation and code.
    pub others: Mutex<BTreeMap<String, usize>>,
    numbers: AtomicUsize,
}

impl Book {
    /// Uses phone numbers from `number` on.
    pub fn from(number: usize) -> Arc<Self> {
        Arc::new(Self { numbers: AtomicUsize::new(number), ..Self::default() })
    }

    pub fn starts(&self) -> usize {
        self.started.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    pub fn approvals(&self) -> BTreeMap<String, usize> {
        self.approved.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn others(&self) -> BTreeMap<String, usize> {
        self.others.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note_other(&self, act: &str, answer: &Result<Answer, Lost>) {
        let word = match answer {
            Ok(answer) => format!("{} {}", answer.status, answer.word()),
            Err(lost) => format!("{lost:?}"),
        };
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        *others.entry(format!("{act}: {word}")).or_default() += 1;
    }

    fn note_approval(&self, id: &str) {
        let mut approved = self.approved.lock().unwrap_or_else(PoisonError::into_inner);
        *approved.entry(id.to_owned()).or_default() += 1;
    }

    /// Starts a verification with an unused phone number. Returns its id if the start was acknowledged.
    pub async fn start(&self, api: &Api) -> Option<String> {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let body = json!({ "to": format!("+4850{:07}", 1_000_000 + number) });
        let answer = api.post("/v1/verifications", &body, None).await;
        if let Ok(Answer { status: 201, json, .. }) = &answer {
            let id = json["id"].as_str().unwrap_or_default().to_owned();
            self.started.lock().unwrap_or_else(PoisonError::into_inner).push(id.clone());
            return Some(id);
        }
        self.note_other("start", &answer);
        None
    }

    /// Checks the right code. Returns whether any answer arrived.
    pub async fn check(&self, api: &Api, id: &str, once: Option<&str>) -> bool {
        let answer =
            api.post(&format!("/v1/verifications/{id}/check"), &json!({ "code": "123456" }), once).await;
        match &answer {
            Ok(answer) if answer.word() == "approved" => {
                if !answer.replayed {
                    self.note_approval(id);
                }
                true
            }
            Ok(answer) if answer.word() == "already_approved" => true,
            other => {
                self.note_other("check", other);
                false
            }
        }
    }

    /// Fails if a verification was answered `approved` twice.
    pub fn ensure_single(&self) -> Result<()> {
        let doubled = self.approvals().values().filter(|times| **times > 1).count();
        ensure!(doubled == 0, "{doubled} verifications were approved twice");
        Ok(())
    }
}

/// Running clients, until they are stopped.
pub struct Clients {
    stop: Arc<AtomicBool>,
    tasks: JoinSet<()>,
}

/// The pause of each client, so that the clients do not use the whole machine.
const REST: Duration = Duration::from_millis(20);

impl Clients {
    /// Each client starts a verification, checks it until an answer arrives, and begins again.
    pub fn begin(apis: &[Arc<Api>], count: usize, book: &Arc<Book>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        for n in 0..count {
            let (stop, book) = (Arc::clone(&stop), Arc::clone(book));
            let (api, other) = (Arc::clone(&apis[n % apis.len()]), Arc::clone(&apis[(n + 1) % apis.len()]));
            tasks.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    if let Some(id) = book.start(&api).await {
                        // Start on one node, and check on another.
                        book.check(&other, &id, None).await;
                    }
                    sleep(REST).await;
                }
            });
        }
        Self { stop, tasks }
    }

    /// Stops the clients and waits for their last answers.
    pub async fn end(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        while self.tasks.join_next().await.is_some() {}
    }
}
