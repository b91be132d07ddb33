//! Chooses the backends, once: nothing behind this file knows which engine
//! it works on.

use crate::{
    configuration::{CodesSettings, CodesUrl, DatabaseUrl, Secret, Settings},
    keyfile::{self, KeyFile},
    machine,
};
use anyhow::{Context as _, bail, ensure};
use countersign_core::{
    Context,
    console::Inbox,
    history::{History, HistoryUpkeep},
    keyring::KeyRing,
    node::Nodes,
    ports::{Clock, Codes, Relay},
    snapshot::Snapshot,
    webhook::WebhookOutbox,
};
use countersign_delivery::{AccountReport, Accounts, AddressPolicy, Outbound, providers::Means};
use countersign_stores::{
    codes::{CodesOptions, SqliteCodes},
    directory::SqlDirectory,
    history::SqlHistory,
    inbox::SqliteInbox,
    redis::{self, RedisCodes, RedisOptions, RedisUrl},
    sql::Sql,
    sqlite::{Database, Options},
    webhooks::SqlWebhooks,
};
use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::sync::mpsc;

/// The stores of a serving process, and the lock that keeps others out.
pub struct Backends {
    /// What every act needs.
    pub context: Context,
    /// Where this process notes itself.
    pub nodes: Arc<dyn Nodes>,
    /// The accounts at providers that it sends through.
    pub(crate) accounts: Arc<Accounts>,
    /// Receipts that come on providers' own connections.
    pub(crate) reports: mpsc::Receiver<AccountReport>,
    /// The way to providers and webhooks.
    pub(crate) outbound: Outbound,
    /// The history, as the jobs beside the acts use it.
    pub(crate) history: Arc<dyn HistoryUpkeep>,
    /// The virtual phone's memory; `dev` only.
    pub inbox: Option<Arc<dyn Inbox>>,
    /// The files that it writes on this machine.
    pub(crate) files: Vec<Database>,
    /// Unlocked when it is dropped, or by the system when the process dies.
    pub(crate) lock: File,
}

/// Opens everything that a serving process needs.
pub async fn open_backends(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
    dev: bool,
) -> anyhow::Result<Backends> {
    make_folder(&settings.folder)?;
    let lock = lock_folder(&settings.folder)?;
    let (keyring, partitions) = open_keyring(settings, dev)?;
    let keyring = Arc::new(keyring);
    let sql = open_sql(settings).await?;
    if dev {
        sql.migrate().await.context("The database cannot be brought up to date")?;
    }
    refuse_pending_migrations(&sql).await?;
    let mut files: Vec<Database> = sql.file().into_iter().cloned().collect();
    let codes = open_codes(&settings.codes, clock, &keyring, (dev, &mut files)).await?;
    let inbox: Option<Arc<dyn Inbox>> = if dev {
        let file = settings.folder.join("inbox.sqlite");
        let inbox = SqliteInbox::open(&file, Arc::clone(&keyring)).await;
        let inbox = inbox.with_context(|| format!("The inbox {} cannot be opened", file.display()))?;
        files.push(inbox.file().clone());
        Some(Arc::new(inbox))
    } else {
        None
    };
    let live_route = dev || settings.delivery.relay.is_some();
    let outbound = Outbound::new(AddressPolicy::new(settings.delivery.allowed_networks.clone(), true));
    let outbound = outbound.context("The client for calls to providers cannot be made")?;
    // Each account's receipts pass through here; a place is free again as soon as one is noted.
    let (tell, reports) = mpsc::channel(1);
    let means = Means { outbound: outbound.clone(), clock: Arc::clone(clock), reports: mpsc::channel(1).0 };
    let accounts = Arc::new(Accounts::new(means, Arc::clone(&keyring), tell));
    let snapshot = Arc::new(Snapshot::default());
    let history = Arc::new(SqlHistory::telling(sql.clone(), Arc::clone(&snapshot), Arc::clone(&keyring)));
    let webhooks = Arc::new(SqlWebhooks::new(sql.clone()));
    let directory = Arc::new(SqlDirectory::new(sql));
    let nodes: Arc<dyn Nodes> = directory.clone();
    let context = Context {
        codes,
        directory,
        snapshot,
        history: history.clone(),
        keyring,
        partitions,
        gateways: accounts.clone(),
        webhooks,
        live_route,
    };
    note_directory(settings);
    Ok(Backends { accounts, reports, outbound, context, nodes, history, inbox, files, lock })
}

