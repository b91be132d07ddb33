//! Codes on Redis 7 or Valkey: single, behind Sentinel, or a Cluster. Each act
//! is one script; `scripts/lib.lua` says what they share.

mod approval;
mod codes;
mod events;
mod keys;
mod link;
mod outbox;
mod reply;
mod revocations;
mod script;
mod server;
mod tags;
mod url;
mod wake;

pub use codes::{RedisCodes, RedisOptions};
pub use url::{RedisUrl, RedisUrlError};
