//! The countries of addresses.

use crate::phone::Country;
use std::net::IpAddr;

/// What is known about the place of an address. The answer is for people to read: no rule depends on it.
pub trait Places: Send + Sync {
    /// The country of an address. Returns `None` if no file is configured or the file does not contain it.
    fn country(&self, address: IpAddr) -> Option<Country>;
}
