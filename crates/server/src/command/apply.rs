//! `apply`: makes tenants, keys, providers, routes and settings what a file says, beside running servers.
//!
//! A walk over the file compares each object with what is there. The first walk is dry and finds every
//! fault; only then a second one changes something. It may be killed anywhere and run again, and two may run
//! at once: what one finds done by the other it leaves as it is.

mod document;
mod keys;
mod lines;
mod providers;
mod prune;
mod routes;
mod source;
mod tenant;
mod walk;

use super::{follow::tell_followed, load, nodes::management, open_directory};
use crate::{cli::ApplyArgs, configuration::Settings, machine::SystemClock};
use anyhow::{Context as _, bail};
use countersign_core::{context::Management, phone::countries::Countries, ports::applied::AppliedNotes};
use document::Document;
use lines::{Act, Printer};
use std::{path::Path, time::Duration};
use walk::{Failure, Owner, Walk, Walked};

/// So often the file is walked again after others came between.
const WALKS: usize = 32;
/// Between two walks: who came between is at the same file.
const PAUSE: Duration = Duration::from_millis(50);

/// Whether something changed, or would.
pub(super) async fn run(config: Option<&Path>, args: &ApplyArgs) -> anyhow::Result<bool> {
    let settings = load(config, [])?;
    let mut source = source::read(&args.file)?;
    let printer = Printer::new(args.json, std::mem::take(&mut source.secrets));
    let directory = open_directory(&settings).await?;
    let management = management(&settings, &directory)?;
    let document = document::read(source, &management).or_else(|faults| refuse(&faults))?;
    let applied = apply(&management, &directory, &document, (&settings, args), &printer).await?;
    if applied && !args.dry_run {
        tell_followed(&directory.nodes(), &SystemClock).await;
    }
    Ok(applied)
}

/// All that is wrong, before anything is changed.
fn refuse<T>(faults: &[String]) -> anyhow::Result<T> {
    bail!("Nothing was changed, for the file is wrong:\n  {}", faults.join("\n  "))
}

async fn apply(
    management: &Management,
    notes: &dyn AppliedNotes,
    document: &Document,
    (settings, args): (&Settings, &ApplyArgs),
    printer: &Printer,
) -> anyhow::Result<bool> {
    let countries = settings.countries.as_ref();
    let mut changed = false;
    for dry in if args.dry_run { vec![true] } else { vec![true, false] } {
        let walked =
            walk_on(management, notes, document, (countries, args, dry), printer, &mut changed).await?;
        if !walked.faults.is_empty() {
            return refuse(&walked.faults);
        }
        if args.dry_run {
            for line in &walked.lines {
                printer.print(line)?;
            }
        }
        if dry == args.dry_run {
            printer.print_unchanged(walked.unchanged)?;
        }
    }
    let say = match (args.dry_run, changed) {
        (_, false) => "Nothing to change.",
        (true, true) => "Nothing was changed: this is what would be.",
        (false, true) => "Done.",
    };
    eprintln!("{say}");
    Ok(changed)
}

/// Walks until nobody comes between.
async fn walk_on<'a>(
    management: &'a Management,
    notes: &'a dyn AppliedNotes,
    document: &'a Document,
    (countries, args, dry): (Option<&Countries>, &ApplyArgs, bool),
    printer: &'a Printer,
    changed: &mut bool,
) -> anyhow::Result<Walk<'a>> {
    for _ in 0..WALKS {
        let begun = Walk::begin(management, notes, (&document.source, dry), printer).await;
        let mut walk = match begun {
            Ok(walk) => walk,
            Err(Failure::Error(error)) => return Err(error.context("The directory cannot be read")),
            Err(Failure::Raced) => continue,
        };
        let outcome = whole(&mut walk, document, countries, args.prune_tenants).await;
        *changed |= walk.lines.iter().any(|line| line.act != Act::Keep) && (args.dry_run || !dry);
        match outcome {
            Ok(()) => return Ok(walk),
            Err(Failure::Error(error)) => return Err(error).context("The file was not applied to its end"),
            Err(Failure::Raced) => tokio::time::sleep(PAUSE).await,
        }
    }
    bail!("Somebody else changes the same all the time; run it again")
}

/// What others need comes first: tenants, then the operator's accounts.
async fn whole(
    walk: &mut Walk<'_>,
    document: &Document,
    countries: Option<&Countries>,
    prune_tenants: bool,
) -> Walked {
    let mut owners = Vec::new();
    for placed in &document.tenants {
        owners.extend(walk.tenant(placed, countries).await?);
    }
    if owners.len() < document.tenants.len() {
        // What is wrong with a tenant says enough of what is in it.
        return Ok(());
    }
    walk.owners.clone_from(&owners);
    let operator = Owner::operator();
    walk.providers(&operator, &document.providers).await?;
    walk.routes(&operator, &document.routes).await?;
    for (owner, placed) in owners.iter().zip(&document.tenants) {
        walk.settings(owner, &placed.value).await?;
        walk.keys(owner, &placed.value).await?;
        walk.providers(owner, &placed.value.providers).await?;
        walk.routes(owner, &placed.value.routes).await?;
    }
    walk.prune(document, &owners, prune_tenants).await
}
