//! Verifications as JSON.

use countersign_core::{
    access::{caller::Caller, scope::Scope},
    acts::{check::Checked, view},
    mode::Mode,
    phone::PhoneNumber,
    verification::{contact::Metadata, outcome::CheckOutcome, status},
};
use countersign_web::problem::{self, Problem, ProblemCode};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::{
    ToSchema,
    openapi::{
        Object, Type,
        schema::{ObjectBuilder, SchemaType},
    },
};

/// Starts a verification.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the body in the document; a test holds the reader to it")]
pub struct StartVerification {
    /// The number with its country code, as people write it: `+` or `00`, then
    /// digits, spaces, hyphens, dots, parentheses.
    #[schema(pattern = r"^\s*(\+|00)[0-9 .()/-]{4,30}$", max_length = 32, example = "+48500500500")]
    to: String,
    /// The profile whose policy applies; `default` when absent.
    #[schema(pattern = "^[a-z0-9-]{1,32}$", example = "default")]
    profile: Option<String>,
    /// Characters in the code; the profile's when absent.
    #[schema(minimum = 4, maximum = 10, example = 6)]
    code_length: Option<u8>,
    /// Seconds until the code expires; the profile's when absent.
    #[schema(minimum = 30, maximum = 600, example = 300)]
    expires_in: Option<u32>,
    /// A lower-case host name that browsers bind the code to.
    #[schema(
        pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$",
        max_length = 100,
        example = "login.example.com"
    )]
    origin: Option<String>,
    /// The 11 characters by which Android's SMS Retriever finds your app.
    #[schema(pattern = "^[A-Za-z0-9+/]{11}$", example = "FA+9qCX9VSu")]
    app_hash: Option<String>,
    /// The name of your own texts; the texts that come with the program when absent.
    #[schema(pattern = "^[a-z0-9-]{1,32}$", example = "login")]
    template: Option<String>,
    /// The language of the message: a language, then a script and a region if
    /// you like. Without a text in it, one is looked for in the language alone
    /// (`pt` for `pt-BR`), in the tenant's locale, in English.
    #[schema(
        pattern = "^[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?$",
        max_length = 12,
        example = "pt-BR"
    )]
    locale: Option<String>,
    /// What the message comes from: one of your senders. That of the route or of your senders for the
    /// country when absent.
    #[schema(
        pattern = r"^(\+[1-9][0-9]{6,14}|[0-9]{3,8}|(?=.*[A-Za-z])[A-Za-z0-9._&-]([A-Za-z0-9 ._&-]{0,9}[A-Za-z0-9._&-])?)$",
        example = "Acme"
    )]
    sender: Option<String>,
    /// The payment that the code confirms: it stands in the message, and each
    /// check must name the same.
    transaction: Option<Transaction>,
    /// Your own notes: at most 10 keys, all keys and values together at most 512 bytes.
    #[schema(schema_with = notes_schema)]
    metadata: Option<BTreeMap<String, String>>,
    /// The address of your visitor, as you see it; the limits of an end user
    /// count over it, an IPv6 address as its /64. Absent: they are not applied.
    #[schema(max_length = 45, format = "ip", example = "203.0.113.7")]
    end_user_ip: Option<String>,
    /// Values for limits that you named, at most 5 of 1 to 128 bytes.
    #[schema(schema_with = limits_schema)]
    limits: Option<BTreeMap<String, String>>,
}

/// A payment. A code that was made for it holds for no other.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the body in the document; a test holds the reader to it")]
pub struct Transaction {
    /// A decimal number with at most the decimals of its currency; `49.9` and `49.90` are the same.
    #[schema(pattern = r"^(0|[1-9][0-9]{0,14})(\.[0-9]{1,4})?$", max_length = 20, example = "49.90")]
    amount: String,
    /// ISO 4217.
    #[schema(pattern = "^[A-Z]{3}$", example = "EUR")]
    currency: String,
    /// Who is paid, on one line.
    #[schema(min_length = 1, max_length = 140, example = "Example Shop")]
    payee: String,
}

