use super::*;
use rand::{SeedableRng, rngs::StdRng};

fn created() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyring.toml");
    create(&path, 64, &mut StdRng::seed_from_u64(1)).unwrap();
    (folder, path)
}

#[test]
fn of_many_that_create_it_at_once_one_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyring.toml");
    let made: usize = std::thread::scope(|scope| {
        let create = || usize::from(create(&path, 4, &mut crate::machine::rng()).is_ok());
        let threads: Vec<_> = (0..16).map(|_| scope.spawn(create)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(made, 1);
    assert!(read(&path).unwrap().is_some());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");
}

#[test]
fn a_fresh_file_reads_back_the_same_and_is_never_replaced() {
    let (folder, path) = created();
    let first = read(&path).unwrap().unwrap();
    assert_eq!(first.partitions, Some(64));
    assert!(create(&path, 64, &mut StdRng::seed_from_u64(2)).is_err());
    let again = read(&path).unwrap().unwrap();
    assert_eq!(first.keyring().unwrap().derive("x"), again.keyring().unwrap().derive("x"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");
    assert!(read(&folder.path().join("none.toml")).unwrap().is_none());
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, path) = created();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(read(&path).unwrap_err().to_string().contains("chmod 600"));
}

#[test]
fn a_broken_file_is_refused_without_showing_keys() {
    let (_folder, path) = created();
    let whole = std::fs::read_to_string(&path).unwrap();
    let key = whole.lines().find_map(|line| line.strip_prefix("fingerprint = ")).unwrap();
    let key = key.trim_matches('"');
    for broken in [
        whole.replace(key, &key[..20]),
        whole.replace("version = 1", "version = 0"),
        whole.replace("[[seal]]", "[[mac]]"),
        whole.replace("partitions", "partition"),
        whole.replace(&format!("\"{key}\""), key),
        whole.replace("[[seal]]", "[[seal]]\nversion = 1\nkey = \"\"\n[[seal]]"),
    ] {
        assert_ne!(broken, whole);
        std::fs::write(&path, &broken).unwrap();
        let error = format!("{:#}", read(&path).unwrap_err());
        assert!(error.contains("is not valid"), "{error}");
        assert!(!error.contains(&key[..20]), "{error}");
    }
}

#[test]
fn a_rotation_keeps_what_the_file_held() {
    let (folder, path) = created();
    let now = Timestamp::from_millis(1_790_000_000_000);
    let rng = &mut StdRng::seed_from_u64(2);
    let derived = |file: &KeyFile| file.keyring().unwrap().derive("x");
    let before = read(&path).unwrap().unwrap();
    for kind in KeyKind::ALL {
        assert_eq!(update(&path, |file| file.add(kind, rng)).unwrap(), 2);
    }
    let added = read(&path).unwrap().unwrap();
    assert_eq!(derived(&added), derived(&before));
    assert_eq!(added.partitions, Some(64));
    let numbers =
        |file: &KeyFile| file.listed(KeyKind::Mac).iter().map(|k| k.version.number).collect::<Vec<_>>();
    assert_eq!(numbers(&added), [1, 2], "it only reads");
    update(&path, |file| Ok(file.promote(KeyKind::Mac, &[], now)?)).unwrap();
    let promoted = read(&path).unwrap().unwrap();
    assert_eq!(numbers(&promoted), [2, 1]);
    assert_eq!(promoted.listed(KeyKind::Mac)[1].demoted_at, Some(now));
    assert_eq!(promoted.listed(KeyKind::Seal), added.listed(KeyKind::Seal), "the other kind stays");
    let early = update(&path, |file| Ok(file.retire(KeyKind::Mac, 1, &[], now)?)).unwrap_err();
    assert!(early.to_string().contains("1500 s"), "{early}");
    assert_eq!(numbers(&read(&path).unwrap().unwrap()), [2, 1], "a refused edit changes nothing");
    let later = now + keyring_rotation::LONGEST_RECORD;
    update(&path, |file| Ok(file.retire(KeyKind::Mac, 1, &[], later)?)).unwrap();
    update(&path, |file| file.add(KeyKind::Mac, rng)).unwrap();
    let last = read(&path).unwrap().unwrap();
    assert_eq!(numbers(&last), [2, 3], "no number comes twice");
    last.keyring().unwrap().replace(promoted.keyring().unwrap()).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");
    assert!(
        update(&folder.path().join("none.toml"), |_| Ok(())).unwrap_err().to_string().contains("no key ring")
    );
}

#[test]
fn an_update_keeps_the_mode_and_a_link() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, path) = created();
    let link = folder.path().join("link.toml");
    std::os::unix::fs::symlink("keyring.toml", &link).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o400)).unwrap();
    update(&link, |file| file.add(KeyKind::Seal, &mut StdRng::seed_from_u64(2))).unwrap();
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o400);
    let held = File::open(folder.path()).unwrap();
    held.lock().unwrap();
    let second = update(&path, |_| Ok(())).unwrap_err().to_string();
    assert!(second.contains("Another command"), "{second}");
}

#[test]
fn a_list_is_bounded_and_an_older_file_still_reads() {
    let (_folder, path) = created();
    let rng = &mut StdRng::seed_from_u64(2);
    let mut file = read(&path).unwrap().unwrap();
    while file.add(KeyKind::Mac, rng).is_ok() {}
    assert_eq!(file.listed(KeyKind::Mac).len(), MAX_VERSIONS);
    assert_eq!(parse(&text::render(&file)).unwrap().listed(KeyKind::Mac), file.listed(KeyKind::Mac));
    let whole = std::fs::read_to_string(&path).unwrap();
    let old: String =
        whole.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    assert!(parse(&old).is_ok(), "without head");
    let dated = old.replacen("version = 1\n", "version = 1\ndemoted_at = \"yesterday\"\n", 1);
    assert!(format!("{:#}", parse(&dated).unwrap_err()).contains("mac version 1: demoted_at"));
}

#[test]
fn a_change_is_told_once_and_a_failure_too() {
    let (folder, path) = created();
    let mut watch = Watch::new(path.clone());
    assert!(watch.look().unwrap().is_ok(), "nothing is known at first");
    assert!(watch.look().is_none());
    update(&path, |file| file.add(KeyKind::Mac, &mut StdRng::seed_from_u64(2))).unwrap();
    assert_eq!(watch.look().unwrap().unwrap().listed(KeyKind::Mac).len(), 2);
    assert!(watch.look().is_none());
    let kept = folder.path().join("kept.toml");
    std::fs::rename(&path, &kept).unwrap();
    assert!(watch.look().unwrap().unwrap_err().to_string().contains("is gone"));
    assert!(watch.look().is_none(), "told once");
    std::os::unix::fs::symlink(&kept, &path).unwrap();
    assert!(watch.look().unwrap().is_ok(), "it is back, by whatever way");
    assert!(watch.look().is_none());
    let other = folder.path().join("other.toml");
    create(&other, 64, &mut StdRng::seed_from_u64(3)).unwrap();
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(&other, &path).unwrap();
    assert!(watch.look().unwrap().is_ok(), "the link leads elsewhere");
}
