//! Tests the files that a server or a command leaves on disk.

use countersign_core::{
    keyring::{KeyRing, VersionedKey},
    ports::directory::tenants::Tenants,
};
use countersign_stores::{
    directory::SqlDirectory,
    sql::Sql,
    sqlite::{Database, Options},
};
use std::{
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

/// Longer than any step takes on a busy machine.
const AT_MOST: Duration = Duration::from_secs(60);

pub(crate) fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.args(arguments).env_clear().current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null());
    for place in ["BIND", "OPERATOR_BIND"] {
        command.env(format!("COUNTERSIGN__SERVER__{place}"), "127.0.0.1:0");
    }
    command
}

/// A running server. It ends with its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    fn signal(&self, name: &str) {
        let asked = Command::new("kill").args([name, &self.0.id().to_string()]).status().unwrap();
        assert!(asked.success());
    }
}

async fn wait_for(what: &str, done: impl Fn() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < AT_MOST, "{what}: not in time");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Copies the file alone, without its log, to a new folder.
fn copy(file: &Path) -> (tempfile::TempDir, Database) {
    let folder = tempfile::tempdir().unwrap();
    let copied = folder.path().join(file.file_name().unwrap());
    std::fs::copy(file, &copied).unwrap();
    let database = Database::open(&copied, Options { full_sync: false }).unwrap();
    (folder, database)
}

fn log_is_empty(file: &Path) -> bool {
    std::fs::metadata(format!("{}-wal", file.display())).map_or(0, |log| log.len()) == 0
}

async fn tenants(file: &Path) -> usize {
    let (_folder, database) = copy(file);
    let sql = Sql::sqlite(database);
    assert!(!sql.is_new().await.unwrap(), "{} has no tables", file.display());
    // It only reads, so any key ring will do.
    let key = || vec![VersionedKey { version: 1, key: [1; 32] }];
    let keyring = KeyRing::new([1; 32], key(), key()).unwrap();
    SqlDirectory::new(sql, Arc::new(keyring)).list_tenants(None, 10).await.unwrap().len()
}

#[tokio::test]
async fn files_of_a_server_that_stopped_are_whole_by_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let ready = folder.path().join("ready.json");
    let arguments =
        ["dev", "--port", "0", "--operator-port", "0", "--data", "data", "--ready-file", "ready.json"];
    let mut running = Running(program(folder.path(), &arguments).stderr(Stdio::null()).spawn().unwrap());
    wait_for("dev", || ready.exists()).await;
    running.signal("-TERM");
    assert!(running.0.wait().unwrap().success());
    let data = folder.path().join("data");
    for name in ["directory.sqlite", "codes.sqlite", "inbox.sqlite"] {
        assert!(log_is_empty(&data.join(name)), "{name}");
        assert!(std::fs::metadata(data.join(name)).unwrap().len() > 4_096, "{name}");
    }
    assert_eq!(tenants(&data.join("directory.sqlite")).await, 1);
}

/// A file on a network may hang for ever when it is read again; a pipe without a writer does the same.
#[tokio::test]
async fn a_watched_file_that_hangs_delays_no_stop() {
    let folder = tempfile::tempdir().unwrap();
    let (ready, file) = (folder.path().join("ready.json"), folder.path().join("proxy"));
    std::fs::write(&file, "http://127.0.0.1:9").unwrap();
    let arguments =
        ["dev", "--port", "0", "--operator-port", "0", "--data", "data", "--ready-file", "ready.json"];
    let mut command = program(folder.path(), &arguments);
    command.env("COUNTERSIGN__DELIVERY__PROXY_FILE", &file);
    let mut running = Running(command.stderr(Stdio::null()).spawn().unwrap());
    wait_for("dev", || ready.exists()).await;
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    std::fs::rename(&pipe, &file).unwrap();
    // The server looks at the file every second.
    tokio::time::sleep(Duration::from_secs(3)).await;
    running.signal("-TERM");
    let asked = Instant::now();
    while running.0.try_wait().unwrap().is_none() {
        assert!(asked.elapsed() < Duration::from_secs(15), "it still runs");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(running.0.wait().unwrap().success());
}

#[tokio::test]
async fn files_of_a_command_that_ended_are_whole_by_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("countersign-data/directory.sqlite");
    for (count, name) in [(1, "Acme"), (2, "Other")] {
        let made = program(folder.path(), &["tenant", "create", "--name", name, "--countries", "all"])
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        assert!(log_is_empty(&file));
        assert_eq!(tenants(&file).await, count);
    }
}

#[tokio::test]
async fn a_directory_that_was_lost_on_the_way_is_no_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("countersign-data");
    let serve = || {
        let mut command = program(folder.path(), &["serve"]);
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        Running(command.stderr(log).spawn().unwrap())
    };
    let log = || std::fs::read_to_string(folder.path().join("log")).unwrap();
    // The keys were created before, as for several nodes.
    std::fs::create_dir_all(&data).unwrap();
    let made = program(folder.path(), &["keyring", "create"]).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let mut running = serve();
    wait_for("serve", || log().contains("Serving")).await;
    running.signal("-KILL");
    running.0.wait().unwrap();
    // The server continues with the log beside the file.
    let mut running = serve();
    wait_for("serve", || log().contains("Serving")).await;
    running.signal("-TERM");
    assert!(running.0.wait().unwrap().success(), "{}", log());
    // A copy without the directory, or with a directory without tables.
    for keep_codes in [true, false] {
        for name in ["directory.sqlite", "directory.sqlite-wal", "directory.sqlite-shm"] {
            let _ = std::fs::remove_file(data.join(name));
        }
        if !keep_codes {
            std::fs::remove_file(data.join("codes.sqlite")).unwrap();
        }
        for _ in 0..2 {
            let mut refused = serve();
            assert_eq!(refused.0.wait().unwrap().code(), Some(1));
            let log = log();
            assert!(log.contains("is empty, but") && log.contains("directory.sqlite-wal"), "{log}");
        }
        let refused = program(folder.path(), &["tenant", "create", "--name", "Acme", "--countries", "all"])
            .output()
            .unwrap();
        let told = String::from_utf8(refused.stderr).unwrap();
        assert!(!refused.status.success() && told.contains("is empty, but"), "{told}");
    }
}
