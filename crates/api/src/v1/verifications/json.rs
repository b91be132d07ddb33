//! Verifications as JSON.

use countersign_core::{
    access::{actor::Actor, scope::Scope},
    acts::{check::Checked, view},
    mode::Mode,
    phone::PhoneNumber,
    verification::{outcome::CheckOutcome, status},
};
use countersign_web::problem::{self, Problem, ProblemCode};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The state of a verification. `failed`: no provider accepted any of its
/// messages.
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

/// The state of the newest message.
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
    /// The profile of the verification.
    #[schema(pattern = "^[a-z0-9-]{1,32}$", example = "default")]
    profile: String,
    /// The state of the verification.
    status: Status,
    /// The number, or its masked form; null after it was erased.
    #[schema(required = true, pattern = r"^\+[0-9*]{4,15}$", example = "+48500500500")]
    to: Option<String>,
    /// When it was made.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    created_at: String,
    /// When its code expires.
    #[schema(format = DateTime, example = "2026-01-31T12:05:00.000Z")]
    expires_at: String,
    /// When the next resend is allowed; null if no message is left or the verification has ended.
    #[schema(required = true, format = DateTime, example = "2026-01-31T12:00:30.000Z")]
    resend_at: Option<String>,
    /// The number of tries that are left.
    #[schema(minimum = 0, maximum = 5, example = 5)]
    attempts_left: u8,
    /// The number of messages that are left.
    #[schema(minimum = 0, maximum = 5, example = 4)]
    sends_left: u8,
    /// The state of the newest message.
    delivery: Delivery,
    /// Your own notes.
    #[schema(example = json!({"order": "A-1001"}))]
    metadata: BTreeMap<String, String>,
    /// False for verifications of a test key, which send nothing.
    #[schema(example = true)]
    livemode: bool,
}

impl Verification {
    /// Shows the whole phone number, for the answers of start and resend.
    pub fn whole(verification: view::Verification) -> Self {
        let to = verification.to.as_ref().map(|to| to.e164().to_owned());
        Self::new(verification, to)
    }

    /// Shows the whole phone number only to a caller that may see it.
    pub fn as_seen_by(caller: &Actor, verification: view::Verification) -> Self {
        if caller.grants.contains(Scope::NumbersRead) {
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

/// The result of a check.
#[derive(Serialize, ToSchema)]
pub struct CheckAnswer {
    /// The verification.
    #[schema(pattern = "^ver_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "ver_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    id: String,
    /// `approved`: the code is right. `pending`: the code is wrong, and tries are left. Any other value is
    /// the state in which the verification ended.
    status: Status,
    /// The number of tries that are left.
    #[schema(minimum = 0, maximum = 5, example = 5)]
    attempts_left: u8,
    /// Why this check ended the verification. `transaction_mismatch`: start and check named different
    /// transactions, or only one of them named a transaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, pattern = "^transaction_mismatch$", example = "transaction_mismatch")]
    reason: Option<&'static str>,
    #[serde(skip)]
    #[schema(ignore)]
    outcome: &'static str,
}

impl CheckAnswer {
    /// The answer, or the problem for a check that compared no code.
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
