//! The way in for a person who lost phone and recovery codes: an owner of its only tenant starts a reset, and a day
//! later two-factor authentication is off. In all other cases the operator does it.

use crate::{
    access::{actor::Actor, change::Change},
    context::Management,
    id::MemberId,
    people::{
        account::{Account, AccountChange},
        invitation::LinkSecret,
        link::{Link, LinkKind},
        notice::{By, LinkPath, News},
    },
    ports::{
        error::StoreError,
        people::{SignInStore, accounts::Along},
    },
    sign_in::{
        Entrance,
        own::owners::{NoOwner, owner_of, two_factor_off},
        proof::Proven,
        signed_in::{OwnError, SignedIn, mail},
    },
    time::Timestamp,
};
use rand::CryptoRng;
use std::time::Duration;

/// The time in which the person can stop the reset.
pub const WAIT: Duration = Duration::from_secs(86_400);
/// How many resets one run of the job carries out.
const AT_ONCE: u16 = 100;

/// Why no reset was started.
#[derive(Debug, thiserror::Error)]
pub enum ResetTwoFactorError {
    #[error(transparent)]
    NoOwner(#[from] NoOwner),
    #[error("no such member")]
    NotFound,
    /// An owner changes its own two-factor authentication on its own page.
    #[error("this is the owner itself")]
    Oneself,
    /// The person belongs to other tenants too, or has no second factor, or a reset was started already: the
    /// operator decides. The owner does not learn which.
    #[error("only the operator can do this")]
    OperatorOnly,
    #[error(transparent)]
    Own(#[from] OwnError),
}

impl From<StoreError> for ResetTwoFactorError {
    fn from(error: StoreError) -> Self {
        Self::Own(error.into())
    }
}

/// The outcome for the owner.
#[derive(Debug)]
pub struct Started {
    pub effective: Timestamp,
    /// The next secret of the owner's session.
    pub secret: Option<LinkSecret>,
}

/// Starts the reset of a member's second factor. The person gets a mail with a link that stops it.
pub async fn start_reset(
    own: &SignedIn<'_>,
    actor: &Actor,
    member: MemberId,
    proven: &Proven,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<Started, ResetTwoFactorError> {
    let owner = owner_of(own.entrance, actor).await??;
    let directory = &own.entrance.context.directory;
    let found = directory.member(actor.tenant, member).await?.ok_or(ResetTwoFactorError::NotFound)?;
    if found.id == owner.id {
        return Err(ResetTwoFactorError::Oneself);
    }
    let account = own.people().account(found.person).await?.ok_or(ResetTwoFactorError::NotFound)?;
    let is_alone = directory.memberships(found.person).await?.len() == 1;
    if !is_alone || account.phone.is_none() || account.reset_2fa_at.is_some() {
        return Err(ResetTwoFactorError::OperatorOnly);
    }
    let tenant = directory.tenant(actor.tenant).await?.ok_or(ResetTwoFactorError::NotFound)?.name;
    let taken = proven.take(own).await?;
    let effective = own.now + WAIT;
    let cancel = LinkSecret::generate(rng);
    let link = Link {
        secret: cancel.hash(),
        kind: LinkKind::SignOutEverywhere,
        person: Some(found.person),
        epoch: account.person.epoch,
        sealed: None,
        made_at: own.now,
        expires_at: own.now + LinkKind::SignOutEverywhere.life(),
    };
    let news = News::TwoFactorResetStarted { tenant, effective, cancel: LinkPath::mail(&cancel) };
    // The mail first: no reset waits without the person's knowledge.
    own.people().add_link(&link, &[mail(&own.entrance.context, &account, news, own.now, rng)?]).await?;
    let change = AccountChange::ResetTwoFactorAt(Some(effective));
    own.people().change_account(&account, &change, Along::default(), by).await?;
    Ok(Started { effective, secret: taken.renew(own, rng).await })
}

/// Stops a reset that was started in the owner's tenant. Returns whether there was one.
pub async fn stop_reset(
    entrance: &Entrance,
    actor: &Actor,
    member: MemberId,
    by: &Change,
) -> Result<bool, ResetTwoFactorError> {
    owner_of(entrance, actor).await??;
    let member = entrance.context.directory.member(actor.tenant, member).await?;
    let person = member.ok_or(ResetTwoFactorError::NotFound)?.person;
    let account = entrance.people.account(person).await?.ok_or(ResetTwoFactorError::NotFound)?;
    if account.reset_2fa_at.is_none() {
        return Ok(false);
    }
    let stop = AccountChange::ResetTwoFactorAt(None);
    entrance.people.change_account(&account, &stop, Along::default(), by).await?;
    Ok(true)
}

/// Carries out the resets that are due. Returns their number.
pub async fn carry_out_due(
    entrance: &Entrance,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<u32, StoreError> {
    let mut done = 0;
    for account in entrance.people.due_resets(now, AT_ONCE).await? {
        let memberships = entrance.context.directory.memberships(account.person.id).await?;
        // Meanwhile the person joined another tenant, whose owners have a say too.
        let outcome = if memberships.len() == 1 {
            switch_off(
                (&entrance.context, &*entrance.people),
                &account,
                By::Owner,
                &Change::by_system(now),
                rng,
            )
            .await
        } else {
            let stop = AccountChange::ResetTwoFactorAt(None);
            let by = Change::by_system(now);
            Ok(entrance.people.change_account(&account, &stop, Along::default(), &by).await?)
        };
        match outcome {
            Ok(()) => done += 1,
            // The person changed something since; the next run looks again.
            Err(OwnError::Moved) => {}
            Err(OwnError::Store(error)) => return Err(error),
            Err(OwnError::Sealed | OwnError::SignedOut) => {}
        }
    }
    Ok(done)
}

/// Switches the second factor off for a person who cannot. The person and the owners of its tenants hear of it.
pub(super) async fn switch_off(
    (management, people): (&Management, &dyn SignInStore),
    account: &Account,
    whom: By,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<(), OwnError> {
    let news = News::TwoFactorOff { at: by.at, by: whom };
    let mut notices = vec![mail(management, account, news, by.at, rng)?];
    notices.extend(two_factor_off(management, account, by.at, rng).await?);
    let along = Along { notices: &notices, ..Along::default() };
    Ok(people.change_account(account, &AccountChange::TwoFactorOff, along, by).await?)
}
