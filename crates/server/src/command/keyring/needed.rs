//! Finds everything that still needs a version of a key, and for how long. It lists all of it at once, so
//! that nobody has to try again and again.

use super::{PAGE, open, open_directory};
use crate::{configuration::Settings, wiring};
use anyhow::{Context as _, bail};
use countersign_core::{
    keyring::version::KeyKind,
    management::{
        keyring_rotation::{ListedKey, Refusal, retirement_waits, unused_from},
        reseal_history::{Progress, count_sealed_with, reseal_progress},
    },
    ports::{
        directory::{
            changes::Changes, invitations::Invitations, people::People, resources::Resources,
            tenants::Tenants,
        },
        error::StoreError,
        history::HistoryUpkeep,
        nodes::Node,
        people::{accounts::Accounts as _, notices::Notices as _},
    },
    tenant::{OPERATOR, resource::ResourceKind},
    time::Timestamp,
};
use countersign_stores::{
    directory::SqlDirectory, history::SqlHistory, inbox::SqliteInbox, people::SqlPeople,
};
use std::sync::Arc;

/// Refuses to retire a version that is needed, and names everything that needs it.
pub(super) async fn refuse_needed(
    settings: &Settings,
    version: u8,
    kinds: &[KeyKind],
    nodes: &[Node],
    now: Timestamp,
) -> anyhow::Result<()> {
    let ring = open(settings)?;
    let mut needs = Vec::new();
    for kind in kinds {
        let keys = ring.listed(*kind);
        match retirement_waits(*kind, version, &keys, nodes, now) {
            Ok(waits) => needs.extend(waits.iter().map(ToString::to_string)),
            // The other list may have this version. If no list has it, the removal itself reports that.
            Err(Refusal::Unknown(..)) => continue,
            Err(never) => {
                needs.push(never.to_string());
                continue;
            }
        }
        if *kind == KeyKind::Seal {
            needs.extend(find_sealed(settings, version, &keys, nodes).await?);
        }
    }
    if needs.is_empty() {
        return Ok(());
    }
    bail!("Nothing was retired: version {version} is still needed.\n  {}", needs.join("\n  "))
}

/// Sealed values that are stored for longer than the records of the codes store. A new kind of such values
/// must be checked here too, before a seal key is removed.
async fn find_sealed(
    settings: &Settings,
    version: u8,
    keys: &[ListedKey],
    nodes: &[Node],
) -> anyhow::Result<Vec<String>> {
    let mut needs = Vec::new();
    let history = SqlHistory::new(wiring::open_sql(settings).await?);
    needs.extend(ask_history(&history, version, keys, nodes).await.context("The history cannot be read")?);
    let directory = open_directory(settings).await?;
    needs.extend(ask_reviews(&directory, version).await.context("The directory cannot be read")?);
    needs.extend(ask_resources(&directory, version, nodes).await.context("The directory cannot be read")?);
    needs.extend(ask_people(&directory, version, nodes).await.context("The directory cannot be read")?);
    let inbox = settings.folder.join("inbox.sqlite");
    if inbox.exists() {
        let keyring = Arc::new(open(settings)?.keyring()?);
        let opened = SqliteInbox::open(&inbox, keyring).await.context("The inbox of dev cannot be opened")?;
        if opened.is_sealed_with(version).await.context("The inbox of dev cannot be read")? {
            needs.push(format!(
                "messages of `countersign dev` in {}: they go with 10,000 newer ones, or with the file",
                inbox.display()
            ));
        }
    }
    Ok(needs)
}

/// Says which process does the work, and that none does while no server runs.
fn worker(nodes: &[Node]) -> &'static str {
    if nodes.is_empty() { "no server runs: start one, which does it" } else { "a running worker does it" }
}

