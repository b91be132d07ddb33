//! A client company.

use crate::{id::TenantId, time::Timestamp};

/// A client company, as the directory keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// What its users know it by; it stands in the SMS.
    pub name: TenantName,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A display name of 1 to 40 printable characters: it stands in each SMS, so
/// line breaks and control characters would let a tenant forge its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantName(String);

impl TenantName {
    /// Longest name in characters.
    pub const MAX: usize = 40;

    /// A name without surrounding spaces; `None` when empty, too long or not printable.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let fits = (1..=Self::MAX).contains(&text.chars().count());
        (fits && !text.chars().any(char::is_control)).then(|| Self(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
