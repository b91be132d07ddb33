//! One SQLite file: a writer thread that groups commits, and a few readers.
//!
//! A commit costs far more than the statements in it, so acts that arrive
//! while one commit runs share the next. One that fails undoes itself and
//! nothing else. Answers leave only after the commit, so nothing acknowledged
//! is lost by a killed process.

mod checkpoint;
mod look;
mod open;
mod writer;

pub use look::LOOK_LIMIT;
pub use open::wait_until_closed;

use countersign_core::ports::error::StoreError;
use look::Look;
use open::Open;
use rusqlite::{Connection, ErrorCode, config::DbConfig, wal::CheckpointMode};
use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use writer::{Act, Waiting, write_groups};

/// How one file is opened.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// `synchronous=FULL`: a power cut loses nothing acknowledged. Without it
    /// the last moments before a power cut may go; a killed process loses nothing.
    pub full_sync: bool,
}

/// Acts that wait for the writer; beyond that a caller waits to hand its act over.
const QUEUE: usize = 4_096;
/// Connections that read beside the writer.
const READERS: usize = 4;
/// Memory for pages of the writer, in KiB: its acts come back to the same few.
/// Not more, for SQLite looks through all of it after most commits.
const WRITER_CACHE: i64 = 4_096;
/// What a log that begins anew keeps of its size, in bytes.
const LOG_LIMIT: i64 = 32 * 1024 * 1024;
/// How often a copy that meets another one of the same log begins again, and after how long.
const COPIES: u32 = 20;
const COPY_PAUSE: Duration = Duration::from_millis(100);
/// How long a caller waits for its act, and SQLite for another process's lock.
const PATIENCE: Duration = Duration::from_secs(5);

/// One SQLite file. Clones share it.
#[derive(Clone)]
pub struct Database {
    acts: mpsc::Sender<Box<dyn Act>>,
    readers: Arc<Readers>,
}

struct Readers {
    free: Arc<Semaphore>,
    connections: Mutex<Vec<Connection>>,
    /// The folder of a copy that a look makes; it goes with them.
    _copy: Option<TempDir>,
}

impl Database {
    /// Opens the file, or makes it readable by its owner only.
    pub fn open(path: &Path, options: Options) -> Result<Self, StoreError> {
        create_private(path)?;
        let mut writer = connect(path, options).map_err(sqlite_error)?;
        writer.pragma_update(None, "cache_size", -WRITER_CACHE).map_err(sqlite_error)?;
        let free = Arc::new(Semaphore::new(READERS));
        let beside = connect(path, options).map_err(sqlite_error)?;
        checkpoint::copy_beside(&mut writer, beside, Arc::clone(&free))?;
        let readers = (0..READERS).map(|_| connect(path, options)).collect::<Result<_, _>>();
        let (acts, queue) = mpsc::channel(QUEUE);
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let held = Open::begin();
        std::thread::Builder::new()
            .name(name)
            .spawn(move || {
                write_groups(&writer, queue);
                drop(writer);
                drop(held);
            })
            .map_err(StoreError::unavailable)?;
        let connections = Mutex::new(readers.map_err(sqlite_error)?);
        Ok(Self { acts, readers: Arc::new(Readers { free, connections, _copy: None }) })
    }

    /// Opens a file that is there, to read: nothing of it and nothing beside it is changed. Writes answer
    /// `Unavailable`. `None` for one that cannot be read so: its log has no index, and with it is larger
    /// than [`LOOK_LIMIT`].
    pub fn open_to_read(path: &Path) -> Result<Option<Self>, StoreError> {
        let Some(Look { connection, copy }) = look::connect_to_read(path)? else { return Ok(None) };
        let connections = Mutex::new(vec![connection]);
        // Nobody takes from the other end.
        let (acts, _) = mpsc::channel(1);
        let free = Arc::new(Semaphore::new(1));
        Ok(Some(Self { acts, readers: Arc::new(Readers { free, connections, _copy: copy }) }))
    }

