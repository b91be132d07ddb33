//! Chooses the engines of the stores, once. All other code is the same for every engine.

mod certificates;
mod codes;
mod folder;
mod lost;
mod trial;

use crate::{
    configuration::{CodesUrl, DatabaseUrl, DeliverySettings, Secret, Settings},
    demo::INBOX,
    keyfile::{self, KeyFile},
    machine,
};
use anyhow::{Context as _, bail, ensure};
pub(crate) use certificates::{read_authority, read_certificates};
use codes::open_codes;
pub(crate) use codes::redis_url;
pub use codes::tell_nodes;
use countersign_core::{
    context::{Context, Management, Replica},
    keyring::KeyRing,
    ports::{
        clock::Clock, codes::peers::Peers, directory::Directory, history::HistoryUpkeep, inbox::Inbox,
        nodes::Nodes, people::notices::Notices,
    },
    snapshot::Snapshot,
};
use countersign_delivery::{AccountReport, Accounts, AddressPolicy, Outbound, Proxy, Way, providers::Means};
use countersign_stores::{
    directory::{SqlDirectory, SqlNodes},
    history::SqlHistory,
    inbox::SqliteInbox,
    people::SqlPeople,
    redis::RedisCodes,
    sql::Sql,
    sqlite::{Database, Options},
    webhooks::SqlWebhooks,
};
pub(crate) use folder::make_folder;
use folder::{judge_folder, lock_folder};
use lost::{note_directory, refuse_lost_directory};
use std::{fs::File, sync::Arc};
use tokio::sync::mpsc;
pub(crate) use trial::{Trial, try_all};

/// The stores of a serving process, and the lock that keeps other processes out.
pub struct Backends {
    /// The stores, the snapshot and the key ring, as every operation takes them.
    pub context: Context,
    /// The list of nodes, in which this process registers itself.
    pub nodes: Arc<dyn Nodes>,
    /// The provider accounts through which this process sends.
    pub(crate) accounts: Arc<Accounts>,
    /// Receipts that arrive on providers' own connections.
    pub(crate) reports: mpsc::Receiver<AccountReport>,
    /// The client for calls to providers and webhooks.
    pub(crate) outbound: Outbound,
    /// The history, for the maintenance jobs.
    pub(crate) history: Arc<dyn HistoryUpkeep>,
    /// The notices to persons.
    pub(crate) notices: Arc<dyn Notices>,
    /// The messages of the virtual phone; only in `dev`.
    pub inbox: Option<Arc<dyn Inbox>>,
    /// The same stores, for what may change of the way to them: the database, and codes that nodes share.
    pub(crate) servers: (Sql, Option<Arc<RedisCodes>>),
    /// The files that it writes on this machine.
    pub(crate) files: Vec<Database>,
    /// The lock on the data folder. It is released when it is dropped, or by the system when the process
    /// dies.
    pub(crate) lock: File,
}

