//! Codes on Redis 7 or Valkey: single, behind Sentinel, or a Cluster. Each act
//! is one script; `scripts/lib` is what they share.

mod approval;
mod codes;
mod events;
mod keys;
mod limits;
mod link;
mod outbox;
mod receipts;
mod relays;
mod reply;
mod script;
mod server;
mod settle;
mod tags;
mod url;
mod wake;

pub use codes::{RedisCodes, RedisOptions};
pub use relays::tell_nodes;
pub use server::Servers;
pub use url::{RedisUrl, RedisUrlError};