/// What a command needs that manages accounts and routes beside a running
/// server: it must reach neither codes nor history, and holds no lock.
pub(crate) async fn open_management(settings: &Settings) -> anyhow::Result<Context> {
    let sql = open_sql(settings).await?;
    refuse_pending_migrations(&sql).await?;
    let (keyring, partitions) = open_keyring(settings, false)?;
    let keyring = Arc::new(keyring);
    let outbound = Outbound::new(AddressPolicy::new(settings.delivery.allowed_networks.clone(), true));
    let outbound = outbound.context("The client for calls to providers cannot be made")?;
    let clock: Arc<dyn Clock> = Arc::new(machine::SystemClock);
    let means = Means { outbound, clock, reports: mpsc::channel(1).0 };
    let accounts = Accounts::new(means, Arc::clone(&keyring), mpsc::channel(1).0);
    Ok(Context {
        codes: Arc::new(Absent),
        directory: Arc::new(SqlDirectory::new(sql)),
        snapshot: Arc::default(),
        history: Arc::new(Absent),
        keyring,
        partitions,
        gateways: Arc::new(accounts),
        webhooks: Arc::new(Absent),
        live_route: settings.delivery.relay.is_some(),
    })
}

/// The stores that a command does without: each method says that it is unsupported.
struct Absent;

impl Codes for Absent {}
impl History for Absent {}
impl WebhookOutbox for Absent {}

async fn open_codes(
    settings: &CodesSettings,
    clock: &Arc<dyn Clock>,
    keyring: &KeyRing,
    (dev, files): (bool, &mut Vec<Database>),
) -> anyhow::Result<Arc<dyn Codes>> {
    let url = match &settings.url {
        CodesUrl::Sqlite(file) => {
            let options = CodesOptions { full_sync: settings.full_sync, event_budget: settings.event_budget };
            let codes = SqliteCodes::open(file, Arc::clone(clock), options).await;
            let codes =
                codes.with_context(|| format!("The codes store {} cannot be opened", file.display()))?;
            files.push(codes.file().clone());
            return Ok(Arc::new(codes));
        }
        CodesUrl::Redis { url, ca } => redis_url(url, ca.as_deref())?,
    };
    if url.is_open() {
        tracing::warn!(
            "codes.url leads off this machine without TLS: numbers and codes are sealed, passwords are not"
        );
    }
    let weaknesses = RedisCodes::weaknesses(&url).await.context("The codes store cannot be reached")?;
    if dev || settings.may_forget {
        for weakness in &weaknesses {
            tracing::warn!(weakness, "The codes store may forget");
        }
    } else {
        ensure!(
            weaknesses.is_empty(),
            "The codes store may forget (codes.persistence = \"unchecked\" serves all the same):\n  {}",
            weaknesses.join("\n  ")
        );
    }
    let options = RedisOptions {
        partitions: settings.partitions,
        event_budget: settings.event_budget,
        confirm_replicas: settings.confirm_replicas,
        identity: keyring.identity().to_vec(),
        clock: None,
    };
    let codes = RedisCodes::open(&url, options).await.context("The codes store cannot be opened")?;
    Ok(Arc::new(codes))
}

pub(crate) fn redis_url(url: &Secret, ca: Option<&Path>) -> anyhow::Result<RedisUrl> {
    let read = |path: &Path| {
        std::fs::read(path).with_context(|| format!("codes.ca_file: {} cannot be read", path.display()))
    };
    RedisUrl::parse(url.expose(), ca.map(read).transpose()?).context("codes.url")
}

/// Tells the nodes that share the codes store, if it is one that nodes share.
pub async fn tell_nodes(settings: &Settings, relay: &Relay) -> anyhow::Result<()> {
    let CodesUrl::Redis { url, ca } = &settings.codes.url else { return Ok(()) };
    Ok(redis::tell_nodes(&redis_url(url, ca.as_deref())?, relay).await?)
}

