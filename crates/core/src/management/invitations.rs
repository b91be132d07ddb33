//! Management of invitations. The author must cover the limits of the invited member, both now and when the
//! invitation is accepted.

use crate::{
    access::{actor::Actor, change::Change},
    context::{Management, Replica},
    id::{InvitationId, MemberId, PersonId, TenantId},
    locale::Locale,
    management::{
        inviter::Inviter,
        owner_mails::GrantMails,
        reach::{Ends, Granting, MemberError, Rights, author, judged},
        repeat::{made_once, refuse_repeat},
        resources::Made,
    },
    people::{
        hours::Zone,
        invitation::{Invitation, LinkSecret, MOST_A_DAY, NotSentAgain},
        member::{Limits, Member},
        notice::{LinkPath, News, Notice, SealedNotice},
        password::PasswordText,
        person::{EmailAddress, Identity, Person},
    },
    ports::{
        directory::{invitations::Offer, members::Joining},
        error::StoreError,
    },
    tenant::system::Part,
    verification::idempotency::{IdempotencyError, Once},
};
use rand::CryptoRng;

/// How the link of an invitation reaches the invited person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handover {
    /// The outbox mails it. The transaction of the invitation stores the mail.
    Mail,
    /// The caller hands it over.
    Caller,
}

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
    handover: Handover,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<(Invitation, LinkSecret), MemberError> {
    let id = InvitationId::new(by.at, rng);
    offer(management, actor, (id, email, limits), (handover, None), by, rng).await
}

