//! The command line: what can be asked for. What is done about it stands in
//! `command`, a file each.

mod apply;
mod delivery;

pub use apply::ApplyArgs;
pub use delivery::{ProviderCommand, RouteArgs, RouteCommand};

use crate::{command, configuration::parse_countries};
use clap::{Args, Parser, Subcommand};
use countersign_core::{
    access::{
        allowlist::{Description, Entry, parse_range},
        scope::Scope,
    },
    id::{KeyId, TenantId},
    keyring::version::KeyKind,
    management::keys::KeyName,
    phone::countries::Countries,
    tenant::{OPERATOR, TenantName},
};
use std::{path::PathBuf, process::ExitCode};

/// A self-hosted SMS authenticator: issues one-time codes and verifies them.
#[derive(Debug, Parser)]
#[command(
    name = "countersign",
    version,
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, and of `apply --dry-run --exit-code`: something would change."
)]
pub struct Cli {
    /// The configuration file; without it, defaults and COUNTERSIGN__SECTION__KEY variables
    #[arg(long, global = true, value_name = "FILE", env = "COUNTERSIGN_CONFIG")]
    pub config: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Try everything on this machine: a demo tenant, a virtual phone, nothing sent
    Dev(DevArgs),
    /// Serve the API and send its messages
    Serve {
        /// What this node does; nodes of different roles share Postgres and Redis
        #[arg(long, value_enum, default_value_t)]
        role: Role,
    },
    /// Bring the database to this program's version
    Migrate,
    /// Print the OpenAPI document
    Openapi {
        /// That of the routes that speak as SMSAPI, Twilio and CAMARA do
        #[arg(long)]
        compatible: bool,
    },
    /// Make tenants, keys, providers, routes and settings what a file says, beside running servers
    Apply(ApplyArgs),
    /// Make, list, rename, disable and delete tenants
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// Make, list and change API keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Make, try and list the operator's accounts at providers, which tenants share
    #[command(subcommand)]
    Provider(ProviderCommand),
    /// Make and list the operator's routes, for tenants without routes of their own
    #[command(subcommand)]
    Route(RouteCommand),
    /// Rotate the keys that seal and sign, while servers run
    #[command(subcommand)]
    Keyring(KeyringCommand),
    /// Show and replace the addresses that keys may be used from
    #[command(subcommand)]
    Allowlist(AllowlistCommand),
    /// Check the configuration, or print the documented default file
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Ask a running server whether it is ready
    Healthcheck {
        /// Where to ask [default: /health/ready on the configured operator port]
        #[arg(long)]
        url: Option<String>,
    },
}

/// What a node does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    /// Answers requests
    Api,
    /// Sends messages and records the history
    Worker,
    /// Both
    #[default]
    All,
}

impl Role {
    /// Whether it answers requests.
    pub fn answers(self) -> bool {
        self != Self::Worker
    }

    /// Whether it sends messages and records the history.
    pub fn works(self) -> bool {
        self != Self::Api
    }
}

/// How `dev` runs.
#[derive(Clone, Debug, Args)]
pub struct DevArgs {
    /// The port of the API and the pages; 0 picks a free one
    #[arg(long, default_value_t = 8080)]
    pub port: u16,
    /// The port of metrics and health; 0 picks a free one
    #[arg(long, default_value_t = 9090)]
    pub operator_port: u16,
    /// The folder of everything that is kept
    #[arg(long, value_name = "DIR", default_value = ".countersign")]
    pub data: PathBuf,
    /// Write addresses, keys and the credentials of Twilio's clients to this file as JSON, once it serves
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
    /// Show a line for each request and message
    #[arg(long, short)]
    pub verbose: bool,
}