/// Opens everything that a serving process needs.
pub async fn open_backends(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
    dev: bool,
) -> anyhow::Result<Backends> {
    judge_folder(&settings.folder)?;
    make_folder(&settings.folder)?;
    let lock = lock_folder(&settings.folder).await?;
    let (keyring, partitions) = open_keyring(settings, dev)?;
    let keyring = Arc::new(keyring);
    let sql = open_sql(settings).await?;
    if dev {
        sql.migrate().await.context("The database cannot be brought up to date")?;
    }
    refuse_pending_migrations(&sql).await?;
    let mut files: Vec<Database> = sql.file().into_iter().cloned().collect();
    let (codes, shared_codes) = open_codes(&settings.codes, clock, &keyring, (dev, &mut files)).await?;
    let inbox: Option<Arc<dyn Inbox>> = if dev {
        let file = settings.folder.join(INBOX);
        let inbox = SqliteInbox::open(&file, Arc::clone(&keyring)).await;
        let inbox = inbox.with_context(|| format!("The inbox {} cannot be opened", file.display()))?;
        files.push(inbox.file().clone());
        Some(Arc::new(inbox))
    } else {
        None
    };
    let live_route = dev || settings.delivery.relay.is_some();
    let outbound = open_outbound(&settings.delivery)?;
    // Each account's receipts pass through here; a place is free again as soon as one is noted.
    let (tell, reports) = mpsc::channel(1);
    let means = Means { outbound: outbound.clone(), clock: Arc::clone(clock), reports: mpsc::channel(1).0 };
    let accounts = Arc::new(Accounts::new(means, Arc::clone(&keyring), tell));
    let snapshot = Arc::new(Snapshot::default());
    let history = Arc::new(SqlHistory::telling(sql.clone(), Arc::clone(&snapshot), Arc::clone(&keyring)));
    let webhooks = Arc::new(SqlWebhooks::new(sql.clone()));
    let directory = Arc::new(SqlDirectory::new(sql.clone(), Arc::clone(&keyring)));
    let notices: Arc<dyn Notices> = Arc::new(SqlPeople::new((*directory).clone()));
    let nodes: Arc<dyn Nodes> = Arc::new(SqlNodes::new(sql.clone()));
    let peers: Arc<dyn Peers> = codes.clone();
    let management = Management {
        replica: Replica { directory, snapshot, peers: Some(peers) },
        keyring,
        gateways: accounts.clone(),
        live_route,
    };
    let context = Context { management, codes, history: history.clone(), webhooks, partitions };
    note_directory(settings);
    let servers = (sql, shared_codes);
    Ok(Backends {
        accounts,
        reports,
        outbound,
        context,
        nodes,
        history,
        notices,
        inbox,
        servers,
        files,
        lock,
    })
}

/// Checks the data folder and the key ring, whose problems only a person on this machine can repair. Creates
/// nothing.
pub(crate) fn judge_machine(settings: &Settings) -> anyhow::Result<()> {
    judge_folder(&settings.folder)?;
    find_keyring(settings, false).map(drop)
}

/// Opens the stores for a command that manages accounts and delivery routes while a server runs. The command
/// can reach neither verifications nor history, and holds no lock.
pub(crate) async fn open_management(settings: &Settings) -> anyhow::Result<Management> {
    let sql = open_sql(settings).await?;
    refuse_pending_migrations(&sql).await?;
    let keyring = Arc::new(open_keyring(settings, false)?.0);
    let directory = Arc::new(SqlDirectory::new(sql, Arc::clone(&keyring)));
    manage(settings, directory, keyring)
}

/// The same for who has opened the directory.
pub(crate) fn manage(
    settings: &Settings,
    directory: Arc<dyn Directory>,
    keyring: Arc<KeyRing>,
) -> anyhow::Result<Management> {
    let outbound = open_outbound(&settings.delivery)?;
    let clock: Arc<dyn Clock> = Arc::new(machine::SystemClock);
    let means = Means { outbound, clock, reports: mpsc::channel(1).0 };
    let accounts = Accounts::new(means, Arc::clone(&keyring), mpsc::channel(1).0);
    Ok(Management {
        replica: Replica { directory, snapshot: Arc::default(), peers: None },
        keyring,
        gateways: Arc::new(accounts),
        live_route: settings.delivery.relay.is_some(),
    })
}

/// Opens the directory's engine. A file on this machine is brought up to date at once. A server that other
/// nodes also use waits for `countersign migrate`.
pub async fn open_sql(settings: &Settings) -> anyhow::Result<Sql> {
    match &settings.database {
        DatabaseUrl::Postgres { url, certificates } => {
            let certificates = read_certificates("database", certificates)?;
            let url = read_again("database.url", url)?;
            Sql::postgres(url.expose(), Some(&certificates)).context("The database cannot be reached so")
        }
        DatabaseUrl::Sqlite(file) => {
            // A refusal must not create a missing file. Another process that starts at the same time may
            // create it.
            if !file.exists()
                && let Err(refused) = refuse_lost_directory(settings, file, None).await
                && !file.exists()
            {
                return Err(refused);
            }
            if let Some(folder) = file.parent() {
                make_folder(folder)?;
            }
            let shown = file.display();
            // The file holds the newest keys. Losing one to a power cut would be worse than the moment that a
            // full sync takes.
            let database = Database::open(file, Options { full_sync: true });
            let database = database.with_context(|| format!("The database {shown} cannot be opened"))?;
            let sql = Sql::sqlite(database);
            refuse_lost_directory(settings, file, Some(&sql)).await?;
            sql.migrate()
                .await
                .with_context(|| format!("The database {shown} cannot be brought up to date"))?;
            Ok(sql)
        }
    }
}

