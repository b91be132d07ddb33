//! Members of a tenant or of the operator, and their invitations.

use super::{
    hours::parse_hours,
    keys::{Owner, parse_scope},
};
use clap::{Args, Subcommand};
use countersign_core::{
    access::scope::Scopes,
    id::{InvitationId, MemberId},
    people::{
        hours::{Hours, Zone},
        member::Role,
        person::{EmailAddress, PersonName},
    },
};
use std::{fmt::Display, ops::RangeInclusive, str::FromStr};

/// Add, invite, list, change and remove members.
#[derive(Debug, Subcommand)]
pub enum MemberCommand {
    /// Make somebody a member at once, without an invitation, and print the member's id
    Add {
        /// Whose member
        #[command(flatten)]
        owner: Owner,
        /// The name of the person. A person whose address is known keeps its name
        #[arg(long, value_parser = parse_person_name)]
        name: PersonName,
        /// The member's limits
        #[command(flatten)]
        limits: LimitsArgs,
        /// The e-mail address of the person
        #[arg(value_parser = parse_email)]
        email: EmailAddress,
    },
    /// Invite somebody. The link goes out by mail; without a mail server it is printed, only this once. It is good
    /// once and for 48 hours
    Invite {
        /// Print the link and send no mail
        #[arg(long)]
        print: bool,
        /// Whose member
        #[command(flatten)]
        owner: Owner,
        /// The limits of the member that the invited person becomes
        #[command(flatten)]
        limits: LimitsArgs,
        /// The e-mail address of the person
        #[arg(value_parser = parse_email)]
        email: EmailAddress,
    },
    /// List the members, newest first: id, state, role, name, address, permissions
    List(Owner),
    /// Print a member, a field on each line, and its keys
    Show(MemberArgs),
    /// Change the limits of a member. What is not named stays as it is
    Set {
        /// Which member
        #[command(flatten)]
        member: MemberArgs,
        /// The new limits
        #[command(flatten)]
        limits: LimitsArgs,
    },
    /// Refuse all that a member and its keys ask, until it is enabled again
    Disable(MemberArgs),
    /// Serve a disabled member and its keys again
    Enable(MemberArgs),
    /// Remove a member. Its keys stay, but are refused until they are moved
    Remove(MemberArgs),
    /// List the open invitations, newest first: id, address, role, permissions, author, sends, end of the link
    Invitations(Owner),
    /// Make another link of an invitation, and mail or print it. The former link is void
    Link {
        /// Which invitation
        #[command(flatten)]
        invitation: InvitationArgs,
        /// Print the link and send no mail
        #[arg(long)]
        print: bool,
    },
    /// End an invitation. Its link is void
    Withdraw(InvitationArgs),
    /// Switch the two-factor sign-in of a person off who lost the phone and the recovery codes. Make sure who asks
    #[command(name = "reset-2fa")]
    ResetTwoFactor {
        /// The person's e-mail address
        #[arg(value_parser = parse_email)]
        email: EmailAddress,
    },
    /// Sign a person out of every browser
    SignOut {
        /// The person's e-mail address
        #[arg(value_parser = parse_email)]
        email: EmailAddress,
    },
    /// Give a person another e-mail address, because the mailbox is lost. Make sure who asks
    SetEmail {
        /// The present address
        #[arg(value_parser = parse_email)]
        email: EmailAddress,
        /// The new address
        #[arg(value_parser = parse_email)]
        to: EmailAddress,
    },
}

/// Which member.
#[derive(Clone, Copy, Debug, Args)]
pub struct MemberArgs {
    /// Whose it is
    #[command(flatten)]
    pub owner: Owner,
    /// Its id: mem_...
    #[arg(value_parser = parse_member_id)]
    pub member: MemberId,
}

/// Which invitation.
#[derive(Clone, Copy, Debug, Args)]
pub struct InvitationArgs {
    /// Whose it is
    #[command(flatten)]
    pub owner: Owner,
    /// Its id: inv_...
    #[arg(value_parser = parse_invitation_id)]
    pub invitation: InvitationId,
}

