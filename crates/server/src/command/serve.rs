use super::{
    answer, load, load_log,
    set_up::{Offer, offer},
    stop_on_signals,
};
use crate::{
    advice::{Advice, advise},
    application::{Application, Parts},
    cli::Role,
    configuration::{CodesUrl, DatabaseUrl, Problems, Settings},
    machine::{self, SystemClock},
    telemetry,
};
use countersign_core::{error::chain, ports::clock::Clock as _, sign_in::Entrance};
use std::{io::IsTerminal as _, path::Path};
use zeroize::Zeroizing;

pub(super) async fn run(config: Option<&Path>, role: Role) -> anyhow::Result<()> {
    let log = load_log(config);
    telemetry::init_log(log.format, log.level);
    let settings = load(config, [])?;
    settings.refuse_plain()?;
    refuse_role(&settings, role)?;
    let told = settings.clone();
    machine::raise_open_files();
    let stop = stop_on_signals()?;
    let application = tokio::select! {
        built = Application::build(Parts { role, ..Parts::new(settings) }) => built?,
        // The wait for the database may take long, so a signal must end it.
        () = stop.cancelled() => return Ok(()),
    };
    for Advice { urgent, text } in advise(&told, &application.context.snapshot) {
        if urgent {
            tracing::warn!("{text}");
        } else {
            tracing::info!("{text}");
        }
    }
    let (base_url, operator_url) = (application.base_url(), application.operator_url());
    tracing::info!(?role, base_url, operator_url, version = env!("CARGO_PKG_VERSION"), "Serving");
    if told.server.portal.on && role.answers() {
        offer_set_up(&application.entrance).await;
    }
    application.run(stop).await?;
    tracing::info!("Stopped");
    Ok(())
}

/// Says how the operator's first person is made, while no person has ever existed.
async fn offer_set_up(entrance: &Entrance) {
    match offer(entrance, std::io::stdout().is_terminal(), SystemClock.now()).await {
        Ok(Offer::Nothing) => {}
        Ok(Offer::Command) => tracing::info!(
            "Nobody has signed in to the portal yet: `countersign member invite --operator EMAIL` makes the link for \
             the first person"
        ),
        Ok(Offer::Link(link)) => {
            let text = Zeroizing::new(format!(
                "Make the operator's first person with this link, which is good once and for 24 hours:\n{}",
                *link
            ));
            // Nobody reads a closed terminal.
            let _ = answer(&text);
        }
        Err(error) => {
            tracing::warn!(error = %chain(&error), "The link for the first person cannot be made");
        }
    }
}

/// Refuses a role other than `all` unless the nodes share their stores: they find each other through them.
pub(super) fn refuse_role(settings: &Settings, role: Role) -> Result<(), Problems> {
    let shared = matches!(settings.codes.url, CodesUrl::Redis(_))
        && matches!(settings.database, DatabaseUrl::Postgres { .. });
    if role == Role::All || shared {
        return Ok(());
    }
    let problem = "--role: nodes of one role need codes.url on Redis and database.url on Postgres, to share them with others";
    Err(Problems(vec![problem.to_owned()]))
}
