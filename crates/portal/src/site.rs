//! What the operator says of this installation, for all pages.

/// It is app data.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// The scheme, host and port at which people reach the portal, if they are configured.
    pub origin: Option<String>,
    /// Whom people ask for help: an e-mail address, a telephone number, or a sentence.
    pub support: Option<String>,
}

impl Site {
    /// The host for the advice to look at the address bar. It never comes from a request.
    pub fn host(&self) -> Option<&str> {
        self.origin.as_deref()?.split_once("://").map(|(_, host)| host)
    }
}
