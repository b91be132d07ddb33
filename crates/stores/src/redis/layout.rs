//! Where the fields of this engine's own packed values begin: the keys, the outbox, and what scripts
//! get as arguments. Those of records and numbers are in the core crate.

use countersign_core::verification::layout::{Field, row};

/// The key of a verification.
pub const KEY: [Field; 5] = row([("tag", 7), ("letter", 1), ("tenant", 16), ("mode", 1), ("id", 16)]);
/// A message in the set of its phase.
pub const MEMBER: [Field; 5] =
    row([("state", 1), ("attempt", 2), ("tenant", 16), ("mode_and_id", 17), ("message", 16)]);
/// A message in the line.
pub const LINED: [Field; 6] =
    row([("tenant", 16), ("since", 6), ("phase", 1), ("attempt", 2), ("mode_and_id", 17), ("message", 16)]);
/// An event in its stream; its body follows.
pub const ENTRY: [Field; 3] = row([("verification", 33), ("id", 16), ("time", 6)]);
/// The time up to which a value counts; the value follows.
pub const KEPT: [Field; 1] = row([("until", 6)]);
/// What is known of a provider's id, behind [`KEPT`]. Without a known message, the receipt takes the
/// place of the target.
pub const MATCH: [Field; 3] = row([("format", 1), ("known", 1), ("target", 49)]);
/// A receipt that came before its message was known; the rest of it follows.
pub const PARKED: [Field; 1] = row([("delivery", 1)]);
/// The request that an Idempotency-Key is bound to.
pub const SLOT: [Field; 3] = row([("until", 6), ("request", 16), ("asker", 8)]);

/// For a start in a route family; verification and event only if it replaces one.
pub const EXCLUSIVE: [Field; 3] = row([("listing", 16), ("verification", 16), ("event", 16)]);
/// A limit of a number; its name follows.
pub const LIMIT: [Field; 3] = row([("max", 4), ("window", 6), ("name_length", 2)]);
/// A tenant with fewer places than others.
pub const ROOM: [Field; 3] = row([("tenant", 16), ("places", 2), ("slow", 1)]);
/// The shape of a submitted code; the mark of a payment follows if one was given.
pub const SUBMITTED: [Field; 2] = row([("length", 1), ("alphabets", 1)]);
/// The MAC of a submitted code under one key version.
pub const MAC: [Field; 2] = row([("version", 1), ("mac", 16)]);
/// The id of an event. The second half tells the calls of one act apart.
pub const EVENT_ID: [Field; 2] = row([("first_half", 8), ("second_half", 8)]);

/// A time.
pub const TIME: [Field; 1] = row([("time", 6)]);
/// What stands before bytes of any length.
pub const BLOB: [Field; 1] = row([("length", 2)]);
/// The mark of a payment.
pub const PAYMENT: [Field; 1] = row([("mark", 16)]);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::{claim::pack_rooms, entries::read_entry, keys, member, start};
    use countersign_core::{
        delivery::places::{Places, Room},
        id::{EventId, MessageId, RecordKey, TenantId, VerificationId},
        mode::Mode,
        ports::codes::{acts::Exclusive, events::Position},
        tenant::limits::LimitScope,
        time::Timestamp,
        verification::{number::Listing, settlement::Phase},
    };

    /// A value of these fields: the first has the bytes 1, the second the bytes 2, and so on.
    fn counted(fields: &[Field]) -> Vec<u8> {
        (1..).zip(fields).flat_map(|(byte, field)| vec![byte; field.length]).collect()
    }

    fn key(tenant: u8, id: u8) -> RecordKey {
        let (tenant, id) = (TenantId::from_bytes([tenant; 16]), VerificationId::from_bytes([id; 16]));
        RecordKey { tenant, mode: Mode::Live, id }
    }

    #[test]
    fn keys_have_the_fields_of_the_table() {
        let name = keys::verification(key(3, 5));
        let field = |index: usize| &name[KEY[index].first - 1..KEY[index].last()];
        assert_eq!((field(1), field(2), field(3)), (&b"v"[..], &[3; 16][..], &[Mode::Live.byte()][..]));
        assert_eq!((field(4), name.len()), (&[5; 16][..], KEY[4].last()));
    }

    #[test]
    fn a_member_and_an_entry_are_read_as_the_table_says() {
        let mut packed = counted(&MEMBER);
        packed[MEMBER[0].first - 1] = member::HELD + Phase::Await(1).number();
        packed[MEMBER[3].first - 1] = Mode::Live.byte();
        let read = member::unpack(&packed).unwrap();
        assert_eq!((read.phase, read.attempt), (Some(Phase::Await(1)), 0x0202));
        assert_eq!((read.key, read.message), (key(3, 4), MessageId::from_bytes([5; 16])));

        let mut packed = counted(&ENTRY);
        packed[..33].copy_from_slice(&key(1, 1).bytes());
        packed.push(9);
        let read = read_entry(Position([0; 3]), &packed).unwrap();
        assert_eq!((read.key, read.id, read.body), (key(1, 1), EventId::from_bytes([2; 16]), vec![9]));
        assert_eq!(read.at, Timestamp::from_millis(0x0303_0303_0303));
    }

    #[test]
    fn arguments_are_packed_as_the_table_says() {
        let replaces = Some((VerificationId::from_bytes([2; 16]), EventId::from_bytes([3; 16])));
        let exclusive = Exclusive { listing: Listing([1; 16]), replaces };
        assert_eq!(start::pack_exclusive(&exclusive), counted(&EXCLUSIVE));

        let limits = LimitScope::Number.default_buckets().unwrap();
        let names = limits.as_slice().iter().map(|limit| limit.name(LimitScope::Number.as_str()).len());
        let bytes: usize = names.map(|name| LIMIT[2].last() + name).sum();
        assert_eq!(start::pack_limits(&limits).len(), bytes);

        let room = Room { tenant: TenantId::from_bytes([1; 16]), most: 0x0202, slow: true };
        let packed = pack_rooms(&Places::new(1, 1, vec![room]));
        assert_eq!((&packed[..18], packed.len()), (&counted(&ROOM[..2])[..], ROOM[2].last()));
    }
}