/// Make, list, rename, disable and delete tenants.
#[derive(Debug, Subcommand)]
pub enum TenantCommand {
    /// Make a tenant and print its id
    Create {
        /// What its users know it by; it stands in each SMS
        #[arg(long, value_parser = parse_tenant_name)]
        name: TenantName,
        /// The countries it sends to, such as PL,DE, or "all" [default: tenants.countries]
        #[arg(long, value_parser = parse_countries)]
        countries: Option<Countries>,
    },
    /// List all tenants: id, name, Twilio's account SID, state, since when, erased from when
    List,
    /// Give a tenant another name; it stands in each SMS from then on
    Rename {
        /// Its id: ten_...
        #[arg(value_parser = parse_tenant_id)]
        tenant: TenantId,
        /// What its users know it by
        #[arg(long, value_parser = parse_tenant_name)]
        name: TenantName,
    },
    /// Refuse all keys of a tenant and send nothing for it, until it is enabled again
    Disable(TenantArgs),
    /// Serve a disabled or deleted tenant again
    Enable(TenantArgs),
    /// Disable a tenant, and erase all of it after 30 days unless it is enabled before
    Delete(TenantArgs),
}

/// Which tenant.
#[derive(Clone, Copy, Debug, Args)]
pub struct TenantArgs {
    /// Its id: ten_...
    #[arg(value_parser = parse_tenant_id)]
    pub tenant: TenantId,
}

/// Make, list and change API keys.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a key and print it; it is shown this once
    Create {
        /// The tenant it belongs to
        #[arg(long, value_parser = parse_tenant_id)]
        tenant: TenantId,
        /// What people call it
        #[arg(long, value_parser = parse_key_name)]
        name: KeyName,
        /// What it may do, separated by commas
        #[arg(long, required = true, value_delimiter = ',', value_parser = parse_scope)]
        scopes: Vec<Scope>,
        /// A key for test mode: it sends nothing and knows the code
        #[arg(long)]
        test: bool,
        /// Refuse it after so many days
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=3650))]
        expires_in_days: Option<u32>,
        /// Accept it from this address or range only, with words on what it is; may be repeated
        #[arg(long, value_name = "RANGE [DESCRIPTION]", value_parser = parse_entry)]
        allow: Vec<Entry>,
        /// Print the key without its underscores, as a password for Twilio's clients, of which the one for Go
        /// takes no others; the key needs the scope compat:twilio
        #[arg(long)]
        twilio: bool,
    },
    /// Print the text of a fresh key, for a file of `apply`; no store is touched, and it is shown this once
    Generate {
        /// A key for test mode: it sends nothing and knows the code
        #[arg(long)]
        test: bool,
    },
    /// List the keys of a tenant, newest first
    List {
        /// The tenant they belong to
        #[arg(long, value_parser = parse_tenant_id)]
        tenant: TenantId,
    },
    /// Make a key that takes another's place, and print it; it is shown this once
    Rotate {
        /// Which key
        #[command(flatten)]
        key: KeyArgs,
        /// Accept the old key for so many hours more; 0 ends it at once
        #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u32).range(0..=168))]
        overlap_hours: u32,
        /// Print the key without its underscores, as a password for Twilio's clients, of which the one for Go
        /// takes no others; the key needs the scope compat:twilio
        #[arg(long)]
        twilio: bool,
    },
    /// Refuse a key until it is enabled again
    Disable(KeyArgs),
    /// Accept a disabled key again
    Enable(KeyArgs),
    /// Delete a key for good
    Delete(KeyArgs),
}

/// Which key.
#[derive(Clone, Copy, Debug, Args)]
pub struct KeyArgs {
    /// The tenant it belongs to
    #[arg(long, value_parser = parse_tenant_id)]
    pub tenant: TenantId,
    /// Its id: key_...
    #[arg(value_parser = parse_key_id)]
    pub key: KeyId,
}

/// Rotate the keys that seal and sign, while servers run: add, promote, retire.
#[derive(Debug, Subcommand)]
pub enum KeyringCommand {
    /// Make a fresh key ring, for nodes that share Redis or Postgres; never replaces one
    Create,
    /// Show the versions, which nodes have them, and the next safe step
    Status,
    /// Add a fresh version, which only reads until it is promoted
    Add(KeyKinds),
    /// Make the newest version primary; refused before every node can read it
    Promote {
        /// Which keys.
        #[command(flatten)]
        kinds: KeyKinds,
        /// Do not ask which nodes run: for when the database is away and none does
        #[arg(long)]
        force: bool,
    },
    /// Remove a version that nothing was made with for the life of a record
    Retire {
        /// Its number
        #[arg(value_parser = clap::value_parser!(u8).range(1..))]
        version: u8,
        /// Which keys.
        #[command(flatten)]
        kinds: KeyKinds,
    },
}

