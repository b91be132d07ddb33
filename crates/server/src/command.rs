//! The commands. Each writes its answer to standard output, and messages for people to standard error.

mod allowlist;
mod apply;
mod audit;
mod config;
mod demo;
mod dev;
mod follow;
mod healthcheck;
mod key;
mod keyring;
mod member;
mod migrate;
mod nodes;
mod probe;
mod provider;
mod route;
mod security;
mod serve;
mod set_up;
mod tenant;

use crate::{
    cli::{Cli, Command},
    configuration::{Flag, LogSettings, Problems, Settings},
    telemetry, wiring,
};
use anyhow::Context as _;
use clap::CommandFactory as _;
use countersign_core::{context::Management, error::chain};
use countersign_stores::{directory::SqlDirectory, sql::Sql, sqlite::wait_until_closed};
use std::{
    io::{ErrorKind, Write as _},
    path::Path,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// How long a command waits until its files are closed.
const CLOSING: Duration = Duration::from_secs(2);

/// The exit code for wrong usage or configuration; clap uses it too.
const USAGE: u8 = 2;

/// The exit code for a dry run of `apply` that would change something; other tools use it too.
const WOULD_CHANGE: u8 = 2;

/// Runs the command and reports errors.
pub(crate) async fn run(cli: Cli) -> ExitCode {
    let config = cli.config.as_deref();
    let (mut done, mut problems) = (ExitCode::SUCCESS, ExitCode::from(USAGE));
    let outcome = match cli.command {
        Command::Apply(args) => {
            // Code 2 says that something would change, and so nothing else.
            problems = ExitCode::FAILURE;
            apply::run(config, &args).await.map(|changed| {
                if changed && args.exit_code {
                    done = ExitCode::from(WOULD_CHANGE);
                }
            })
        }
        Command::Dev(args) => dev::run(config, &args).await,
        Command::Demo(command) => demo::run(config, command).await,
        Command::Serve { role } => serve::run(config, role).await,
        Command::Migrate => migrate::run(config).await,
        Command::Openapi { compatible } => print_openapi(compatible),
        Command::Tenant(command) => tenant::run(config, command).await,
        Command::Key(command) => key::run(config, command).await,
        Command::Member(command) => member::run(config, command).await,
        Command::Provider(command) => provider::run(config, command).await,
        Command::Route(command) => route::run(config, command).await,
        Command::Keyring(command) => keyring::run(config, command).await,
        Command::Allowlist(command) => allowlist::run(config, command).await,
        Command::Audit(command) => audit::run(config, command).await.map(|code| done = code),
        Command::Config(command) => config::run(config, &command).await,
        Command::Healthcheck { url } => healthcheck::run(config, url).await,
        Command::Completions { shell } => print_completions(shell),
        Command::Probe(args) => probe::run(&args).await,
    };
    // Otherwise the command's last writes would be only in the log beside the file.
    let closed = wait_until_closed(CLOSING);
    if !closed {
        tracing::debug!("A file was not closed in time; the log beside it stays");
    }
    let Err(error) = outcome else {
        telemetry::flush_log();
        return done;
    };
    tell(&error);
    telemetry::flush_log();
    if error.is::<Problems>() { problems } else { ExitCode::FAILURE }
}

/// Prints an error. If the log is in JSON, the error is one log line for each problem, because programs read
/// the log.
fn tell(error: &anyhow::Error) {
    if !telemetry::is_json() {
        telemetry::flush_log();
        eprintln!("error: {}", chain(error.as_ref()));
        return;
    }
    match error.downcast_ref::<Problems>() {
        Some(Problems(problems)) => {
            for problem in problems {
                tracing::error!(error = %problem, "The configuration is not usable");
            }
        }
        None => tracing::error!(error = %chain(error.as_ref()), "Ended with an error"),
    }
}

/// The settings from the file, the environment and the flags of the command.
fn load(config: Option<&Path>, flags: impl IntoIterator<Item = Flag>) -> Result<Settings, Problems> {
    Settings::load(config, environment(), flags)
}

/// The settings of the log, even if other settings are wrong.
fn load_log(config: Option<&Path>) -> LogSettings {
    Settings::load_log(config, environment())
}

fn environment() -> impl Iterator<Item = (String, String)> {
    // The name of a setting is plain text. A value that is not UTF-8 fails its own check.
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
    };
    std::env::vars_os().filter_map(text)
}

/// The directory, for commands that change it while a server may run.
async fn open_directory(settings: &Settings) -> anyhow::Result<SqlDirectory> {
    let sql = wiring::open_sql(settings).await?;
    wiring::refuse_pending_migrations(&sql).await?;
    let (keyring, _) = wiring::open_keyring(settings, false)?;
    Ok(SqlDirectory::new(sql, Arc::new(keyring)))
}

/// The context for managing the operator's accounts and routes: a fresh copy of the directory, without the
/// codes store.
async fn operator_context(settings: &Settings) -> anyhow::Result<Management> {
    let context = wiring::open_management(settings).await?;
    context.refresh().await.context("The directory cannot be read")?;
    Ok(context)
}

async fn open_sql(config: Option<&Path>) -> anyhow::Result<Sql> {
    wiring::open_sql(&load(config, [])?).await
}

fn print_openapi(compatible: bool) -> anyhow::Result<()> {
    let document =
        if compatible { countersign_api::compatible_openapi() } else { countersign_api::openapi() };
    answer(&document.to_pretty_json()?)
}

fn print_completions(shell: clap_complete::Shell) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "countersign", &mut script);
    answer(String::from_utf8(script)?.trim_end())
}

/// Prints one line of the answer. A reader that closes early (`| head`) is not an error.
fn answer(text: &str) -> anyhow::Result<()> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("Standard output is closed")
        }
        _ => Ok(()),
    }
}

/// The first SIGTERM or SIGINT cancels the token; the second ends the process at once.
fn stop_on_signals() -> anyhow::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be handled")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be handled")?;
    let stop = CancellationToken::new();
    let token = stop.clone();
    tokio::spawn(async move {
        for first in [true, false] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if first {
                token.cancel();
            } else {
                let words = "Stopped at once; what was in flight is taken up at the next start.";
                if telemetry::is_json() {
                    tracing::warn!("{words}");
                }
                telemetry::flush_log();
                if !telemetry::is_json() {
                    eprintln!("{words}");
                }
                std::process::exit(1);
            }
        }
    });
    Ok(stop)
}
