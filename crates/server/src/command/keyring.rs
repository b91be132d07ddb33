//! The rotation of the key ring. Core decides the safe order of the steps (`keyring_rotation.rs`); this
//! module changes the file. Only `--print` prints keys, for a key ring that no command can write.

mod needed;

use super::{answer, load, open_directory};
use crate::{
    cli::{KeyTarget, KeyringCommand},
    configuration::Settings,
    keyfile::{self, KeyFile},
    machine::{SystemClock, rng},
    wiring,
};
use anyhow::{Context as _, ensure};
use countersign_core::{
    access::change::Change,
    audit::entry::Draft,
    keyring::version::{KeyKind, KeyVersions},
    management::keyring_rotation::{self, Refusal},
    ports::{
        clock::Clock as _,
        directory::audit::AuditLog as _,
        nodes::{Node, Nodes as _},
    },
    tenant::OPERATOR,
    time::{Timestamp, ceil_seconds},
};
use needed::refuse_needed;
use std::path::Path;

/// The number of tenants read at once.
const PAGE: u16 = 100;

pub(super) async fn run(config: Option<&Path>, command: KeyringCommand) -> anyhow::Result<()> {
    let settings = load(config, [])?;
    let now = SystemClock.now();
    match command {
        KeyringCommand::Create => create(&settings),
        KeyringCommand::Status => {
            let (lines, next) = status(&open(&settings)?, &live_nodes(&settings, now).await?, now);
            answer(&lines.join("\n"))?;
            eprintln!("{next}");
            Ok(())
        }
        KeyringCommand::Add { kinds, target } => {
            // A file is changed where it stands. Only a printed ring may come of a copy that is behind.
            let nodes = if target.print { live_nodes(&settings, now).await? } else { Vec::new() };
            let act = Act { name: "keyring.add", force: false };
            change(&settings, target, &nodes, act, |ring| add(ring, kinds.list())).await
        }
        KeyringCommand::Promote { kinds, force, target } => {
            let nodes = if force { Vec::new() } else { live_nodes(&settings, now).await? };
            let act = Act { name: "keyring.promote", force };
            change(&settings, target, &nodes, act, |ring| promote(ring, kinds.list(), &nodes, now)).await
        }
        KeyringCommand::Retire { version, kinds, target } => {
            let nodes = live_nodes(&settings, now).await?;
            refuse_needed(&settings, version, kinds.list(), &nodes, now).await?;
            let act = Act { name: "keyring.retire", force: false };
            change(&settings, target, &nodes, act, |ring| retire(ring, version, kinds.list(), &nodes, now))
                .await
        }
    }
}

/// A change of the key ring, as the audit log names it.
struct Act {
    name: &'static str,
    /// Whether it goes on without the database.
    force: bool,
}

impl Act {
    /// Adds an entry to the operator's chain. The key ring is a file, so no transaction contains its change.
    async fn note(&self, settings: &Settings, step: &str, lines: &[String]) -> anyhow::Result<()> {
        let after = (!lines.is_empty()).then(|| lines.into());
        let draft = Draft { after, ..Draft::act(format!("{}.{step}", self.name), "keyring") };
        let by = Change::by_operator(SystemClock.now());
        let noted = async {
            let directory = open_directory(settings).await?;
            directory.append(OPERATOR, &draft, &by).await.context("The audit log cannot be written")
        };
        match noted.await {
            Err(error) if self.force => {
                eprintln!("The audit log has no entry of this: {error:#}");
                Ok(())
            }
            outcome => outcome,
        }
    }
}

/// Changes the file, or prints the changed ring. `edit` returns a line for each key that it changed.
async fn change(
    settings: &Settings,
    target: KeyTarget,
    nodes: &[Node],
    act: Act,
    edit: impl FnOnce(&mut KeyFile) -> anyhow::Result<Vec<String>>,
) -> anyhow::Result<()> {
    if !target.print {
        let path = file(settings)?;
        act.note(settings, "asked", &[]).await?;
        let lines = match keyfile::update(path, edit) {
            Ok(lines) => lines,
            Err(error) => {
                act.note(settings, "failed", &[]).await?;
                return Err(error);
            }
        };
        if let Err(error) = act.note(settings, "done", &lines).await {
            eprintln!("The key ring was changed, but the audit log only says that this was asked: {error:#}");
        }
        for line in lines {
            answer(&line)?;
        }
        eprintln!(
            "Changed. Servers on this file take it over within 2 seconds: `countersign keyring status` shows it."
        );
        return Ok(());
    }
    let mut ring = open(settings)?;
    refuse_behind(&ring, nodes).context("Nothing was printed")?;
    let done = edit(&mut ring)?;
    act.note(settings, "print", &done).await.context("Nothing was printed")?;
    answer(ring.text()?.trim_end())?;
    for line in done {
        eprintln!("{line}");
    }
    eprintln!(
        "Printed, and changed nothing. Give this text to every node; `countersign keyring status` shows who has it."
    );
    Ok(())
}