/// Which keys of the ring; both unless one is named.
#[derive(Clone, Copy, Debug, Args)]
pub struct KeyKinds {
    /// Only the keys of the MACs of codes
    #[arg(long)]
    mac: bool,
    /// Only the keys that seal numbers, codes and credentials
    #[arg(long)]
    seal: bool,
}

impl KeyKinds {
    /// The kinds that are meant.
    pub fn list(self) -> &'static [KeyKind] {
        match (self.mac, self.seal) {
            (true, false) => &[KeyKind::Mac],
            (false, true) => &[KeyKind::Seal],
            _ => &KeyKind::ALL,
        }
    }
}

/// Show and replace the addresses that keys may be used from.
#[derive(Debug, Subcommand)]
pub enum AllowlistCommand {
    /// Print a list, an entry on each line
    Show(ListArgs),
    /// Replace a list; without --allow every address is admitted
    Set {
        /// Which list
        #[command(flatten)]
        list: ListArgs,
        /// Admit this address or range, with words on what it is; may be repeated
        #[arg(long, value_name = "RANGE [DESCRIPTION]", value_parser = parse_entry)]
        allow: Vec<Entry>,
    },
}

/// Which allowlist.
#[derive(Clone, Copy, Debug, Args)]
pub struct ListArgs {
    /// The tenant whose keys it holds for
    #[arg(long, value_parser = parse_tenant_id)]
    pub tenant: TenantId,
    /// The own list of this key instead of the tenant's
    #[arg(long, value_parser = parse_key_id)]
    pub key: Option<KeyId>,
}

/// Check the configuration, or print the documented default file.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Name every problem at once, or say that there is none
    Check {
        /// Also try everything that `serve` needs, as this user and from here: servers, files, ports, the key ring.
        /// Changes nothing, and takes 20 s at most
        #[arg(long)]
        connect: bool,
        /// As a node that does this
        #[arg(long, value_enum, default_value_t, requires = "connect")]
        role: Role,
    },
    /// Print the commented default file
    Default,
}

impl Cli {
    /// Does what was asked and says how it ended.
    pub async fn run(self) -> ExitCode {
        command::run(self).await
    }
}

/// The operator's own row is no tenant: a key of it could change what all of them share.
fn parse_tenant_id(text: &str) -> Result<TenantId, String> {
    let id = text.parse().ok().filter(|id| *id != OPERATOR);
    id.ok_or("a tenant's id is ten_ and 26 characters; `countersign tenant list` shows them".into())
}

fn parse_key_id(text: &str) -> Result<KeyId, String> {
    text.parse().map_err(|_| "a key's id is key_ and 26 characters; `countersign key list` shows them".into())
}

fn parse_tenant_name(text: &str) -> Result<TenantName, String> {
    let problem = || format!("a name has 1 to {} printable characters", TenantName::MAX);
    TenantName::parse(text).ok_or_else(problem)
}

fn parse_key_name(text: &str) -> Result<KeyName, String> {
    let problem =
        || format!("a name has 1 to {} printable characters", countersign_core::access::key::MAX_NAME);
    KeyName::parse(text.trim()).ok_or_else(problem)
}

fn parse_entry(text: &str) -> Result<Entry, String> {
    let (range, description) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    let range =
        parse_range(range).ok_or("an entry begins with an address or a range, such as 203.0.113.0/24")?;
    let description = Description::parse(description.trim());
    let description = description
        .ok_or_else(|| format!("a description has up to {} printable characters", Description::MAX))?;
    Ok(Entry { range, description })
}

