//! The codes store in one SQLite file, for one machine. Each operation is one transaction: it loads the
//! packed records, calls a transition of core and writes the records back.

mod acts;
mod backlog;
mod buckets;
mod clock;
mod codes;
mod outbox;
mod outcomes;
mod pools;
mod receipts;
mod records;
mod settle;
mod start;

pub use codes::{CodesOptions, SqliteCodes};
