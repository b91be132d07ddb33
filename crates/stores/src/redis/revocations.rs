//! Revocations of keys, told to all nodes beside the directory: a capped stream.

use super::{keys, link::Link, reply::Reply};
use countersign_core::{
    id::KeyId,
    ports::{Revocation, StoreError},
};

/// Revocations that are kept; nodes read them twice a second.
const KEPT: usize = 10_000;
/// Read at once.
const PAGE: usize = 1_000;

pub(super) async fn tell(link: &Link, revocations: &[Revocation]) -> Result<(), StoreError> {
    for Revocation { key, change } in revocations {
        let value = [key.bytes().as_slice(), &change.to_be_bytes()].concat();
        let mut command = redis::cmd("XADD");
        command.arg(keys::revocations()).arg("MAXLEN").arg("~").arg(KEPT).arg("*").arg("r").arg(value);
        link.send(&command).await.map_err(StoreError::unavailable)?;
    }
    Ok(())
}

/// Those after the mark, which is empty at first, and the next mark.
pub(super) async fn read(link: &Link, after: &str) -> Result<(Vec<Revocation>, String), StoreError> {
    let (mut mark, mut found) = (after.to_owned(), Vec::new());
    loop {
        let from = if mark.is_empty() { "-".to_owned() } else { format!("({mark}") };
        let mut command = redis::cmd("XRANGE");
        command.arg(keys::revocations()).arg(from).arg("+").arg("COUNT").arg(PAGE);
        let value = link.send(&command).await.map_err(StoreError::unavailable)?;
        let mut entries = Reply::new(value)?;
        for place in 0..entries.len() {
            let mut entry = entries.part(place)?;
            mark = String::from_utf8_lossy(entry.bytes(0)?).into_owned();
            found.extend(unpack(entry.part(1)?.bytes(1)?));
        }
        if entries.len() < PAGE {
            return Ok((found, mark));
        }
    }
}

fn unpack(value: &[u8]) -> Option<Revocation> {
    let (key, change) = value.split_first_chunk::<16>()?;
    let change = i64::from_be_bytes(change.try_into().ok()?);
    Some(Revocation { key: KeyId::from_bytes(*key), change })
}
