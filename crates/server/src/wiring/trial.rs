//! Tries everything that `serve` needs, with the same functions, without creating, claiming or changing
//! anything. It also reports what `serve` would wait for. If `serve` gets a new reason to refuse, this module
//! must check it with the same function.

use super::{
    certificates::explain_refusal,
    codes::ask_servers,
    find_keyring,
    folder::{judge_file, judge_folder, judge_lock},
    lost::refuse_lost_directory,
    open_outbound, open_sql, redis_url, refuse_older,
};
use crate::{
    advice::advise,
    application::{open_mailer, try_listening},
    cli::Role,
    configuration::{CodesUrl, DatabaseUrl, Settings},
    demo::refuse_demo,
    places::MaxMind,
};
use anyhow::Context as _;
use countersign_core::{
    error::chain, keyring::KeyRing, ports::directory::changes::Changes, snapshot::Snapshot,
};
use countersign_stores::{
    directory::SqlDirectory,
    redis::RedisCodes,
    sql::Sql,
    sqlite::{Database, LOOK_LIMIT},
};
use std::{future::Future, path::Path, sync::Arc, time::Duration};
use tokio::time::timeout;

/// The time for the database, and for the codes store. Both are tried at once.
const PATIENCE: Duration = Duration::from_secs(20);
/// The time for reading the whole directory, which takes longer if it is large.
const WHOLE_PATIENCE: Duration = Duration::from_secs(10);

/// The result of the trial.
#[derive(Debug, Default)]
pub(crate) struct Trial {
    /// The reasons for which `serve` would fail or wait, each with its setting.
    pub problems: Vec<String>,
    /// Further advice for the operator.
    pub notes: Vec<String>,
}

impl Trial {
    fn judge<T>(&mut self, setting: &str, outcome: anyhow::Result<T>) -> Option<T> {
        outcome.map_err(|error| self.refuse(setting, &error)).ok()
    }

    fn refuse(&mut self, setting: &str, error: &anyhow::Error) {
        let mut text = chain(error.as_ref());
        // Some reasons already name the setting.
        let section = setting.split('.').next().unwrap_or(setting);
        if let Some(hint) = explain_refusal(section, &text) {
            text = format!("{text}: {hint}");
        }
        let named = text
            .split_once([':', ' '])
            .is_some_and(|(first, _)| first.strip_prefix(section).is_some_and(|rest| rest.starts_with('.')));
        self.problems.push(if named { text } else { format!("{setting}: {text}") });
    }

    fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    fn note_unread(&mut self, file: &Path) {
        self.note(format!(
            "{} is not judged: its log has no index beside it, and both are larger than {} MiB, up to which a copy \
             is looked at",
            file.display(),
            LOOK_LIMIT / (1024 * 1024)
        ));
    }

    /// Adds the advice that a start would log.
    fn advise(&mut self, settings: &Settings, snapshot: &Snapshot) {
        self.notes.extend(advise(settings, snapshot).into_iter().map(|advice| advice.text));
    }

    fn add(&mut self, other: Self) {
        self.problems.extend(other.problems);
        self.notes.extend(other.notes);
    }
}

/// Tries everything, as a node of this role would use it.
pub(crate) async fn try_all(settings: &Settings, role: Role) -> Trial {
    let mut trial = Trial::default();
    trial.problems.extend(try_listening(settings, role));
    let folder = &settings.folder;
    trial.judge("data.folder", judge_folder(folder));
    trial.judge("data.folder", judge_lock(folder));
    trial.judge("delivery.ca_file", open_outbound(&settings.delivery));
    // A server starts without this file.
    let places = settings.places.as_deref().and_then(|file| MaxMind::judge(file).err());
    trial.notes.extend(places.map(|error| format!("portal.countries: {}", chain(&error))));
    let keyring = trial.judge("keyring.file", find_keyring(settings, false));
    if let Some(None) = keyring {
        trial.note(format!("the first start makes the key ring {}", settings.keyring.file.display()));
    }
    let keyring = keyring.flatten().map(|(keyring, _)| Arc::new(keyring));
    let (mail, database, codes) = tokio::join!(
        within("mail.url", try_mail(settings)),
        within("database.url", try_database(settings, keyring.clone())),
        within("codes.url", try_codes(settings, keyring.as_deref()))
    );
    trial.add(mail);
    trial.add(database);
    trial.add(codes);
    trial
}

async fn within(setting: &str, tried: impl Future<Output = Trial>) -> Trial {
    timeout(PATIENCE, tried).await.unwrap_or_else(|_| {
        let late = format!("{setting}: no answer within {} s", PATIENCE.as_secs());
        Trial { problems: vec![late], notes: Vec::new() }
    })
}

