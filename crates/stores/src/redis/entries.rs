//! The entries of a partition's event stream.

use super::reply::{Reply, packed_time};
use countersign_core::{
    access::actor::Who,
    id::{EventId, RecordKey, TenantId, VerificationId},
    mode::Mode,
    ports::{
        codes::events::{Position, UnrecordedEvent},
        error::StoreError,
    },
    time::Timestamp,
};
use std::borrow::Cow;

/// Reads entries: `[id, [field, [key, 33][event, 16][time, 6][body]]]`. A second field is the rest of the
/// body, and a third is the packed author: older releases read only the first field, or the first two.
pub(super) fn read_entries(partition: u16, mut entries: Reply) -> Result<Vec<UnrecordedEvent>, StoreError> {
    (0..entries.len())
        .map(|place| {
            let mut entry = entries.part(place)?;
            let fields = entry.part(1)?;
            let (id, mut value) = (entry.bytes(0)?, Cow::Borrowed(fields.bytes(1)?));
            if fields.len() > 3 {
                value.to_mut().extend_from_slice(fields.bytes(3)?);
            }
            let value = value.as_ref();
            let corrupt = || StoreError::Corrupt { table: "events", id: format!("of partition {partition}") };
            let position = read_position(partition, id).ok_or_else(corrupt)?;
            let who = if fields.len() > 5 { Who::unpack(fields.bytes(5)?) } else { None };
            let entry = read_entry(position, value).unwrap_or_else(|| unreadable(position, value));
            Ok(UnrecordedEvent { who, ..entry })
        })
        .collect()
}

fn read_position(partition: u16, id: &[u8]) -> Option<Position> {
    let (ms, seq) = std::str::from_utf8(id).ok()?.split_once('-')?;
    Some(Position([partition.into(), ms.parse().ok()?, seq.parse().ok()?]))
}

pub(super) fn read_entry(position: Position, value: &[u8]) -> Option<UnrecordedEvent> {
    let (key, rest) = value.split_at_checked(33)?;
    let (event, rest) = rest.split_first_chunk::<16>()?;
    let (at, body) = rest.split_first_chunk::<6>()?;
    Some(UnrecordedEvent {
        position,
        key: RecordKey::from_bytes(key)?,
        id: EventId::from_bytes(*event),
        at: packed_time(at),
        body: body.to_vec(),
        who: None,
    })
}

/// Makes an event of an entry that none of our scripts wrote. It belongs to no tenant, and the history stores
/// it apart.
fn unreadable(position: Position, value: &[u8]) -> UnrecordedEvent {
    let Position([partition, ms, seq]) = position;
    let mut id = [0; 16];
    id[..8].copy_from_slice(&ms.to_be_bytes());
    id[8..].copy_from_slice(&(partition << 48 | seq).to_be_bytes());
    let nobody = RecordKey {
        tenant: TenantId::from_bytes([0; 16]),
        mode: Mode::Live,
        id: VerificationId::from_bytes([0; 16]),
    };
    let at = Timestamp::from_millis(i64::try_from(ms).unwrap_or_default());
    UnrecordedEvent {
        position,
        key: nobody,
        id: EventId::from_bytes(id),
        at,
        body: value.to_vec(),
        who: None,
    }
}
