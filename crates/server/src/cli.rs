//! The command line: its commands and arguments. `command` contains what each command does, one file for
//! each.

mod apply;
mod audit;
mod delivery;
mod hours;
mod keys;
mod members;
mod probe;
mod security;

pub use apply::ApplyArgs;
pub use audit::AuditCommand;
pub use delivery::{ProviderCommand, RouteArgs, RouteCommand};
pub use hours::show_hours;
pub use keys::{AllowlistCommand, KeyArgs, KeyCommand, ListArgs, Owner, PortalListCommand};
pub use members::{Bound, InvitationArgs, LimitsArgs, MemberArgs, MemberCommand, Named};
pub use probe::ProbeArgs;
pub use security::{SecurityCommand, SecurityOwner, SetSecurity, span};

use crate::{command, configuration::parse_countries};
use clap::{Args, Parser, Subcommand};
use countersign_core::{
    id::TenantId,
    keyring::version::KeyKind,
    phone::countries::Countries,
    tenant::{TenantName, system::is_system},
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
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Try everything on this machine: a demo tenant, a virtual phone, nothing sent
    Dev(DevArgs),
    /// Remove what `dev` made, so that `serve` can go on with its database
    #[command(subcommand)]
    Demo(DemoCommand),
    /// Serve the API and send its messages
    Serve {
        /// What this node does. Nodes of different roles share Postgres and Redis
        #[arg(long, value_enum, default_value_t)]
        role: Role,
    },
    /// Bring the database to this program's version
    Migrate,
    /// Print the OpenAPI document
    Openapi {
        /// Print the document of the APIs that are compatible with SMSAPI, Twilio and CAMARA
        #[arg(long)]
        compatible: bool,
    },
    /// Make tenants, keys, providers, routes and settings what a file says, beside running servers
    Apply(ApplyArgs),
    /// Make, list, rename, disable and delete tenants, and set how their members sign in
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// Make, list and change API keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Add, invite, list, change and remove members: the persons of a tenant
    #[command(subcommand)]
    Member(MemberCommand),
    /// Make, try and list the operator's accounts at providers, which tenants share
    #[command(subcommand)]
    Provider(ProviderCommand),
    /// Make and list the operator's routes, for tenants without routes of their own
    #[command(subcommand)]
    Route(RouteCommand),
    /// Rotate the keys that seal and sign, while servers run
    #[command(subcommand)]
    Keyring(KeyringCommand),
    /// Show and change the addresses that keys may be used from, and those that members may use the portal from
    #[command(subcommand)]
    Allowlist(AllowlistCommand),
    /// Verify and export the audit log
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Check the configuration, or print the documented default file
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Ask a running server whether it is ready
    Healthcheck {
        /// The URL to call [default: /health/ready on the configured operator port]
        #[arg(long)]
        url: Option<String>,
    },
    /// Print the completions of a shell for this program
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Try a running server as a client does: it is ready and of this version, and a test key works
    Probe(ProbeArgs),
}

/// The role of a node.
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
    /// Returns whether the node answers requests.
    pub fn answers(self) -> bool {
        self != Self::Worker
    }

    /// Returns whether the node sends messages and records the history.
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
    /// The folder of all stored data
    #[arg(long, value_name = "DIR", default_value = ".countersign")]
    pub data: PathBuf,
    /// Write addresses, keys and the credentials of Twilio's clients to this file as JSON, once it serves
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
    /// Show a line for each request and message
    #[arg(long, short)]
    pub verbose: bool,
}

