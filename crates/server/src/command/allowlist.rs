//! Shows and replaces allowlists. No allowlist applies to this command line, so it can repair one that locks
//! callers out.

use super::{answer, follow::tell_followed, key, load, nodes::replica, open_directory};
use crate::{
    cli::{AllowlistCommand, ListArgs, Owner, PortalListCommand},
    machine::SystemClock,
};
use anyhow::{Context as _, ensure};
use countersign_core::{
    access::{
        actor::Actor,
        allowlist::{Allowlist, Entry, ListChange},
        change::Change,
    },
    context::Replica,
    management::{
        allowlists::{AllowlistError, change_portal_allowlist, read_portal_allowlist, replace_api_allowlist},
        keys::{UpdateKey, update_key},
    },
    ports::{
        clock::Clock as _,
        directory::{Directory, keys::KeyChange},
    },
    time::Timestamp,
};
use std::path::Path;

pub(super) async fn run(config: Option<&Path>, command: AllowlistCommand) -> anyhow::Result<()> {
    let settings = load(config, [])?;
    let directory = open_directory(&settings).await?;
    match command {
        AllowlistCommand::Show(list) => show(&directory, list).await,
        AllowlistCommand::Set { list, allow } => {
            set(&replica(&settings, &directory), list, allow, SystemClock.now()).await?;
            tell_followed(&directory.nodes(), &SystemClock).await;
            Ok(())
        }
        AllowlistCommand::Portal(command) => {
            let changed = portal(&replica(&settings, &directory), command, SystemClock.now()).await?;
            if changed {
                tell_followed(&directory.nodes(), &SystemClock).await;
            }
            Ok(())
        }
    }
}

/// Fails if the tenant does not exist.
async fn known(directory: &dyn Directory, owner: Owner) -> anyhow::Result<()> {
    let tenant = owner.id();
    let found = directory.tenant(tenant).await.context("The tenant cannot be read")?;
    ensure!(found.is_some(), "There is no tenant {tenant}; `countersign tenant list` shows them");
    Ok(())
}

/// The list of a tenant, or of one of its keys.
async fn read(directory: &dyn Directory, ListArgs { owner, key }: ListArgs) -> anyhow::Result<Allowlist> {
    known(directory, owner).await?;
    let tenant = owner.id();
    match key {
        Some(key) => {
            let found = directory.key(tenant, key).await.context("The key cannot be read")?;
            Ok(found.with_context(|| format!("{} has no key {key}", owner.name()))?.allowlist)
        }
        None => Ok(directory.settings(tenant).await.context("The settings cannot be read")?.api_allowlist),
    }
}

async fn show(directory: &dyn Directory, list: ListArgs) -> anyhow::Result<()> {
    print(&read(directory, list).await?)
}

fn print(list: &Allowlist) -> anyhow::Result<()> {
    for Entry { range, description } in list.entries() {
        answer(&format!("{range}\t{}", description.as_str()))?;
    }
    if list.is_empty() {
        eprintln!("The list is empty: every address is admitted.");
    }
    Ok(())
}

async fn set(replica: &Replica, args: ListArgs, entries: Vec<Entry>, now: Timestamp) -> anyhow::Result<()> {
    let list = Allowlist::new(entries)?;
    read(&*replica.directory, args).await?;
    let operator = Actor::operator(args.owner.id());
    let replaced = match args.key {
        Some(id) => {
            let change = KeyChange { allowlist: Some(list), ..KeyChange::default() };
            let update = UpdateKey { change, confirmed: true };
            update_key(replica, &operator, id, update, &Change::by_operator(now))
                .await
                .map(drop)
                .map_err(key::plain)
        }
        None => replace_api_allowlist(replica, &operator, list, true, &Change::by_operator(now))
            .await
            .map(drop)
            .map_err(plain),
    };
    replaced.context("The list was not replaced")?;
    eprintln!("Replaced.");
    Ok(())
}

/// Shows or changes the list of the portal, and prints it as it is then. Returns whether it was changed.
async fn portal(replica: &Replica, command: PortalListCommand, now: Timestamp) -> anyhow::Result<bool> {
    let (owner, change) = match command {
        PortalListCommand::List(owner) => {
            known(&*replica.directory, owner).await?;
            let list = read_portal_allowlist(replica, owner.id()).await.map_err(plain)?;
            print(&list)?;
            return Ok(false);
        }
        PortalListCommand::Add { owner, entries } => (owner, ListChange::Add(entries)),
        PortalListCommand::Remove { owner, ranges } => (owner, ListChange::Remove(ranges)),
        PortalListCommand::Set { owner, allow } => (owner, ListChange::Replace(Allowlist::new(allow)?)),
        PortalListCommand::Clear(owner) => (owner, ListChange::Replace(Allowlist::default())),
    };
    known(&*replica.directory, owner).await?;
    let operator = Actor::operator(owner.id());
    let changed = change_portal_allowlist(replica, &operator, change, true, &Change::by_operator(now)).await;
    print(&changed.map_err(plain).context("The list was not changed")?)?;
    Ok(true)
}

/// Replaces the error by the directory's own, if the directory failed.
fn plain(error: AllowlistError) -> anyhow::Error {
    if let AllowlistError::Directory(error) = error { error.into() } else { error.into() }
}