fn limits_schema() -> Object {
    let name = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[a-z0-9_-]{1,32}$")).build();
    let value = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(128));
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Object, Type::Null]))
        .description(Some(
            "Values for limits that you named: each must be a limit of the tenant or the profile.",
        ))
        .max_properties(Some(5))
        .property_names(Some(name))
        .additional_properties(Some(value))
        .examples([serde_json::json!({"signup_form": "summer-sale"})])
        .build()
}

/// The bounds of the notes; that of all bytes together has no word in JSON Schema.
fn notes_schema() -> Object {
    let name = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).build();
    let note = ObjectBuilder::new().schema_type(Type::String).max_length(Some(Metadata::MAX_BYTES));
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Object, Type::Null]))
        .description(Some("Your own notes: all keys and values together hold at most 512 bytes."))
        .max_properties(Some(Metadata::MAX_KEYS))
        .property_names(Some(name))
        .additional_properties(Some(note))
        .examples([serde_json::json!({"order": "A-1001"})])
        .build()
}

/// Submits a code.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the body in the document; a test holds the reader to it")]
pub struct CheckCode {
    /// What the person typed; spaces and hyphens are stripped.
    #[schema(pattern = r"^[ \-]*([0-9A-Za-z][ \-]*){4,10}$", max_length = 64, example = "123456")]
    code: String,
    /// The payment that the code is to confirm: as at the start, if one was given there.
    transaction: Option<Transaction>,
}

/// Submits a code for a number.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the body in the document; a test holds the reader to it")]
pub struct CheckByNumber {
    /// The number that the code was sent to.
    #[schema(pattern = r"^\s*(\+|00)[0-9 .()/-]{4,30}$", max_length = 32, example = "+48500500500")]
    to: String,
    /// What the person typed; spaces and hyphens are stripped.
    #[schema(pattern = r"^[ \-]*([0-9A-Za-z][ \-]*){4,10}$", max_length = 64, example = "123456")]
    code: String,
    /// The payment that the code is to confirm: as at the start, if one was given there.
    transaction: Option<Transaction>,
    /// The profile that the verification was started for; `default` when absent.
    #[schema(pattern = "^[a-z0-9-]{1,32}$", example = "default")]
    profile: Option<String>,
}

/// Where a verification stands. `failed`: no provider took any of its messages.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = VerificationStatus)]
pub enum Status {
    Pending,
    Approved,
    Canceled,
    Expired,
    Exhausted,
    Failed,
}

impl From<status::Status> for Status {
    fn from(status: status::Status) -> Self {
        match status {
            status::Status::Pending => Self::Pending,
            status::Status::Approved => Self::Approved,
            status::Status::Canceled => Self::Canceled,
            status::Status::Expired => Self::Expired,
            status::Status::Exhausted => Self::Exhausted,
            status::Status::Failed => Self::Failed,
        }
    }
}

/// How far the newest message got.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    Queued,
    Sent,
    Delivered,
    Undelivered,
}

impl From<status::Delivery> for Delivery {
    fn from(delivery: status::Delivery) -> Self {
        match delivery {
            status::Delivery::Queued => Self::Queued,
            status::Delivery::Sent => Self::Sent,
            status::Delivery::Delivered => Self::Delivered,
            status::Delivery::Undelivered => Self::Undelivered,
        }
    }
}

/// One attempt to prove that somebody holds a number.
#[derive(Serialize, ToSchema)]
pub struct Verification {
    /// Its id.
    #[schema(pattern = "^ver_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "ver_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    id: String,
    /// The profile that it was started for.
    #[schema(pattern = "^[a-z0-9-]{1,32}$", example = "default")]
    profile: String,
    /// Where it stands.
    status: Status,
    /// The number, or its masked form; null after it was erased.
    #[schema(required = true, pattern = r"^\+[0-9*]{4,15}$", example = "+48500500500")]
    to: Option<String>,
    /// When it was made.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    created_at: String,
    /// When its codes end.
    #[schema(format = DateTime, example = "2026-01-31T12:05:00.000Z")]
    expires_at: String,
    /// When a resend is next allowed; null when none is left or it is over.
    #[schema(required = true, format = DateTime, example = "2026-01-31T12:00:30.000Z")]
    resend_at: Option<String>,
    /// Tries that are left.
    #[schema(minimum = 0, maximum = 5, example = 5)]
    attempts_left: u8,
    /// Messages that are left.
    #[schema(minimum = 0, maximum = 5, example = 4)]
    sends_left: u8,
    /// How far the newest message got.
    delivery: Delivery,
    /// Your own notes.
    #[schema(example = json!({"order": "A-1001"}))]
    metadata: BTreeMap<String, String>,
    /// False for a test key's: nothing is sent.
    #[schema(example = true)]
    livemode: bool,
}

