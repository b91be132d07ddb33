use super::{load, load_log, stop_on_signals};
use crate::{
    application::{Application, BindError, Parts},
    cli::Role,
    configuration::{CodesUrl, DatabaseUrl, Problems},
    machine, telemetry,
};
use std::path::Path;

pub(super) async fn run(config: Option<&Path>, role: Role) -> anyhow::Result<()> {
    let log = load_log(config);
    telemetry::init_log(log.format, log.level);
    let settings = load(config, [])?;
    let shared = matches!(settings.codes.url, CodesUrl::Redis { .. })
        && matches!(settings.database, DatabaseUrl::Postgres { .. });
    if role != Role::All && !shared {
        let problem = "--role: nodes of one role need codes.url on Redis and database.url on Postgres, to share them with others";
        return Err(Problems(vec![problem.to_owned()]).into());
    }
    let behind_proxy = !settings.server.trusted_proxies.is_empty() && settings.server.public_url.is_none();
    machine::raise_open_files();
    let stop = stop_on_signals()?;
    let application = tokio::select! {
        built = Application::build(Parts { role, ..Parts::new(settings) }) => built.map_err(explain_bind)?,
        // It may wait long for its database.
        () = stop.cancelled() => return Ok(()),
    };
    if role.answers() && !application.context.live_route {
        tracing::warn!("No provider is configured: live keys get the problem no_route, test keys work");
    }
    if behind_proxy {
        tracing::warn!(
            "server.trusted_proxies is set and server.public_url is not: lists of the Twilio routes name this server \
             as the proxy does, and providers are asked for no receipts"
        );
    }
    let (base_url, operator_url) = (application.base_url(), application.operator_url());
    tracing::info!(?role, base_url, operator_url, version = env!("CARGO_PKG_VERSION"), "Serving");
    application.run(stop).await?;
    tracing::info!("Stopped");
    Ok(())
}

fn explain_bind(error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref::<BindError>() {
        Some(bind) if bind.source.kind() == std::io::ErrorKind::AddrInUse => anyhow::anyhow!(
            "Port {} is taken on {}; set server.bind and server.operator_bind to free ports",
            bind.address.port(),
            bind.address.ip()
        ),
        _ => error,
    }
}
