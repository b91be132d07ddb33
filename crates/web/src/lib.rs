//! What all that is served over HTTP shares: problems, the reading of fields and bodies, what is
//! noted of each request.
//!
//! It must never touch a store but through the core, show a code, or put a whole number or a secret
//! into a log line. It knows no path of those above it, `api` and `portal`. Start reading at
//! [`problem`], then [`fields`].

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
