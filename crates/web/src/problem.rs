//! Refusals. There is one table of codes (`table.rs`), one form (RFC 9457, `json.rs`), and one place where
//! refusals become answers (`answer.rs`). `acts.rs`, `members.rs`, `settings.rs` and `resources.rs` turn core's
//! errors into problems.

mod acts;
mod answer;
mod fault;
mod json;
mod members;
mod resources;
mod settings;
mod stores;
mod table;

pub use acts::guess_limit;
pub use answer::Problem;
pub use fault::Fault;
pub use json::{FieldError, ProblemBody, RefusingLimit};
pub use resources::setting_fault;
pub use stores::{codes, codes_unavailable, directory};
pub use table::ProblemCode;

#[cfg(test)]
pub(crate) use {answer::MAX_ERRORS, fault::MAX_FIELD_NAME};

#[cfg(test)]
mod tests;