/// The limits of a member.
#[derive(Clone, Debug, Args)]
pub struct LimitsArgs {
    /// Owners change owners and govern all keys; subusers govern only keys of their own. [possible values:
    /// owner, subuser]
    #[arg(long, value_parser = parse_role)]
    pub role: Option<Role>,
    /// The scopes that the member and its keys may have, separated by commas, or "none" [default for an owner:
    /// all but codes:reveal]
    #[arg(long, value_name = "SCOPES", value_parser = parse_permissions)]
    pub permissions: Option<Scopes>,
    /// The zone of the hours and of the pool's month, such as Europe/Warsaw [default: UTC]
    #[arg(long, value_name = "ZONE", value_parser = parse_zone)]
    pub time_zone: Option<Zone>,
    /// When the member may send: "always", "never", or "mon-fri 08:00-16:30, sat 10:00-14:00" [default: always]
    #[arg(long, value_parser = parse_hours)]
    pub hours: Option<Hours>,
    /// The senders that the member may use: "all", "none", or names separated by commas [default: all]
    #[arg(long, value_name = "NAMES", value_parser = Named::parse)]
    pub senders: Option<Named>,
    /// The templates that the member may use [default: all]
    #[arg(long, value_name = "NAMES", value_parser = Named::parse)]
    pub templates: Option<Named>,
    /// The profiles that the member reaches [default: all]
    #[arg(long, value_name = "NAMES", value_parser = Named::parse)]
    pub profiles: Option<Named>,
    /// The groups of subjects that the member reaches [default: all]
    #[arg(long, value_name = "NAMES", value_parser = Named::parse)]
    pub groups: Option<Named>,
    /// The message parts of a month, or "none" for no bound [default: none]
    #[arg(long, value_name = "N", value_parser = parse_pool)]
    pub pool: Option<Bound<u32>>,
    /// The most parts of one message, or "none" for no bound [default: none]
    #[arg(long, value_name = "N", value_parser = parse_parts)]
    pub most_parts: Option<Bound<u8>>,
}

/// All things of one kind, none of them, or those with these names or ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    All,
    None,
    List(Vec<String>),
}

impl Named {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text.trim() {
            "all" => Ok(Self::All),
            "none" => Ok(Self::None),
            list => {
                let names: Vec<_> = list.split(',').map(|name| name.trim().to_owned()).collect();
                let named = names.iter().all(|name| !name.is_empty());
                named.then_some(Self::List(names)).ok_or_else(|| {
                    "write all, none, or names separated by commas, such as shop,app".to_owned()
                })
            }
        }
    }
}

/// A number, or no bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound<T>(pub Option<T>);

/// The largest pool, in message parts a month. The API has the same bound.
const MOST_POOL: u32 = 1_000_000_000;

fn parse_bound<T: FromStr + PartialOrd + Display>(
    text: &str,
    range: RangeInclusive<T>,
) -> Result<Bound<T>, String> {
    if text == "none" {
        return Ok(Bound(None));
    }
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.map(|number| Bound(Some(number))).ok_or_else(|| {
        format!("write a number from {} to {}, or none for no bound", range.start(), range.end())
    })
}

fn parse_pool(text: &str) -> Result<Bound<u32>, String> {
    parse_bound(text, 0..=MOST_POOL)
}

fn parse_parts(text: &str) -> Result<Bound<u8>, String> {
    parse_bound(text, 1..=u8::MAX)
}

fn parse_role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| "a role is owner or subuser".to_owned())
}

fn parse_permissions(text: &str) -> Result<Scopes, String> {
    if text == "none" {
        return Ok(Scopes::default());
    }
    text.split(',').map(parse_scope).collect()
}

fn parse_zone(text: &str) -> Result<Zone, String> {
    Zone::parse(text).ok_or_else(|| "a time zone is a name such as Europe/Warsaw or UTC".to_owned())
}

fn parse_email(text: &str) -> Result<EmailAddress, String> {
    EmailAddress::parse(text).ok_or_else(|| "an e-mail address is written as anna@example.com".to_owned())
}

fn parse_person_name(text: &str) -> Result<PersonName, String> {
    PersonName::parse(text).ok_or_else(|| format!("a name has 1 to {} printable characters", PersonName::MAX))
}

