//! The parts that `api` and `portal` share: problems, the reading of fields and bodies, and the log of
//! requests.
//!
//! This crate reaches the stores only through core. It never shows a code, and never puts a whole phone
//! number or a secret into a log line. It knows no path of `api` and `portal`, which are above it. Start
//! reading at [`problem`], then [`fields`].

pub mod body;
pub mod deprecation;
pub mod fields;
pub mod form;
pub mod head;
pub mod idempotency;
pub mod notes;
mod observe;
pub mod problem;
pub mod ratelimit;
pub mod request;
pub mod schema;
mod state;

pub use observe::observe;
pub use state::{State, rng};
