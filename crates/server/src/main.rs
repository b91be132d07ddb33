use clap::Parser;
use countersign::cli::Cli;
use std::{process::ExitCode, time::Duration};

/// How long the end waits for threads that still read or write files.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// The program allocates many small short-lived values, and this allocator causes measurably fewer page
/// faults than the system's. Huge pages are off (`no_thp`): with them an idle node takes 59 to 79 MiB instead
/// of 43.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    // This fails only if a provider is installed already, and nothing before this line does that.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the runtime cannot be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(cli.run());
    // Dropping the runtime would wait without limit for a thread that reads from a file system that hangs.
    runtime.shutdown_timeout(LAST_WAIT);
    code
}
