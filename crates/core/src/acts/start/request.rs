//! The request of a start, and its result.

use crate::{
    access::share::NotShared,
    acts::{sending::SendingError, view::Verification},
    code::payment::Transaction,
    locale::Locale,
    message::{
        binding::{AppHash, Origin},
        caller_text::CallerText,
        sender_text::SenderText,
        template::set::TemplateName,
    },
    phone::{Country, PhoneNumber},
    ports::error::StoreError,
    tenant::{
        limits::{LimitHit, LimitName, LimitState},
        profile::ProfileName,
    },
    verification::{contact::Metadata, idempotency::IdempotencyError},
};
use std::{net::IpAddr, time::Duration};

/// The request of a start. It is parsed, so each value is within its bounds.
#[derive(Clone, Debug)]
pub struct StartRequest {
    /// The phone number, read by the rules of the caller's mode.
    pub to: PhoneNumber,
    /// The profile whose policy applies.
    pub profile: ProfileName,
    /// The code length, instead of the policy's.
    pub code_length: Option<u8>,
    /// How long the code is valid, instead of the policy's time.
    pub expires_in: Option<Duration>,
    /// The web site to which the code is bound.
    pub origin: Option<Origin>,
    /// The Android app that may read the message.
    pub app_hash: Option<AppHash>,
    /// The set of the tenant's texts to use.
    pub template: Option<TemplateName>,
    /// The language of the message.
    pub locale: Option<Locale>,
    /// The payment that the code must confirm.
    pub transaction: Option<Transaction>,
    /// The caller's own words, used instead of any template.
    pub text: Option<CallerText>,
    /// The tenant's sender from which the message must come.
    pub sender: Option<SenderText>,
    /// The client's own notes.
    pub metadata: Metadata,
    /// The end user's address, as the client saw it.
    pub end_user_ip: Option<IpAddr>,
    /// The values for limits that the tenant named.
    pub limits: Vec<(LimitName, String)>,
}

impl StartRequest {
    /// A start for a phone number with the tenant's settings and nothing else.
    pub fn plain(to: PhoneNumber) -> Self {
        Self {
            to,
            profile: ProfileName::default(),
            code_length: None,
            expires_in: None,
            origin: None,
            app_hash: None,
            template: None,
            locale: None,
            transaction: None,
            text: None,
            sender: None,
            metadata: Metadata::default(),
            end_user_ip: None,
            limits: Vec::new(),
        }
    }
}

/// The result of a start. The verification was created now, or by an earlier request with the same
/// Idempotency-Key.
#[derive(Clone, Debug)]
pub struct Made {
    /// The verification after that start.
    pub verification: Verification,
    /// How full each limit is; empty for a repeat.
    pub limits: Vec<LimitState>,
    /// Whether an earlier request created it.
    pub replayed: bool,
}

/// Why no verification was made.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The tenant has no profile with this name.
    #[error("no such profile")]
    UnknownProfile,
    /// The tenant has no texts with this name.
    #[error("no such template")]
    UnknownTemplate,
    /// The tenant has no such sender.
    #[error("no such sender")]
    UnknownSender,
    /// The start names, or would use, something outside of the actor's shares.
    #[error(transparent)]
    NotShared(#[from] NotShared),
    /// The message is longer than the app hash allows.
    #[error("the message is longer than an Android app can read")]
    TextTooLong,
    #[error("the number is blocked")]
    NumberBlocked,
    /// The tenant does not send to the phone number's country.
    #[error("the country is not allowed")]
    CountryNotAllowed(Option<Country>),
    /// The tenant has no limit with this name.
    #[error("no such limit")]
    UnknownLimit(LimitName),
    /// The Idempotency-Key was used before.
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    /// A limit refused the start.
    #[error("limit {} refused", .0.name)]
    Limited(LimitHit),
    /// A limit of the member refused the start.
    #[error(transparent)]
    Sending(#[from] SendingError),
    /// There is no delivery route for the phone number.
    #[error("no route")]
    NoRoute,
    /// Too many events wait for the history.
    #[error("the events that wait for the history fill their budget")]
    HistoryBacklog,
    /// The codes store did not answer.
    #[error("codes store")]
    Codes(#[source] StoreError),
    /// The directory did not answer.
    #[error("directory")]
    Directory(#[source] StoreError),
}
