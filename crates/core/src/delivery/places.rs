//! Send slots: how many messages one claim may take, and how many of each tenant. They keep one slow tenant
//! from taking all slots of a worker.

use crate::id::TenantId;

/// The free send slots of a worker. A tenant without a [`Room`] may take all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The free slots for all tenants together.
    pub most: usize,
    /// The free slots for the slow tenants together.
    slow: usize,
    rooms: Vec<Room>,
}

/// The free slots for one tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    pub tenant: TenantId,
    /// The number of messages.
    pub most: usize,
    /// Whether the tenant also counts against the slots for slow tenants.
    pub slow: bool,
}

impl Places {
    /// The maximum number of tenants with a room. Each claim carries all of them, so only those with the
    /// fewest slots are kept.
    pub const MOST_NAMED: usize = 128;

    /// `most` slots, for messages of any tenant.
    pub fn of_anybody(most: usize) -> Self {
        Self { most, slow: most, rooms: Vec::new() }
    }

    /// `most` slots for all tenants together, at most `slow` of them for slow tenants, and for each named
    /// tenant no more than its room.
    pub fn new(most: usize, slow: usize, mut rooms: Vec<Room>) -> Self {
        rooms.sort_unstable_by_key(|room| (room.most, room.tenant));
        rooms.truncate(Self::MOST_NAMED);
        Self { most, slow, rooms }
    }

    /// The tenants that may not take all slots.
    pub fn rooms(&self) -> &[Room] {
        &self.rooms
    }

    /// The free slots for the slow tenants together.
    pub fn slow(&self) -> usize {
        self.slow
    }

    /// The number of messages of `tenant` that may still be taken.
    pub fn room(&self, tenant: TenantId) -> usize {
        match self.rooms.iter().find(|room| room.tenant == tenant) {
            None => self.most,
            Some(Room { most, slow: true, .. }) => (*most).min(self.slow).min(self.most),
            Some(Room { most, .. }) => (*most).min(self.most),
        }
    }

    /// Uses up a slot for a message of this tenant.
    pub fn take(&mut self, tenant: TenantId) {
        self.most = self.most.saturating_sub(1);
        if let Some(room) = self.rooms.iter_mut().find(|room| room.tenant == tenant) {
            room.most = room.most.saturating_sub(1);
            if room.slow {
                self.slow = self.slow.saturating_sub(1);
            }
        }
    }

    /// Divides the slots among `parts` claims that run at once; returns share number `part`, from 0. All
    /// shares together have no more slots than the whole.
    pub fn split(&self, parts: usize, part: usize) -> Self {
        let of = |whole: usize| whole / parts.max(1) + usize::from(part < whole % parts.max(1));
        let rooms = self.rooms.iter().map(|room| Room { most: of(room.most), ..*room });
        Self { most: of(self.most), slow: of(self.slow), rooms: rooms.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(byte: u8) -> TenantId {
        TenantId::from_bytes([byte; 16])
    }

    fn places() -> Places {
        let room = |byte, most, slow| Room { tenant: id(byte), most, slow };
        Places::new(10, 3, vec![room(1, 4, false), room(2, 2, true), room(3, 9, true)])
    }

    #[test]
    fn rooms_end_one_by_one_and_slow_ones_together() {
        let mut places = places();
        assert_eq!([1, 2, 3, 4].map(|byte| places.room(id(byte))), [4, 2, 3, 10]);
        places.take(id(2));
        places.take(id(3));
        places.take(id(4));
        assert_eq!([1, 2, 3, 4].map(|byte| places.room(id(byte))), [4, 1, 1, 7]);
        places.take(id(3));
        assert_eq!([1, 2, 3, 4].map(|byte| places.room(id(byte))), [4, 0, 0, 6]);
        for _ in 0..9 {
            places.take(id(4));
        }
        assert_eq!([1, 2, 3, 4].map(|byte| places.room(id(byte))), [0; 4]);
    }

    #[test]
    fn parts_add_up_to_the_whole() {
        let whole = places();
        for parts in 1..=12 {
            let each: Vec<_> = (0..parts).map(|part| whole.split(parts, part)).collect();
            let sum = |of: fn(&Places) -> usize| each.iter().map(of).sum::<usize>();
            assert_eq!((sum(|part| part.most), sum(|part| part.slow)), (10, 3), "{parts}");
            for room in whole.rooms() {
                let of_one = each.iter().flat_map(|part| part.rooms()).filter(|r| r.tenant == room.tenant);
                assert_eq!(of_one.map(|room| room.most).sum::<usize>(), room.most, "{parts}");
            }
        }
    }

    #[test]
    fn those_with_the_least_room_are_named() {
        let room = |n: u8| Room { tenant: id(n), most: usize::from(n), slow: false };
        let places = Places::new(300, 0, (0..=255).rev().map(room).collect());
        assert_eq!(places.rooms().len(), Places::MOST_NAMED);
        assert_eq!((places.room(id(0)), places.room(id(127)), places.room(id(128))), (0, 127, 300));
    }
}