impl Verification {
    /// With the whole number, for the answers of start and resend.
    pub fn whole(verification: view::Verification) -> Self {
        let to = verification.to.as_ref().map(|to| to.e164().to_owned());
        Self::new(verification, to)
    }

    /// With the whole number only for a caller that may see numbers.
    pub fn as_seen_by(caller: &Caller, verification: view::Verification) -> Self {
        if caller.scopes.contains(Scope::NumbersRead) {
            return Self::whole(verification);
        }
        let to = verification.to.as_ref().map(PhoneNumber::masked);
        Self::new(verification, to)
    }

    fn new(verification: view::Verification, to: Option<String>) -> Self {
        Self {
            id: verification.id.to_string(),
            profile: verification.profile.as_str().to_owned(),
            status: verification.status.into(),
            to,
            created_at: verification.created_at.to_string(),
            expires_at: verification.expires_at.to_string(),
            resend_at: verification.resend_at.map(|at| at.to_string()),
            attempts_left: verification.attempts_left,
            sends_left: verification.sends_left,
            delivery: verification.delivery.into(),
            metadata: verification.metadata.as_map().clone(),
            livemode: verification.mode == Mode::Live,
        }
    }
}

/// What a check found.
#[derive(Serialize, ToSchema)]
pub struct CheckAnswer {
    /// The verification.
    #[schema(pattern = "^ver_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "ver_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    id: String,
    /// `approved` for the right code; `pending` for a wrong one with tries
    /// left; else the state in which the verification ended.
    status: Status,
    /// Tries that are left.
    #[schema(minimum = 0, maximum = 5, example = 5)]
    attempts_left: u8,
    /// Why this check ended it: `transaction_mismatch`, for it named another
    /// transaction than the start, or one of the two named none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, pattern = "^transaction_mismatch$", example = "transaction_mismatch")]
    reason: Option<&'static str>,
    #[serde(skip)]
    #[schema(ignore)]
    outcome: &'static str,
}

impl CheckAnswer {
    /// The answer, or the problem that stands for a check that was not evaluated.
    pub fn of(checked: &Checked) -> Result<Self, Problem> {
        let status = match checked.outcome {
            CheckOutcome::Approved => status::Status::Approved,
            CheckOutcome::Wrong => status::Status::Pending,
            CheckOutcome::Exhausted => status::Status::Exhausted,
            CheckOutcome::Ended(status) => status,
            CheckOutcome::TransactionMismatch => status::Status::Canceled,
            CheckOutcome::AlreadyApproved => {
                let detail = "The verification was approved before; nothing was evaluated.";
                return Err(Problem::new(ProblemCode::AlreadyApproved, detail));
            }
            CheckOutcome::InvalidCode => {
                let message = "has not the length or the characters of the code; no try was used";
                return Err(Problem::field(ProblemCode::InvalidCode, "code", "invalid_format", message));
            }
            CheckOutcome::GuessLimit(wait) => return Err(problem::guess_limit(wait)),
            CheckOutcome::UnknownKeyVersion => return Err(problem::codes_unavailable()),
        };
        let (id, attempts_left) = (checked.id.to_string(), checked.attempts_left);
        let mismatch = checked.outcome == CheckOutcome::TransactionMismatch;
        let reason = mismatch.then_some("transaction_mismatch");
        Ok(Self { id, status: status.into(), attempts_left, reason, outcome: status.as_str() })
    }

    /// The status, for the log line.
    pub fn outcome(&self) -> &'static str {
        self.outcome
    }
}
