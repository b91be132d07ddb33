//! Re-sealing: after a new seal key became primary, seals the name and the address of each person, and the
//! address of each open invitation, the phone of each person, and the content of each notice that waits, with it, so
//! that the old key can be removed.

use crate::{
    keyring::KeyRing,
    management::reseal::Resealed,
    ports::{
        directory::Directory,
        error::StoreError,
        people::{accounts::Accounts, notices::Notices},
    },
};
use rand::CryptoRng;

/// The number of rows of one page.
const PAGE: u16 = 200;
/// The maximum number of pages of one pass. The next pass begins with the rows that this one left.
const PAGES: usize = 100;

/// The version of the primary key, if the ring has others too.
fn primary(keyring: &KeyRing) -> Option<u8> {
    let versions = keyring.versions().seal;
    versions.primary().filter(|_| versions.iter().count() > 1).map(|version| version.number)
}

/// Seals persons with the primary key. A person that changed meanwhile is left for the next pass.
pub async fn reseal_people(
    directory: &dyn Directory,
    keyring: &KeyRing,
    rng: &mut (impl CryptoRng + Send),
) -> Result<Resealed, StoreError> {
    let (mut pass, mut after) = (Resealed::default(), None);
    let Some(primary) = primary(keyring) else { return Ok(pass) };
    for _ in 0..PAGES {
        let page = directory.people_not_sealed_with(primary, after, PAGE).await?;
        for person in &page {
            match person.resealed(keyring, rng) {
                Ok(sealed) => pass.resealed += u64::from(directory.reseal_person(person, &sealed).await?),
                Err(_) => pass.unreadable += 1,
            }
        }
        let Some(last) = page.last() else { break };
        after = Some(last.id);
    }
    Ok(pass)
}

/// Seals open invitations with the primary key, as [`reseal_people`] does with persons.
pub async fn reseal_invitations(
    directory: &dyn Directory,
    keyring: &KeyRing,
    rng: &mut (impl CryptoRng + Send),
) -> Result<Resealed, StoreError> {
    let (mut pass, mut after) = (Resealed::default(), None);
    let Some(primary) = primary(keyring) else { return Ok(pass) };
    for _ in 0..PAGES {
        let page = directory.invitations_not_sealed_with(primary, after, PAGE).await?;
        for one in &page {
            match one.resealed(keyring, rng) {
                Ok(sealed) => pass.resealed += u64::from(directory.reseal_invitation(one, &sealed).await?),
                Err(_) => pass.unreadable += 1,
            }
        }
        let Some(last) = page.last() else { break };
        after = Some(last.id);
    }
    Ok(pass)
}

/// Seals waiting notices with the primary key, as [`reseal_people`] does with persons.
pub async fn reseal_notices(
    notices: &dyn Notices,
    keyring: &KeyRing,
    rng: &mut (impl CryptoRng + Send),
) -> Result<Resealed, StoreError> {
    let (mut pass, mut after) = (Resealed::default(), None);
    let Some(primary) = primary(keyring) else { return Ok(pass) };
    for _ in 0..PAGES {
        let page = notices.notices_not_sealed_with(primary, after, PAGE).await?;
        for one in &page {
            match one.resealed(keyring, rng) {
                Ok(sealed) => pass.resealed += u64::from(notices.reseal_notice(one, &sealed).await?),
                Err(_) => pass.unreadable += 1,
            }
        }
        let Some(last) = page.last() else { break };
        after = Some(last.id);
    }
    Ok(pass)
}

/// Seals the phones of persons with the primary key, as [`reseal_people`] does with their names and addresses.
pub async fn reseal_phones(
    accounts: &dyn Accounts,
    keyring: &KeyRing,
    rng: &mut (impl CryptoRng + Send),
) -> Result<Resealed, StoreError> {
    let (mut pass, mut after) = (Resealed::default(), None);
    let Some(primary) = primary(keyring) else { return Ok(pass) };
    for _ in 0..PAGES {
        let page = accounts.phones_not_sealed_with(primary, after, PAGE).await?;
        for one in &page {
            let Some(phone) = &one.phone else { continue };
            match phone.resealed(one.person.id, keyring, rng) {
                Ok(sealed) => pass.resealed += u64::from(accounts.reseal_phone(one, &sealed).await?),
                Err(_) => pass.unreadable += 1,
            }
        }
        let Some(last) = page.last() else { break };
        after = Some(last.person.id);
    }
    Ok(pass)
}
