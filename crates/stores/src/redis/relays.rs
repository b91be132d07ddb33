//! The notices that nodes publish about the directory: a stream of limited length, and the number of the
//! newest change that any node has read.

use super::{
    keys,
    link::Link,
    reply::Reply,
    script,
    store::{Store, text},
    url::RedisUrl,
};
use countersign_core::{
    id::{KeyId, TenantId},
    ports::error::StoreError,
    snapshot::ends::{KeyEnd, Relay, Relayed, TenantEnd},
    time::Timestamp,
};

/// The number of notices read at once.
const PAGE: usize = 1_000;
/// The maximum difference between the clocks of two servers.
const BEHIND_MS: u64 = 60_000;

/// Publishes a notice from outside a node, for commands that change the directory.
pub async fn tell_nodes(url: &RedisUrl, relay: &Relay) -> Result<(), StoreError> {
    tell(&Store::new(Link::open(url).await?, 1, None), relay).await
}

pub(super) async fn tell(store: &Store, relay: &Relay) -> Result<(), StoreError> {
    let names = [keys::relays(), keys::head()];
    let (up_to, packed) = (text(relay.up_to), pack(relay));
    store.run(&script::RELAY, &[&names[0], &names[1]], &[&up_to, &packed]).await.map(drop)
}

/// Reads the notices after the mark, and some before it. The clock of a replica that took over may be behind,
/// and then so are the positions of its entries.
pub(super) async fn read(link: &Link, mark: &str) -> Result<Relayed, StoreError> {
    // A replaced master may answer reads for a long time, but not writes. So a write tests the server first.
    let mut command = redis::cmd("SET");
    let probe = link.send(command.arg(keys::probe(0)).arg("").arg("PX").arg(60_000)).await;
    probe.map_err(StoreError::unavailable)?;
    // Read the head before the notices, so that no notice up to it is missed.
    let mut command = redis::cmd("GET");
    let head = link.send(command.arg(keys::head())).await.map_err(StoreError::unavailable)?;
    let head = match head {
        redis::Value::BulkString(head) => std::str::from_utf8(&head).ok().and_then(|head| head.parse().ok()),
        _ => Some(0),
    };
    let head = head.ok_or_else(|| StoreError::unavailable("the head of the changes is no number"))?;
    let mut told = Relayed { relays: Vec::new(), mark: mark.to_owned(), head };
    let mut from = earlier(mark);
    loop {
        let mut command = redis::cmd("XRANGE");
        command.arg(keys::relays()).arg(from).arg("+").arg("COUNT").arg(PAGE);
        let value = link.send(&command).await.map_err(StoreError::unavailable)?;
        let mut entries = Reply::new(value)?;
        for place in 0..entries.len() {
            let mut entry = entries.part(place)?;
            told.mark = String::from_utf8_lossy(entry.bytes(0)?).into_owned();
            told.relays.extend(unpack(entry.part(1)?.bytes(1)?));
        }
        if entries.len() < PAGE {
            return Ok(told);
        }
        from = format!("({}", told.mark);
    }
}

/// The position at which to begin for a mark.
fn earlier(mark: &str) -> String {
    let millis = mark.split('-').next().and_then(|millis| millis.parse::<u64>().ok());
    millis.map_or_else(|| "-".to_owned(), |millis| millis.saturating_sub(BEHIND_MS).to_string())
}

/// In place of the time of a key's end, this value marks the end of a tenant. Older releases, which do not
/// know ends of tenants, read it as the end of a key that does not exist.
const OF_TENANT: i64 = i64::MIN;

/// Packs `[after, 8][up_to, 8]`, then `[key, 16][version, 8][at in us, 8]` for each end of a key, and
/// `[tenant, 16][version, 8][OF_TENANT, 8]` for each tenant.
fn pack(relay: &Relay) -> Vec<u8> {
    let mut packed = [relay.after.to_be_bytes(), relay.up_to.to_be_bytes()].concat();
    for KeyEnd { key, version, at } in &relay.ends {
        packed.extend(key.bytes());
        packed.extend(version.to_be_bytes());
        packed.extend(at.micros().to_be_bytes());
    }
    for TenantEnd { tenant, version } in &relay.tenants {
        packed.extend(tenant.bytes());
        packed.extend(version.to_be_bytes());
        packed.extend(OF_TENANT.to_be_bytes());
    }
    packed
}

fn unpack(packed: &[u8]) -> Option<Relay> {
    fn number(bytes: &[u8]) -> Option<i64> {
        bytes.try_into().ok().map(i64::from_be_bytes)
    }
    let (head, ends) = packed.split_at_checked(16)?;
    let mut relay = Relay { after: number(&head[..8])?, up_to: number(&head[8..])?, ..Relay::default() };
    for end in ends.chunks_exact(32) {
        let id = end[..16].try_into().ok()?;
        let (version, at) = (number(&end[16..24])?, number(&end[24..])?);
        if at == OF_TENANT {
            relay.tenants.push(TenantEnd { tenant: TenantId::from_bytes(id), version });
        } else {
            let at = Timestamp::from_micros(at);
            relay.ends.push(KeyEnd { key: KeyId::from_bytes(id), version, at });
        }
    }
    Some(relay)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_read_as_it_was_told() {
        let end = KeyEnd { key: KeyId::from_bytes([1; 16]), version: 2, at: Timestamp::from_micros(3) };
        let tenant = TenantEnd { tenant: TenantId::from_bytes([4; 16]), version: 5 };
        let relay = Relay { after: 6, up_to: 7, ends: vec![end, end], tenants: vec![tenant] };
        assert_eq!(unpack(&pack(&relay)), Some(relay));
        assert_eq!(unpack(&[0; 15]), None);
    }
}
