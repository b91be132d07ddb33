//! The rules of Countersign. This crate must never do I/O, read a clock or draw
//! randomness of its own: `now` and `rng` are parameters, stores and providers
//! are traits in [`ports`].
//!
//! Its modules are floors. A floor uses only the floors below it in this list:
//!
//! - [`management`]: what a tenant sets, and the upkeep of what is stored.
//! - [`acts`]: what a client does with verifications, and what follows from it.
//! - [`context`]: what every act works with.
//! - [`ports`]: the doors to the outside: stores, providers, the clock.
//! - [`snapshot`]: the directory in memory.
//! - [`webhook`]: webhooks, their events, secrets and schedule.
//! - [`history`]: how events add up to past verifications and to counts.
//! - [`delivery`]: accounts at providers, routes, senders, places of workers.
//! - [`verification`]: the record, its state machine and its events.
//! - [`message`]: the text of an SMS, and what it costs.
//! - [`tenant`]: the tenant, its profiles, limits and settings.
//! - [`keyring`]: the keys that seal, sign and fingerprint.
//! - [`access`]: API keys, what they may do, and from where.
//! - [`code`]: codes, and the payment that a code confirms.
//! - [`phone`]: phone numbers, countries and test numbers.
//! - The ground, for all of them: [`id`], [`mode`], [`time`], [`pack`], [`locale`],
//!   [`error`] and what is printable.
//!
//! Start reading at [`acts::start`], then [`verification::record`].
#![deny(missing_docs)]

pub mod access;
pub mod acts;
pub mod code;
pub mod context;
pub mod delivery;
pub mod error;
pub mod history;
pub mod id;
pub mod keyring;
pub mod locale;
pub mod management;
pub mod message;
pub mod mode;
pub mod pack;
pub mod phone;
pub mod ports;
mod printable;
pub mod snapshot;
pub mod tenant;
pub mod time;
pub mod verification;
pub mod webhook;