/// Refuses a copy of the ring that lacks a key of a node: what is printed would take that key from all nodes.
fn refuse_behind(ring: &KeyFile, nodes: &[Node]) -> anyhow::Result<()> {
    for kind in KeyKind::ALL {
        let ours = ring.listed(kind);
        for node in nodes {
            let other = node.versions.of(kind).iter().find(|one| ours.iter().all(|key| key.version != *one));
            if let Some(version) = other {
                anyhow::bail!(
                    "node {} has a {kind} version {} that is not in this key ring: one of both is behind; wait \
                     until `countersign keyring status` shows all nodes alike",
                    node.id,
                    version.number
                );
            }
        }
    }
    Ok(())
}

fn create(settings: &Settings) -> anyhow::Result<()> {
    let path = file(settings)?;
    ensure!(keyfile::read(path)?.is_none(), "The key ring {} is there already", path.display());
    // This is often the very first command on a machine, so the folder may be missing.
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        wiring::make_folder(folder)?;
    }
    keyfile::create(path, settings.codes.partitions, &mut rng())?;
    answer(&format!("{}", path.display()))?;
    eprintln!(
        "Made. Give this very file to every node, and keep a copy of it in a safe place: without it nothing that is stored can be read."
    );
    Ok(())
}

async fn live_nodes(settings: &Settings, now: Timestamp) -> anyhow::Result<Vec<Node>> {
    let sql = wiring::open_sql(settings).await?;
    wiring::refuse_pending_migrations(&sql).await?;
    let nodes = countersign_stores::directory::SqlNodes::new(sql).list_nodes(now).await;
    nodes.context("It cannot be asked which nodes run")
}

/// The configured key ring, for reading.
fn open(settings: &Settings) -> anyhow::Result<KeyFile> {
    if let Some(text) = &settings.keyring.text {
        return keyfile::parse(text.expose());
    }
    let path = &settings.keyring.file;
    keyfile::read(path)?.with_context(|| {
        format!("There is no key ring {}; `countersign keyring create` makes it", path.display())
    })
}

/// The key ring file, for changing.
fn file(settings: &Settings) -> anyhow::Result<&Path> {
    ensure!(
        settings.keyring.text.is_none(),
        "The key ring is the setting keyring.text, which no command changes: --print shows what to set instead"
    );
    Ok(&settings.keyring.file)
}

fn add(ring: &mut KeyFile, kinds: &[KeyKind]) -> anyhow::Result<Vec<String>> {
    kinds.iter().map(|kind| Ok(format!("added\t{kind}\t{}", ring.add(*kind, &mut rng())?))).collect()
}

/// Promotes the newest version of every kind that has one, or changes nothing.
fn promote(
    ring: &mut KeyFile,
    kinds: &[KeyKind],
    nodes: &[Node],
    now: Timestamp,
) -> anyhow::Result<Vec<String>> {
    let (mut done, mut nothing) = (Vec::new(), None);
    for kind in kinds {
        match ring.promote(*kind, nodes, now) {
            Ok(version) => done.push(format!("promoted\t{kind}\t{version}")),
            Err(refusal @ Refusal::NothingNewer(_)) => nothing = Some(refusal),
            Err(refusal) => return Err(refusal).context("Nothing was promoted"),
        }
    }
    match nothing {
        Some(refusal) if done.is_empty() => Err(refusal).context("Nothing was promoted"),
        _ => Ok(done),
    }
}

/// Retires this version of every kind that has it, or changes nothing.
fn retire(
    ring: &mut KeyFile,
    version: u8,
    kinds: &[KeyKind],
    nodes: &[Node],
    now: Timestamp,
) -> anyhow::Result<Vec<String>> {
    let (mut done, mut unknown) = (Vec::new(), None);
    for kind in kinds {
        match ring.retire(*kind, version, nodes, now) {
            Ok(()) => done.push(format!("retired\t{kind}\t{version}")),
            Err(refusal @ Refusal::Unknown(..)) => unknown = Some(refusal),
            Err(refusal) => return Err(refusal).context("Nothing was retired"),
        }
    }
    match unknown {
        Some(refusal) if done.is_empty() => Err(refusal).context("Nothing was retired"),
        _ => Ok(done),
    }
}

