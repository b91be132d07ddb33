//! Secrets never appear in stored files or in logs.

use crate::{
    app::TestApp,
    codes::{keyring, letters, rng},
    delivery::TOKEN,
    directory::{Base, at},
    people::{
        accounts::link,
        world::{self, World, by},
    },
};
use countersign_core::{
    people::{
        account::{AccountChange, OwnPhone},
        invitation::LinkSecret,
        link::{Link, LinkKind},
        password::Password,
        recovery::RecoveryCode,
        session::{Device, HalfSignIn, Session},
    },
    phone::PhoneNumber,
    ports::people::{
        accounts::{Accounts as _, Along},
        codes::PendingCodes as _,
        links::Links as _,
        sessions::{Finished, Sessions as _},
    },
};
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

#[tokio::test]
async fn nothing_that_persons_sign_in_with_rests_in_files_or_logs() {
    let log = capture();
    let base = Base::sqlite().unwrap();
    base.sql.migrate().await.unwrap();
    let world = World::new(&base).await.unwrap();
    let (people, person) = (&world.people, world.owner.person);
    let mut rng = rng();
    let typed = ["Correct horse 7 battery", "Another donkey 8 staple"];
    let numbers = ["+48500600711", "+48500600722"];
    let drawn = RecoveryCode::generate(&mut rng);
    let marks = || drawn.iter().map(|code| code.mark(person, &keyring())).collect::<Vec<_>>();
    let change = async |change: AccountChange| {
        let account = people.account(person).await.unwrap().unwrap();
        people.change_account(&account, &change, Along::default(), &by(20)).await.unwrap();
    };
    for (typed, number) in typed.into_iter().zip(numbers) {
        change(AccountChange::Password(Password::read(typed).unwrap().hash(&mut rng))).await;
        let phone = OwnPhone::new(person, &PhoneNumber::parse(number).unwrap(), &keyring(), at(20), &mut rng);
        change(AccountChange::TwoFactorOn(phone, marks())).await;
    }
    let epoch = world.account().await.unwrap().person.epoch;
    let secrets: Vec<_> = (0..5).map(|_| LinkSecret::generate(&mut rng)).collect();
    let half = HalfSignIn { secret: secrets[0].hash(), epoch, ..world::half(person, 1) };
    people.begin_half(&half).await.unwrap();
    let session = Session { secret: secrets[1].hash(), epoch, ..world::session(person, 1) };
    let device = Device { secret: secrets[2].hash(), ..world::device_of(&session) };
    let (code, half) = (drawn[0].mark(person, &keyring()), Some(half.secret));
    world::finish_on(people, &session, &device, |one| Finished { half, recovery: Some(code), ..one })
        .await
        .unwrap();
    let session = people.session(session.secret).await.unwrap().unwrap().0;
    people.renew_session(&session, secrets[3].hash()).await.unwrap();
    let link = link(LinkKind::UndoAddress, Some(person), 1);
    people.add_link(&Link { secret: secrets[4].hash(), ..link }, &[]).await.unwrap();

    let mut texts: Vec<String> = typed.into_iter().map(str::to_owned).collect();
    texts.extend(numbers.map(|number| number[3..].to_owned()));
    texts.extend(drawn.iter().flat_map(|code| [code.expose().to_string(), code.expose().replace('-', "")]));
    texts.extend(secrets.iter().map(|secret| secret.expose().to_string()));
    let mut found = Vec::new();
    files(base.folder().unwrap(), &mut found);
    assert!(found.iter().any(|(_, bytes)| holds(bytes, "$argon2id$")), "the hash of the password is in it");
    found.push(("the log".into(), log.lock().unwrap().clone()));
    for (name, bytes) in &found {
        for (n, text) in texts.iter().enumerate() {
            assert!(!holds(bytes, text), "secret {n} stands in {name}");
        }
    }
}