    /// Runs an act atomically and answers after its commit. It may run twice,
    /// and then the first time is undone. `Unavailable` means that it was not
    /// carried out: one that has begun is waited for.
    pub async fn write<T: Send + 'static>(
        &self,
        act: impl FnMut(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, mut answered) = oneshot::channel();
        let taken = Arc::new(AtomicBool::new(false));
        let act = Waiting { act, answer, taken: taken.clone(), begun: None, outcome: None };
        let act: Box<dyn Act> = Box::new(act);
        let stopped = || StoreError::unavailable("the writer has stopped");
        let turn = async {
            self.acts.send(act).await.map_err(|_| stopped())?;
            (&mut answered).await.map_err(|_| stopped())?
        };
        if let Ok(outcome) = tokio::time::timeout(PATIENCE, turn).await {
            return outcome;
        }
        if !taken.swap(true, Ordering::SeqCst) {
            return Err(StoreError::unavailable("the writer did not come to it in 5 s"));
        }
        answered.await.map_err(|_| stopped())?
    }

    /// Reads what is committed, on a thread where it may take its time.
    pub async fn read<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = self.readers.acquire().await?;
        let readers = self.readers.clone();
        // The permit goes along: a caller that went away leaves the connection in use.
        let task = tokio::task::spawn_blocking(move || {
            let outcome = readers.run(act);
            drop(permit);
            outcome
        });
        task.await.map_err(StoreError::unavailable)?
    }

    /// Copies the whole log into the file and empties it, so that the file alone is all there is: for
    /// a stop, once nobody writes any more. While it runs, nobody reads.
    pub async fn settle(&self) -> Result<(), StoreError> {
        let all =
            tokio::time::timeout(PATIENCE, self.readers.free.clone().acquire_many_owned(READERS as u32));
        let all = all.await.map_err(|_| StoreError::unavailable("the readers did not end in 5 s"))?;
        let all = Arc::new(all.map_err(StoreError::unavailable)?);
        let mut tries = 1;
        loop {
            let (readers, held) = (self.readers.clone(), Arc::clone(&all));
            let copy = move || {
                let copy = |c: &Connection| {
                    c.wal_checkpoint_v2(None::<&str>, CheckpointMode::TRUNCATE).map_err(sqlite_error)
                };
                let outcome = readers.run(copy);
                drop(held);
                outcome
            };
            match tokio::task::spawn_blocking(copy).await.map_err(StoreError::unavailable)? {
                // Another copy of it is under way; SQLite does not wait for that by itself.
                Err(_) if tries < COPIES => tries += 1,
                outcome => return outcome.map(drop),
            }
            tokio::time::sleep(COPY_PAUSE).await;
        }
    }

    /// Reads a few rows by their key, right here: readers never wait for the
    /// writer, and such a read takes microseconds, where the way to another
    /// thread and back takes tens of them.
    pub async fn peek<T>(
        &self,
        act: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let _permit = self.readers.acquire().await?;
        self.readers.run(act)
    }
}

impl Readers {
    async fn acquire(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        let permit = tokio::time::timeout(PATIENCE, self.free.clone().acquire_owned()).await;
        let permit = permit.map_err(|_| StoreError::unavailable("no free reader in 5 s"))?;
        permit.map_err(StoreError::unavailable)
    }

    fn run<T>(&self, act: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let connection = self.lock().pop();
        let connection = connection.ok_or_else(|| StoreError::unavailable("a reader was lost"))?;
        let outcome = act(&connection);
        self.lock().push(connection);
        outcome
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Turns an error of the engine into what the ports speak of.
pub fn sqlite_error(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => StoreError::Conflict,
        _ => StoreError::unavailable(error),
    }
}

fn create_private(path: &Path) -> Result<(), StoreError> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(StoreError::unavailable)
}

