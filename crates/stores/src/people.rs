//! What signing in needs, in the database of the directory.

mod waits;

pub use waits::{STATEMENTS, SqlSignIn};