/// Opens the directory's engine. A file on this machine is brought up to date
/// at once; a server that others use too waits for `countersign migrate`.
pub async fn open_sql(settings: &Settings) -> anyhow::Result<Sql> {
    match &settings.database {
        DatabaseUrl::Postgres { url, ca } => {
            let read = |path: &PathBuf| {
                std::fs::read(path)
                    .with_context(|| format!("database.ca_file: {} cannot be read", path.display()))
            };
            let ca = ca.as_ref().map(read).transpose()?;
            Sql::postgres(url.expose(), ca.as_deref()).context("The database cannot be reached so")
        }
        DatabaseUrl::Sqlite(file) => {
            if let Some(folder) = file.parent() {
                make_folder(folder)?;
            }
            let shown = file.display();
            // Losing the newest key to a power cut would surprise more than its creation taking a moment.
            let database = Database::open(file, Options { full_sync: true });
            let database = database.with_context(|| format!("The database {shown} cannot be opened"))?;
            let sql = Sql::sqlite(database);
            refuse_lost_directory(settings, file, &sql).await?;
            sql.migrate()
                .await
                .with_context(|| format!("The database {shown} cannot be brought up to date"))?;
            Ok(sql)
        }
    }
}

/// A directory without tables is that of a first start, unless something else says that there was one:
/// then it was lost on the way, as in a copy without its log, and must not pass for a new one.
async fn refuse_lost_directory(settings: &Settings, file: &Path, sql: &Sql) -> anyhow::Result<()> {
    let (shown, ring) = (file.display(), settings.keyring.file.display());
    let is_new = async || sql.is_new().await.with_context(|| format!("The database {shown} cannot be read"));
    if !is_new().await? {
        return Ok(());
    }
    let witness = match &settings.codes.url {
        // It is made after the directory.
        CodesUrl::Sqlite(codes) if codes.exists() => codes.display().to_string(),
        _ if settings.keyring.text.is_some() => return Ok(()),
        _ => match keyfile::read(&settings.keyring.file)? {
            Some(file) if file.directory => ring.to_string(),
            _ => return Ok(()),
        },
    };
    // A first start beside this one may have made both meanwhile.
    if !is_new().await? {
        return Ok(());
    }
    bail!(
        "The directory {shown} is empty, but {witness} was used with one. If it was copied, copy {shown}-wal too, or \
         copy it once the server has stopped; put the directory back here. To begin anew, without all tenants and keys, \
         move the key ring {ring} and the codes away as well"
    )
}

/// Notes in the key ring file that there is a directory made with it.
fn note_directory(settings: &Settings) {
    let path = &settings.keyring.file;
    if settings.keyring.text.is_some() || !matches!(settings.database, DatabaseUrl::Sqlite(_)) {
        return;
    }
    let noted = keyfile::read(path).map(|file| file.is_none_or(|file| file.directory));
    let noted = noted.and_then(|noted| if noted { Ok(()) } else { keyfile::note_directory(path) });
    if let Err(error) = noted {
        // It may be mounted to be read only. Then the codes store alone tells of a lost directory.
        tracing::debug!(error = %format_args!("{error:#}"), "The key ring does not note its directory");
    }
}

/// Says what to do when the database is not at this program's version.
pub async fn refuse_pending_migrations(sql: &Sql) -> anyhow::Result<()> {
    let pending = sql.pending_migrations().await.context("The database does not answer")?;
    ensure!(
        pending.is_empty(),
        "The database is older than this program; run `countersign migrate` first (it would apply: {})",
        pending.join(", ")
    );
    Ok(())
}

fn make_folder(folder: &Path) -> anyhow::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let made = builder.create(folder);
    made.with_context(|| format!("The folder {} cannot be made", folder.display()))
}

fn lock_folder(folder: &Path) -> anyhow::Result<File> {
    let path = folder.join("lock");
    let shown = path.display();
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = file.with_context(|| format!("The lock {shown} cannot be opened"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!(
            "Another countersign process serves from the folder {}; stop it, or choose another folder",
            folder.display()
        ),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("The folder {} cannot be locked", folder.display()))
        }
    }
}

/// The key ring and the number of partitions that was fixed with it.
fn open_keyring(settings: &Settings, dev: bool) -> anyhow::Result<(KeyRing, u16)> {
    let wanted = settings.codes.partitions;
    let file = match &settings.keyring.text {
        Some(text) => keyfile::parse(text.expose()).context("keyring.text is not valid")?,
        None => open_key_file(settings, dev)?,
    };
    let fixed = file.partitions.unwrap_or(wanted);
    ensure!(
        fixed == wanted,
        "codes.partitions is {wanted}, but this installation was made with {fixed}; set codes.partitions = {fixed}"
    );
    Ok((file.keyring()?, fixed))
}

