//! Another e-mail address: a link to the new address confirms it, and a link to the former one undoes it.

use crate::{
    access::key::HashedSecret,
    context::Management,
    id::PersonId,
    keyring::{Fingerprint, KeyRing, Place, Sealed},
    people::{
        account::{Account, AccountChange},
        invitation::LinkSecret,
        link::{Link, LinkKind},
        notice::{LinkPath, News, Notice, Recipient, Words},
        person::{EmailAddress, Identity, Person},
    },
    ports::error::StoreError,
    sign_in::{
        proof::Proven,
        signed_in::{OwnError, SignedIn, identity},
    },
    tenant::OPERATOR,
    time::Timestamp,
};
use rand::CryptoRng;

/// Why nothing was mailed.
#[derive(Debug, thiserror::Error)]
pub enum EmailError {
    /// It is the person's address already.
    #[error("this is the present address")]
    Same,
    /// The person asked too often in the last hour.
    #[error("too many links in an hour")]
    TooOften,
    #[error(transparent)]
    Own(#[from] OwnError),
}

impl From<StoreError> for EmailError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full { .. } => Self::TooOften,
            other => Self::Own(other.into()),
        }
    }
}

/// Mails a link to the new address, and a notice with an undo to the present one. Nothing says whether somebody else
/// has the new address.
pub async fn ask_email(
    own: &SignedIn<'_>,
    proven: &Proven,
    email: &EmailAddress,
    rng: &mut impl CryptoRng,
) -> Result<Option<LinkSecret>, EmailError> {
    let account = own.present().await?;
    let former = identity(&own.entrance.context, &account)?;
    if former.email == *email {
        return Err(EmailError::Same);
    }
    let taken = proven.take(own).await?;
    let (confirm, secret) = carrying(own, &account, LinkKind::ConfirmAddress, email, rng);
    let news = News::ConfirmAddress { link: LinkPath::mail(&secret), expires: confirm.expires_at };
    let to_new = Notice {
        to: Recipient::Mail(email.clone()),
        ..Notice::mail(&account.person, &former, news, own.now, rng)
    };
    own.people().add_link(&confirm, &[to_new.sealed(own.keyring(), rng)]).await?;
    let (undo, secret) = carrying(own, &account, LinkKind::UndoAddress, &former.email, rng);
    let news = News::AddressChanging { to: masked(email), undo: LinkPath::mail(&secret) };
    let to_former = Notice::mail(&account.person, &former, news, own.now, rng);
    own.people().add_link(&undo, &[to_former.sealed(own.keyring(), rng)]).await?;
    Ok(taken.renew(own, rng).await)
}

/// The new address whose link was mailed last and still works, and until when.
pub async fn pending_email(own: &SignedIn<'_>) -> Result<Option<(EmailAddress, Timestamp)>, StoreError> {
    let link = own.people().newest_link(own.session.person, LinkKind::ConfirmAddress, own.now).await?;
    Ok(link.and_then(|link| Some((carried(&link, own.keyring())?, link.expires_at))))
}

fn carrying(
    own: &SignedIn<'_>,
    account: &Account,
    kind: LinkKind,
    email: &EmailAddress,
    rng: &mut impl CryptoRng,
) -> (Link, LinkSecret) {
    let secret = LinkSecret::generate(rng);
    let place = place(account.person.id, secret.hash());
    let link = Link {
        secret: secret.hash(),
        kind,
        person: Some(account.person.id),
        epoch: account.person.epoch,
        sealed: Some(own.keyring().seal(&place, email.expose().as_bytes(), rng)),
        made_at: own.now,
        expires_at: own.now + kind.life(),
    };
    (link, secret)
}

/// An address belongs to its person and its link.
fn place(person: PersonId, secret: HashedSecret) -> Place {
    let mut number = [0; 16];
    number.copy_from_slice(&secret.bytes()[..16]);
    Place { kind: Sealed::Link, tenant: OPERATOR, id: *person.bytes(), number: Fingerprint(number) }
}

/// The address that a link carries.
pub(super) fn carried(link: &Link, keyring: &KeyRing) -> Option<EmailAddress> {
    let plain = keyring.open(&place(link.person?, link.secret), link.sealed.as_ref()?).ok()?;
    EmailAddress::parse(std::str::from_utf8(&plain).ok()?)
}

/// The change to this name and address.
pub(super) fn address_change(
    management: &Management,
    account: &Account,
    identity: &Identity,
    rng: &mut impl CryptoRng,
) -> AccountChange {
    let person = resealed(management, &account.person, identity, rng);
    AccountChange::Email(person.email, person.sealed)
}

/// A person with another name or address.
pub(super) fn resealed(
    management: &Management,
    person: &Person,
    identity: &Identity,
    rng: &mut impl CryptoRng,
) -> Person {
    let words = (person.language.clone(), person.zone.clone());
    let keyring = &management.keyring;
    let fresh = Person::new(person.id, identity, words, keyring, person.created_at, rng);
    Person { email: fresh.email, sealed: fresh.sealed, ..person.clone() }
}

/// The first letter and the domain: `a***@example.com`.
pub(super) fn masked(email: &EmailAddress) -> Words {
    let (local, domain) = email.expose().split_once('@').unwrap_or_default();
    Words::new(&format!("{}***@{domain}", local.chars().next().unwrap_or_default()))
}
