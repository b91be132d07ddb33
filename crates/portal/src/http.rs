//! How pages read requests and answer them.

pub mod answer;
pub mod cookies;
pub mod csrf;
pub mod form;
pub mod guard;
pub mod headers;
pub mod language;
pub mod leave;
pub mod next;
pub mod proving;
pub mod signed;
pub mod visiting;

#[cfg(test)]
mod tests;
