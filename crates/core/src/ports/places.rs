//! The country of an address.

use crate::phone::Country;
use std::net::IpAddr;

pub trait Places: Send + Sync {
    /// The country of an address; `None` if no database is configured, or it does not know the address.
    fn country(&self, address: IpAddr) -> Option<Country>;
}

/// No database is configured.
#[derive(Clone, Copy, Debug)]
pub struct NoPlaces;

impl Places for NoPlaces {
    fn country(&self, _: IpAddr) -> Option<Country> {
        None
    }
}
