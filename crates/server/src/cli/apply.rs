//! How `apply` is called.

use clap::Args;
use std::path::PathBuf;

/// Make tenants, keys, providers, routes and settings as a file says.
#[derive(Clone, Debug, Args)]
pub struct ApplyArgs {
    /// The file, in TOML; "-" reads standard input
    pub file: PathBuf,
    /// Print what would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Exit with 2 if something would change
    #[arg(long, requires = "dry_run")]
    pub exit_code: bool,
    /// Delete tenants that this file made and no longer names; without it they stay as they are
    #[arg(long)]
    pub prune_tenants: bool,
    /// Print each change as a line of JSON
    #[arg(long)]
    pub json: bool,
}