/// The key ring file; the first start makes it where everything is on this machine.
fn open_key_file(settings: &Settings, dev: bool) -> anyhow::Result<KeyFile> {
    let path = &settings.keyring.file;
    let shown = path.display();
    if let Some(found) = keyfile::read(path)? {
        return Ok(found);
    }
    // Fresh keys could not open what is stored, so a lost file must not pass for a first start.
    match (&settings.codes.url, &settings.database) {
        (CodesUrl::Sqlite(file), _) if file.exists() => bail!(
            "The key ring {shown} is missing, but {} holds data made with it; put the copy of the key ring back",
            file.display()
        ),
        (CodesUrl::Sqlite(_), DatabaseUrl::Sqlite(_)) => {}
        _ => ensure!(
            dev,
            "There is no key ring {shown}, and what others serve may hold data made with one: put it there, or make the first with `countersign keyring create` and give it to every node"
        ),
    }
    keyfile::create(path, settings.codes.partitions, &mut machine::rng())?;
    if !dev {
        tracing::warn!(file = %shown, "Made a new key ring; keep a copy of it in a safe place");
    }
    keyfile::read(path)?.with_context(|| format!("The key ring {shown} vanished"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::SystemClock;

    async fn open(settings: &Settings) -> anyhow::Result<Backends> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        open_backends(settings, &clock, true).await
    }

    fn refusal(outcome: anyhow::Result<Backends>) -> String {
        format!("{:#}", outcome.err().unwrap())
    }

    #[tokio::test]
    async fn a_folder_serves_one_process_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings::embedded(&folder.path().join("data")).unwrap();
        let first = open(&settings).await.unwrap();
        assert!(refusal(open(&settings).await).contains("Another countersign process"));
        drop(first);
        open(&settings).await.unwrap();
    }

    #[tokio::test]
    async fn what_install_fixed_cannot_be_changed_or_lost() {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings::embedded(folder.path()).unwrap();
        drop(open(&settings).await.unwrap());
        settings.codes.partitions = 8;
        assert!(refusal(open(&settings).await).contains("codes.partitions = 64"));
        settings.codes.partitions = 64;
        std::fs::remove_file(&settings.keyring.file).unwrap();
        assert!(refusal(open(&settings).await).contains("put the copy of the key ring back"));
    }

    /// As in a copy of the file alone, of a server that was killed.
    fn empty(settings: &Settings) {
        let DatabaseUrl::Sqlite(file) = &settings.database else { panic!("a file") };
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{end}", file.display()));
        }
        let made = Database::open(file, Options { full_sync: true }).unwrap();
        drop(made);
    }

    #[tokio::test]
    async fn an_empty_directory_beside_keys_that_were_used_is_refused() {
        for without_codes in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let settings = Settings::embedded(folder.path()).unwrap();
            drop(open(&settings).await.unwrap());
            drop(open(&settings).await.unwrap());
            empty(&settings);
            let CodesUrl::Sqlite(codes) = &settings.codes.url else { panic!("a file") };
            if without_codes {
                std::fs::remove_file(codes).unwrap();
            }
            for _ in 0..2 {
                let refused = refusal(open(&settings).await);
                let witness = if without_codes { &settings.keyring.file } else { codes };
                let begin = format!("is empty, but {} was used with one", witness.display());
                assert!(refused.contains(&begin) && refused.contains("directory.sqlite-wal"), "{refused}");
                assert!(open_sql(&settings).await.is_err(), "no command makes one either");
            }
            // The way out that it names.
            std::fs::remove_file(&settings.keyring.file).unwrap();
            if !without_codes {
                std::fs::remove_file(codes).unwrap();
            }
            open(&settings).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_first_start_begins_with_keys_that_are_there_already() {
        // Made by `keyring create`, by a start that went no further, or by the release before.
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings::embedded(folder.path()).unwrap();
        keyfile::create(&settings.keyring.file, 64, &mut machine::rng()).unwrap();
        empty(&settings);
        drop(open(&settings).await.unwrap());
        let former = std::fs::read_to_string(&settings.keyring.file).unwrap();
        let former: Vec<_> = former.lines().filter(|line| !line.contains("directory")).collect();
        keyfile::write_private(&settings.keyring.file, former.join("\n").as_bytes()).unwrap();
        assert!(!keyfile::read(&settings.keyring.file).unwrap().unwrap().directory);
        drop(open(&settings).await.unwrap());
        assert!(keyfile::read(&settings.keyring.file).unwrap().unwrap().directory);
    }
}
