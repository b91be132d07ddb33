//! Secrets never appear in stored files or in logs.

use crate::{app::TestApp, codes::letters, delivery::TOKEN};
use serde_json::json;
use std::{
    io::Write,
    path::Path,
    sync::{Arc, Mutex, OnceLock},
};

/// Everything that this process logs, at every level.
static LOG: OnceLock<Arc<Mutex<Vec<u8>>>> = OnceLock::new();

#[derive(Clone)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

pub fn capture() -> Arc<Mutex<Vec<u8>>> {
    let start = || {
        let log = Log(Arc::default());
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .json()
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
        log.0
    };
    LOG.get_or_init(start).clone()
}

fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
}

fn holds(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle.as_bytes())
}

#[tokio::test]
async fn no_code_key_or_number_rests_in_files_or_logs() {
    let log = capture();
    let (app, server) = (TestApp::spawn_with_gateways().await, crate::delivery::gateway().await);
    let owner = app.tenant("Acme").await;
    // A code of ten letters cannot appear by chance.
    app.set_policy(&owner.caller, letters(10)).await;
    let mut secrets = vec![owner.text.clone(), owner.text[owner.text.len() - 59..].to_owned()];
    let created =
        app.post("/v1/keys", &owner, json!({ "name": "second", "scopes": ["verifications:start"] })).await;
    let created = created.json()["secret"].as_str().unwrap().to_owned();
    secrets.push(created[created.len() - 59..].to_owned());
    for n in 0..5 {
        let to = format!("+4850312398{n}");
        let id = app.start(&owner, &to).await;
        let message = app.message(&id).await;
        app.wait_for(&owner, &id, "delivery", "delivered").await;
        let wrong = message.code.replace(|c| c != '7', "7");
        let path = format!("/v1/verifications/{id}/check");
        assert_eq!(app.post(&path, &owner, json!({ "code": wrong })).await.json()["status"], "pending");
        let by_number = json!({ "to": to, "code": message.code });
        assert_eq!(app.post("/v1/checks", &owner, by_number).await.json()["status"], "approved");
        // Refusals must not repeat the refused values either.
        let refused = json!({ "to": format!("{to}x"), "code": message.code, "nonsense": message.code });
        assert_eq!(app.post("/v1/checks", &owner, refused).await.status, 400);
        app.send("GET", &format!("/v1/{}?to={to}", message.code), Some(&created), None).await;
        secrets.extend([message.code, to[1..].to_owned()]);
    }
    let mut answers = Vec::new();
    let body =
        json!({ "name": "main", "kind": "http", "settings": crate::delivery::settings(&server.uri()) });
    let made = app.post("/v1/providers", &owner, body.clone()).await;
    let path = format!("/v1/providers/{}", made.json()["id"].as_str().unwrap());
    answers.push(app.post("/v1/providers", &owner, body).await);
    let misplaced = json!({ "name": "b", "kind": "smsapi", "settings": { "service": TOKEN, "token": [TOKEN] }, "rate": TOKEN });
    answers.push(app.post("/v1/providers", &owner, misplaced).await);
    answers.push(app.post(&format!("{path}/test"), &owner, json!({ "to": "+48503123980" })).await);
    let patch = json!({ "settings": { "secrets": { "token": format!("{TOKEN}2") } } });
    answers.push(app.send("PATCH", &path, Some(&owner.text), Some(&patch)).await);
    for path in [&path, "/v1/providers", "/v1/routes"] {
        answers.push(app.get(path, &owner).await);
    }
    answers.push(made);
    assert!(answers.iter().all(|answer| !answer.text.contains(TOKEN)), "{answers:?}");
    secrets.push(TOKEN.to_owned());
    let mut found = Vec::new();
    files(app.folder.path(), &mut found);
    assert!(found.iter().any(|(name, _)| name.contains("codes")), "the data folder is the right one");
    found.push(("the log".into(), log.lock().unwrap().clone()));
    let (_, logged) = &found[found.len() - 1];
    assert!(holds(logged, "/v1/verifications/{id}/check"), "requests are logged by their pattern");
    for (name, bytes) in &found {
        for (n, secret) in secrets.iter().enumerate() {
            assert!(!holds(bytes, secret), "secret {n} stands in {name}");
        }
    }
}
