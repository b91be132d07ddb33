//! Verifications as Twilio shows them.

use crate::compatible::twilio::{
    base::{Base, time},
    sid::{Kind, Sid},
};
use countersign_core::{
    access::actor::Actor,
    acts::view as reading,
    tenant::profile::Profile,
    verification::{
        event::{Event, EventKind},
        status::Status,
    },
};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// One attempt to prove that somebody holds a number.
#[derive(Serialize, ToSchema)]
#[schema(as = TwilioVerification)]
pub struct Verification {
    #[schema(pattern = "^VE[0-9a-f]{32}$")]
    sid: String,
    #[schema(pattern = "^VA[0-9a-f]{32}$")]
    service_sid: String,
    #[schema(pattern = "^AC[0-9a-f]{32}$")]
    account_sid: String,
    /// The number; null after it was erased.
    #[schema(required = true)]
    to: Option<String>,
    /// Always `sms`.
    #[schema(value_type = String)]
    channel: &'static str,
    /// `pending`, `approved`, `canceled`, `expired`, `max_attempts_reached` or `failed`.
    #[schema(value_type = String)]
    status: &'static str,
    /// Whether the verification is approved.
    valid: bool,
    /// Always empty.
    lookup: BTreeMap<String, String>,
    /// The amount of the payment, in the answer to a start; otherwise null.
    #[schema(required = true)]
    pub amount: Option<String>,
    /// The payee of the payment, in the answer to a start; otherwise null.
    #[schema(required = true)]
    pub payee: Option<String>,
    /// One entry for each message.
    send_code_attempts: Vec<Attempt>,
    /// Always null.
    #[schema(required = true)]
    sna: Option<String>,
    #[schema(format = DateTime)]
    date_created: String,
    #[schema(format = DateTime)]
    date_updated: String,
    url: String,
}

/// One message.
#[derive(Serialize, ToSchema)]
#[schema(as = TwilioSendCodeAttempt)]
pub struct Attempt {
    #[schema(format = DateTime)]
    time: String,
    /// Always `SMS`.
    #[schema(value_type = String)]
    channel: &'static str,
    #[schema(pattern = "^VL[0-9a-f]{32}$")]
    attempt_sid: String,
}

/// Twilio's word for a state.
pub const fn status(status: Status) -> &'static str {
    match status {
        Status::Exhausted => "max_attempts_reached",
        other => other.as_str(),
    }
}

impl Verification {
    pub fn new(
        base: &Base,
        caller: &Actor,
        profile: &Profile,
        verification: reading::Verification,
        told: &[Event],
    ) -> Self {
        let service_sid = Sid::new(Kind::Service, profile.id.bytes()).to_string();
        let sid = Sid::new(Kind::Verification, verification.id.bytes()).to_string();
        let attempt = |event: &Event| {
            let message = match &event.kind {
                EventKind::Started(started) => started.message,
                EventKind::Resent { message, .. } => *message,
                _ => return None,
            };
            let attempt_sid = Sid::new(Kind::Attempt, message.bytes()).to_string();
            Some(Attempt { time: time(event.at), channel: "SMS", attempt_sid })
        };
        let changed = told.iter().map(|event| event.at).max().unwrap_or(verification.created_at);
        let updated = match verification.status {
            Status::Expired => verification.expires_at,
            _ => changed.max(verification.created_at),
        };
        Self {
            url: base.url(&format!("/v2/Services/{service_sid}/Verifications/{sid}")),
            sid,
            service_sid,
            account_sid: Sid::new(Kind::Account, caller.tenant.bytes()).to_string(),
            to: verification.to.as_ref().map(|to| to.e164().to_owned()),
            channel: "sms",
            status: status(verification.status),
            valid: verification.status == Status::Approved,
            lookup: BTreeMap::new(),
            amount: None,
            payee: None,
            send_code_attempts: told.iter().filter_map(attempt).collect(),
            sna: None,
            date_created: time(verification.created_at),
            date_updated: time(updated),
        }
    }
}
