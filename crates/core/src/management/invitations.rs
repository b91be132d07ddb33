//! Management of invitations. The author must cover the limits of the invited member, both now and when the
//! invitation is accepted.

use crate::{
    access::{actor::Actor, change::Change},
    context::{Management, Replica},
    id::{InvitationId, MemberId, PersonId, TenantId},
    locale::Locale,
    management::reach::{Ends, Granting, MemberError, Rights, author, judged},
    people::{
        hours::Zone,
        invitation::{Invitation, LinkSecret, NotSentAgain},
        member::{Limits, Member},
        notice::{LinkPath, News, Notice},
        password::PasswordText,
        person::{EmailAddress, Identity, Person},
    },
    ports::{directory::members::Joining, error::StoreError, people::notices::Notices},
    tenant::system::Part,
    time::Timestamp,
};
use rand::CryptoRng;

/// The person who accepts an invitation.
#[derive(Clone, Debug)]
pub enum Accepting {
    /// A person who has an account, and signed in.
    Known(PersonId),
    /// Somebody without an account, with the password that it chose.
    New(Identity, Locale, Zone, PasswordText),
}

impl From<NotSentAgain> for MemberError {
    fn from(refused: NotSentAgain) -> Self {
        match refused {
            NotSentAgain::TooOften => Self::SentTooOften,
            NotSentAgain::TooSoon(wait) => Self::SentTooSoon(wait),
        }
    }
}

/// Invites somebody. Only the second value contains the secret of the link.
pub async fn invite(
    management: &Management,
    actor: &Actor,
    (email, limits): (&EmailAddress, &Limits),
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<(Invitation, LinkSecret), MemberError> {
    management.permit(actor.tenant, Part::Members)?;
    let id = (actor.tenant, InvitationId::new(by.at, rng));
    let granted = (limits.clone(), author(actor));
    let (invitation, secret) = Invitation::new(id, email, granted, &management.keyring, by.at, rng);
    judged(Ends::No, || async {
        let rights = Rights::of(management, actor, by.at).await?;
        rights.refuse_bound_key()?;
        rights.reach.covers(None, &[limits])?;
        match management.directory.create_invitation(&invitation, rights.acting, by).await {
            Err(StoreError::Conflict) => Err(MemberError::Exists),
            outcome => Ok(outcome?),
        }
    })
    .await?;
    management.catch_up().await;
    Ok((invitation, secret))
}

/// Puts the mail with the link of an invitation into the outbox. The link is in no other place.
pub async fn mail_invitation(
    management: &Management,
    notices: &dyn Notices,
    (invitation, secret): (&Invitation, &LinkSecret),
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<(), MemberError> {
    let tenant = management.directory.tenant(invitation.tenant).await?.ok_or(MemberError::NotFound)?;
    let to = invitation.open(&management.keyring).ok_or(MemberError::NotFound)?;
    let link = LinkPath::invitation(invitation.tenant, invitation.id, secret);
    let news =
        News::Invitation { tenant: tenant.name, invited_by: None, link, expires: invitation.expires_at };
    let notice = Notice::invitation(invitation, &to, news, &Locale::default(), now, rng);
    Ok(notices.add_notices(&[notice.sealed(&management.keyring, rng)]).await?)
}

/// The invitations of the caller's tenant before `before`, newest first.
pub async fn list_invitations(
    replica: &Replica,
    actor: &Actor,
    before: Option<InvitationId>,
    limit: u16,
) -> Result<Vec<Invitation>, MemberError> {
    Ok(replica.directory.list_invitations(actor.tenant, before, limit).await?)
}

/// Reads an invitation of the caller's tenant.
pub async fn read_invitation(
    replica: &Replica,
    actor: &Actor,
    id: InvitationId,
) -> Result<Invitation, MemberError> {
    stored(replica, actor.tenant, id).await
}

async fn stored(replica: &Replica, tenant: TenantId, id: InvitationId) -> Result<Invitation, MemberError> {
    replica.directory.invitation(tenant, id).await?.ok_or(MemberError::NotFound)
}

/// Makes another link; the former one is void. From now on the caller is the author.
pub async fn send_again(
    replica: &Replica,
    actor: &Actor,
    id: InvitationId,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<(Invitation, LinkSecret), MemberError> {
    replica.permit(actor.tenant, Part::Members)?;
    let secret = LinkSecret::generate(rng);
    let invitation = judged(Ends::No, || async {
        let rights = Rights::of(replica, actor, by.at).await?;
        let former = stored(replica, actor.tenant, id).await?;
        rights.refuse_bound_key()?;
        rights.reach.covers(None, &[&former.limits])?;
        let again = former.sent_again(author(actor), &secret, by.at)?;
        replica.directory.renew_invitation((&former, &again), rights.acting, by).await?;
        Ok(again)
    })
    .await?;
    replica.catch_up().await;
    Ok((invitation, secret))
}

/// Ends an invitation. Its link is void from now on.
pub async fn withdraw(
    replica: &Replica,
    actor: &Actor,
    id: InvitationId,
    by: &Change,
) -> Result<(), MemberError> {
    replica.permit(actor.tenant, Part::Members)?;
    judged(Ends::Yes, || async {
        let rights = Rights::of(replica, actor, by.at).await?;
        let invitation = stored(replica, actor.tenant, id).await?;
        rights.reach.covers(None, &[&invitation.limits])?;
        Ok(replica.directory.withdraw_invitation(&invitation, rights.acting, by).await?)
    })
    .await?;
    replica.catch_up().await;
    Ok(())
}

/// Makes the person a member. The person must have the invited address, and the author of the invitation must
/// still be enabled and cover its limits. Each refusal is the same, so that a link tells nothing.
pub async fn accept(
    management: &Management,
    (tenant, id): (TenantId, InvitationId),
    secret: &LinkSecret,
    accepting: &Accepting,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<Member, MemberError> {
    management.permit(tenant, Part::Members)?;
    let member = MemberId::new(by.at, rng);
    let (new, password) = match accepting {
        Accepting::Known(_) => (None, None),
        Accepting::New(identity, language, zone, password) => {
            let whole = (language.clone(), zone.clone());
            let id = PersonId::new(rng);
            (Some(Person::new(id, identity, whole, &management.keyring, by.at, rng)), Some(password))
        }
    };
    let member = judged(Ends::No, || async {
        let invitation = stored(management, tenant, id).await?;
        let rights = Granting::of(management, tenant, invitation.author, by.at).await?;
        rights.reach.covers(None, &[&invitation.limits])?;
        let stored = match accepting {
            Accepting::Known(id) => management.directory.person(*id).await?,
            Accepting::New(..) => None,
        };
        let person = new.as_ref().or(stored.as_ref()).filter(|person| person.email == invitation.email);
        let person = person.filter(|_| invitation.opens_with(secret, by.at)).ok_or(MemberError::BadLink)?;
        let member = Member {
            id: member,
            tenant,
            person: person.id,
            limits: invitation.limits.clone(),
            disabled: false,
            version: 1,
            created_at: by.at,
        };
        let joining =
            Joining { member: &member, person: new.as_ref(), invitation: Some(&invitation), password };
        match management.directory.add_member(joining, rights.acting, by).await {
            Err(StoreError::Conflict) => Err(MemberError::BadLink),
            outcome => outcome.map(|()| member).map_err(MemberError::Directory),
        }
    })
    .await;
    management.catch_up().await;
    member.map_err(|error| match error {
        MemberError::NotFound | MemberError::NoRights | MemberError::NotCovered(_) => MemberError::BadLink,
        error => error,
    })
}