/// The lines for scripts, and the next step for people.
fn status(file: &KeyFile, nodes: &[Node], now: Timestamp) -> (Vec<String>, String) {
    let mut lines = Vec::new();
    for kind in KeyKind::ALL {
        for (at, key) in file.listed(kind).into_iter().enumerate() {
            let number = key.version.number;
            let have = nodes.iter().filter(|node| node.versions.of(kind).find(number) == Some(key.version));
            let make = nodes.iter().filter(|node| node.versions.of(kind).primary() == Some(key.version));
            let state = if at == 0 { "primary" } else { "readable" };
            let (have, make, all) = (have.count(), make.count(), nodes.len());
            lines.push(format!("{kind}\t{number}\t{state}\tread by {have}/{all}\tmade by {make}/{all}"));
        }
    }
    for node in nodes {
        let versions = |kind| shown(file, kind, node.versions.of(kind));
        let (mac, seal) = (versions(KeyKind::Mac), versions(KeyKind::Seal));
        lines.push(format!("node\t{}\t{}\tmac {mac}\tseal {seal}\t{}", node.id, node.program, node.seen_at));
    }
    (lines, next_step(file, nodes, now))
}

/// A node's versions, the primary one first. `!` marks a version for which the node has another key than this
/// file.
fn shown(file: &KeyFile, kind: KeyKind, versions: &KeyVersions) -> String {
    let listed = file.listed(kind);
    let show = |version: countersign_core::keyring::version::KeyVersion| {
        let ours = listed.iter().find(|key| key.version.number == version.number);
        let mark = if ours.is_some_and(|key| key.version != version) { "!" } else { "" };
        format!("{}{mark}", version.number)
    };
    versions.iter().map(show).collect::<Vec<_>>().join(",")
}

