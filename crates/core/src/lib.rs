//! The rules of Countersign. This crate does no I/O, reads no clock and draws no randomness. `now` and `rng`
//! are parameters; stores and providers are traits in [`ports`].
//!
//! The modules form a list of floors. A module uses only the modules below it in this list:
//!
//! - [`sign_in`]: signing in to the portal, and the codes for persons.
//! - [`management`]: operations on what a tenant sets, and the maintenance of what is stored.
//! - [`acts`]: operations on verifications: start, check, resend, cancel, receipts, reports.
//! - [`context`]: the stores, the snapshot and the key ring, as every operation takes them.
//! - [`ports`]: the traits for the outside: stores, providers, the clock.
//! - [`snapshot`]: the copy of the directory in memory.
//! - [`webhook`]: webhooks, their events, secrets and schedule.
//! - [`history`]: how events add up to past verifications and to counts.
//! - [`audit`]: the record of who changed what.
//! - [`delivery`]: accounts at providers, routes, senders, the send slots of workers.
//! - [`verification`]: the record, its state machine and its events.
//! - [`message`]: the text of an SMS, and what it costs.
//! - [`people`]: persons, members, invitations, and who may change whom.
//! - [`tenant`]: the tenant, its profiles, limits and settings.
//! - [`keyring`]: the keys for sealing, for MACs and for fingerprints.
//! - [`access`]: API keys, their scopes, and the addresses they may be used from.
//! - [`code`]: codes, and the payment that a code confirms.
//! - [`phone`]: phone numbers, countries and test numbers.
//! - Used by all of them: [`id`], [`mode`], [`time`], [`pack`], [`locale`], [`error`] and `printable`.
//!
//! Start reading at [`acts::start`], then [`verification::record`].

pub mod access;
pub mod acts;
pub mod audit;
pub mod code;
pub mod context;
pub mod delivery;
pub mod error;
#[cfg(any(test, feature = "fakes"))]
pub mod fakes;
pub mod history;
pub mod id;
pub mod keyring;
pub mod locale;
pub mod management;
pub mod message;
pub mod mode;
pub mod pack;
pub mod people;
pub mod phone;
pub mod ports;
mod printable;
pub mod sign_in;
pub mod snapshot;
pub mod tenant;
pub mod time;
pub mod verification;
pub mod webhook;
