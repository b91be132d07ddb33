//! Codes in one SQLite file, for one machine. Each act loads the packed records, calls a transition
//! of core and writes them back, in one transaction.

mod acts;
mod backlog;
mod buckets;
mod clock;
mod codes;
mod outbox;
mod outcomes;
mod receipts;
mod records;
mod settle;
mod start;

pub use codes::{CodesOptions, SqliteCodes};