/// The first possible step: promote before retire, and add when all versions are settled.
fn next_step(file: &KeyFile, nodes: &[Node], now: Timestamp) -> String {
    let lists = KeyKind::ALL.map(|kind| (kind, file.listed(kind)));
    let all = match nodes.len() {
        0 => "no node runs".to_owned(),
        1 => "readable on the 1 node".to_owned(),
        n => format!("readable on all {n} nodes"),
    };
    for (kind, keys) in &lists {
        match keyring_rotation::may_promote(*kind, keys, nodes) {
            Ok(version) => {
                return format!(
                    "{kind} version {}: {all}; `countersign keyring promote` makes it primary.",
                    version.number
                );
            }
            Err(Refusal::NothingNewer(_)) => {}
            Err(wait) => return format!("Not yet: {wait}."),
        }
    }
    for (kind, keys) in &lists {
        // The oldest version is the last.
        if let Some(version) = keys.iter().skip(1).next_back().map(|key| key.version.number) {
            return match keyring_rotation::may_retire(*kind, version, keys, nodes, now) {
                Ok(()) => format!(
                    "{kind} version {version} is needed by no live verification; `countersign keyring retire {version}` \
                     looks at what else is kept, and removes it."
                ),
                Err(Refusal::TooSoon { wait, until, .. }) => format!(
                    "{kind} version {version} can be retired in {} s, at {until}, when no record needs it.",
                    ceil_seconds(wait)
                ),
                Err(wait) => format!("Not yet: {wait}."),
            };
        }
    }
    "Nothing is under way; `countersign keyring add` begins a rotation.".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::{id::NodeId, keyring::version::Versions};

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn ring() -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keyring.toml");
        keyfile::create(&path, 64, &mut rng()).unwrap();
        (folder, path)
    }

    fn read(path: &Path) -> KeyFile {
        keyfile::read(path).unwrap().unwrap()
    }

    fn node(number: u8, versions: Versions) -> Node {
        let id = NodeId::from_bytes([number; 16]);
        Node { id, started_at: NOW, seen_at: NOW, program: "0.1.0".into(), versions, changed_at: None }
    }

    fn add(path: &Path, kinds: &[KeyKind]) -> anyhow::Result<Vec<String>> {
        keyfile::update(path, |ring| super::add(ring, kinds))
    }

    fn promote(
        path: &Path,
        kinds: &[KeyKind],
        nodes: &[Node],
        now: Timestamp,
    ) -> anyhow::Result<Vec<String>> {
        keyfile::update(path, |ring| super::promote(ring, kinds, nodes, now))
    }

    fn retire(
        path: &Path,
        version: u8,
        kinds: &[KeyKind],
        nodes: &[Node],
        now: Timestamp,
    ) -> anyhow::Result<Vec<String>> {
        keyfile::update(path, |ring| super::retire(ring, version, kinds, nodes, now))
    }

    fn said(outcome: anyhow::Result<Vec<String>>) -> String {
        format!("{:#}", outcome.unwrap_err())
    }

    #[test]
    fn a_rotation_goes_step_by_step_and_says_the_next_one() {
        let (_folder, path) = ring();
        let versions = || read(&path).keyring().unwrap().versions();
        let next = |nodes: &[Node], now| status(&read(&path), nodes, now).1;
        let first = versions();
        assert!(next(&[], NOW).contains("keyring add"));
        assert_eq!(add(&path, &KeyKind::ALL).unwrap(), ["added\tmac\t2", "added\tseal\t2"]);
        let (behind, ready) = (node(1, first), node(2, versions()));
        let nodes = [ready.clone(), behind.clone()];
        assert_eq!(
            next(&nodes, NOW),
            format!("Not yet: node {} does not have mac version 2 yet.", behind.id)
        );
        assert!(said(promote(&path, &KeyKind::ALL, &nodes, NOW)).contains(&behind.id.to_string()));
        assert_eq!(versions(), ready.versions, "nothing is promoted by halves");
        assert!(
            next(std::slice::from_ref(&ready), NOW)
                .contains("readable on the 1 node; `countersign keyring promote`")
        );
        let done = promote(&path, &KeyKind::ALL, std::slice::from_ref(&ready), NOW).unwrap();
        assert_eq!(done, ["promoted\tmac\t2", "promoted\tseal\t2"]);
        let again = said(promote(&path, &[KeyKind::Seal], &[], NOW));
        assert!(again.contains("seal has no version that is newer"), "{again}");
        let later = NOW + keyring_rotation::LONGEST_RECORD;
        assert!(said(retire(&path, 1, &KeyKind::ALL, &[ready], later)).contains("still makes new values"));
        let ready = [Node { changed_at: Some(NOW), ..node(2, versions()) }];
        assert!(said(retire(&path, 1, &KeyKind::ALL, &ready, NOW)).contains("1500 s"));
        let soon = format!("mac version 1 can be retired in 1500 s, at {later}, when no record needs it.");
        assert_eq!(next(&ready, NOW), soon);
        assert!(next(&ready, later).contains("`countersign keyring retire 1`"));
        assert_eq!(retire(&path, 1, &[KeyKind::Seal], &ready, later).unwrap(), ["retired\tseal\t1"]);
        assert_eq!(retire(&path, 1, &KeyKind::ALL, &ready, later).unwrap(), ["retired\tmac\t1"]);
        assert!(said(retire(&path, 1, &KeyKind::ALL, &ready, later)).contains("has no version 1"));
        assert!(next(&ready, later).contains("keyring add"));
    }

    #[test]
    fn the_status_tells_who_reads_and_who_makes() {
        let (_folder, path) = ring();
        let old = node(1, read(&path).keyring().unwrap().versions());
        add(&path, &[KeyKind::Mac]).unwrap();
        let new = node(2, read(&path).keyring().unwrap().versions());
        // This copy has its own version 2: `add` was run twice, on two copies.
        let (_other_folder, other) = ring();
        add(&other, &[KeyKind::Mac]).unwrap();
        let strange = node(3, read(&other).keyring().unwrap().versions());
        let (lines, next) = status(&read(&path), &[new.clone(), old.clone(), strange.clone()], NOW);
        assert_eq!(lines[0], "mac\t1\tprimary\tread by 2/3\tmade by 2/3");
        assert_eq!(lines[1], "mac\t2\treadable\tread by 1/3\tmade by 0/3");
        assert_eq!(lines[2], "seal\t1\tprimary\tread by 2/3\tmade by 2/3");
        assert!(lines[3].contains("\tmac 1,2\tseal 1\t2026-"), "{}", lines[3]);
        assert!(lines[5].contains("\tmac 1!,2!\tseal 1!\t"), "{}", lines[5]);
        assert!(next.starts_with("Not yet: node nod_"), "{next}");
        assert!(
            said(promote(&path, &KeyKind::ALL, std::slice::from_ref(&strange), NOW)).contains("another key")
        );
        // A ring that is printed must hold all that the nodes have.
        refuse_behind(&read(&path), &[new.clone(), old]).unwrap();
        let behind = format!("{:#}", refuse_behind(&read(&path), &[new, strange]).unwrap_err());
        assert!(behind.contains("has a mac version 1 that is not in this key ring"), "{behind}");
    }
}
