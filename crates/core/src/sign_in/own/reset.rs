//! A forgotten password: a link by mail sets another. Nobody learns which addresses are known.

use crate::{
    id::PersonId,
    locale::Locale,
    people::{
        account::{Account, AccountChange},
        hours::Zone,
        invitation::LinkSecret,
        link::{Link, LinkKind},
        notice::{LinkPath, News, Notice},
        person::{EmailAddress, Identity, Person, PersonName},
        session::DEVICE_LIFE,
        waits::{WaitCount, WaitRule},
    },
    ports::{
        error::StoreError,
        hasher::Lane,
        people::accounts::{Along, Consumed},
    },
    sign_in::{
        Entrance, Visitor,
        own::password::{PasswordError, new_hash},
        signed_in::mail,
    },
    tenant::OPERATOR,
    time::Timestamp,
};
use rand::CryptoRng;
use std::time::Duration;

/// How many links one network asks for in an hour, for all addresses.
const MOST_FROM_A_NETWORK: u16 = 30;
const HOUR: Duration = Duration::from_secs(3_600);

/// Why no new password was set.
#[derive(Debug, thiserror::Error)]
pub enum ResetError {
    /// The link was used, has expired, or belongs to a former state of the account.
    #[error("the link is void")]
    Void,
    #[error(transparent)]
    Password(#[from] PasswordError),
}

impl From<StoreError> for ResetError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Moved => Self::Void,
            other => Self::Password(other.into()),
        }
    }
}

/// Too many links were asked for from one network.
#[derive(Debug, thiserror::Error)]
pub enum ForgotError {
    #[error("too many requests from one network")]
    Waiting(Timestamp),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Mails a link to the person with this address, at most three in an hour. The answer and the work are the same if
/// nobody has it: a link of a person that does not exist is stored, and nothing is mailed.
pub async fn forgot(
    entrance: &Entrance,
    visitor: &Visitor,
    email: &EmailAddress,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<(), ForgotError> {
    let keyring = &entrance.context.keyring;
    let network = visitor.network().to_string();
    let from_network = WaitCount {
        key: keyring.hash("forgot-network", OPERATOR, &[network.as_bytes()]),
        rule: WaitRule::Window { most: MOST_FROM_A_NETWORK, length: HOUR },
    };
    if let Err(waiting) = entrance.people.count_try(&[from_network], now).await? {
        return Err(ForgotError::Waiting(waiting.until));
    }
    let known = entrance.people.find_account(email.mark(keyring)).await?;
    let is_known = known.is_some();
    let person = known.map_or_else(|| nobody(entrance, email, now, rng), |known| known.person);
    let secret = LinkSecret::generate(rng);
    let link = Link {
        secret: secret.hash(),
        kind: LinkKind::Reset,
        person: Some(person.id),
        epoch: person.epoch,
        sealed: None,
        made_at: now,
        expires_at: now + LinkKind::Reset.life(),
    };
    let news = News::ResetPassword { link: LinkPath::reset(&secret), expires: link.expires_at };
    let notice = person
        .open(keyring)
        .map(|identity| Notice::mail(&person, &identity, news, now, rng).sealed(keyring, rng));
    let notices: Vec<_> = notice.into_iter().filter(|_| is_known).collect();
    match entrance.people.add_link(&link, &notices).await {
        Ok(()) | Err(StoreError::Full { .. } | StoreError::Moved) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// A person that does not exist, always the same one for an address.
fn nobody(entrance: &Entrance, email: &EmailAddress, now: Timestamp, rng: &mut impl CryptoRng) -> Person {
    let keyring = &entrance.context.keyring;
    let id = PersonId::from_bytes(keyring.hash("nobody", OPERATOR, &[&email.mark(keyring).0]));
    #[expect(clippy::unwrap_used, reason = "a name of one letter")]
    let name = PersonName::parse("x").unwrap();
    let identity = Identity { name, email: email.clone() };
    Person::new(id, &identity, (Locale::default(), Zone::default()), keyring, now, rng)
}

/// Whether the link can set a password. This changes nothing.
pub async fn open_reset(
    entrance: &Entrance,
    secret: &LinkSecret,
    now: Timestamp,
) -> Result<bool, StoreError> {
    Ok(account_of(entrance, secret, now).await?.is_some())
}

/// Sets the password that was typed. All sessions end, and the person signs in with its code as always. The browser
/// that used the link is free of the waits that strangers caused.
pub async fn reset(
    entrance: &Entrance,
    visitor: &Visitor,
    secret: &LinkSecret,
    typed: &str,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<(), ResetError> {
    let account = account_of(entrance, secret, now).await?.ok_or(ResetError::Void)?;
    let hash =
        new_hash(entrance, &account, Lane { network: visitor.network(), known: false }, typed, now).await?;
    let notice =
        mail(entrance, &account, News::PasswordChanged { at: now }, now, rng).map_err(PasswordError::from)?;
    let by = visitor.change(now);
    let consumes = [Consumed::Link(secret.hash())];
    let along = Along { consumes: &consumes, kept: None, notices: &[notice] };
    entrance.people.change_account(&account, &AccountChange::Password(hash), along, &by).await?;
    free(entrance, visitor, &account, now).await?;
    Ok(())
}

async fn account_of(
    entrance: &Entrance,
    secret: &LinkSecret,
    now: Timestamp,
) -> Result<Option<Account>, StoreError> {
    let link = entrance.people.link(secret.hash(), now).await?;
    let Some(link) = link.filter(|link| link.kind == LinkKind::Reset) else { return Ok(None) };
    let Some(person) = link.person else { return Ok(None) };
    let account = entrance.people.account(person).await?;
    Ok(account.filter(|account| account.person.epoch == link.epoch))
}

async fn free(
    entrance: &Entrance,
    visitor: &Visitor,
    account: &Account,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (keyring, email) = (&entrance.context.keyring, account.person.email);
    let mut counts =
        vec![WaitCount::of_pair(email, visitor.network(), keyring), WaitCount::of_account(email, keyring)];
    if let Some(secret) = &visitor.device {
        let device = entrance.people.device(secret.hash(), now - DEVICE_LIFE).await?;
        counts.extend(device.map(|device| WaitCount::of_device(device.id, keyring)));
    }
    for count in &counts {
        entrance.people.reset_wait(count).await?;
    }
    Ok(())
}
