//! What `probe` is asked with.

use crate::configuration::Secret;
use clap::{
    Args,
    builder::{StringValueParser, TypedValueParser},
};
use std::path::PathBuf;

/// Which service, and with what.
#[derive(Debug, Args)]
pub struct ProbeArgs {
    /// Where its API is, such as https://sms.example.com
    #[arg(long)]
    pub url: String,
    /// A file that holds a test key (cs_test_...) with the scopes verifications:start and verifications:check
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// The key itself; better given by the variable, which other users of the machine do not see
    #[arg(long, env = "COUNTERSIGN_KEY", hide_env_values = true, value_parser = hidden())]
    pub key: Option<Secret>,
    /// The number to verify; nothing is sent to it [default: any Polish one]
    #[arg(long, value_name = "NUMBER")]
    pub to: Option<String>,
    /// Authorities (PEM) to trust beside those of the system
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
}

fn hidden() -> impl TypedValueParser<Value = Secret> {
    StringValueParser::new().map(|text| Secret::new(text.trim()))
}
