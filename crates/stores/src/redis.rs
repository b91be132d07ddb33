//! The codes store on Redis 7 or Valkey: one server, a server behind Sentinels, or a Cluster. Each operation
//! is one script; `scripts/lib` contains the parts that scripts share.

mod approval;
mod arrivals;
mod binding;
mod cancel;
mod check;
mod claim;
mod codes;
mod entries;
mod events;
mod keys;
mod layout;
mod limits;
mod link;
mod member;
mod names;
mod node;
mod numbers;
mod outbox;
mod pools;
mod receipts;
mod relays;
mod reply;
mod resend;
mod script;
mod server;
mod settle;
mod start;
mod store;
mod tags;
mod url;
mod wake;
mod workers;

pub use codes::{RedisCodes, RedisOptions};
pub use relays::tell_nodes;
pub use server::Servers;
pub use url::{RedisUrl, RedisUrlError};