async fn try_database(settings: &Settings, keyring: Option<Arc<KeyRing>>) -> Trial {
    let mut trial = Trial::default();
    let sql = match &settings.database {
        DatabaseUrl::Sqlite(file) => {
            let Some(found) = trial.judge("database.url", look_into(file)) else { return trial };
            let sql = match found {
                Found::Unread => {
                    trial.note_unread(file);
                    return trial;
                }
                Found::Nothing => None,
                Found::File(database) => Some(Sql::sqlite(database)),
            };
            let lost = refuse_lost_directory(settings, file, sql.as_ref()).await;
            if trial.judge("database.url", lost).is_none() {
                return trial;
            }
            sql
        }
        DatabaseUrl::Postgres { .. } => {
            let opened = trial.judge("database.url", open_sql(settings).await);
            let Some(sql) = opened else { return trial };
            Some(sql)
        }
    };
    let Some(sql) = sql else {
        trial.note("the first start makes the database");
        trial.advise(settings, &Snapshot::default());
        return trial;
    };
    let pending = sql.pending_migrations().await.context("The database does not answer");
    let Some(pending) = trial.judge("database.url", pending) else { return trial };
    if !pending.is_empty() {
        if let DatabaseUrl::Sqlite(_) = settings.database {
            trial.note(format!("a start brings the database up to date: {}", pending.join(", ")));
        } else {
            trial.judge("database.url", refuse_older(&pending));
            trial.judge("database.url", sql.refuse_pooler().await.map_err(anyhow::Error::from));
        }
        return trial;
    }
    // What the key ring lacks was said above.
    let Some(keyring) = keyring else { return trial };
    let directory = SqlDirectory::new(sql, Arc::clone(&keyring));
    trial.judge("data.folder", refuse_demo(&directory, &keyring).await);
    match timeout(WHOLE_PATIENCE, directory.news(0)).await {
        Ok(Ok(news)) => {
            let snapshot = Snapshot::default();
            snapshot.apply(0, news.unwrap_or_default());
            trial.advise(settings, &snapshot);
        }
        Ok(Err(error)) => trial.refuse("database.url", &anyhow::Error::from(error)),
        Err(_) => trial.note(format!(
            "the directory is not read in {} s: nothing is said of routes",
            WHOLE_PATIENCE.as_secs()
        )),
    }
    trial
}

/// Connects to the SMTP server and signs in. A server starts without it, so a failure is only noted.
async fn try_mail(settings: &Settings) -> Trial {
    let mut trial = Trial::default();
    if let Some(Some(mailer)) = trial.judge("mail.ca_file", open_mailer(settings))
        && let Err(error) = mailer.check().await
    {
        trial.note(format!("mail.url: mails wait: {error}"));
    }
    trial
}

/// The state of a SQLite file.
enum Found {
    /// The file does not exist. A start creates it.
    Nothing,
    File(Database),
    /// The file exists, but cannot be read without changing something.
    Unread,
}

/// Looks at the file without changing it.
fn look_into(file: &Path) -> anyhow::Result<Found> {
    if let Some(folder) = file.parent() {
        judge_folder(folder)?;
    }
    if !judge_file(file)? {
        return Ok(Found::Nothing);
    }
    let opened = Database::open_to_read(file);
    let opened = opened.with_context(|| format!("{} cannot be opened", file.display()))?;
    Ok(opened.map_or(Found::Unread, Found::File))
}

async fn try_codes(settings: &Settings, keyring: Option<&KeyRing>) -> Trial {
    let mut trial = Trial::default();
    let servers = match &settings.codes.url {
        CodesUrl::Sqlite(file) => {
            match trial.judge("codes.url", look_into(file)) {
                Some(Found::Nothing) => trial.note("the first start makes the codes store"),
                Some(Found::Unread) => trial.note_unread(file),
                Some(Found::File(_)) | None => {}
            }
            return trial;
        }
        CodesUrl::Redis(servers) => servers,
    };
    let Some(url) = trial.judge("codes.url", redis_url(servers)) else { return trial };
    let asked = ask_servers(&url, settings.codes.may_forget).await;
    let Some((notes, refusal)) = trial.judge("codes.url", asked) else { return trial };
    trial.notes.extend(notes);
    trial.judge("codes.url", refusal);
    let identity = keyring.map(KeyRing::identity);
    let looked =
        RedisCodes::look(&url, settings.codes.partitions, identity.as_ref().map(<[u8; 16]>::as_slice));
    let claimed = looked.await.context("The codes store cannot be opened");
    if trial.judge("codes.url", claimed) == Some(false) {
        trial.note("the codes store belongs to no installation yet: the first start claims it");
    }
    trial
}