/// As [`invite`], for a request that may be repeated. The caller gets no link.
pub async fn invite_once(
    management: &Management,
    actor: &Actor,
    (email, limits): (&EmailAddress, &Limits),
    (handover, once): (Handover, Option<&Once>),
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<Made<Invitation>, MemberError> {
    if let Some(value) = made_before(management, actor.tenant, once, by).await? {
        return Ok(Made { value, before: true });
    }
    let mut id = *InvitationId::new(by.at, rng).bytes();
    if let Some(once) = once {
        id[6..].copy_from_slice(mark(once));
    }
    let asked = (InvitationId::from_bytes(id), email, limits);
    match offer(management, actor, asked, (handover, once), by, rng).await {
        Ok((value, _)) => Ok(Made { value, before: false }),
        // Another request with the same Idempotency-Key came first.
        Err(MemberError::Idempotency(IdempotencyError::SecretShown)) => {
            let first = made_before(management, actor.tenant, once, by).await?;
            Ok(Made { value: first.ok_or(StoreError::Conflict)?, before: true })
        }
        Err(error) => Err(error),
    }
}

/// The last bytes of the id of an invitation that a request with an Idempotency-Key creates. A repeat finds the
/// invitation by them. The slot is a keyed hash, so they reveal nothing.
fn mark(once: &Once) -> &[u8] {
    &once.slot[6..]
}

/// The invitation that an earlier request with this Idempotency-Key created.
async fn made_before(
    replica: &Replica,
    tenant: TenantId,
    once: Option<&Once>,
    by: &Change,
) -> Result<Option<Invitation>, MemberError> {
    match refuse_repeat::<MemberError>(replica, tenant, once, by.at).await {
        Ok(()) => return Ok(None),
        Err(MemberError::Idempotency(IdempotencyError::SecretShown)) => {}
        Err(error) => return Err(error),
    }
    // A key is kept for a day. A second day's worth is read, because the clocks of nodes differ.
    let most = u16::try_from(2 * MOST_A_DAY).unwrap_or(u16::MAX);
    let newest = replica.directory.list_invitations(tenant, None, most).await?;
    let is_it = |one: &Invitation| once.is_some_and(|once| one.id.bytes()[6..] == *mark(once));
    Ok(Some(newest.into_iter().find(is_it).ok_or(MemberError::MadeBefore)?))
}

async fn offer(
    management: &Management,
    actor: &Actor,
    (id, email, limits): (InvitationId, &EmailAddress, &Limits),
    (handover, once): (Handover, Option<&Once>),
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<(Invitation, LinkSecret), MemberError> {
    management.permit(actor.tenant, Part::Members)?;
    let granted = (limits.clone(), author(actor));
    let (invitation, secret) =
        Invitation::new((actor.tenant, id), email, granted, &management.keyring, by.at, rng);
    let mail = mail(management, (&invitation, &secret), handover, by, rng).await?;
    judged(Ends::No, || async {
        let rights = Rights::of(management, actor, by.at).await?;
        rights.refuse_bound_key()?;
        rights.reach.covers(None, &[limits])?;
        let offer = Offer { invitation: &invitation, mail: mail.as_ref(), once };
        let made = management.directory.create_invitation(offer, rights.acting, by).await;
        match made_once::<MemberError>(management, actor.tenant, once, by.at, made).await {
            Err(MemberError::Directory(StoreError::Conflict)) => Err(MemberError::Exists),
            outcome => outcome,
        }
    })
    .await?;
    management.catch_up().await;
    Ok((invitation, secret))
}

/// The mail with the link of an invitation. The link is in no other place.
async fn mail(
    management: &Management,
    (invitation, secret): (&Invitation, &LinkSecret),
    handover: Handover,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<Option<SealedNotice>, MemberError> {
    if handover == Handover::Caller {
        return Ok(None);
    }
    let tenant = management.directory.tenant(invitation.tenant).await?.ok_or(MemberError::NotFound)?;
    let to = invitation.open(&management.keyring).ok_or(MemberError::NotFound)?;
    let (invited_by, language) = match Inviter::of(management, invitation).await? {
        Inviter::Named { name, language } => (Some(name), language),
        Inviter::Operator | Inviter::Unknown => (None, None),
    };
    let link = LinkPath::invitation(invitation.tenant, invitation.id, secret);
    let news = News::Invitation { tenant: tenant.name, invited_by, link, expires: invitation.expires_at };
    let notice = Notice::invitation(invitation, &to, news, &language.unwrap_or_default(), by.at, rng);
    Ok(Some(notice.sealed(&management.keyring, rng)))
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
    management: &Management,
    actor: &Actor,
    id: InvitationId,
    handover: Handover,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<(Invitation, LinkSecret), MemberError> {
    management.permit(actor.tenant, Part::Members)?;
    let secret = LinkSecret::generate(rng);
    let again =
        |former: &Invitation| former.sent_again(author(actor), &secret, by.at).map_err(MemberError::from);
    // The mail shows nothing that another change of the invitation changes.
    let asked = again(&stored(management, actor.tenant, id).await?)?;
    let mail = mail(management, (&asked, &secret), handover, by, rng).await?;
    let invitation = judged(Ends::No, || async {
        let rights = Rights::of(management, actor, by.at).await?;
        let former = stored(management, actor.tenant, id).await?;
        rights.refuse_bound_key()?;
        rights.reach.covers(None, &[&former.limits])?;
        let next = again(&former)?;
        let renewal = (&former, &next);
        management.directory.renew_invitation(renewal, mail.as_ref(), rights.acting, by).await?;
        Ok(next)
    })
    .await?;
    management.catch_up().await;
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
    let mails = mails_on(management, (tenant, id), accepting, by, rng).await?;
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
        let notices = mails.on(None, &member.limits);
        match management.directory.add_member(joining, rights.acting, &notices, by).await {
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

/// The mails to the owners on what the person gets by accepting. The limits of an invitation never change.
async fn mails_on(
    management: &Management,
    (tenant, id): (TenantId, InvitationId),
    accepting: &Accepting,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<GrantMails, MemberError> {
    let Some(invitation) = management.directory.invitation(tenant, id).await? else {
        return Ok(GrantMails::default());
    };
    let name = match accepting {
        Accepting::New(identity, ..) => Some(identity.name.clone()),
        Accepting::Known(person) => {
            let person = management.directory.person(*person).await?;
            person.and_then(|person| person.open(&management.keyring)).map(|identity| identity.name)
        }
    };
    Ok(GrantMails::of(management, tenant, (name.as_ref(), &invitation.limits), by.at, rng).await?)
}
