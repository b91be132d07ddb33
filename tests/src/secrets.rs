//! Secrets never appear in stored files or in logs.

use crate::{
    app::TestApp,
    codes::{keyring, letters, rng},
    delivery::TOKEN,
    directory::{Base, at, people::invitation},
    people::{
        accounts::link,
        world::{self, World, by},
    },
};
use countersign_core::{
    people::{
        account::{AccountChange, OwnPhone},
        invitation::{Author, Invitation, LinkSecret},
        link::{Link, LinkKind},
        notice::{By, LinkPath, News, Notice},
        password::Password,
        person::{EmailAddress, Identity, Person, PersonName},
        recovery::RecoveryCode,
        session::{Device, HalfSignIn, Session},
    },
    phone::PhoneNumber,
    ports::{
        directory::invitations::Invitations as _,
        people::{
            accounts::{Accounts as _, Along},
            codes::PendingCodes as _,
            links::Links as _,
            sessions::{Finished, Sessions as _},
        },
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

pub fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
}

pub fn holds(haystack: &[u8], needle: &str) -> bool {
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

/// Fills a database with all that a person signs in with, and with what waits for one. Returns the texts that must
/// not be in it.
async fn fill(base: &Base) -> Vec<String> {
    base.sql.migrate().await.unwrap();
    let world = World::new(base).await.unwrap();
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
    let identity = Identity {
        name: PersonName::parse("Brunhilde Geheim").unwrap(),
        email: EmailAddress::parse("brunhilde.geheim@example.org").unwrap(),
    };
    let present = world.account().await.unwrap().person;
    let whole = (present.language.clone(), present.zone.clone());
    let renamed = Person::new(person, &identity, whole, &keyring(), present.created_at, &mut rng);
    change(AccountChange::Email(renamed.email, renamed.sealed)).await;
    let epoch = world.account().await.unwrap().person.epoch;
    let secrets: Vec<_> = (0..6).map(|_| LinkSecret::generate(&mut rng)).collect();
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
    let account = world.account().await.unwrap().person;
    let news = News::ResetPassword { link: LinkPath::reset(&secrets[4]), expires: at(99) };
    let mail = Notice::mail(&account, &identity, news, at(20), &mut rng).sealed(&keyring(), &mut rng);
    let gone = PhoneNumber::parse(numbers[0]).unwrap();
    let news = News::TwoFactorOff { at: at(20), by: By::Person };
    let sms = Notice::sms(&account, &gone, news, at(20), &mut rng).sealed(&keyring(), &mut rng);
    let link = link(LinkKind::UndoAddress, Some(person), 1);
    people.add_link(&Link { secret: secrets[4].hash(), ..link }, &[mail, sms]).await.unwrap();
    // An invitation to somebody who is no person yet.
    let (invitation, _) = invitation(world.tenant, 77, Author::Operator);
    let invitation = Invitation { secret: secrets[5].hash(), ..invitation };
    world.directory.create_invitation((&invitation).into(), None, &by(20)).await.unwrap();
    let guest = invitation.open(&keyring()).unwrap().expose().to_owned();

    let mut texts: Vec<String> = typed.into_iter().map(str::to_owned).collect();
    texts.extend(["Brunhilde", "brunhilde.geheim"].map(str::to_owned));
    texts.push(guest);
    texts.extend(numbers.map(|number| number[3..].to_owned()));
    texts.extend(drawn.iter().flat_map(|code| [code.expose().to_string(), code.expose().replace('-', "")]));
    texts.extend(secrets.iter().map(|secret| secret.expose().to_string()));
    texts
}

fn are_absent(texts: &[String], found: &[(String, Vec<u8>)]) {
    assert!(found.iter().any(|(_, bytes)| holds(bytes, "$argon2id$")), "the hash of the password is in it");
    for (name, bytes) in found {
        for (n, text) in texts.iter().enumerate() {
            assert!(!holds(bytes, text), "secret {n} stands in {name}");
        }
    }
}

#[tokio::test]
async fn nothing_that_persons_sign_in_with_rests_in_files_or_logs() {
    let log = capture();
    let base = Base::sqlite().unwrap();
    let texts = fill(&base).await;
    let mut found = Vec::new();
    files(base.folder().unwrap(), &mut found);
    found.push(("the log".into(), log.lock().unwrap().clone()));
    are_absent(&texts, &found);
}

/// All tables of a database, in the texts in which Postgres shows them. Bytes are there as they are, too.
async fn dump(url: &str) -> Vec<(String, Vec<u8>)> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'";
    let mut found = Vec::new();
    for table in client.query(tables, &[]).await.unwrap() {
        let (name, mut bytes): (String, Vec<u8>) = (table.get(0), Vec::new());
        for message in client.simple_query(&format!("SELECT * FROM \"{name}\"")).await.unwrap() {
            let tokio_postgres::SimpleQueryMessage::Row(row) = message else { continue };
            for text in (0..row.len()).filter_map(|column| row.get(column)) {
                bytes.extend_from_slice(text.as_bytes());
                bytes.push(b'\n');
                let digits = text.strip_prefix("\\x").unwrap_or_default().as_bytes();
                let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
                bytes.extend(digits.chunks(2).filter_map(byte));
                bytes.push(b'\n');
            }
        }
        found.push((name, bytes));
    }
    found
}

#[tokio::test]
async fn nothing_of_persons_rests_in_a_dump_of_postgres() {
    let base = Base::postgres().await.unwrap();
    let texts = fill(&base).await;
    let found = dump(&base.server_url().unwrap()).await;
    base.close().await.unwrap();
    let filled = ["people", "sessions", "devices", "links", "notices", "invitations", "recovery_codes"];
    for name in filled {
        assert!(found.iter().any(|(table, bytes)| table == name && !bytes.is_empty()), "{name}");
    }
    are_absent(&texts, &found);
}
