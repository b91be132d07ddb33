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
    // The operation waits behind the slow one, and its caller stops waiting first.
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
    // The operations may share a commit or not. The refused one must have no effect.
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
    // SQLite returns the same error, SQLITE_FULL, when the device has no space.
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
    // Readers wait from this size on. Then the writer lets a slow disk finish the copy.
    let long = 140 * 1024 * 1024;
    let mut longest = 0;
    for _ in 0..500 {
        let put = |c: &Connection| {
            let upsert =
                "INSERT OR REPLACE INTO blobs (id, blob) VALUES (abs(random()) % 20, zeroblob(1000000))";
            c.execute(upsert, []).map_err(sqlite_error)
        };
        database.write(put).await.unwrap();
        let length = std::fs::metadata(&log).unwrap().len();
        if length > longest.max(long) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        longest = longest.max(length);
    }
    readers.iter().for_each(tokio::task::JoinHandle::abort);
    assert!(longest < 300 * 1024 * 1024, "{longest}");
}

/// Returns whether a copy of the file alone, without its log, has the table with this many rows.
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
    // The database can continue afterwards, if necessary.
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
    // Once while a server uses the file and the log contains everything, and once when no server does.
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
    // A file that is too large to copy is not read without its log.
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

/// A service and a command may be started at the same moment on a new machine. SQLite answers "locked" at once,
/// without its patience, to some who change the same new file to WAL.
#[test]
fn many_open_a_new_file_at_once() {
    for round in 0..100 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.sqlite");
        let begin = std::sync::Barrier::new(8);
        std::thread::scope(|scope| {
            let open = || {
                begin.wait();
                connect(&path, Options { full_sync: false }).map(drop)
            };
            let openings: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            for opening in openings {
                let opened = opening.join().unwrap();
                assert!(opened.is_ok(), "round {round}: {opened:?}");
            }
        });
    }
}