fn parse_scope(text: &str) -> Result<Scope, String> {
    let all = || Scope::ALL.map(Scope::as_str).join(", ");
    Scope::parse(text.trim()).ok_or_else(|| format!("the scopes are {}", all()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    const TENANT: &str = "ten_00000000000000000000000001";

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once("countersign").chain(line.split(' ')))
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn dev_has_the_documented_defaults() {
        let Command::Dev(args) = parse("dev").unwrap().command else { panic!("not dev") };
        assert_eq!((args.port, args.operator_port), (8080, 9090));
        assert_eq!(args.data, PathBuf::from(".countersign"));
        assert!(args.ready_file.is_none() && !args.verbose);
    }

    #[test]
    fn a_key_takes_its_scopes_from_one_list() {
        let line =
            format!("key create --tenant {TENANT} --name app --scopes verifications:start,numbers:read");
        let Command::Key(KeyCommand::Create { scopes, test, .. }) = parse(&line).unwrap().command else {
            panic!("not key create")
        };
        assert_eq!(scopes, [Scope::VerificationsStart, Scope::NumbersRead]);
        assert!(!test);
    }

    #[test]
    fn wrong_values_are_refused_with_what_would_be_right() {
        for (line, hint) in [
            (format!("key create --tenant {TENANT} --name app --scopes start"), "verifications:start"),
            ("key create --tenant acme --name app --scopes numbers:read".into(), "countersign tenant list"),
            (format!("key create --tenant {TENANT} --name app"), "--scopes"),
            (
                format!("key create --tenant ten_{} --name a --scopes numbers:read", "0".repeat(26)),
                "tenant list",
            ),
            ("provider create --name A --kind http --settings -".into(), "a-z"),
            (format!("provider test prv_{} --to 123", "0".repeat(26)), "valid"),
            (format!("route create --name a --provider prv_{} --prefixes 48", "0".repeat(26)), "+4850"),
            (format!("key delete --tenant {TENANT} cs_live_x"), "countersign key list"),
            (format!("tenant create --name {}", "x".repeat(41)), "1 to 40"),
            (format!("tenant rename {TENANT} --name {}", "x".repeat(41)), "1 to 40"),
            // The operator's own is always there.
            (format!("tenant disable ten_{}", "0".repeat(26)), "tenant list"),
            (format!("tenant delete ten_{}", "0".repeat(26)), "tenant list"),
            ("dev --port 70000".into(), "70000"),
            (format!("allowlist set --tenant {TENANT} --allow office"), "203.0.113.0/24"),
            (format!("key rotate --tenant {TENANT} key_{} --overlap-hours 169", "0".repeat(26)), "168"),
        ] {
            let error = parse(&line).unwrap_err().to_string();
            assert!(error.contains(hint), "{line}: {error}");
        }
    }

    #[test]
    fn a_rotation_means_both_kinds_unless_one_is_named() {
        for (line, kinds) in [
            ("keyring retire 3", [KeyKind::Mac, KeyKind::Seal].as_slice()),
            ("keyring retire 3 --seal --mac", &KeyKind::ALL),
            ("keyring retire --seal 3", &[KeyKind::Seal]),
        ] {
            let Command::Keyring(KeyringCommand::Retire { version: 3, kinds: read }) =
                parse(line).unwrap().command
            else {
                panic!("{line}")
            };
            assert_eq!(read.list(), kinds, "{line}");
        }
        assert!(parse("keyring retire 0").is_err() && parse("keyring retire 256").is_err());
    }

    #[test]
    fn an_entry_is_a_range_with_words() {
        let entry = parse_entry(" ::ffff:203.0.113.7  Office, 2nd floor ").unwrap();
        assert_eq!(
            (entry.range.to_string().as_str(), entry.description.as_str()),
            ("203.0.113.7/32", "Office, 2nd floor")
        );
        assert_eq!(parse_entry("2001:db8::/64").unwrap().description, Description::default());
    }

    #[test]
    fn the_configuration_file_may_stand_before_or_after_the_command() {
        for line in ["--config a.toml serve", "serve --config a.toml"] {
            assert_eq!(parse(line).unwrap().config, Some(PathBuf::from("a.toml")));
        }
    }
}
