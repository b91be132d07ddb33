//! What persons sign in with, and their sessions. It is never in the copy in memory: without the database nobody
//! signs in.

pub mod accounts;
pub mod activity;
pub mod codes;
pub mod devices;
pub mod links;
pub mod notices;
pub mod reminders;
pub mod sessions;
pub mod waits;

use crate::ports::people::{
    accounts::Accounts, activity::Activity, codes::PendingCodes, devices::Devices, links::Links,
    notices::Notices, reminders::Reminders, sessions::Sessions, waits::Waits,
};

/// All of it.
pub trait SignInStore:
    Accounts + Activity + PendingCodes + Devices + Links + Notices + Reminders + Sessions + Waits
{
}

impl<T> SignInStore for T where
    T: Accounts + Activity + PendingCodes + Devices + Links + Notices + Reminders + Sessions + Waits
{
}
