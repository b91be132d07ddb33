//! The settings of a provider, read from JSON with all faults at once.

/// What is wrong with one field. Never repeats its value, which may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The field; empty for the settings as a whole.
    pub field: String,
    /// What it must be.
    pub message: String,
}
