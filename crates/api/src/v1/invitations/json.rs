//! Invitations as JSON.

use crate::v1::{
    hours::WeekHours,
    keys::json::ScopeName,
    members::json::MemberRole,
    shares::{MemberShares, Names},
};
use countersign_core::{
    access::scope::Scope,
    people::{invitation, person::EmailAddress},
};
use countersign_web::text_values;
use serde::Serialize;
use utoipa::ToSchema;

text_values! {
    /// How the link reaches the invited person. `by_operator`: this server sends no mail, so the operator makes
    /// a link on the command line and hands it over.
    InvitationDelivery = ["mail", "by_operator"];
}

/// The offer to become a member. It contains no link: no answer of the API does.
#[derive(Serialize, ToSchema)]
pub struct Invitation {
    /// Its id.
    #[schema(pattern = "^inv_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "inv_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    id: String,
    /// The invited address; null if this server cannot read it.
    #[schema(required = true, max_length = 254, example = "anna@example.com")]
    email: Option<String>,
    /// Whether the member will change owners.
    #[schema(value_type = MemberRole, example = "subuser")]
    role: &'static str,
    /// The scopes that the member and its keys will have at most.
    #[schema(value_type = Vec<ScopeName>, example = json!(["verifications:start", "verifications:check"]))]
    permissions: Vec<&'static str>,
    /// The time zone of the member's hours, and of the month of its pool.
    #[schema(example = "Europe/Warsaw")]
    time_zone: String,
    /// When the member may send; null: always.
    #[schema(required = true)]
    hours: Option<WeekHours>,
    /// What the member may use.
    shares: MemberShares,
    /// The message parts that the member may send in a month; null: without a bound.
    #[schema(required = true, minimum = 0, maximum = 1_000_000_000, example = 500)]
    pool: Option<u32>,
    /// The most parts of one message; null: without a bound.
    #[schema(required = true, minimum = 1, maximum = 255, example = 2)]
    most_parts: Option<u8>,
    /// Who invited, or sent again: `operator`, the id of a member or of a key of the company, or `mem_.../key_...` for
    /// a key of a member. When the invitation is accepted, this author must still have what it grants.
    #[schema(example = "mem_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    author: String,
    /// How the link reaches the invited person: by a mail of this server, or the operator prints it.
    #[schema(value_type = InvitationDelivery, example = "mail")]
    delivery: &'static str,
    /// How often it was sent; 5 times at most.
    #[schema(minimum = 1, maximum = 5, example = 1)]
    sends: u8,
    /// From this time on, the last link is void.
    #[schema(format = DateTime, example = "2026-02-02T12:00:00.000Z")]
    expires_at: String,
    /// When it was made.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    created_at: String,
}

impl Invitation {
    pub fn new(
        invitation: &invitation::Invitation,
        email: Option<&EmailAddress>,
        names: &Names,
        mailed: bool,
    ) -> Self {
        let limits = &invitation.limits;
        Self {
            id: invitation.id.to_string(),
            email: email.map(|email| email.expose().to_owned()),
            role: limits.role.as_str(),
            permissions: limits.permissions.iter().map(Scope::as_str).collect(),
            time_zone: limits.zone.to_string(),
            hours: WeekHours::of(&limits.hours),
            shares: names.shares(&limits.shares),
            pool: limits.pool,
            most_parts: limits.most_parts,
            author: invitation.author.to_string(),
            delivery: if mailed { "mail" } else { "by_operator" },
            sends: invitation.sends,
            expires_at: invitation.expires_at.to_string(),
            created_at: invitation.created_at.to_string(),
        }
    }
}

/// A page of invitations.
#[derive(Serialize, ToSchema)]
pub struct InvitationPage {
    /// The invitations that were neither accepted nor deleted, newest first.
    #[schema(max_items = 100)]
    pub data: Vec<Invitation>,
    /// The cursor of the next page; null on the last.
    #[schema(required = true, pattern = "^inv_[0-7][0-9a-hjkmnp-tv-z]{25}$")]
    pub next_cursor: Option<String>,
}
