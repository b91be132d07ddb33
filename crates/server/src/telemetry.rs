//! Log lines and metrics: their targets and their forms.

mod lines;

use crate::configuration::{LogFormat, LogLevel};
use lines::Lines;
pub use lines::flush as flush_log;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::{
    io::IsTerminal,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    fmt,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// The bounds of the duration histograms, from a read in memory to the longest time-out.
const SECONDS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];

static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// True if the log is in JSON. Then everything on standard error is JSON.
static JSON: AtomicBool = AtomicBool::new(false);

/// Returns whether the log is in JSON, so that nothing else may be written to standard error.
pub fn is_json() -> bool {
    JSON.load(Ordering::Relaxed)
}

/// Sends log lines to standard error. In JSON, the lines of requests are written a moment later, in groups.
/// Standard output is for the answers of commands.
pub fn init_log(format: LogFormat, level: LogLevel) {
    let level = tracing::Level::from(level);
    // Libraries may log warnings. Their other lines are for their own authors.
    let filter = Targets::new()
        .with_default(level.min(tracing::Level::WARN))
        // It would log one line for each failed call while a server is away; we log an outage once.
        .with_target("redis", tracing::Level::ERROR)
        // It would log one line for each connection that a stranger breaks. `application/front/ends.rs`
        // counts those, and logs failures of our own.
        .with_target("actix_http::h1", LevelFilter::OFF)
        .with_target("rustls", tracing::Level::ERROR)
        .with_target("countersign", level)
        .with_target("http", level)
        // The heads of the audit log are logged at every level.
        .with_target("audit", tracing::Level::INFO);
    let human = match format {
        LogFormat::Human => true,
        LogFormat::Json => false,
        LogFormat::Auto => std::io::stderr().is_terminal(),
    };
    let registry = tracing_subscriber::registry().with(filter);
    let outcome = if human {
        let colour = std::io::stderr().is_terminal();
        registry.with(fmt::layer().with_ansi(colour).with_writer(std::io::stderr)).try_init()
    } else {
        let json = fmt::layer().json().flatten_event(true).with_current_span(false).with_span_list(false);
        let outcome = registry.with(json.with_writer(Lines::begin())).try_init();
        if outcome.is_ok() {
            JSON.store(true, Ordering::Relaxed);
            std::panic::set_hook(Box::new(|panic| {
                tracing::error!(panic = %panic, "A task broke off");
                flush_log();
            }));
        }
        outcome
    };
    // This fails only if a log is set up already, and then that one is used.
    drop(outcome);
}

/// The only metrics recorder of the process, installed at its first use. Several applications in one test
/// process share it.
pub fn metrics_handle() -> PrometheusHandle {
    let install = || {
        let builder = PrometheusBuilder::new();
        let builder = builder.set_buckets_for_metric(Matcher::Suffix("duration_seconds".into()), &SECONDS);
        // This fails only for an empty list; then durations would be summaries instead of histograms.
        let recorder = builder.unwrap_or_else(|_| PrometheusBuilder::new()).build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("Another metrics recorder is in place; /metrics stays empty");
        }
        handle
    };
    RECORDER.get_or_init(install).clone()
}
