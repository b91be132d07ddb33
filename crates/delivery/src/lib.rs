//! Delivery: takes due messages from the outbox, gives each to a provider and records the result.
//!
//! This crate stores nothing itself. It never puts a code, a text or a whole phone number into a log, an
//! error or a metric. Start reading at [`worker`], then [`provider`]; each provider is one file in
//! [`providers`].

mod accounts;
mod attempt;
mod backoff;
mod breaker;
mod failover;
pub mod mail;
mod metric;
pub mod outbound;
pub mod provider;
pub mod providers;
pub mod receipt;
mod secret;
pub mod settings;
pub mod texts;
pub mod webhooks;
pub mod worker;

pub use accounts::{AccountReport, Accounts};
pub use mail::{
    MailAccess, MailError, MailSender, MailSettings, MailSetupError, MailUrl, MailUrlError, Mailer,
    OutgoingMail,
};
pub use metric::count_receipt;
pub use outbound::{AddressPolicy, Outbound, OutboundError, Proxy, ProxyUrlError, Way};
pub use provider::{Accepted, Callback, Outgoing, Provider, SendError};
pub use providers::{
    console::Console,
    relay::{Relay, RelayError, RelaySettings},
    simulator::Simulator,
    smpp::{Connect, Smpp, SmppError, SmppSettings},
};
pub use receipt::{OtherReading, ReceiptError, ReceiptRequest, Receipts, Report, ReportOutcome, Told};
pub use settings::{Fault, REDACTED};
pub use texts::{TextError, Texts};
pub use webhooks::{WebhookSettings, Webhooks};
pub use worker::{Worker, WorkerSettings};
