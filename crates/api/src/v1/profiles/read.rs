//! Reads the body of the profile operations.

use super::json::{CodeAlphabet, Resend, limits_schema};
use crate::{http::values::wide, v1::limits::named_limits};
use countersign_core::{
    code::Alphabet,
    management::profiles::ProfileChange,
    tenant::{
        limits::NamedLimits,
        profile::{DisplayName, Policy, ResendPolicy},
    },
};
use countersign_web::{
    fields::{text, whole},
    problem::Fault,
    request,
    request::{given_or_null, optional},
};
use serde_json::Value;
use std::time::Duration;

request! {
    /// The new profile. Absent fields get their default; in a merge patch they stay.
    pub struct SaveProfileBody {
        /// A name for people: 1 to 32 printable characters; null: no name.
        #[schema(min_length = 1, max_length = 32, example = "Acme web shop")]
        display_name: Option<Option<DisplayName>> as Option<String> = given_or_null(display_name),
        /// The number of characters in a code; 6 by default.
        #[schema(minimum = 4, maximum = 10, example = 6)]
        code_length: Option<u32> as Option<u8> = optional(whole(wide(Policy::CODE_LENGTH))),
        /// The characters of a code; `digits` by default.
        alphabet: Option<Alphabet> as Option<CodeAlphabet> = optional(alphabet),
        /// Seconds until a code expires; 300 by default.
        #[schema(minimum = 30, maximum = 600, example = 300)]
        expires_in: Option<u32> = optional(whole(Policy::EXPIRES_IN)),
        /// The number of wrong codes that ends a verification; 5 by default.
        #[schema(minimum = 1, maximum = 5, example = 5)]
        max_checks: Option<u32> as Option<u8> = optional(whole(wide(Policy::TRIES))),
        /// The most messages of a verification; 5 by default.
        #[schema(minimum = 1, maximum = 5, example = 5)]
        max_sends: Option<u32> as Option<u8> = optional(whole(wide(Policy::TRIES))),
        /// The code in a resent message; `same` by default.
        resend: Option<ResendPolicy> as Option<Resend> = optional(resend),
        /// Limits for values that you give in `limits` of a start.
        #[schema(schema_with = limits_schema)]
        limits: Option<NamedLimits> = |fields, _| Some(named_limits(fields)),
    }
}

impl From<SaveProfileBody> for ProfileChange {
    fn from(asked: SaveProfileBody) -> Self {
        let byte = |number: Option<u32>| number.map(|number| number as u8);
        Self {
            display_name: asked.display_name,
            code_length: byte(asked.code_length),
            alphabet: asked.alphabet,
            expires_in: asked.expires_in.map(|seconds| Duration::from_secs(seconds.into())),
            max_checks: byte(asked.max_checks),
            max_sends: byte(asked.max_sends),
            resend: asked.resend,
            limits: asked.limits,
        }
    }
}

fn display_name(value: Value) -> Result<DisplayName, Fault> {
    let message = "must be 1 to 32 printable characters on one line";
    DisplayName::parse(&text(value)?).ok_or(Fault::format(message))
}

fn alphabet(value: Value) -> Result<Alphabet, Fault> {
    Alphabet::parse(&text(value)?).ok_or(Fault::format("must be digits or letters"))
}

fn resend(value: Value) -> Result<ResendPolicy, Fault> {
    let message = "must be same, new or new_keep_previous";
    ResendPolicy::parse(&text(value)?).ok_or(Fault::format(message))
}
