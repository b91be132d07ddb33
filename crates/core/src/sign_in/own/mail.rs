//! Links in mails with one button: sign out everywhere, confirm an address, undo a change of the address.

use crate::{
    people::{
        account::{Account, AccountChange},
        invitation::LinkSecret,
        link::{Link, LinkKind},
        notice::{News, Notice},
        person::{EmailAddress, Identity},
        session::Session,
    },
    ports::{
        error::StoreError,
        people::accounts::{Along, Consumed},
    },
    sign_in::{
        Entrance, Visitor,
        own::email::{address_change, carried},
        signed_in::{OwnError, identity},
    },
    time::Timestamp,
};
use rand::CryptoRng;

/// How often a link is used again because the account changed meanwhile: a thief may change it all the time.
const ROUNDS: usize = 64;

/// Why a link did nothing.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The link was used, has expired, or what it should do is not possible. The person does not learn which: an
    /// address that somebody else has is no secret that a link may tell.
    #[error("the link is void")]
    Void,
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for MailError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Moved | StoreError::Conflict => Self::Void,
            other => Self::Store(other),
        }
    }
}

impl From<OwnError> for MailError {
    fn from(error: OwnError) -> Self {
        match error {
            OwnError::Store(error) => error.into(),
            OwnError::Moved | OwnError::SignedOut | OwnError::Sealed => Self::Void,
        }
    }
}

/// What a link did.
#[derive(Debug)]
pub struct Used {
    pub kind: LinkKind,
    /// The next secret of the session that used it, if it goes on.
    pub secret: Option<LinkSecret>,
}

/// What the button of a link's page does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    SignOutEverywhere,
    /// This address becomes the person's.
    ConfirmAddress(EmailAddress),
    /// The person gets this former address back.
    UndoAddress(EmailAddress),
}

/// Looks at a link; `None` for a void one. This changes nothing.
pub async fn open_mail(
    entrance: &Entrance,
    secret: &LinkSecret,
    now: Timestamp,
) -> Result<Option<Opened>, StoreError> {
    let Some((link, _)) = found(entrance, secret, now).await? else { return Ok(None) };
    let email = carried(&link, &entrance.context.keyring);
    Ok(match link.kind {
        LinkKind::SignOutEverywhere => Some(Opened::SignOutEverywhere),
        LinkKind::ConfirmAddress => email.map(Opened::ConfirmAddress),
        LinkKind::UndoAddress => email.map(Opened::UndoAddress),
        LinkKind::SetUp | LinkKind::Reset | LinkKind::EnrolTwoFactor => None,
    })
}

/// Does what the link says. `session` is the session of the browser, if it has one: it goes on after the person has
/// confirmed its new address there.
pub async fn use_mail(
    entrance: &Entrance,
    visitor: &Visitor,
    session: Option<&Session>,
    secret: &LinkSecret,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Used, MailError> {
    for _ in 0..ROUNDS {
        match use_once(entrance, visitor, session, secret, now, rng).await {
            // The person's account has changed meanwhile. If the link is still good, it ends what a thief does.
            Err(MailError::Void) if found(entrance, secret, now).await?.is_some() => {}
            outcome => return outcome,
        }
    }
    Err(MailError::Void)
}

async fn use_once(
    entrance: &Entrance,
    visitor: &Visitor,
    session: Option<&Session>,
    secret: &LinkSecret,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Used, MailError> {
    let (link, account) = found(entrance, secret, now).await?.ok_or(MailError::Void)?;
    let mut notices = Vec::new();
    let change = match link.kind {
        LinkKind::SignOutEverywhere => AccountChange::SignOutEverywhere { forget_devices: true },
        kind => {
            let email = carried(&link, &entrance.context.keyring).ok_or(MailError::Void)?;
            let present = identity(&entrance.context, &account)?;
            let next = Identity { email, ..present.clone() };
            // An undo before the new address was confirmed changes no address.
            if kind == LinkKind::UndoAddress && next.email != present.email {
                let told =
                    [(&next, News::AddressRestored { at: now }), (&present, News::AddressLeft { at: now })];
                notices = told
                    .map(|(to, news)| {
                        let notice = Notice::mail(&account.person, to, news, now, rng);
                        notice.sealed(&entrance.context.keyring, rng)
                    })
                    .into();
            }
            address_change(&entrance.context, &account, &next, rng)
        }
    };
    let next = LinkSecret::generate(rng);
    let own = session
        .filter(|session| session.person == account.person.id && session.epoch == account.person.epoch);
    // A thief who changed the address may have this very session, so an undo ends all.
    let kept = own.filter(|_| link.kind != LinkKind::UndoAddress).map(|own| (own.id, next.hash()));
    let by = visitor.change(now);
    let consumes = [Consumed::Link(secret.hash())];
    let along = Along { consumes: &consumes, kept, notices: &notices };
    entrance.people.change_account(&account, &change, along, &by).await?;
    Ok(Used { kind: link.kind, secret: kept.map(|_| next) })
}

async fn found(
    entrance: &Entrance,
    secret: &LinkSecret,
    now: Timestamp,
) -> Result<Option<(Link, Account)>, StoreError> {
    let Some(link) = entrance.people.link(secret.hash(), now).await? else { return Ok(None) };
    let (LinkKind::SignOutEverywhere | LinkKind::ConfirmAddress | LinkKind::UndoAddress) = link.kind else {
        return Ok(None);
    };
    let Some(person) = link.person else { return Ok(None) };
    let Some(account) = entrance.people.account(person).await? else { return Ok(None) };
    let is_good = !link.kind.ends_with_epoch() || link.epoch == account.person.epoch;
    Ok(is_good.then_some((link, account)))
}
