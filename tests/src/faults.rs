//! Faults of the machine: a full disk, a file locked by another process, a folder that cannot be written.

use crate::app::{Answer, TestApp, answer};
use clap::Parser;
use countersign::{Application, Parts, Settings, cli::Cli};
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use serde_json::{Value, json};
use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// How long a caller waits for the writer, with a margin for a busy machine.
const PATIENCE: Duration = Duration::from_secs(8);
const FOLDER: &str = "COUNTERSIGN_FAULTS_FOLDER";

/// The process that the tests below start: this test binary, running only this test, as `countersign dev` on
/// a folder.
#[tokio::test]
#[ignore = "it is begun by the tests of this file, as a process"]
async fn serve() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let arguments = ["countersign", "dev", "--verbose", "--port=0", "--operator-port=0"].map(Into::into);
    let option = |name: &str, file: &str| [name.into(), folder.join(file).into_os_string()];
    let options = [option("--data", "data"), option("--ready-file", "ready.json")].into_iter().flatten();
    let code = Cli::parse_from(arguments.into_iter().chain(options)).run().await;
    assert_eq!(code, ExitCode::SUCCESS);
}

/// A server in a process of its own. The test can limit the size of its files.
pub struct Process {
    child: Child,
    folder: tempfile::TempDir,
    client: reqwest::Client,
    pub base_url: String,
    pub operator_url: String,
    key: String,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A write beyond the limit must fail, as on a full disk, and not end the process.
fn command(folder: &Path) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["faults::serve", "--exact", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
}

impl Process {
    pub async fn spawn() -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        // The log is on the same disk.
        let log = File::create(folder.path().join("log")).unwrap();
        let child = command(folder.path()).stderr(log).spawn().unwrap();
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().unwrap();
        let [base_url, operator_url, key] = Default::default();
        let mut process = Self { child, folder, client, base_url, operator_url, key };
        for _ in 0..600 {
            let ready = std::fs::read_to_string(process.folder.path().join("ready.json"));
            if let Ok(Ok(ready)) = ready.map(|text| serde_json::from_str::<Value>(&text)) {
                process.base_url = ready["base_url"].as_str().unwrap().to_owned();
                process.operator_url = ready["operator_url"].as_str().unwrap().to_owned();
                process.key = ready["test_key"].as_str().unwrap().to_owned();
                return process;
            }
            assert!(process.child.try_wait().unwrap().is_none(), "it ended: {}", process.log());
            sleep(Duration::from_millis(50)).await;
        }
        panic!("it was not ready in 30 s: {}", process.log());
    }

