//! The state of the page of `dev`.

use super::mails::DevMails;
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

/// The state that the pages of `dev` share.
pub struct DevPage {
    /// The stores, for timelines.
    pub context: Context,
    /// The messages of the virtual phone.
    pub inbox: Arc<dyn Inbox>,
    /// The mails to persons.
    pub mails: Arc<DevMails>,
    /// The behaviour of the provider `console`.
    pub switch: Arc<ConsoleSwitch>,
    /// The demo tenant.
    pub tenant: Tenant,
    /// The demo tenant's live key in text form, which the page shows.
    pub key: Zeroizing<String>,
    /// The URL of the API, without a slash at the end, for the curl lines.
    pub base_url: String,
    /// Ends open event streams when the server stops.
    pub stop: CancellationToken,
}

/// The refusal when a store failed. The reason goes only to the log.
pub(crate) fn unavailable(store: &'static str, error: StoreError) -> Problem {
    let detail = format!("The {store} did not answer. Try again in a moment.");
    Problem::new(ProblemCode::CodesUnavailable, detail).caused_by(Arc::new(error))
}
