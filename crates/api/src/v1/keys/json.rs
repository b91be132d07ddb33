//! Keys as JSON.

use crate::v1::{
    allowlists::{AllowlistEntry, entries},
    shares::{Names, Share},
};
use countersign_core::{
    access::{
        key::{self, PresentedKey},
        scope::{Scope, Scopes},
    },
    mode,
};
use countersign_web::schema::text_enum;
use serde::Serialize;
use utoipa::ToSchema;

/// What a key may do. `operator` is not among them: no key that is shown here can hold it.
pub struct ScopeName;

impl ToSchema for ScopeName {}
impl utoipa::PartialSchema for ScopeName {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        text_enum(Scopes::all().iter().map(Scope::as_str))
    }
}

/// Live keys send messages; test keys never do.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = KeyMode)]
pub enum Mode {
    Live,
    Test,
}

impl From<mode::Mode> for Mode {
    fn from(mode: mode::Mode) -> Self {
        match mode {
            mode::Mode::Live => Self::Live,
            mode::Mode::Test => Self::Test,
        }
    }
}

/// An API key, without its secret.
#[derive(Serialize, ToSchema)]
pub struct Key {
    /// The id, which is also a part of the key itself.
    #[schema(pattern = "^key_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "key_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    id: String,
    /// A name for people.
    #[schema(min_length = 1, max_length = 64, example = "checkout")]
    name: String,
    /// Live or test.
    mode: Mode,
    /// The scopes of the key.
    #[schema(value_type = Vec<ScopeName>, example = json!(["verifications:start", "verifications:check"]))]
    scopes: Vec<&'static str>,
    /// While true, the server refuses the key.
    disabled: bool,
    /// The server refuses the key from this time on.
    #[schema(required = true, format = DateTime, example = "2099-01-31T12:00:00.000Z")]
    expires_at: Option<String>,
    /// The addresses from which the key works; an empty list admits every address.
    #[schema(max_items = 100)]
    allowlist: Vec<AllowlistEntry>,
    /// The member whose limits bind the key; null for a key of the company. The server refuses the key if the
    /// member is disabled or was removed.
    #[schema(
        required = true,
        pattern = "^mem_[0-7][0-9a-hjkmnp-tv-z]{25}$",
        example = "mem_01jz0w8e9c4t6yv2k5n3m7p8qr"
    )]
    member: Option<String>,
    /// The profiles that the key reaches, if its member reaches them too.
    profiles: Share,
    /// The key that replaced it in a rotation.
    #[schema(required = true, pattern = "^key_[0-7][0-9a-hjkmnp-tv-z]{25}$")]
    replaced_by: Option<String>,
    /// When it was made.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    created_at: String,
    /// When it was last accepted, to the minute.
    #[schema(required = true, format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    last_used_at: Option<String>,
}

impl Key {
    pub fn new(key: key::Key, names: &Names) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name,
            mode: key.mode.into(),
            scopes: key.scopes.iter().map(Scope::as_str).collect(),
            disabled: key.disabled,
            expires_at: key.expires_at.map(|at| at.to_string()),
            allowlist: entries(&key.allowlist),
            member: key.member.map(|id| id.to_string()),
            profiles: names.profiles(&key.profiles),
            replaced_by: key.replaced_by.map(|id| id.to_string()),
            created_at: key.created_at.to_string(),
            last_used_at: key.last_used_at.map(|at| at.to_string()),
        }
    }
}

/// A new API key, with its secret. The fields are those of `Key`. They are
/// repeated here because a closed schema cannot include another.
#[derive(Serialize, ToSchema)]
pub struct CreatedKey {
    /// The id, which is also a part of the key itself.
    #[schema(pattern = "^key_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "key_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    id: String,
    /// A name for people.
    #[schema(min_length = 1, max_length = 64, example = "checkout")]
    name: String,
    /// Live or test.
    mode: Mode,
    /// The scopes of the key.
    #[schema(value_type = Vec<ScopeName>, example = json!(["verifications:start", "verifications:check"]))]
    scopes: Vec<&'static str>,
    /// While true, the server refuses the key.
    disabled: bool,
    /// The server refuses the key from this time on.
    #[schema(required = true, format = DateTime, example = "2099-01-31T12:00:00.000Z")]
    expires_at: Option<String>,
    /// The addresses from which the key works; an empty list admits every address.
    #[schema(max_items = 100)]
    allowlist: Vec<AllowlistEntry>,
    /// The member whose limits bind the key; null for a key of the company. The server refuses the key if the
    /// member is disabled or was removed.
    #[schema(
        required = true,
        pattern = "^mem_[0-7][0-9a-hjkmnp-tv-z]{25}$",
        example = "mem_01jz0w8e9c4t6yv2k5n3m7p8qr"
    )]
    member: Option<String>,
    /// The profiles that the key reaches, if its member reaches them too.
    profiles: Share,
    /// The key that replaced it in a rotation.
    #[schema(required = true, pattern = "^key_[0-7][0-9a-hjkmnp-tv-z]{25}$")]
    replaced_by: Option<String>,
    /// When it was made.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    created_at: String,
    /// When it was last accepted, to the minute.
    #[schema(required = true, format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    last_used_at: Option<String>,
    /// The whole key, for `Authorization: Bearer`. It cannot be shown again.
    #[schema(pattern = "^cs_(live|test)_[0-7][0-9a-hjkmnp-tv-z]{25}_[0-9a-hjkmnp-tv-z]{59}$")]
    secret: String,
}

impl CreatedKey {
    /// The key with its secret.
    pub fn new(key: key::Key, secret: &PresentedKey, names: &Names) -> Self {
        let key = Key::new(key, names);
        Self {
            id: key.id,
            name: key.name,
            mode: key.mode,
            scopes: key.scopes,
            disabled: key.disabled,
            expires_at: key.expires_at,
            allowlist: key.allowlist,
            member: key.member,
            profiles: key.profiles,
            replaced_by: key.replaced_by,
            created_at: key.created_at,
            last_used_at: key.last_used_at,
            secret: secret.expose().to_string(),
        }
    }
}

/// A page of keys.
#[derive(Serialize, ToSchema)]
pub struct KeyPage {
    /// The keys, newest first.
    #[schema(max_items = 100)]
    pub data: Vec<Key>,
    /// The cursor of the next page; null on the last.
    #[schema(required = true, pattern = "^key_[0-7][0-9a-hjkmnp-tv-z]{25}$")]
    pub next_cursor: Option<String>,
}
