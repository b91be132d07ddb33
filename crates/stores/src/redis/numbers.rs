//! The operations on a phone number: resetting its wrong codes, erasing it, finding its verification.

use super::{
    keys,
    reply::{Reply, bytes_or_nil, number},
    script,
    store::Store,
};
use countersign_core::{
    access::actor::Who,
    id::{TenantId, VerificationId},
    keyring::Fingerprint,
    mode::Mode,
    ports::{codes::acts::Erasure, error::StoreError},
    verification::number::Listing,
};

pub(super) async fn clear_guesses(
    store: &Store,
    mode: Mode,
    fingerprint: Fingerprint,
) -> Result<u16, StoreError> {
    let key = keys::number(fingerprint.partition(store.partitions), mode, fingerprint);
    let counted = number(store.run(&script::CLEAR, &[&key], &[]).await?)?;
    Ok(u16::try_from(counted).unwrap_or(u16::MAX))
}

pub(super) async fn erase(
    store: &Store,
    tenant: TenantId,
    mode: Mode,
    fingerprint: Fingerprint,
    who: Who,
) -> Result<Erasure, StoreError> {
    let partition = fingerprint.partition(store.partitions);
    let names = [keys::number(partition, mode, fingerprint), keys::events(partition), keys::none(partition)];
    let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
    let owner = keys::owner(tenant, mode);
    let reply = Reply::new(store.run(&script::ERASE, &names, &[&owner, &who.pack()]).await?)?;
    Ok(Erasure { canceled: reply.small(0)?, now: reply.time(1)? })
}

pub(super) async fn find(
    store: &Store,
    (tenant, mode, fingerprint): (TenantId, Mode, Fingerprint),
    listing: Listing,
) -> Result<Option<VerificationId>, StoreError> {
    let partition = fingerprint.partition(store.partitions);
    let (key, none) = (keys::number(partition, mode, fingerprint), keys::none(partition));
    let args: [&[u8]; 2] = [&listing.0, &keys::owner(tenant, mode)];
    let found = bytes_or_nil(store.run(&script::FIND, &[&key, &none], &args).await?)?;
    let id = found.map(<[u8; 16]>::try_from).transpose();
    let id = id.map_err(|_| StoreError::unavailable("a script answered in an unexpected form"))?;
    Ok(id.map(VerificationId::from_bytes))
}
