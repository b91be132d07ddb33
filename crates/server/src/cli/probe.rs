//! `countersign probe`.

use clap::Args;
use std::path::PathBuf;

/// Try a running server as a client does.
#[derive(Debug, Args)]
pub struct ProbeArgs {
    /// Where the API is, such as https://sms.example.com
    pub url: String,
    /// A file with a test key (cs_test_...), to start a verification and check its code; nothing is sent
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// Take any certificate: where the server is asked by a name that is not in its own
    #[arg(long)]
    pub any_certificate: bool,
}