/// The way to providers and webhooks.
fn open_outbound(settings: &DeliverySettings) -> anyhow::Result<Outbound> {
    let made = "The client for calls to providers cannot be made";
    let outbound =
        Outbound::new(AddressPolicy::new(settings.allowed_networks.clone(), true)).context(made)?;
    let authorities = read_authority("delivery.ca_file", settings.ca.as_deref())?;
    let url = settings.proxy.as_ref().map(|url| read_again("delivery.proxy", url)).transpose()?;
    let proxy = url.map(|url| Proxy::parse(url.expose(), settings.proxy_resolves)).transpose();
    let way = Way { proxy: proxy.context("delivery.proxy")?, authorities };
    outbound.change(way).context("delivery.ca_file")?;
    Ok(outbound)
}

/// A secret as its file holds it now: it may have changed since the settings were read.
fn read_again(setting: &str, secret: &Secret) -> anyhow::Result<Secret> {
    secret.read_again().with_context(|| setting.to_owned())
}

/// Says what to do when the database is not at this program's version.
pub async fn refuse_pending_migrations(sql: &Sql) -> anyhow::Result<()> {
    refuse_older(&sql.pending_migrations().await.context("The database does not answer")?)
}

fn refuse_older(pending: &[String]) -> anyhow::Result<()> {
    ensure!(
        pending.is_empty(),
        "The database is older than this program; run `countersign migrate` first (it would apply: {})",
        pending.join(", ")
    );
    Ok(())
}

/// The key ring, and the number of partitions that is fixed with it.
pub(crate) fn open_keyring(settings: &Settings, dev: bool) -> anyhow::Result<(KeyRing, u16)> {
    if let Some(found) = find_keyring(settings, dev)? {
        return Ok(found);
    }
    let path = &settings.keyring.file;
    keyfile::create(path, settings.codes.partitions, &mut machine::rng())?;
    if !dev {
        tracing::warn!(file = %path.display(), "Made a new key ring; keep a copy of it in a safe place");
    }
    let made = find_keyring(settings, dev)?;
    made.with_context(|| format!("The key ring {} vanished", path.display()))
}

/// Reads the configured key ring. Returns `None` if the first start must create it, because all stores are on
/// this machine.
fn find_keyring(settings: &Settings, dev: bool) -> anyhow::Result<Option<(KeyRing, u16)>> {
    let wanted = settings.codes.partitions;
    let file = match &settings.keyring.text {
        Some(text) => Some(keyfile::parse(text.expose()).context("keyring.text is not valid")?),
        None => find_key_file(settings, dev)?,
    };
    let Some(file) = file else { return Ok(None) };
    let fixed = file.partitions.unwrap_or(wanted);
    ensure!(
        fixed == wanted,
        "codes.partitions is {wanted}, but this installation was made with {fixed}; set codes.partitions = {fixed}"
    );
    Ok(Some((file.keyring()?, fixed)))
}

