//! Reads the bodies and the query of the key operations.

use super::json::{Mode as KeyMode, ScopeName};
use crate::{
    http::{
        time::parse_time,
        values::{Page, mode, overlap, page, profile_name},
    },
    v1::{
        allowlists::{NewEntry, allowlist},
        shares::{Asked, Share, share},
    },
};
use countersign_core::{
    access::{
        allowlist::Allowlist,
        scope::{Scope, Scopes},
        share,
    },
    id::{KeyId, MemberId, ProfileId},
    management::{
        key_rotation::MOST_OVERLAP,
        keys::{self, KeyName},
    },
    mode::Mode,
    ports::directory::keys::KeyChange,
    tenant::profile::ProfileName,
    time::Timestamp,
};
use countersign_web::{
    fields::{Fields, array, boolean, text, whole},
    problem::{Fault, Problem},
    request,
    request::{given, given_or_null, optional, required},
};
use serde_json::Value;
use std::time::Duration;

request! {
    /// Makes a key.
    pub struct CreateKey {
        /// A name for people; no control characters.
        #[schema(min_length = 1, max_length = 64, pattern = r"^[^\x00-\x1f\x7f-\x9f]+$", example = "checkout")]
        name: KeyName as String = required(name),
        /// Live or test; `live` when absent.
        mode: Option<Mode> as Option<KeyMode> = optional(mode),
        /// The scopes of the key: at least one, and only scopes of the key in use.
        #[schema(min_items = 1, example = json!(["verifications:start", "verifications:check"]))]
        scopes: Scopes as Vec<ScopeName> = required(scopes),
        /// The server refuses the key from this time on; at once if the time has passed.
        #[schema(format = DateTime, example = "2099-01-31T12:00:00.000Z")]
        expires_at: Option<Timestamp> as Option<String> = optional(time),
        /// The addresses from which the key works; null or an empty list admits every address. The tenant's
        /// list must admit the caller, too.
        #[schema(max_items = 100)]
        allowlist: Option<Allowlist> as Option<Vec<NewEntry>> = |fields, field| {
            let entries = fields.optional(field, array);
            Some(entries.and_then(|entries| allowlist(fields, field, entries)))
        },
        /// The profiles that the key reaches: `all`, `none`, or a list of at most 100 names. Those that the key in
        /// use reaches, when absent.
        #[schema(nullable = false)]
        profiles: Option<Asked<ProfileName>> as Option<Share> = share(profile_name),
        /// True makes a key of the company. Otherwise the key belongs to the member of the key in use, if that has
        /// one. A member makes keys of the company only as an owner without limits that the key would escape.
        company: Option<bool> = optional(boolean),
    }
}

impl CreateKey {
    /// The request, with the profiles that were found.
    pub fn request(self, profiles: Option<share::Share<ProfileId>>) -> keys::CreateKey {
        let Self { name, mode, scopes, expires_at, allowlist, company, .. } = self;
        let (mode, allowlist) = (mode.unwrap_or(Mode::Live), allowlist.unwrap_or_default());
        let company = company.unwrap_or(false);
        keys::CreateKey { name, mode, scopes, expires_at, allowlist, profiles, company }
    }
}

request! {
    /// Changes a key. Absent fields stay as they are.
    pub struct UpdateKey {
        /// The addresses from which the key works; null or an empty list admits every address. The tenant's
        /// list must admit the caller, too.
        #[schema(max_items = 100)]
        allowlist: Option<Allowlist> as Option<Vec<NewEntry>> = |fields, field| {
            let entries = fields.given_or_null(field, array);
            Some(entries.map(|entries| allowlist(fields, field, entries.unwrap_or_default()).unwrap_or_default()))
        },
        /// A name for people; no control characters.
        #[schema(
            nullable = false,
            min_length = 1,
            max_length = 64,
            pattern = r"^[^\x00-\x1f\x7f-\x9f]+$",
            example = "checkout"
        )]
        name: Option<KeyName> as Option<String> = given(name),
        /// While true, the server refuses the key.
        #[schema(nullable = false, example = false)]
        disabled: Option<bool> = given(boolean),
        /// The server refuses the key from this time on; at once if the time has passed. Null: never.
        #[schema(format = DateTime, example = "2099-01-31T12:00:00.000Z")]
        expires_at: Option<Option<Timestamp>> as Option<String> = given_or_null(time),
        /// The profiles that the key reaches: `all`, `none`, or a list of at most 100 names.
        #[schema(nullable = false)]
        profiles: Option<Asked<ProfileName>> as Option<Share> = share(profile_name),
        /// Change the key in use even if its new list does not admit the address of this call.
        #[schema(nullable = false)]
        confirm: Option<bool> = given(boolean),
    }
}

impl UpdateKey {
    /// The request, with the profiles that were found.
    pub fn request(self, profiles: Option<share::Share<ProfileId>>) -> keys::UpdateKey {
        let Self { allowlist, name, disabled, expires_at, confirm, .. } = self;
        let name = name.map(KeyName::into_string);
        let change = KeyChange { name, disabled, expires_at, allowlist, profiles };
        keys::UpdateKey { change, confirmed: confirm.unwrap_or(false) }
    }
}

request! {
    /// Moves a key.
    pub struct MoveKey {
        /// The member that the key belongs to from then on. When absent or null, it becomes a key of the company.
        #[schema(pattern = "^mem_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "mem_01jz0w8e9c4t6yv2k5n3m7p8qr")]
        member: Option<MemberId> as Option<String> = optional(member),
    }
}

/// The query of a list of keys.
pub fn list_request(mut fields: Fields) -> Result<(Page<KeyId>, Option<MemberId>), Problem> {
    let member = fields.given("member", member);
    Ok((page(fields)?, member))
}

fn member(value: Value) -> Result<MemberId, Fault> {
    text(value)?.parse().map_err(|_| Fault::format("must be the id of a member: mem_ and 26 characters"))
}

request! {
    /// Rotates a key.
    pub struct RotateKey {
        /// How many seconds the old key still works; 86,400 (a day) when absent. 0 ends it at once.
        #[schema(minimum = 0, maximum = 604_800, example = 3_600)]
        overlap: Option<u32> = optional(whole(0..=MOST_OVERLAP.as_secs() as u32)),
    }
}

impl RotateKey {
    /// How long both keys are accepted.
    pub fn overlap(self) -> Duration {
        overlap(self.overlap)
    }
}

fn name(value: Value) -> Result<KeyName, Fault> {
    let text = text(value)?;
    let fault = || Fault::format("must be 1 to 64 characters, none of them a control character");
    KeyName::parse(&text).ok_or_else(fault)
}

fn scopes(value: Value) -> Result<Scopes, Fault> {
    let scopes = scopes_of_list(value)?;
    if scopes.is_empty() {
        Err(Fault::new("out_of_range", "must hold at least one scope"))
    } else {
        Ok(scopes)
    }
}

/// Reads a list of scopes, which may be empty.
pub fn scopes_of_list(value: Value) -> Result<Scopes, Fault> {
    let Value::Array(values) = value else {
        return Err(Fault::new("wrong_type", "must be an array of scopes"));
    };
    let unknown = || Fault::format("must hold only known scopes");
    let scopes = values.into_iter().map(|value| Scope::parse(&text(value)?).ok_or_else(unknown));
    scopes.collect::<Result<_, Fault>>()
}

/// Reads a time. A past time is accepted: it ends the key at once.
fn time(value: Value) -> Result<Timestamp, Fault> {
    parse_time(&text(value)?)
}
