use super::{load, load_log, stop_on_signals};
use crate::{
    advice::{Advice, advise},
    application::{Application, Parts},
    cli::Role,
    configuration::{CodesUrl, DatabaseUrl, Problems, Settings},
    machine, telemetry,
};
use std::path::Path;

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
    application.run(stop).await?;
    tracing::info!("Stopped");
    Ok(())
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
