//! One SQLite file: a writer thread that groups operations into commits, and a few readers.
//!
//! A commit costs far more than the statements in it. So operations that arrive while one commit runs share
//! the next. An operation that fails undoes only itself. Callers get their answers only after the commit, so
//! a killed process loses nothing that it acknowledged.

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
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use writer::{Act, Waiting, write_groups};

/// The options for opening a file.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// With `synchronous=FULL`, a power cut loses nothing acknowledged. Without it, a power cut may lose the
    /// last moments. A killed process loses nothing in either case.
    pub full_sync: bool,
}

/// The number of operations that may wait for the writer. Beyond it, callers wait before their operation is
/// queued.
const QUEUE: usize = 4_096;
/// The number of connections that read beside the writer.
const READERS: usize = 4;
/// The writer's page cache, in KiB. Its operations use the same few pages. A larger cache would cost time,
/// because SQLite searches all of it after most commits.
const WRITER_CACHE: i64 = 4_096;
/// The size to which SQLite shortens the log when it restarts it, in bytes.
const LOG_LIMIT: i64 = 32 * 1024 * 1024;
/// How often a copy of the log to the database file is tried while another copy runs.
const COPIES: u32 = 20;
/// The pause between two such tries.
const COPY_PAUSE: Duration = Duration::from_millis(100);
/// The pause between two tries to change a new file.
const BUSY_PAUSE: Duration = Duration::from_millis(10);
/// How long a caller waits for its operation, and SQLite for another process's lock.
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
    /// The folder of the copy that a read-only look makes. It is deleted with the database.
    _copy: Option<TempDir>,
    /// Ends after the connections, because fields are dropped in their order.
    _open: Open,
}

impl Database {
    /// Opens the file. If it does not exist, creates it, readable only by its owner.
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
        Ok(Self { acts, readers: Arc::new(Readers { free, connections, _copy: None, _open: Open::begin() }) })
    }

    /// Opens an existing file for reading only, and changes neither the file nor those beside it. Writes
    /// return `Unavailable`. Returns `None` if the log has no index, and file and log together are larger
    /// than [`LOOK_LIMIT`].
    pub fn open_to_read(path: &Path) -> Result<Option<Self>, StoreError> {
        let Some(Look { connection, copy }) = look::connect_to_read(path)? else { return Ok(None) };
        let connections = Mutex::new(vec![connection]);
        // Nothing takes operations from the other end.
        let (acts, _) = mpsc::channel(1);
        let free = Arc::new(Semaphore::new(1));
        Ok(Some(Self {
            acts,
            readers: Arc::new(Readers { free, connections, _copy: copy, _open: Open::begin() }),
        }))
    }

    /// Runs an operation atomically and returns after its commit. The operation may run twice; then its first
    /// run is undone. `Unavailable` means that the operation was not carried out: this function waits for one
    /// that has begun.
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

    /// Reads committed data, on a thread that may block.
    pub async fn read<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = self.readers.acquire().await?;
        let readers = self.readers.clone();
        // The permit moves along: if the caller goes away, the connection still counts as in use.
        let task = tokio::task::spawn_blocking(move || {
            let outcome = readers.run(act);
            drop(permit);
            outcome
        });
        task.await.map_err(StoreError::unavailable)?
    }

    /// Copies the whole log into the file and empties the log, so that the file alone contains everything.
    /// Call this at a stop, when nobody writes any more. Nobody can read while it runs.
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
                // Another copy is running; SQLite does not wait for it by itself.
                Err(_) if tries < COPIES => tries += 1,
                outcome => return outcome.map(drop),
            }
            tokio::time::sleep(COPY_PAUSE).await;
        }
    }

    /// Reads a few rows by key on the calling thread. Readers never wait for the writer, and such a read
    /// takes microseconds. Passing it to another thread and back would take tens of microseconds.
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

/// Converts an error of the engine to one of the ports.
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
    use_log(&connection)?;
    connection.pragma_update(None, "synchronous", if options.full_sync { "FULL" } else { "NORMAL" })?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "journal_size_limit", LOG_LIMIT)?;
    // Without this, SQLite would compile a statement with a bound limit again each time.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // Savepoints keep their undo data in memory instead of a file.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Makes the file keep a write-ahead log. If several connections change a new file to it at once, SQLite
/// refuses some of them without waiting: each holds a lock that another waits for. So this tries again.
#[expect(
    clippy::disallowed_methods,
    reason = "a file is opened at a start, and SQLite itself blocks here, too"
)]
fn use_log(connection: &Connection) -> rusqlite::Result<()> {
    let begun = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && begun.elapsed() < PATIENCE =>
            {
                std::thread::sleep(BUSY_PAUSE);
            }
            outcome => return outcome,
        }
    }
}

#[cfg(test)]
mod tests;
