//! Another password.

use crate::{
    id::PersonId,
    people::{
        account::{Account, AccountChange},
        invitation::LinkSecret,
        notice::News,
        password::{Fault, Password, PasswordText},
        waits::{WaitCount, WaitRule},
    },
    ports::{
        error::StoreError,
        hasher::{Crowded, Lane},
    },
    sign_in::{
        Entrance,
        proof::Proven,
        signed_in::{OwnError, SignedIn, identity, mail},
    },
    tenant::OPERATOR,
    time::Timestamp,
};
use rand::CryptoRng;
use std::time::Duration;

/// A change of a password compares up to eleven hashes. So a person makes one at a time; a change whose process died
/// blocks the next one for this long.
const LONGEST_CHANGE: Duration = Duration::from_secs(60);

/// Why a password was not set.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// It does not meet the rule. An empty list means that it is too long.
    #[error("the password does not meet the rule")]
    Faults(Vec<Fault>),
    /// It is one of the last ten.
    #[error("the password was used before")]
    UsedBefore,
    /// Another change of the same person is going on.
    #[error("another change is going on")]
    Busy,
    #[error("all places for hashing passwords are taken")]
    Crowded,
    #[error(transparent)]
    Own(#[from] OwnError),
}

impl From<StoreError> for PasswordError {
    fn from(error: StoreError) -> Self {
        Self::Own(error.into())
    }
}

impl From<Crowded> for PasswordError {
    fn from(_: Crowded) -> Self {
        Self::Crowded
    }
}

/// Sets another password. All other sessions end. Keys stay as they are: they belong to programs.
pub async fn change_password(
    own: &SignedIn<'_>,
    proven: &Proven,
    typed: &str,
    rng: &mut impl CryptoRng,
) -> Result<LinkSecret, PasswordError> {
    let account = own.present().await?;
    let lane = Lane::Known(own.session.person);
    let hash = new_hash(own.entrance, &account, lane, typed, own.now).await?;
    let notice = mail(&own.entrance.context, &account, News::PasswordChanged { at: own.now }, own.now, rng)?;
    let consumes: Vec<_> = proven.consumed(own).into_iter().collect();
    Ok(own.change(&account, &AccountChange::Password(hash), &consumes, &[notice], rng).await?)
}

/// Judges and hashes a new password of a person.
pub(super) async fn new_hash(
    entrance: &Entrance,
    account: &Account,
    lane: Lane,
    typed: &str,
    now: Timestamp,
) -> Result<PasswordText, PasswordError> {
    let password = judged(entrance, account, typed).await?;
    let turn = turn_of(entrance, account.person.id);
    if entrance.people.count_try(&[turn], now).await?.is_err() {
        return Err(PasswordError::Busy);
    }
    let hashed = hash(entrance, account, lane, password).await;
    entrance.people.reset_wait(&turn).await?;
    hashed
}

/// Judges a new password by the rule, before the person proves who it is. It may still be one of the last ten.
pub async fn judge_password(own: &SignedIn<'_>, typed: &str) -> Result<(), PasswordError> {
    judged(own.entrance, own.account, typed).await.map(drop)
}

async fn judged(entrance: &Entrance, account: &Account, typed: &str) -> Result<Password, PasswordError> {
    let password = Password::read(typed).ok_or(PasswordError::Faults(Vec::new()))?;
    let known = known_texts(entrance, account).await?;
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    password.judge(&known).map_err(PasswordError::Faults)?;
    Ok(password)
}

async fn hash(
    entrance: &Entrance,
    account: &Account,
    lane: Lane,
    password: Password,
) -> Result<PasswordText, PasswordError> {
    let mut former = entrance.people.former_passwords(account.person.id).await?;
    if let Some(present) = account.password.clone().filter(|present| !former.contains(present)) {
        former.insert(0, present);
    }
    entrance.hasher.hash(lane, password, former).await?.ok_or(PasswordError::UsedBefore)
}

/// What an attacker knows of a person: its name, its address and the names of its tenants.
async fn known_texts(entrance: &Entrance, account: &Account) -> Result<Vec<String>, PasswordError> {
    let identity = identity(&entrance.context, account)?;
    let mut known = vec![identity.name.expose().to_owned(), identity.email.expose().to_owned()];
    let directory = &entrance.context.directory;
    for membership in directory.memberships(account.person.id).await? {
        let tenant = directory.tenant(membership.tenant).await?;
        known.extend(tenant.map(|tenant| tenant.name.as_str().to_owned()));
    }
    Ok(known)
}

fn turn_of(entrance: &Entrance, person: PersonId) -> WaitCount {
    let key = entrance.context.keyring.hash("password-turn", OPERATOR, &[person.bytes()]);
    WaitCount { key, rule: WaitRule::Window { most: 1, length: LONGEST_CHANGE } }
}
