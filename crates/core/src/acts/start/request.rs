//! What a client asks for when it starts a verification, and what it gets.

use crate::{
    acts::view::Verification,
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

/// What a client asks for; parsed, so each value is within its bounds.
#[derive(Clone, Debug)]
pub struct StartRequest {
    /// The number, read by the rules of the caller's mode.
    pub to: PhoneNumber,
    /// The profile whose policy applies.
    pub profile: ProfileName,
    /// Overrides the policy's length.
    pub code_length: Option<u8>,
    /// Overrides the policy's life.
    pub expires_in: Option<Duration>,
    /// Binds the code to a site.
    pub origin: Option<Origin>,
    /// Names the Android app that may read the message.
    pub app_hash: Option<AppHash>,
    /// The tenant's texts to use.
    pub template: Option<TemplateName>,
    /// The language of the message.
    pub locale: Option<Locale>,
    /// The payment that the code is to confirm.
    pub transaction: Option<Transaction>,
    /// The caller's own words, in place of all templates.
    pub text: Option<CallerText>,
    /// The tenant's sender that the message is to come from.
    pub sender: Option<SenderText>,
    /// The client's own notes.
    pub metadata: Metadata,
    /// The end user's address, as the client saw it.
    pub end_user_ip: Option<IpAddr>,
    /// Values for limits that the tenant named.
    pub limits: Vec<(LimitName, String)>,
}

impl StartRequest {
    /// A code for a number by what its tenant set up, and nothing else.
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

/// A verification that was made, now or by the first of equal requests.
#[derive(Clone, Debug)]
pub struct Made {
    /// The verification as it was then.
    pub verification: Verification,
    /// How far each limit is used; empty for a repeat.
    pub limits: Vec<LimitState>,
    /// Whether an earlier request made it.
    pub replayed: bool,
}

/// Why no verification was made.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The tenant has no profile of that name.
    #[error("no such profile")]
    UnknownProfile,
    /// The tenant has no texts of that name.
    #[error("no such template")]
    UnknownTemplate,
    /// The tenant has no such sender.
    #[error("no such sender")]
    UnknownSender,
    /// The message would not fit into what the app hash allows.
    #[error("the message is longer than an Android app can read")]
    TextTooLong,
    /// The number is blocked.
    #[error("the number is blocked")]
    NumberBlocked,
    /// The tenant does not send to the number's country.
    #[error("the country is not allowed")]
    CountryNotAllowed(Option<Country>),
    /// The tenant has no limit of this name.
    #[error("no such limit")]
    UnknownLimit(LimitName),
    /// Its Idempotency-Key stands in the way.
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    /// A limit refused.
    #[error("limit {} refused", .0.name)]
    Limited(LimitHit),
    /// No provider is configured.
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