/// Refuses a missing file that may not be created.
fn find_key_file(settings: &Settings, dev: bool) -> anyhow::Result<Option<KeyFile>> {
    let path = &settings.keyring.file;
    let shown = path.display();
    if let Some(found) = keyfile::read(path)? {
        return Ok(Some(found));
    }
    // New keys could not open the stored data, so a lost key ring must not look like a first start.
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
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cli::Role, machine::SystemClock};
    use std::path::Path;

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

    fn remove_directory(settings: &Settings) -> &Path {
        let DatabaseUrl::Sqlite(file) = &settings.database else { panic!("a file") };
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{end}", file.display()));
        }
        file
    }

    /// As after copying only the file of a killed server.
    fn empty(settings: &Settings) {
        let file = remove_directory(settings);
        drop(Database::open(file, Options { full_sync: true }).unwrap());
    }

    /// The remedies that a refusal names.
    fn forget(settings: &Settings, refused: &str) {
        let ring = &settings.keyring.file;
        let CodesUrl::Sqlite(codes) = &settings.codes.url else { panic!("a file") };
        assert_eq!(refused.contains(&format!("move {}", codes.display())), codes.exists(), "{refused}");
        if codes.exists() {
            std::fs::remove_file(codes).unwrap();
        }
        let (_, line) = refused.split_once("delete the line \"").unwrap();
        let (line, _) = line.split_once("\" from the key ring ").unwrap();
        let text = std::fs::read_to_string(ring).unwrap();
        let kept: Vec<_> = text.lines().filter(|other| *other != line).collect();
        assert_eq!(kept.len() + 1, text.lines().count(), "{refused}");
        keyfile::write_private(ring, kept.join("\n").as_bytes()).unwrap();
    }

    #[tokio::test]
    async fn an_empty_directory_beside_keys_that_were_used_is_refused() {
        for (without_codes, without_file) in [(false, false), (true, false), (false, true), (true, true)] {
            let folder = tempfile::tempdir().unwrap();
            let settings = Settings::embedded(folder.path()).unwrap();
            drop(open(&settings).await.unwrap());
            drop(open(&settings).await.unwrap());
            empty(&settings);
            let DatabaseUrl::Sqlite(file) = &settings.database else { panic!("a file") };
            let CodesUrl::Sqlite(codes) = &settings.codes.url else { panic!("a file") };
            if without_codes {
                std::fs::remove_file(codes).unwrap();
            }
            if without_file {
                remove_directory(&settings);
            }
            let mut refused = String::new();
            for _ in 0..2 {
                refused = refusal(open(&settings).await);
                let witness = if without_codes { &settings.keyring.file } else { codes };
                let begin = format!("is empty, but {} was used with one", witness.display());
                assert!(refused.contains(&begin) && refused.contains("directory.sqlite-wal"), "{refused}");
                assert!(open_sql(&settings).await.is_err(), "no command makes one either");
                assert_eq!(file.exists(), !without_file, "a refusal makes no file");
                // If the file exists, a thread may still be closing it.
                if without_file {
                    let Trial { problems, notes } = try_all(&settings, Role::All).await;
                    assert!(problems.len() == 1 && problems[0].contains(&begin), "{problems:?}");
                    assert!(!notes.iter().any(|note| note.contains("the database")), "{notes:?}");
                }
            }
            let keys = keyfile::read(&settings.keyring.file).unwrap().unwrap().keyring().unwrap().identity();
            forget(&settings, &refused);
            let backends = open(&settings).await.unwrap();
            assert_eq!(backends.context.keyring.identity(), keys, "the key ring stays");
        }
    }

    #[tokio::test]
    async fn a_copy_with_its_logs_is_tried_as_it_is() {
        let (folder, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let settings = Settings::embedded(folder.path()).unwrap();
        let running = open(&settings).await.unwrap();
        let names =
            ["directory.sqlite", "directory.sqlite-wal", "codes.sqlite", "codes.sqlite-wal", "keyring.toml"];
        for name in names {
            std::fs::copy(folder.path().join(name), copy.path().join(name)).unwrap();
        }
        drop(running);
        let copied = Settings::embedded(copy.path()).unwrap();
        let Trial { problems, notes } = try_all(&copied, Role::All).await;
        assert!(problems.is_empty(), "{problems:?}");
        assert!(!notes.iter().any(|note| note.contains("up to date")), "{notes:?}");
        assert_eq!(std::fs::read_dir(copy.path()).unwrap().count(), names.len(), "a look makes no file");
    }

    #[tokio::test]
    async fn a_first_start_begins_with_keys_that_are_there_already() {
        // The key ring was created by `keyring create`, by a start that failed later, or by an older release.
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
