//! Tests the output of a program that refuses to start: if JSON is configured, every line is JSON.

use serde_json::Value;
use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::TcpListener,
    path::Path,
    process::{Command, Output, Stdio},
};

/// Runs `serve` with a configuration file and variables, in a folder of its own. It must refuse to start.
fn refused(folder: &Path, file: Option<&str>, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.arg("serve").args(arguments).env_clear().current_dir(folder).stdin(Stdio::null());
    if let Some(text) = file {
        std::fs::write(folder.join("countersign.toml"), text).unwrap();
        command.args(["--config", "countersign.toml"]);
    }
    for (name, value) in variables {
        command.env(format!("COUNTERSIGN__{name}"), value);
    }
    let output = command.output().unwrap();
    assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
    output
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    let line = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {text}"));
    text.lines().map(line).collect()
}

fn errors(output: &Output) -> Vec<String> {
    let lines = lines(output);
    let errors = lines.iter().filter(|line| line["level"] == "ERROR");
    errors.map(|line| line["error"].as_str().unwrap().to_owned()).collect()
}

const JSON: (&str, &str) = ("LOG__FORMAT", "json");

#[test]
fn every_problem_of_the_configuration_is_a_line_of_json() {
    let folder = tempfile::tempdir().unwrap();
    let file = "[log]\nformat = \"json\"\n[server]\nbind = \"nowhere\"\n[log2]\nlevel = \"loud\"\n";
    let by_file = refused(folder.path(), Some(file), &[("CODES__PARTITIONS", "0")], &[]);
    assert_eq!(by_file.status.code(), Some(2));
    let told = errors(&by_file);
    for part in ["server.bind", "codes.partitions", "log2.level"] {
        assert!(told.iter().any(|error| error.starts_with(part)), "{part}: {told:?}");
    }
    let broken = refused(folder.path(), Some("[server\n"), &[JSON], &[]);
    assert!(errors(&broken)[0].starts_with("countersign.toml, line 1"), "{broken:?}");
    let missing = refused(folder.path(), None, &[JSON], &["--config", "elsewhere.toml"]);
    assert!(errors(&missing)[0].starts_with("elsewhere.toml: cannot be read"), "{missing:?}");
    // The settings of the log itself are wrong. Without a terminal, the log is JSON.
    let log = refused(folder.path(), None, &[("LOG__FORMAT", "yaml"), ("LOG__LEVEL", "loud")], &[]);
    assert_eq!(errors(&log).len(), 2, "{log:?}");
    let role = refused(folder.path(), None, &[JSON], &["--role", "worker"]);
    assert!(errors(&role)[0].starts_with("--role"), "{role:?}");
}

#[test]
fn a_refusal_at_start_is_a_line_of_json_too() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let places = [JSON, ("SERVER__BIND", "127.0.0.1:0"), ("SERVER__OPERATOR_BIND", "127.0.0.1:0")];
    let port = refused(folder.path(), None, &[JSON, ("SERVER__BIND", &address)], &[]);
    assert_eq!((port.status.code(), errors(&port).len()), (Some(1), 1), "{port:?}");
    assert!(errors(&port)[0].contains("is taken"), "{port:?}");
    // With the quietest log, errors for an operator are still written.
    let mut quiet = places.to_vec();
    quiet.push(("LOG__LEVEL", "error"));
    std::fs::create_dir_all(folder.path().join("countersign-data")).unwrap();
    std::fs::write(folder.path().join("countersign-data/keyring.toml"), "partitions = 64\n").unwrap();
    let shared = refused(folder.path(), None, &quiet, &[]);
    assert!(errors(&shared)[0].contains("key ring"), "{shared:?}");
}

#[test]
fn a_log_names_the_command_for_the_first_person_and_has_no_link() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.arg("serve").env_clear().current_dir(folder.path()).stdin(Stdio::null());
    for place in ["BIND", "OPERATOR_BIND"] {
        command.env(format!("COUNTERSIGN__SERVER__{place}"), "127.0.0.1:0");
    }
    let mut running = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(running.stderr.take().unwrap()).lines();
    let told = lines.by_ref().map(Result::unwrap).find(|line| line.contains("first person"));
    Command::new("kill").args(["-TERM", &running.id().to_string()]).status().unwrap();
    let rest: Vec<_> = lines.map(Result::unwrap).collect();
    let mut answer = String::new();
    running.stdout.take().unwrap().read_to_string(&mut answer).unwrap();
    assert!(running.wait().unwrap().success());
    let told = told.unwrap();
    assert!(told.contains("countersign member invite --operator EMAIL"), "{told}");
    assert_eq!(answer, "");
    for line in rest.iter().chain([&told]) {
        assert!(!line.contains("/portal/"), "{line}");
    }
}

#[test]
fn people_are_told_in_their_words() {
    let folder = tempfile::tempdir().unwrap();
    let human = [("LOG__FORMAT", "human"), ("CODES__PARTITIONS", "0")];
    let output = refused(folder.path(), None, &human, &[]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.starts_with("error: the configuration is not usable:\n  codes.partitions"), "{text}");
}
