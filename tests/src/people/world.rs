//! A tenant with an owner who can sign in, and what a sign-in leaves.

use crate::{
    codes::keyring,
    directory::{
        Base, at,
        people::{join, member, owner},
    },
};
use anyhow::{Context as _, Result};
use countersign_core::{
    access::{change::Change, key::HashedSecret},
    audit::entry::Entry,
    id::{DeviceId, PersonId, SessionId, SignInId, TenantId},
    people::{
        account::{Account, AccountChange},
        member::Member,
        person::EmailMark,
        session::{Device, Factors, HalfSignIn, Session, SignIn, SignInOutcome},
        waits::{WaitCount, WaitRule},
    },
    ports::{
        directory::audit::{AuditFilter, AuditLog as _},
        error::StoreError,
        people::{
            accounts::{Accounts as _, Along},
            sessions::{Finished, Sessions as _},
        },
    },
};
use countersign_stores::{directory::SqlDirectory, people::SqlPeople, sql::Sql};
use std::sync::Arc;

/// Two nodes over one database. On Postgres each has connections of its own.
pub struct World {
    pub people: SqlPeople,
    pub other: SqlPeople,
    pub directory: SqlDirectory,
    other_directory: SqlDirectory,
    pub tenant: TenantId,
    pub owner: Member,
}

pub fn directory(sql: &Sql) -> SqlDirectory {
    SqlDirectory::new(sql.clone(), Arc::new(keyring()))
}

impl World {
    pub async fn new(base: &Base) -> Result<Self> {
        let tenant = base.tenant(1).await?.id;
        let owner = member(tenant, 1, owner());
        join(base, &owner).await?;
        let other = match base.server_url() {
            Some(url) => Sql::postgres(&url, None)?,
            None => base.sql.clone(),
        };
        Ok(Self {
            people: SqlPeople::new(directory(&base.sql)),
            other: SqlPeople::new(directory(&other)),
            directory: directory(&base.sql),
            other_directory: directory(&other),
            tenant,
            owner,
        })
    }

    /// The node that makes a try: one of the two in turn.
    pub fn node(&self, number: u32) -> &SqlPeople {
        if number.is_multiple_of(2) { &self.people } else { &self.other }
    }

    pub fn directory_of(&self, number: u32) -> SqlDirectory {
        if number.is_multiple_of(2) { self.directory.clone() } else { self.other_directory.clone() }
    }

    pub async fn account(&self) -> Result<Account> {
        self.people.account(self.owner.person).await?.context("an account")
    }

    /// Changes the account as it is now, without anything along.
    pub async fn change(&self, change: AccountChange) -> Result<()> {
        let account = self.account().await?;
        Ok(self.people.change_account(&account, &change, Along::default(), &by(50)).await?)
    }

    /// Signs the owner in on a browser of its own.
    pub async fn sign_in(&self, number: u32) -> Result<Session> {
        let epoch = self.account().await?.person.epoch;
        let session = Session { epoch, ..session(self.owner.person, number) };
        finish(&self.people, &session, |finished| finished).await?;
        Ok(session)
    }

    pub async fn entries(&self, tenant: TenantId, action: &str) -> Result<Vec<Entry>> {
        let filter = AuditFilter { action: Some(action.to_owned()), ..AuditFilter::default() };
        Ok(self.directory.list_audit(tenant, &filter, None, 99).await?)
    }
}

/// Finishes a sign-in with what `with` adds to it.
pub async fn finish(
    people: &SqlPeople,
    session: &Session,
    with: impl FnOnce(Finished<'_>) -> Finished<'_>,
) -> Result<(), StoreError> {
    finish_on(people, session, &device_of(session), with).await
}

pub async fn finish_on(
    people: &SqlPeople,
    session: &Session,
    device: &Device,
    with: impl FnOnce(Finished<'_>) -> Finished<'_>,
) -> Result<(), StoreError> {
    let sign_in = signed_in(session);
    let finished = Finished {
        session,
        device,
        half: None,
        recovery: None,
        former: None,
        sign_in: &sign_in,
        notices: &[],
        mail: None,
        mailed: false,
        tries: &WaitCount { key: [0; 16], rule: WaitRule::Ladder { free: 5 } },
    };
    people.finish_sign_in(with(finished), &by_at(session)).await
}

/// A request of a browser.
pub fn by(seconds: i64) -> Change {
    Change { address: Some([198, 51, 100, 7].into()), ..Change::by_system(at(seconds)) }
}

fn by_at(session: &Session) -> Change {
    Change { at: session.signed_in_at, ..by(0) }
}

fn bytes<const N: usize>(number: u32) -> [u8; N] {
    let mut bytes = [0; N];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    bytes
}

pub fn secret(number: u32) -> HashedSecret {
    HashedSecret::from_bytes(bytes(number))
}

pub fn sign_in_id(number: u32) -> SignInId {
    SignInId::from_bytes(bytes(number))
}

pub fn session(person: PersonId, number: u32) -> Session {
    Session {
        id: SessionId::from_bytes(bytes(number)),
        secret: secret(number),
        person,
        epoch: 1,
        device: DeviceId::from_bytes(bytes(number)),
        tenant: None,
        factors: Factors::Password,
        invited: false,
        signed_in_at: at(10),
        seen_at: at(10),
        address: [198, 51, 100, 7].into(),
        flash: None,
    }
}

pub fn device_of(session: &Session) -> Device {
    Device {
        id: session.device,
        secret: HashedSecret::from_bytes(
            [session.device.bytes().as_slice(), &[9; 16]].concat().try_into().unwrap(),
        ),
        agent: "Mozilla/5.0".to_owned(),
        made_at: at(1),
        seen_at: session.seen_at,
    }
}

pub fn signed_in(session: &Session) -> SignIn {
    SignIn {
        id: SignInId::from_bytes(*session.id.bytes()),
        at: session.signed_in_at,
        outcome: SignInOutcome::Done,
        person: Some(session.person),
        email: EmailMark([1; 16]),
        tenant: session.tenant,
        address: session.address,
        country: None,
        device: Some(session.device),
        agent: "Mozilla/5.0".to_owned(),
        count: 1,
    }
}

pub fn half(person: PersonId, number: u32) -> HalfSignIn {
    HalfSignIn {
        secret: secret(number),
        person,
        epoch: 1,
        device: None,
        verification: None,
        sends: 0,
        wrong_recovery: 0,
        made_at: at(9),
        expires_at: at(609),
    }
}

pub fn is_moved<T>(outcome: &Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Moved))
}