    /// Stops the process with a signal, so that its log is complete.
    pub async fn stop(&mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        for _ in 0..600 {
            if self.child.try_wait().unwrap().is_some() {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
        panic!("it did not end in 30 s: {}", self.log());
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// Limits the size of the process's files; `None` removes the limit.
    fn limit(&self, bytes: Option<u64>) {
        let pid = Pid::from_child(&self.child);
        prlimit(Some(pid), Resource::Fsize, Rlimit { current: bytes, maximum: None }).unwrap();
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        answer(self.client.post(format!("{}{path}", self.base_url)).bearer_auth(&self.key).json(&body)).await
    }

    async fn start(&self, to: &str) -> Answer {
        self.post("/v1/verifications", json!({ "to": to })).await
    }

    async fn check(&self, id: &str, code: &str) -> Answer {
        self.post(&format!("/v1/verifications/{id}/check"), json!({ "code": code })).await
    }

    async fn read(&self, id: &str) -> Value {
        let url = format!("{}/v1/verifications/{id}", self.base_url);
        answer(self.client.get(url).bearer_auth(&self.key)).await.json()
    }
}

fn id(started: &Answer) -> String {
    assert_eq!(started.status, 201, "{started:?}");
    started.json()["id"].as_str().unwrap().to_owned()
}

fn unavailable() -> (u16, String) {
    (503, "codes_unavailable".to_owned())
}

#[tokio::test]
async fn a_full_disk_refuses_and_forgets_nothing() {
    let server = Process::spawn().await;
    let before = id(&server.start("+48500500500").await);
    assert_eq!(server.check(&before, "000000").await.json()["attempts_left"], 4);

    server.limit(Some(4_096));
    for _ in 0..3 {
        assert_eq!(server.start("+48500500501").await.problem(), unavailable());
        assert_eq!(server.check(&before, "000000").await.problem(), unavailable());
        assert_eq!(server.check(&before, "123456").await.problem(), unavailable());
    }
    let read = server.read(&before).await;
    assert_eq!((&read["status"], &read["attempts_left"]), (&json!("pending"), &json!(4)));

    server.limit(None);
    assert_eq!(server.check(&before, "000001").await.json()["attempts_left"], 3, "no try was used");
    assert_eq!(server.check(&before, "123456").await.json()["status"], "approved");
    assert_eq!(server.check(&before, "123456").await.problem(), (409, "already_approved".to_owned()));
    for _ in 0..5 {
        id(&server.start("+48500500501").await);
    }
    let sixth = server.start("+48500500501").await;
    assert_eq!(sixth.problem(), (429, "rate_limited".to_owned()), "a refused start counts for nothing");
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

/// The disk is full for short times, in the middle of starts and checks.
#[tokio::test]
async fn what_a_disk_that_fills_and_empties_acknowledged_is_there() {
    let server = Arc::new(Process::spawn().await);
    let next = Arc::new(AtomicUsize::new(1_000_000));
    let until = Instant::now() + Duration::from_secs(3);
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (server, next) = (server.clone(), next.clone());
            tokio::spawn(async move {
                let (mut known, mut refused) = (Vec::new(), 0);
                while Instant::now() < until {
                    let to = format!("+4850{:07}", next.fetch_add(1, Ordering::Relaxed));
                    let started = server.start(&to).await;
                    if started.status == 503 {
                        refused += 1;
                        continue;
                    }
                    let id = id(&started);
                    let approved = server.check(&id, "123456").await;
                    assert!(matches!(approved.status, 200 | 503), "{approved:?}");
                    known.push((id, approved.status == 200));
                }
                (known, refused)
            })
        })
        .collect();
    while Instant::now() < until {
        sleep(Duration::from_millis(100)).await;
        server.limit(Some(4_096));
        sleep(Duration::from_millis(100)).await;
        server.limit(None);
    }
    let (mut approved, mut refused) = (0, 0);
    for task in tasks {
        let (known, more) = task.await.unwrap();
        refused += more;
        for (id, was_approved) in known {
            let expected = if was_approved { "approved" } else { "pending" };
            assert_eq!(server.read(&id).await["status"], expected, "{id}");
            let again = server.check(&id, "123456").await;
            assert_eq!(again.status, if was_approved { 409 } else { 200 }, "{again:?}");
            approved += 1;
        }
    }
    assert!(approved > 0 && refused > 0, "{approved} approved, {refused} refused");
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

#[tokio::test]
async fn a_second_process_is_told_which_folder_is_taken() {
    let first = Process::spawn().await;
    let second = command(first.folder.path()).output().unwrap();
    assert!(!second.status.success());
    let (told, folder) = (String::from_utf8_lossy(&second.stderr), first.folder.path().join("data"));
    assert!(told.contains(&format!("serves from the folder {}", folder.display())), "{told}");
    id(&first.start("+48500500500").await);
}

#[tokio::test]
async fn a_locked_codes_store_answers_503_in_time_and_goes_on_by_itself() {
    let app = TestApp::spawn().await;
    let key = app.tenant("Acme").await;
    let before = app.start(&key, "+48500500500").await;
    let code = app.message(&before).await.code;
    let other = rusqlite::Connection::open(app.folder.path().join("codes.sqlite")).unwrap();
    other.busy_timeout(PATIENCE).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();

    let since = Instant::now();
    let (path, body) = (format!("/v1/verifications/{before}/check"), json!({ "code": code }));
    let (started, checked) = tokio::join!(
        app.post("/v1/verifications", &key, json!({ "to": "+48500500500" })),
        app.post(&path, &key, body.clone()),
    );
    assert_eq!((started.problem(), checked.problem()), (unavailable(), unavailable()));
    assert!(since.elapsed() < PATIENCE, "{:?}", since.elapsed());
    let read = app.get(&format!("/v1/verifications/{before}"), &key).await;
    assert_eq!(read.json()["status"], "pending", "what is committed can still be read");

    other.execute_batch("COMMIT").unwrap();
    assert_eq!(app.post(&path, &key, body.clone()).await.json()["status"], "approved");
    assert_eq!(app.post(&path, &key, body).await.status, 409);
    for _ in 0..4 {
        app.start(&key, "+48500500500").await;
    }
    let sixth = app.post("/v1/verifications", &key, json!({ "to": "+48500500500" })).await;
    assert_eq!(sixth.status, 429, "the refused start counts for nothing");
}

/// The error of a refused start, with all its causes.
async fn refusal(folder: &Path) -> String {
    let mut settings = Settings::embedded(folder).unwrap();
    settings.server.bind = ([127, 0, 0, 1], 0).into();
    settings.server.operator_bind = ([127, 0, 0, 1], 0).into();
    let refused = Application::build(Parts { dev: true, ..Parts::new(settings) }).await;
    format!("{:#}", refused.err().unwrap())
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_named() {
    // Nobody, not even root, can create a file or a folder there.
    for (folder, words) in [
        ("/proc/self", "The folder /proc/self cannot be written in"),
        ("/proc/data", "The folder /proc/data cannot be made"),
    ] {
        let told = refusal(Path::new(folder)).await;
        assert!(told.starts_with(words), "{told}");
    }
    let folder = served().await;
    let codes = folder.path().join("codes.sqlite");
    let other = rusqlite::Connection::open(&codes).unwrap();
    other
        .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE held (id INTEGER); BEGIN EXCLUSIVE")
        .unwrap();
    let since = Instant::now();
    let told = refusal(folder.path()).await;
    assert!(told.starts_with(&format!("The codes store {} cannot be opened", codes.display())), "{told}");
    assert!(since.elapsed() < 2 * PATIENCE, "{:?}", since.elapsed());
}

/// A data folder that was in use. A codes store without a key ring and a directory is refused before it is
/// opened.
async fn served() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = Settings::embedded(folder.path()).unwrap();
    settings.server.bind = ([127, 0, 0, 1], 0).into();
    settings.server.operator_bind = ([127, 0, 0, 1], 0).into();
    drop(Application::build(Parts { dev: true, ..Parts::new(settings) }).await.unwrap());
    folder
}
