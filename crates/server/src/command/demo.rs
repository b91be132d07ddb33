//! The end of the demo of `dev`, in a database that `serve` shall serve from.

use super::load;
use crate::{
    application::record_rest,
    cli::DemoCommand,
    demo::{has_demo, remove_demo},
    machine::SystemClock,
    wiring::open_backends,
};
use anyhow::{Context as _, ensure};
use countersign_core::{access::change::Change, ports::clock::Clock};
use std::{
    io::{BufRead as _, IsTerminal as _},
    path::Path,
    sync::Arc,
};

pub(super) async fn run(config: Option<&Path>, command: DemoCommand) -> anyhow::Result<()> {
    let DemoCommand::Remove { yes } = command;
    let settings = load(config, [])?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    // The lock on the folder keeps servers out until the end.
    let backends = open_backends(&settings, &clock, false).await?;
    let (context, folder) = (&backends.context, &settings.folder);
    ensure!(
        has_demo(context.directory.as_ref(), &context.keyring).await?,
        "There is no demo of `countersign dev` in {}; data.folder names another one",
        folder.display()
    );
    confirm(yes)?;
    // What a killed server left would come back into the history later.
    record_rest(context, &backends.history).await.context("The last events cannot be recorded")?;
    remove_demo(&backends, folder, &Change::by_operator(clock.now())).await?;
    eprintln!(
        "The demo tenant, its keys, its owner and the phone's messages are removed. `countersign serve` works now."
    );
    Ok(())
}

fn confirm(yes: bool) -> anyhow::Result<()> {
    if yes {
        return Ok(());
    }
    ensure!(
        std::io::stdin().is_terminal(),
        "The demo tenant and its history cannot be brought back: say --yes"
    );
    eprint!(
        "The demo tenant with its keys, its owner and its history cannot be brought back. Type yes to remove it: "
    );
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("Standard input cannot be read")?;
    ensure!(line.trim() == "yes", "Nothing was removed");
    Ok(())
}
