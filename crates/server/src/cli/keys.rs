//! Keys, and the addresses that they may be used from: of a tenant, or of the operator.

use super::{
    members::{Named, parse_member_id},
    parse_tenant_id,
};
use clap::{Args, Subcommand};
use countersign_core::{
    access::{
        allowlist::{Description, Entry, parse_range},
        scope::{Scope, Scopes},
    },
    id::{KeyId, MemberId, TenantId},
    management::keys::KeyName,
    tenant::OPERATOR,
};
use ipnet::IpNet;

/// Whose keys or members are meant.
#[derive(Clone, Copy, Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Owner {
    /// Of this tenant: ten_...
    #[arg(long, value_parser = parse_tenant_id)]
    tenant: Option<TenantId>,
    /// Of the operator, whose keys manage tenants over the API
    #[arg(long)]
    operator: bool,
}

impl Owner {
    /// The tenant, or the operator's own.
    pub fn id(self) -> TenantId {
        self.tenant.filter(|_| !self.operator).unwrap_or(OPERATOR)
    }

    /// Its name in messages.
    pub fn name(self) -> String {
        if self.id() == OPERATOR { "The operator".to_owned() } else { self.id().to_string() }
    }
}

/// Make, list and change API keys.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a key and print it. It is shown only this once
    Create {
        /// Whose it is
        #[command(flatten)]
        owner: Owner,
        /// The name of the key for people
        #[arg(long, value_parser = parse_key_name)]
        name: KeyName,
        /// The scopes of the key, separated by commas. A key of the operator has only its own scope
        #[arg(long, required_unless_present = "operator", conflicts_with = "operator", value_delimiter = ',',
            value_parser = parse_scope)]
        scopes: Vec<Scope>,
        /// A key for test mode: it sends nothing and knows the code
        #[arg(long, conflicts_with = "operator")]
        test: bool,
        /// Refuse the key after this many days
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=3650))]
        expires_in_days: Option<u32>,
        /// Accept the key only from this address or range, with a description; may be repeated
        #[arg(long, value_name = "RANGE [DESCRIPTION]", value_parser = parse_entry)]
        allow: Vec<Entry>,
        /// Print the key without its underscores, as a password for Twilio's clients: the one for Go accepts
        /// no underscores. The key needs the scope compat:twilio
        #[arg(long, conflicts_with = "operator")]
        twilio: bool,
        /// Give the key to this member, whose limits then bind it: mem_... [default: a key of the company]
        #[arg(long, conflicts_with = "operator", value_parser = parse_member_id)]
        member: Option<MemberId>,
        /// The profiles that the key reaches: "all", or names separated by commas [default: all]
        #[arg(long, conflicts_with = "operator", value_name = "NAMES", value_parser = Named::parse)]
        profiles: Option<Named>,
    },
    /// Print the text of a fresh key, for a file of `apply`. It touches no store, and the text is shown only
    /// this once
    Generate {
        /// A key for test mode: it sends nothing and knows the code
        #[arg(long)]
        test: bool,
    },
    /// List the keys of a tenant or of the operator, newest first: id, mode, state, name, scopes, end, successor,
    /// member
    List(Owner),
    /// Make a key that replaces another, and print it. It is shown only this once
    Rotate {
        /// Which key
        #[command(flatten)]
        key: KeyArgs,
        /// Accept the old key for this many hours more; 0 ends it at once
        #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u32).range(0..=168))]
        overlap_hours: u32,
        /// Print the key without its underscores, as a password for Twilio's clients: the one for Go accepts
        /// no underscores. The key needs the scope compat:twilio
        #[arg(long, conflicts_with = "operator")]
        twilio: bool,
    },
    /// Give a key to a member, whose limits then bind it, or to the company
    Move {
        /// Which key
        #[command(flatten)]
        key: KeyArgs,
        /// To whom
        #[command(flatten)]
        to: Receiver,
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
    /// Whose it is
    #[command(flatten)]
    pub owner: Owner,
    /// Its id: key_...
    #[arg(value_parser = parse_key_id)]
    pub key: KeyId,
}

