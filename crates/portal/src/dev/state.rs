//! What the page of `dev` works with.

use countersign_core::{
    context::Context,
    ports::{
        error::StoreError,
        inbox::{ConsoleSwitch, Inbox},
    },
    tenant::Tenant,
};
use countersign_web::problem::{Problem, ProblemCode};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

/// What the pages of `dev` work with.
pub struct DevPage {
    /// The stores, for timelines.
    pub context: Context,
    /// The messages of the virtual phone.
    pub inbox: Arc<dyn Inbox>,
    /// How the provider `console` behaves.
    pub switch: Arc<ConsoleSwitch>,
    /// The demo tenant.
    pub tenant: Tenant,
    /// The demo tenant's live key in text form; it stands in the page.
    pub key: Zeroizing<String>,
    /// Where the API is, without a slash at the end, for the curl lines.
    pub base_url: String,
    /// Ends open event streams when the server stops.
    pub stop: CancellationToken,
}

/// The refusal when a store did not do its part; the reason goes to the log only.
pub(crate) fn unavailable(store: &'static str, error: StoreError) -> Problem {
    let detail = format!("The {store} did not answer. Try again in a moment.");
    Problem::new(ProblemCode::CodesUnavailable, detail).caused_by(Arc::new(error))
}