pub(super) fn parse_member_id(text: &str) -> Result<MemberId, String> {
    text.parse()
        .map_err(|_| "a member's id is mem_ and 26 characters; `countersign member list` shows them".into())
}

fn parse_invitation_id(text: &str) -> Result<InvitationId, String> {
    text.parse().map_err(|_| {
        "an invitation's id is inv_ and 26 characters; `countersign member invitations` shows them".into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser as _;
    use countersign_core::access::scope::Scope;

    const TENANT: &str = "ten_00000000000000000000000001";

    /// Parses `member` with these words.
    fn parse(words: &[&str]) -> Result<MemberCommand, String> {
        let cli = Cli::try_parse_from(["countersign", "member"].iter().chain(words));
        let Command::Member(command) = cli.map_err(|error| error.to_string())?.command else {
            panic!("not member")
        };
        Ok(command)
    }

    fn limits(words: &[&str]) -> Result<LimitsArgs, String> {
        let words: Vec<_> = ["invite", "--tenant", TENANT].iter().chain(words).copied().collect();
        match parse(&[&words, ["anna@example.com"].as_slice()].concat())? {
            MemberCommand::Invite { limits, .. } => Ok(limits),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn limits_are_read_from_flags() {
        let all = limits(&[
            "--role",
            "subuser",
            "--permissions",
            "verifications:start,numbers:read",
            "--time-zone",
            "europe/warsaw",
            "--hours",
            "mon 08:00-09:00",
            "--senders",
            "Acme, A & B",
            "--templates",
            "none",
            "--profiles",
            "all",
            "--pool",
            "100",
            "--most-parts",
            "none",
        ])
        .unwrap();
        assert_eq!(all.role, Some(Role::Subuser));
        let scopes = Scopes::from_iter([Scope::VerificationsStart, Scope::NumbersRead]);
        assert_eq!(all.permissions, Some(scopes));
        assert_eq!(all.time_zone.unwrap().as_str(), "Europe/Warsaw");
        assert_eq!(all.hours, Some(Hours::NEVER.with(0, 16).with(0, 17)));
        assert_eq!(all.senders, Some(Named::List(vec!["Acme".into(), "A & B".into()])));
        assert_eq!((all.templates, all.profiles, all.groups), (Some(Named::None), Some(Named::All), None));
        assert_eq!((all.pool, all.most_parts), (Some(Bound(Some(100))), Some(Bound(None))));
        let none = limits(&["--permissions", "none"]).unwrap();
        assert_eq!(none.permissions, Some(Scopes::default()));
    }

    #[test]
    fn wrong_limits_are_refused_with_what_would_be_right() {
        for (flag, value, hint) in [
            ("--role", "boss", "owner or subuser"),
            ("--permissions", "start", "verifications:start"),
            ("--permissions", "operator", "operator"),
            ("--time-zone", "Europe/Lodz", "Europe/Warsaw"),
            ("--hours", "mon 8-16", "mon-fri 08:00"),
            ("--senders", "a,,b", "separated by commas"),
            ("--pool", "-1", "from 0 to 1000000000, or none"),
            ("--pool", "1000000001", "from 0 to 1000000000, or none"),
            ("--most-parts", "0", "from 1 to 255, or none"),
            ("--most-parts", "256", "from 1 to 255, or none"),
        ] {
            let error = limits(&[&format!("{flag}={value}")]).unwrap_err();
            assert!(error.contains(hint), "{flag} {value}: {error}");
        }
    }

    #[test]
    fn a_member_is_a_tenant_s_or_the_operator_s() {
        for (words, hint) in [
            (vec!["invite", "anna@example.com"], "--tenant"),
            (vec!["list"], "--operator"),
            (vec!["show", "--tenant", TENANT, "mem_1"], "member list"),
            (vec!["withdraw", "--tenant", TENANT, "inv_1"], "member invitations"),
            (vec!["invite", "--operator", "anna"], "anna@example.com"),
            (vec!["add", "--operator", "anna@example.com"], "--name"),
        ] {
            let error = parse(&words).unwrap_err();
            assert!(error.contains(hint), "{words:?}: {error}");
        }
    }
}
