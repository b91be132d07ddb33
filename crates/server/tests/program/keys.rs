//! Tests the keys that a script reads from standard output.

use super::files::program;
use countersign_core::access::key::PresentedKey;
use std::{
    path::Path,
    process::{Output, Stdio},
};

fn run(folder: &Path, line: &str) -> Output {
    let arguments: Vec<_> = line.split(' ').collect();
    program(folder, &arguments).stdout(Stdio::piped()).output().unwrap()
}

/// The only line of the answer, and the messages on standard error.
fn told(folder: &Path, line: &str) -> (String, String) {
    let ended = run(folder, line);
    assert!(ended.status.success(), "{line}: {ended:?}");
    let answer = String::from_utf8(ended.stdout).unwrap();
    let only = answer.strip_suffix('\n').unwrap();
    assert!(!only.contains('\n'), "{line}: {answer}");
    (only.to_owned(), String::from_utf8(ended.stderr).unwrap())
}

#[test]
fn a_key_is_alone_on_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    let (tenant, _) = told(folder.path(), "tenant create --name Acme --countries all");
    let create = |scopes| format!("key create --tenant {tenant} --name app --scopes {scopes}");
    let id = |key: &str| PresentedKey::parse_password(key).unwrap().id;
    let rotate = |key: &str| format!("key rotate --tenant {tenant} {}", id(key));

    let (key, said) = told(folder.path(), &create("verifications:start"));
    assert!(PresentedKey::parse(&key).is_some() && !said.contains("Twilio"), "{said}");
    for line in [create("verifications:start"), rotate(&key)] {
        let refused = run(folder.path(), &format!("{line} --twilio"));
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(refused.status.code() == Some(1) && said.contains("compat:twilio"), "{said}");
        assert!(refused.stdout.is_empty());
    }
    let listed = run(folder.path(), &format!("key list --tenant {tenant}")).stdout;
    assert_eq!(String::from_utf8(listed).unwrap().lines().count(), 1, "a refused command makes no key");

    let (mut key, _) = told(folder.path(), &rotate(&key));
    for line in [create("compat:twilio"), "rotate".to_owned()] {
        let line = if line == "rotate" { rotate(&key) } else { line };
        let (full, said) = told(folder.path(), &line);
        assert!(PresentedKey::parse(&full).is_some());
        assert!(said.contains("password of AC") && said.contains("without its underscores"), "{said}");
        assert!(!said.contains(&full) && !said.contains(&full.replace('_', "")), "{said}");
        let line = if line.contains("rotate") { rotate(&full) } else { line };
        let (plain, said) = told(folder.path(), &format!("{line} --twilio"));
        assert!(!plain.contains('_') && PresentedKey::parse_password(&plain).is_some(), "{said}");
        assert!(said.contains("password of AC") && !said.contains(&plain), "{said}");
        key = plain;
    }
}
