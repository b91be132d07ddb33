//! What providers report of messages that they took.

/// What became of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The reference that went out with the message, if it came back.
    pub reference: Option<String>,
    /// What the provider calls the message.
    pub id: Option<String>,
    /// What became of it.
    pub outcome: ReportOutcome,
    /// The provider's own code for that, at most 64 printable characters.
    pub code: String,
}

/// What a report says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportOutcome {
    /// It is on the phone.
    Delivered,
    /// It will not reach the phone.
    Undelivered,
    /// Neither yet, or nobody knows.
    Progress,
}
