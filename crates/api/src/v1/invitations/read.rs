//! Reads the bodies of the invitation operations.

use crate::v1::{
    hours::WeekHours,
    keys::{json::ScopeName, read::scopes_of_list},
    members::{
        json::MemberRole,
        read::{hours, parts, pool, role, shares, zone},
    },
    shares::{AskedShares, FoundShares},
};
use countersign_core::{
    access::{scope::Scopes, share::Share},
    people::{
        hours::{Hours, Zone},
        member::{Limits, Role},
        person::EmailAddress,
        shares::Shares,
    },
};
use countersign_web::{
    fields::text,
    problem::Fault,
    request,
    request::{optional, required},
};
use serde_json::Value;

request! {
    /// Invites somebody.
    pub struct CreateInvitation {
        /// The e-mail address. Only the person with this address can accept.
        #[schema(max_length = 254, example = "anna@example.com")]
        email: EmailAddress as String = required(email),
        /// Whether the member will change owners.
        role: Role as MemberRole = required(role),
        /// The scopes that the member and its keys will have at most.
        #[schema(example = json!(["verifications:start", "verifications:check"]))]
        permissions: Scopes as Vec<ScopeName> = required(scopes_of_list),
        /// The time zone of the member's hours, and of the month of its pool; `UTC` when absent.
        #[schema(max_length = 64, example = "Europe/Warsaw")]
        time_zone: Option<Zone> as Option<String> = optional(zone),
        /// When the member may send. A day that is left out is closed. Always, when `hours` is absent or null.
        hours: Option<Option<Hours>> as Option<WeekHours> = hours,
        /// What the member may use; all when absent.
        #[schema(nullable = false)]
        shares: Option<AskedShares> = shares,
        /// The message parts that the member may send in a month; without a bound when absent or null.
        #[schema(minimum = 0, maximum = 1_000_000_000, example = 500)]
        pool: Option<u32> = optional(pool),
        /// The most parts of one message; without a bound when absent or null.
        #[schema(minimum = 1, maximum = 255, example = 2)]
        most_parts: Option<u8> = optional(parts),
    }
}

impl CreateInvitation {
    /// The address and the limits, with the shares that were found.
    pub fn offer(self, shares: FoundShares) -> (EmailAddress, Limits) {
        let FoundShares { senders, templates, profiles, groups } = shares;
        let limits = Limits {
            role: self.role,
            permissions: self.permissions,
            zone: self.time_zone.unwrap_or_default(),
            hours: self.hours.flatten().unwrap_or(Hours::ALWAYS),
            shares: Shares {
                senders: senders.unwrap_or(Share::all()),
                templates: templates.unwrap_or(Share::all()),
                profiles: profiles.unwrap_or(Share::all()),
                groups: groups.unwrap_or(Share::all()),
            },
            pool: self.pool,
            most_parts: self.most_parts,
        };
        (self.email, limits)
    }
}

fn email(value: Value) -> Result<EmailAddress, Fault> {
    EmailAddress::parse(&text(value)?)
        .ok_or(Fault::format("must be an e-mail address such as anna@example.com"))
}