/// The phone numbers of past verifications. Events that are recorded late may still be sealed with an older
/// version.
async fn ask_history(
    history: &dyn HistoryUpkeep,
    version: u8,
    keys: &[ListedKey],
    nodes: &[Node],
) -> Result<Option<String>, StoreError> {
    let primary = keys.first().map_or(0, |key| key.version.number);
    let key = keys.iter().find(|key| key.version.number == version);
    // If no node noted when the key stopped being primary, any complete pass since then counts.
    let clean_from = key.and_then(|key| unused_from(key, nodes)).unwrap_or_default();
    let progress = reseal_progress(history, primary, clean_from).await?;
    let worker = worker(nodes);
    let text = match progress {
        Progress::Clean => return Ok(None),
        Progress::NotBegun => {
            format!(
                "{}; none was sealed anew yet: {worker}, from the next minute on",
                count(history, primary, version).await?
            )
        }
        Progress::Under { seen_to, counts } => {
            let seen =
                seen_to.map_or_else(String::new, |to| format!(", all that was started until {to} is done"));
            let again =
                if counts { String::new() } else { format!(", and then once more after {clean_from}") };
            let left = count(history, primary, version).await?;
            format!("{left}; they are sealed anew, up to 20,000 a minute{seen}{again}: {worker}")
        }
        Progress::Early { next } => {
            let left = count(history, primary, version).await?;
            format!(
                "{left}; until {clean_from} others may come, so all are looked at again from {next} on: {worker}"
            )
        }
        Progress::Unreadable(some) => format!(
            "numbers that open with no key of the ring: {some}; put the version that is missing back, or wait until they \
             are older than history.retention"
        ),
    };
    Ok(Some(format!("the history: {text}")))
}

async fn count(history: &dyn HistoryUpkeep, primary: u8, version: u8) -> Result<String, StoreError> {
    let (count, all) = count_sealed_with(history, primary, version).await?;
    let least = if all { "" } else { "at least " };
    Ok(format!("numbers sealed with version {version}: {least}{count}"))
}

async fn ask_reviews(directory: &SqlDirectory, version: u8) -> Result<Option<String>, StoreError> {
    let whole = directory.news(0).await?.unwrap_or_default();
    let views = whole.tenants.iter().filter_map(|(_, view)| view.as_ref());
    let reviews = views.flat_map(|view| &view.reviews);
    let ends: Vec<_> = reviews
        .filter(|review| review.sealed.first() == Some(&version))
        .map(|review| review.ends_at)
        .collect();
    let last = ends.iter().max();
    Ok(last.map(|last| {
        format!("review numbers: {}, the last until {last}, or until they are deleted", ends.len())
    }))
}

/// The resources of tenants and of the operator.
async fn ask_resources(
    directory: &SqlDirectory,
    version: u8,
    nodes: &[Node],
) -> Result<Vec<String>, StoreError> {
    let (mut kinds, mut tenants) = (Vec::new(), vec![OPERATOR]);
    while let Some(last) = tenants.last().copied() {
        for tenant in tenants {
            let resources = directory.list_resources(tenant).await?;
            let sealed =
                |of: &Option<Vec<u8>>| of.as_ref().and_then(|sealed| sealed.first()) == Some(&version);
            kinds.extend(resources.iter().filter(|one| sealed(&one.sealed)).map(|one| one.kind));
        }
        tenants = directory.list_tenants(Some(last), PAGE).await?.into_iter().map(|one| one.id).collect();
    }
    let of = |kind| kinds.iter().filter(|one| **one == kind).count() as u64;
    let named = [
        (of(ResourceKind::Provider), "settings of providers"),
        (of(ResourceKind::Webhook), "secrets of webhooks"),
    ];
    Ok(tell(named, nodes))
}

/// The persons and the open invitations of all tenants.
async fn ask_people(
    directory: &SqlDirectory,
    version: u8,
    nodes: &[Node],
) -> Result<Vec<String>, StoreError> {
    let people = SqlPeople::new(directory.clone());
    let mut needs = Vec::new();
    let pending = people.count_pending_sealed_with(version).await?;
    if pending > 0 {
        needs.push(format!(
            "links in mails, proofs and forms of persons: {pending}; they go within a week, or when they are used"
        ));
    }
    let named = [
        (directory.count_people_sealed_with(version).await?, "names and addresses of persons"),
        (directory.count_invitations_sealed_with(version).await?, "addresses of invitations"),
        (people.count_phones_sealed_with(version).await?, "phone numbers of persons"),
        (people.count_notices_sealed_with(version).await?, "notices that wait"),
    ];
    needs.extend(tell(named, nodes));
    Ok(needs)
}

/// A line for each kind of which there are some.
fn tell<const N: usize>(named: [(u64, &str); N], nodes: &[Node]) -> Vec<String> {
    let line = |(count, what): (u64, &str)| {
        format!("{what}: {count}; they are sealed anew each minute: {}", worker(nodes))
    };
    named.into_iter().filter(|(count, _)| *count > 0).map(line).collect()
}
