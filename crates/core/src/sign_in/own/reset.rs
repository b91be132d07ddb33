//! A forgotten password: a link by mail sets another. Nobody learns which addresses are known.

use crate::{
    keyring::KeyRing,
    locale::Locale,
    people::{
        account::{Account, AccountChange},
        hours::Zone,
        invitation::LinkSecret,
        link::{Link, LinkKind},
        notice::{LinkPath, News, Notice},
        person::{EmailAddress, EmailMark, Identity, Person, PersonName},
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
        first::NOBODY,
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
/// How many links are asked for in an hour for one address, known or not.
const MOST_TO_AN_ADDRESS: u16 = 3;
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

/// Mails a link to the person with this address, at most three in an hour. If nobody has the address, the answer is
/// the same, and so is the work: the mail is made and sealed, the same statements run, a link of nobody is stored, and
/// the mail is not.
pub async fn forgot(
    entrance: &Entrance,
    visitor: &Visitor,
    typed: &str,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<(), ForgotError> {
    let keyring = &entrance.context.keyring;
    let email = EmailMark::of_typed(typed, keyring);
    let network = visitor.network().to_string();
    let of_network = count("forgot-network", network.as_bytes(), MOST_FROM_A_NETWORK, keyring);
    if let Err(waiting) = entrance.people.count_try(&[of_network], now).await? {
        return Err(ForgotError::Waiting(waiting.until));
    }
    // A known and an unknown address count alike, so the fourth request does not tell them apart either.
    let of_address = count("forgot-address", &email.0, MOST_TO_AN_ADDRESS, keyring);
    if entrance.people.count_try(&[of_address], now).await?.is_err() {
        return Ok(());
    }
    let Some(typed) = EmailAddress::parse(typed) else { return Ok(()) };
    let account = entrance.people.find_account(email).await?;
    let Some(nobody) = nobody(typed, keyring, now, rng) else { return Ok(()) };
    let person = account.as_ref().map_or(&nobody, |account| &account.person);
    let secret = LinkSecret::generate(rng);
    let link = Link {
        secret: secret.hash(),
        kind: LinkKind::Reset,
        person: account.as_ref().map(|account| account.person.id),
        epoch: person.epoch,
        sealed: None,
        made_at: now,
        expires_at: now + LinkKind::Reset.life(),
    };
    let news = News::ResetPassword { link: LinkPath::reset(&secret), expires: link.expires_at };
    let Some(identity) = person.open(keyring) else { return Ok(()) };
    let notice = Notice::mail(person, &identity, news, now, rng).sealed(keyring, rng);
    match entrance.people.add_link(&link, &[notice]).await {
        Ok(()) | Err(StoreError::Full { .. } | StoreError::Moved) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// A person who does not exist, for the work of an unknown address.
fn nobody(
    email: EmailAddress,
    keyring: &KeyRing,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Option<Person> {
    let identity = Identity { name: PersonName::parse("Nobody")?, email };
    Some(Person::new(NOBODY, &identity, (Locale::default(), Zone::default()), keyring, now, rng))
}

fn count(purpose: &str, counted: &[u8], most: u16, keyring: &KeyRing) -> WaitCount {
    let key = keyring.hash(purpose, OPERATOR, &[counted]);
    WaitCount { key, rule: WaitRule::Window { most, length: HOUR } }
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
    let hash = new_hash(entrance, &account, Lane::Stranger(visitor.network()), typed, now).await?;
    let notice = mail(&entrance.context, &account, News::PasswordChanged { at: now }, now, rng)
        .map_err(PasswordError::from)?;
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
        counts.extend(device.map(|device| WaitCount::of_device(device.id, account.person.id, keyring)));
    }
    for count in &counts {
        entrance.people.reset_wait(count).await?;
    }
    Ok(())
}