/// Remove what `dev` made.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum DemoCommand {
    /// Erase the demo tenant with its keys, its owner and its history, while no server runs
    Remove {
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// Make, list, rename, disable and delete tenants.
#[derive(Debug, Subcommand)]
pub enum TenantCommand {
    /// Make a tenant and print its id
    Create {
        /// The name that end users know. It appears in each SMS
        #[arg(long, value_parser = parse_tenant_name)]
        name: TenantName,
        /// The countries it sends to, such as PL,DE, or "all" [default: tenants.countries]
        #[arg(long, value_parser = parse_countries)]
        countries: Option<Countries>,
    },
    /// List all tenants: id, name, Twilio's account SID, state, since when, erased from when
    List,
    /// Give a tenant another name, which appears in each later SMS
    Rename {
        /// Its id: ten_...
        #[arg(value_parser = parse_tenant_id)]
        tenant: TenantId,
        /// The name that end users know
        #[arg(long, value_parser = parse_tenant_name)]
        name: TenantName,
    },
    /// Refuse all keys of a tenant and send nothing for it, until it is enabled again
    Disable(TenantArgs),
    /// Serve a disabled or deleted tenant again
    Enable(TenantArgs),
    /// Disable a tenant, and erase it after 30 days unless it is enabled again before
    Delete(TenantArgs),
    /// Show and change how the members of a tenant sign in to the portal
    #[command(subcommand)]
    Security(SecurityCommand),
}

/// Which tenant.
#[derive(Clone, Copy, Debug, Args)]
pub struct TenantArgs {
    /// Its id: ten_...
    #[arg(value_parser = parse_tenant_id)]
    pub tenant: TenantId,
}

/// Rotate the keys that seal and sign, while servers run: add, promote, retire.
#[derive(Debug, Subcommand)]
pub enum KeyringCommand {
    /// Make a new key ring, for nodes that share Redis or Postgres. Never replaces an existing one
    Create,
    /// Show the versions, which nodes have them, and the next safe step
    Status,
    /// Add a new version, which only reads until it is promoted
    Add {
        /// Which keys.
        #[command(flatten)]
        kinds: KeyKinds,
        #[command(flatten)]
        target: KeyTarget,
    },
    /// Make the newest version primary; refused before every node can read it
    Promote {
        /// Which keys.
        #[command(flatten)]
        kinds: KeyKinds,
        /// Do not check which nodes run: use this if the database is away and no node runs
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        target: KeyTarget,
    },
    /// Remove a version that made nothing for the lifetime of a record
    Retire {
        /// Its number
        #[arg(value_parser = clap::value_parser!(u8).range(1..))]
        version: u8,
        /// Which keys.
        #[command(flatten)]
        kinds: KeyKinds,
        #[command(flatten)]
        target: KeyTarget,
    },
}

/// Where the changed key ring goes.
#[derive(Clone, Copy, Debug, Args)]
pub struct KeyTarget {
    /// Write no file: print the whole new key ring, with its secrets, on standard output
    #[arg(long)]
    pub print: bool,
}

/// The kinds of keys of the ring; both kinds unless a flag names one.
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
    /// The chosen kinds.
    pub fn list(self) -> &'static [KeyKind] {
        match (self.mac, self.seal) {
            (true, false) => &[KeyKind::Mac],
            (false, true) => &[KeyKind::Seal],
            _ => &KeyKind::ALL,
        }
    }
}

/// Check the configuration, or print the documented default file.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print every problem at once, or that there is none
    Check {
        /// Also try everything that `serve` needs, as this user and on this machine: servers, files, ports,
        /// the key ring. Changes nothing, and takes at most 20 s
        #[arg(long)]
        connect: bool,
        /// Check for a node with this role
        #[arg(long, value_enum, default_value_t, requires = "connect")]
        role: Role,
    },
    /// Print the commented default file
    Default,
}

impl Cli {
    /// Runs the command and returns its exit code.
    pub async fn run(self) -> ExitCode {
        command::run(self).await
    }
}

fn parse_tenant_id(text: &str) -> Result<TenantId, String> {
    let id = text.parse().ok().filter(|id| !is_system(*id));
    id.ok_or("a tenant's id is ten_ and 26 characters; `countersign tenant list` shows them".into())
}

fn parse_tenant_name(text: &str) -> Result<TenantName, String> {
    let problem = || format!("a name has 1 to {} printable characters", TenantName::MAX);
    TenantName::parse(text).ok_or_else(problem)
}

#[cfg(test)]
mod tests {
    use super::{keys::parse_entry, *};
    use clap::CommandFactory as _;
    use countersign_core::access::{allowlist::Description, scope::Scope};
    use countersign_core::tenant::OPERATOR;

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
    fn a_key_is_a_tenant_s_or_the_operator_s() {
        let owner = |line: &str| match parse(line).unwrap().command {
            Command::Key(KeyCommand::Create { owner, .. } | KeyCommand::List(owner)) => owner.id(),
            Command::Key(KeyCommand::Delete(args)) => args.owner.id(),
            Command::Allowlist(AllowlistCommand::Show(args)) => args.owner.id(),
            other => panic!("{other:?}"),
        };
        let key = format!("key_{}", "0".repeat(26));
        assert_eq!(owner("key create --operator --name ops"), OPERATOR);
        assert_eq!(owner("key list --operator"), OPERATOR);
        assert_eq!(owner(&format!("key delete --operator {key}")), OPERATOR);
        assert_eq!(owner(&format!("allowlist show --operator --key {key}")), OPERATOR);
        assert_eq!(owner(&format!("key list --tenant {TENANT}")).to_string(), TENANT);
        for (line, hint) in [
            ("key create --name ops --scopes numbers:read".to_owned(), "--tenant"),
            (format!("key list --operator --tenant {TENANT}"), "cannot be used with"),
            ("key create --operator --name ops --test".to_owned(), "cannot be used with '--test'"),
            ("key create --operator --name ops --scopes numbers:read".to_owned(), "cannot be used with"),
            ("key create --operator --name ops --twilio".to_owned(), "cannot be used with"),
            (format!("key create --tenant {TENANT} --name ops --scopes operator"), "--operator"),
        ] {
            let error = parse(&line).unwrap_err().to_string();
            assert!(error.contains(hint), "{line}: {error}");
        }
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
            // The operator's own row always exists.
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
            let Command::Keyring(KeyringCommand::Retire { version: 3, kinds: read, .. }) =
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