/// Who gets a key.
#[derive(Clone, Copy, Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Receiver {
    /// This member: mem_...
    #[arg(long, value_parser = parse_member_id)]
    pub member: Option<MemberId>,
    /// The company: no member's limits bind the key
    #[arg(long)]
    company: bool,
}

/// Show and change the addresses that keys may be used from, and those that members may use the portal from.
#[derive(Debug, Subcommand)]
pub enum AllowlistCommand {
    /// Print a list, an entry on each line
    Show(ListArgs),
    /// Replace a list; without --allow every address is admitted
    Set {
        /// Which list to replace
        #[command(flatten)]
        list: ListArgs,
        /// Admit this address or range, with a description; may be repeated
        #[arg(long, value_name = "RANGE [DESCRIPTION]", value_parser = parse_entry)]
        allow: Vec<Entry>,
    },
    /// The addresses that members may use the portal from
    #[command(subcommand)]
    Portal(PortalListCommand),
}

/// Show and change the addresses that members may use the portal from.
#[derive(Debug, Subcommand)]
pub enum PortalListCommand {
    /// Print the list, an entry on each line
    List(Owner),
    /// Add entries to the list
    Add {
        /// Whose members
        #[command(flatten)]
        owner: Owner,
        /// Admit this address or range, with a description
        #[arg(required = true, value_name = "RANGE [DESCRIPTION]", value_parser = parse_entry)]
        entries: Vec<Entry>,
    },
    /// Remove entries from the list. The last one stays: use clear to admit every address
    Remove {
        /// Whose members
        #[command(flatten)]
        owner: Owner,
        /// The range of an entry
        #[arg(required = true, value_name = "RANGE", value_parser = parse_whole_range)]
        ranges: Vec<IpNet>,
    },
    /// Replace the list
    Set {
        /// Whose members
        #[command(flatten)]
        owner: Owner,
        /// Admit this address or range, with a description; may be repeated
        #[arg(long, required = true, value_name = "RANGE [DESCRIPTION]", value_parser = parse_entry)]
        allow: Vec<Entry>,
    },
    /// Remove all entries: every address is admitted, also that of an owner who was locked out
    Clear(Owner),
}

/// Which allowlist.
#[derive(Clone, Copy, Debug, Args)]
pub struct ListArgs {
    /// To whose keys the list applies
    #[command(flatten)]
    pub owner: Owner,
    /// Use the key's own list instead of the one for all keys
    #[arg(long, value_parser = parse_key_id)]
    pub key: Option<KeyId>,
}

fn parse_key_id(text: &str) -> Result<KeyId, String> {
    text.parse().map_err(|_| "a key's id is key_ and 26 characters; `countersign key list` shows them".into())
}

fn parse_key_name(text: &str) -> Result<KeyName, String> {
    let problem =
        || format!("a name has 1 to {} printable characters", countersign_core::access::key::MAX_NAME);
    KeyName::parse(text.trim()).ok_or_else(problem)
}

pub(super) fn parse_entry(text: &str) -> Result<Entry, String> {
    let (range, description) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    let range =
        parse_range(range).ok_or("an entry begins with an address or a range, such as 203.0.113.0/24")?;
    let description = Description::parse(description.trim());
    let description = description
        .ok_or_else(|| format!("a description has up to {} printable characters", Description::MAX))?;
    Ok(Entry { range, description })
}

fn parse_whole_range(text: &str) -> Result<IpNet, String> {
    parse_range(text.trim()).ok_or("an address or a range, such as 203.0.113.0/24".into())
}

pub(super) fn parse_scope(text: &str) -> Result<Scope, String> {
    let known = Scope::parse(text.trim());
    if known == Some(Scope::Operator) {
        return Err("a key of the operator holds it, which --operator makes".to_owned());
    }
    let all = || Scopes::all().iter().map(Scope::as_str).collect::<Vec<_>>().join(", ");
    known.ok_or_else(|| format!("the scopes are {}", all()))
}
