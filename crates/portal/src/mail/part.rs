//! The parts of a mail. The layout writes each of them as text and as HTML.

/// A part of a mail, from top to bottom.
pub(super) enum Part {
    Text(String),
    /// Labels and values.
    Facts(Vec<(String, String)>),
    Heading(String),
    Button {
        label: String,
        url: String,
    },
    /// Lesser text.
    Small(String),
}

/// A mail without its frame.
pub(super) struct Body {
    pub subject: String,
    pub greeting: String,
    pub parts: Vec<Part>,
}
