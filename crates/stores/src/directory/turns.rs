//! The turns of the changes of a tenant in this process.

use countersign_core::{
    access::{actor::Who, change::Change},
    id::TenantId,
    ports::error::StoreError,
};
use std::collections::HashMap;
use tokio::sync::Mutex;

/// How many changes of one author wait in this process at once. So one author cannot make the others wait for longer
/// than [`PATIENCE`].
const MOST_WAITING: u32 = 64;

/// The changes of one tenant wait for each other in this process, so that they do not repeat each other's
/// work. Several tenants may share a place.
pub(super) struct Turns {
    places: [Mutex<()>; 1_024],
    /// The number of changes that wait or are made, by the member or the key that makes them.
    waiting: std::sync::Mutex<HashMap<[u8; 16], u32>>,
}

impl Default for Turns {
    fn default() -> Self {
        Self { places: std::array::from_fn(|_| Mutex::new(())), waiting: std::sync::Mutex::default() }
    }
}

impl Turns {
    pub fn of(&self, tenant: TenantId) -> &Mutex<()> {
        // The last bytes of an id are random.
        let random = u16::from_be_bytes([tenant.bytes()[14], tenant.bytes()[15]]);
        &self.places[usize::from(random) % self.places.len()]
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 16], u32>> {
        self.waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Counts a change of this author until the guard is dropped. All keys of a member count together; the operator
    /// and the server are not counted.
    pub fn join(&self, by: &Change) -> Result<Option<Waiting<'_>>, StoreError> {
        let author = match (by.who, by.member) {
            (Who::Operator(_) | Who::System, _) | (Who::Member { .. }, None) => return Ok(None),
            (Who::Key(_) | Who::Member { .. }, Some(member)) => *member.bytes(),
            (Who::Key(key), None) => *key.bytes(),
        };
        let mut waiting = self.waiting();
        let count = waiting.entry(author).or_default();
        if *count >= MOST_WAITING {
            return Err(StoreError::Busy);
        }
        *count += 1;
        Ok(Some(Waiting { turns: self, author }))
    }
}

/// A change that waits for its turn, or is made.
pub(super) struct Waiting<'a> {
    turns: &'a Turns,
    author: [u8; 16],
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut waiting = self.turns.waiting();
        match waiting.get_mut(&self.author) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(waiting.remove(&self.author)),
        }
    }
}
