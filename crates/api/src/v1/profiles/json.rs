//! Profiles as JSON.

use crate::v1::limits::BucketBody;
use countersign_core::tenant::profile;
use countersign_web::text_values;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Object, Type,
        schema::{ArrayBuilder, ObjectBuilder, SchemaType},
    },
};

text_values! {
    /// The characters of a code: `digits`, or `letters` (digits and capitals without those that look alike).
    CodeAlphabet = ["digits", "letters"];

    /// The code in a resent message. `same`: the same code. `new`: a new code, and earlier codes no longer
    /// work. `new_keep_previous`: a new code, and the one before it still works.
    Resend = ["same", "new", "new_keep_previous"];
}

/// An app or purpose of the tenant.
#[derive(Serialize, ToSchema)]
pub struct Profile {
    /// Its name.
    #[schema(pattern = "^[a-z0-9-]{1,32}$", example = "default")]
    name: String,
    /// A name for people; null if the profile has none.
    #[schema(required = true, max_length = 32, example = "Acme web shop")]
    display_name: Option<String>,
    /// The number of characters in a code.
    #[schema(minimum = 4, maximum = 10, example = 6)]
    code_length: u8,
    /// The characters of a code.
    #[schema(value_type = CodeAlphabet, example = "digits")]
    alphabet: &'static str,
    /// Seconds until a code expires.
    #[schema(minimum = 30, maximum = 600, example = 300)]
    expires_in: u64,
    /// The number of wrong codes that ends a verification.
    #[schema(minimum = 1, maximum = 5, example = 5)]
    max_checks: u8,
    /// The most messages of a verification.
    #[schema(minimum = 1, maximum = 5, example = 5)]
    max_sends: u8,
    /// The code in a resent message.
    #[schema(value_type = Resend, example = "same")]
    resend: &'static str,
    /// Limits for values that you give in `limits` of a start, besides those of the tenant.
    #[schema(schema_with = limits_schema)]
    limits: BTreeMap<String, Vec<BucketBody>>,
    /// When it was made.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    created_at: String,
}

impl From<profile::Profile> for Profile {
    fn from(profile: profile::Profile) -> Self {
        let policy = profile.policy;
        let limits = profile.limits.as_map().iter();
        Self {
            name: profile.name.as_str().to_owned(),
            display_name: profile.display_name.map(|name| name.as_str().to_owned()),
            code_length: policy.code_length,
            alphabet: policy.alphabet.as_str(),
            expires_in: policy.expires_in.as_secs(),
            max_checks: policy.max_checks,
            max_sends: policy.max_sends,
            resend: policy.resend.as_str(),
            limits: limits
                .map(|(name, buckets)| (name.as_str().to_owned(), BucketBody::list(buckets)))
                .collect(),
            created_at: profile.created_at.to_string(),
        }
    }
}

pub fn limits_schema() -> Object {
    let name = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[a-z0-9_-]{1,32}$")).build();
    let buckets =
        ArrayBuilder::new().items(BucketBody::schema()).min_items(Some(1)).max_items(Some(5)).build();
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Object, Type::Null]))
        .property_names(Some(name))
        .max_properties(Some(20))
        .additional_properties(Some(utoipa::openapi::schema::Schema::Array(buckets)))
        .examples([serde_json::json!({"signup_form": [{"max": 100, "window": 3600}]})])
        .build()
}

/// The profiles of the tenant.
#[derive(Serialize, ToSchema)]
pub struct ProfileList {
    /// Sorted by name.
    #[schema(max_items = 100)]
    pub data: Vec<Profile>,
}