fn connect(path: &Path, options: Options) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", if options.full_sync { "FULL" } else { "NORMAL" })?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "journal_size_limit", LOG_LIMIT)?;
    // Else a statement with a bound limit is compiled anew each time.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // Savepoints keep what they may have to undo in memory, not in a file of their own.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn open() -> (tempfile::TempDir, Database) {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("t.sqlite"), Options { full_sync: false }).unwrap();
        let create = "CREATE TABLE t (id INTEGER PRIMARY KEY) STRICT";
        database.write(|c| c.execute_batch(create).map_err(sqlite_error)).await.unwrap();
        (folder, database)
    }

    async fn count(database: &Database) -> i64 {
        let count = "SELECT count(*) FROM t";
        database.read(|c| c.query_row(count, [], |row| row.get(0)).map_err(sqlite_error)).await.unwrap()
    }

    #[tokio::test]
    async fn a_failing_act_undoes_itself_and_nothing_else() {
        let (_folder, database) = open().await;
        let acts = (0..100).map(|id: i64| {
            let database = database.clone();
            tokio::spawn(async move {
                let insert = move |c: &Connection| {
                    c.execute("INSERT INTO t (id) VALUES (?1)", [id]).map_err(sqlite_error)?;
                    if id % 2 == 0 { Err(StoreError::Conflict) } else { Ok(id) }
                };
                database.write(insert).await
            })
        });
        for (id, task) in acts.collect::<Vec<_>>().into_iter().enumerate() {
            assert_eq!(task.await.unwrap().is_err(), id % 2 == 0);
        }
        assert_eq!(count(&database).await, 50);
    }

    #[tokio::test]
    async fn an_act_that_was_given_up_is_not_carried_out() {
        let (_folder, database) = open().await;
        let (release, held) = std::sync::mpsc::channel::<()>();
        let (begin, mut begun) = mpsc::unbounded_channel();
        let blocked = database.clone();
        let hold = move |_: &Connection| {
            begin.send(()).map_err(StoreError::unavailable)?;
            held.recv().map_err(StoreError::unavailable)
        };
        let slow = tokio::spawn(async move { blocked.write(hold).await });
        begun.recv().await.unwrap();
        let insert = |c: &Connection| c.execute("INSERT INTO t (id) VALUES (1)", []).map_err(sqlite_error);
        // Behind the slow act; its caller loses patience first.
        let late = database.write(insert).await;
        assert!(matches!(late, Err(StoreError::Unavailable(_))));
        release.send(()).unwrap();
        assert!(slow.await.unwrap().is_ok(), "one that has begun is waited for");
        database.write(|_| Ok(())).await.unwrap();
        assert_eq!(count(&database).await, 0);
    }

    #[tokio::test]
    async fn a_transaction_that_sqlite_ended_takes_all_its_acts_with_it() {
        let (_folder, database) = open().await;
        let insert = |c: &Connection| c.execute("INSERT INTO t (id) VALUES (1)", []).map_err(sqlite_error);
        let ended = |c: &Connection| c.execute_batch("ROLLBACK").map_err(sqlite_error);
        let (first, second, third) =
            tokio::join!(database.write(insert), database.write(ended), database.write(insert));
        // They may share a group or not; what was refused must not be there.
        assert!(second.is_err());
        let kept = [first, third].iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(count(&database).await, kept as i64);
    }

    #[tokio::test]
    async fn a_full_disk_keeps_what_was_acknowledged_and_nothing_else() {
        let (_folder, database) = open().await;
        let room = |pages: i64| {
            let database = database.clone();
            let limit = move |c: &Connection| {
                c.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).map_err(sqlite_error)
            };
            async move { database.write(limit).await.unwrap() }
        };
        // The engine's answer is the same as for no space on the device: SQLITE_FULL.
        room(8).await;
        let acts = (0..5_000).map(|id: i64| {
            let database = database.clone();
            let insert =
                move |c: &Connection| c.execute("INSERT INTO t (id) VALUES (?1)", [id]).map_err(sqlite_error);
            tokio::spawn(async move { database.write(insert).await.is_ok() })
        });
        let mut acknowledged = 0;
        for task in acts.collect::<Vec<_>>() {
            acknowledged += i64::from(task.await.unwrap());
        }
        assert!((1..5_000).contains(&acknowledged), "{acknowledged}");
        assert_eq!(count(&database).await, acknowledged);
        room(1_000).await;
        let insert = |c: &Connection| c.execute("INSERT INTO t (id) VALUES (9999)", []).map_err(sqlite_error);
        assert_eq!(database.write(insert).await.unwrap(), 1, "with room it goes on");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_log_begins_anew_although_readers_never_pause() {
        let (folder, database) = open().await;
        let log = folder.path().join("t.sqlite-wal");
        let create = "CREATE TABLE blobs (id INTEGER PRIMARY KEY, blob BLOB) STRICT";
        database.write(|c| c.execute_batch(create).map_err(sqlite_error)).await.unwrap();
        let readers: Vec<_> = (0..2 * READERS)
            .map(|_| {
                let database = database.clone();
                tokio::spawn(async move {
                    loop {
                        let sum = "SELECT count(*) FROM blobs a, blobs b, blobs c, blobs d";
                        let read = |c: &Connection| {
                            c.query_row(sum, [], |row| row.get::<_, i64>(0)).map_err(sqlite_error)
                        };
                        database.read(read).await.unwrap();
                    }
                })
            })
            .collect();
        let mut longest = 0;
        for _ in 0..500 {
            let put = |c: &Connection| {
                let upsert =
                    "INSERT OR REPLACE INTO blobs (id, blob) VALUES (abs(random()) % 20, zeroblob(1000000))";
                c.execute(upsert, []).map_err(sqlite_error)
            };
            database.write(put).await.unwrap();
            longest = longest.max(std::fs::metadata(&log).unwrap().len());
        }
        readers.iter().for_each(tokio::task::JoinHandle::abort);
        assert!(longest < 300 * 1024 * 1024, "{longest}");
    }

    /// Whether a copy of the file alone, without its log, has the table and so many rows.
    fn copy_has(folder: &Path, rows: i64) -> bool {
        let copy = folder.join("copy.sqlite");
        std::fs::copy(folder.join("t.sqlite"), &copy).unwrap();
        let count = Connection::open(&copy)
            .and_then(|copy| copy.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)));
        std::fs::remove_file(&copy).unwrap();
        count.is_ok_and(|count| count == rows)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_file_that_is_settled_is_whole_by_itself() {
        let (folder, database) = open().await;
        let readers: Vec<_> = (0..2 * READERS)
            .map(|_| {
                let database = database.clone();
                tokio::spawn(async move {
                    loop {
                        count(&database).await;
                    }
                })
            })
            .collect();
        for id in 0..2_000_i64 {
            let insert =
                move |c: &Connection| c.execute("INSERT INTO t (id) VALUES (?1)", [id]).map_err(sqlite_error);
            database.write(insert).await.unwrap();
        }
        assert!(!copy_has(folder.path(), 2_000), "the log has the last of it");
        database.settle().await.unwrap();
        assert!(copy_has(folder.path(), 2_000));
        assert_eq!(std::fs::metadata(folder.path().join("t.sqlite-wal")).unwrap().len(), 0);
        // It goes on, if it must.
        let insert = |c: &Connection| c.execute("INSERT INTO t (id) VALUES (9999)", []).map_err(sqlite_error);
        database.write(insert).await.unwrap();
        readers.iter().for_each(tokio::task::JoinHandle::abort);
        assert_eq!(count(&database).await, 2_001);
    }

    #[tokio::test]
    async fn a_look_changes_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a ?%#.sqlite");
        assert!(Database::open_to_read(&path).is_err(), "it makes none");
        let files = || {
            let files = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap());
            let mut files: Vec<_> =
                files.map(|file| (file.file_name(), std::fs::read(file.path()).unwrap())).collect();
            files.sort();
            files
        };
        let connection = Connection::open(&path).unwrap();
        connection.pragma_update(None, "journal_mode", "WAL").unwrap();
        connection.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY) STRICT").unwrap();
        connection.execute_batch("INSERT INTO t (id) VALUES (1), (2)").unwrap();
        // While somebody serves, with all of it in the log; and when nobody does.
        for stopped in [false, true] {
            if stopped {
                Connection::open(&path).unwrap().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
            }
            let database = Database::open_to_read(&path).unwrap().unwrap();
            assert_eq!(count(&database).await, 2);
            assert!(matches!(database.write(|_| Ok(())).await, Err(StoreError::Unavailable(_))));
        }
        connection.close().unwrap();
        let before = files();
        assert_eq!(before.len(), 1);
        drop(Database::open_to_read(&path).unwrap().unwrap());
        assert!(files() == before);
        std::fs::write(&path, "no database").unwrap();
        assert!(Database::open_to_read(&path).is_err());
    }

    #[tokio::test]
    async fn a_look_reads_the_log_that_was_copied_with_its_file() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = from.path().join("t.sqlite");
        let connection = Connection::open(&path).unwrap();
        connection.pragma_update(None, "journal_mode", "WAL").unwrap();
        connection.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY) STRICT").unwrap();
        connection.execute_batch("INSERT INTO t (id) VALUES (1), (2)").unwrap();
        for name in ["t.sqlite", "t.sqlite-wal"] {
            std::fs::copy(from.path().join(name), to.path().join(name)).unwrap();
        }
        let (path, log) = (to.path().join("t.sqlite"), to.path().join("t.sqlite-wal"));
        let link = to.path().join("link.sqlite");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let files = || (std::fs::read(&path).unwrap(), std::fs::read(&log).unwrap());
        let before = files();
        for path in [&path, &link] {
            let database = Database::open_to_read(path).unwrap().unwrap();
            assert_eq!(count(&database).await, 2);
            let copy = database.readers._copy.as_ref().unwrap().path().to_owned();
            assert!(copy.exists());
            drop(database);
            assert!(!copy.exists(), "the copy goes with it");
        }
        assert!(files() == before);
        assert_eq!(std::fs::read_dir(to.path()).unwrap().count(), 3);
        // One that is too large to copy is not judged by what it was before its log.
        std::fs::File::options().write(true).open(&log).unwrap().set_len(LOOK_LIMIT).unwrap();
        assert!(Database::open_to_read(&path).unwrap().is_none());
    }

    #[tokio::test]
    async fn a_doubled_key_is_a_conflict() {
        let (_folder, database) = open().await;
        let insert = |c: &Connection| c.execute("INSERT INTO t (id) VALUES (1)", []).map_err(sqlite_error);
        database.write(insert).await.unwrap();
        assert!(matches!(database.write(insert).await, Err(StoreError::Conflict)));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn the_file_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let (folder, _database) = open().await;
        let mode = std::fs::metadata(folder.path().join("t.sqlite")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
