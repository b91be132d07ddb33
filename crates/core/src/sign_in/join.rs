//! Persons who come by a link: the set-up of the installation, and invitations. Each refusal of a link is the same.

use crate::{
    acts::ways::portal_has_route,
    id::{InvitationId, MemberId, PersonId, TenantId},
    locale::Locale,
    management::{
        invitations::{Accepting, accept},
        inviter::Inviter,
        reach::MemberError,
    },
    people::{
        hours::Zone,
        invitation::{Invitation, LinkSecret},
        link::LinkKind,
        member::{Limits, Member},
        password::{Fault, Password, PasswordText},
        person::{EmailAddress, EmailMark, Identity, Person, PersonName},
        session::Factors,
    },
    phone::PhoneNumber,
    ports::{
        directory::members::Joining,
        error::StoreError,
        hasher::{Crowded, Lane},
    },
    sign_in::{
        Entrance, Visitor,
        attempt::Browser,
        begin::{Beginning, NewSession, begin},
        own::enrolment::{EnrolError, ask_enrolment},
        signed_in::{OwnError, SignedIn},
        visit::{Visit, needs_code},
    },
    tenant::{OPERATOR, TenantName},
    time::Timestamp,
};
use rand::CryptoRng;

/// Why somebody did not join.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// The link is void, belongs to another address, or its author may no longer invite.
    #[error("the link is not good")]
    BadLink,
    /// The invited address has an account: the person signs in and accepts. Only the holder of a good link learns
    /// that.
    #[error("the address has an account")]
    Known,
    /// The password breaks the rule.
    #[error("the password is refused")]
    Password(Vec<Fault>),
    #[error(transparent)]
    Crowded(#[from] Crowded),
    #[error("people")]
    Unavailable(#[source] StoreError),
}

impl From<StoreError> for JoinError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Moved | StoreError::Conflict => Self::BadLink,
            error => Self::Unavailable(error),
        }
    }
}

impl From<MemberError> for JoinError {
    fn from(error: MemberError) -> Self {
        match error {
            MemberError::Directory(error) => Self::Unavailable(error),
            _ => Self::BadLink,
        }
    }
}

/// What the holder of a good link sees.
#[derive(Clone, Debug)]
pub struct OpenInvitation {
    pub tenant: TenantName,
    pub email: EmailAddress,
    pub inviter: Inviter,
    pub limits: Limits,
    pub expires_at: Timestamp,
    /// The mark of the address.
    pub mark: EmailMark,
    /// Whether the tenant demands a second factor now, so that a new person types a number, too.
    pub needs_phone: bool,
}

/// What a new person chose.
#[derive(Clone, Debug)]
pub struct NewPerson<'a> {
    pub name: PersonName,
    /// The password, as it was typed.
    pub password: &'a str,
    pub language: Locale,
    pub zone: Zone,
}

/// Opens an invitation without changing anything.
pub async fn open_invitation(
    entrance: &Entrance,
    (tenant, id): (TenantId, InvitationId),
    secret: &LinkSecret,
    now: Timestamp,
) -> Result<OpenInvitation, JoinError> {
    let context = &entrance.context;
    let invitation = context.directory.invitation(tenant, id).await?;
    let invitation = invitation.filter(|invitation| invitation.opens_with(secret, now));
    let view = context.snapshot.tenant(tenant).filter(|_| !context.snapshot.is_disabled(tenant));
    let (Some(invitation), Some(view)) = (invitation, view) else { return Err(JoinError::BadLink) };
    let email = invitation.open(&context.keyring).ok_or(JoinError::BadLink)?;
    let rules = view.settings.security.rules(tenant);
    let needs_phone = portal_has_route(context) && needs_code(context, tenant, rules, now);
    let inviter = Inviter::of(context, &invitation).await?;
    let Invitation { email: mark, limits, expires_at, .. } = invitation;
    let tenant = view.tenant.name.clone();
    Ok(OpenInvitation { tenant, email, inviter, limits, expires_at, mark, needs_phone })
}

/// Makes the invited person and its membership, and begins its first session.
pub async fn accept_as_new(
    entrance: &Entrance,
    visitor: &Visitor,
    (tenant, id, secret): (TenantId, InvitationId, &LinkSecret),
    new: NewPerson<'_>,
    former: Option<&LinkSecret>,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<NewSession, JoinError> {
    let invitation = open_invitation(entrance, (tenant, id), secret, now).await?;
    if entrance.context.directory.find_person(invitation.mark).await?.is_some() {
        return Err(JoinError::Known);
    }
    let identity = Identity { name: new.name, email: invitation.email };
    let hash = chosen(entrance, visitor, new.password, (&identity, Some(&invitation.tenant))).await?;
    let accepting = Accepting::New(identity, new.language, new.zone, hash);
    let by = visitor.change(now);
    let member = accept(&entrance.context, (tenant, id), secret, &accepting, &by, rng).await?;
    first_session(entrance, visitor, &member, former, now, rng).await
}

/// Sends the first code to the number that a new person typed beside its password. The person has joined already: if
/// this fails, the page of the second factor asks for a number again.
pub async fn send_first_code(
    entrance: &Entrance,
    visitor: &Visitor,
    new: &NewSession,
    (typed, number): (&str, &PhoneNumber),
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<(), EnrolError> {
    let session = &new.session;
    let account = entrance.people.account(session.person).await?.ok_or(OwnError::SignedOut)?;
    let own = SignedIn { entrance, session, account: &account, visitor, now };
    ask_enrolment(&own, typed, number, None, rng).await.map(drop)
}

/// Makes a person who is signed in a member. The person must have the invited address.
pub async fn accept_signed_in(
    entrance: &Entrance,
    visitor: &Visitor,
    (tenant, id, secret): (TenantId, InvitationId, &LinkSecret),
    visit: &Visit,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Member, JoinError> {
    let (known, by) = (Accepting::Known(visit.session.person), visitor.change(now));
    Ok(accept(&entrance.context, (tenant, id), secret, &known, &by, rng).await?)
}

/// Whether this is the good link of a set-up.
pub async fn is_setup(entrance: &Entrance, secret: &LinkSecret, now: Timestamp) -> Result<bool, StoreError> {
    let link = entrance.people.link(secret.hash(), now).await?;
    Ok(link.is_some_and(|link| link.kind == LinkKind::SetUp))
}

/// Makes the operator's first person, and begins its first session.
pub async fn set_up(
    entrance: &Entrance,
    visitor: &Visitor,
    secret: &LinkSecret,
    (email, new): (EmailAddress, NewPerson<'_>),
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<NewSession, JoinError> {
    if !is_setup(entrance, secret, now).await? {
        return Err(JoinError::BadLink);
    }
    let identity = Identity { name: new.name, email };
    let hash = chosen(entrance, visitor, new.password, (&identity, None)).await?;
    let (context, by) = (&entrance.context, visitor.change(now));
    let limits = Limits::of_owner(new.zone.clone());
    let whole = (new.language, new.zone);
    let person = Person::new(PersonId::new(rng), &identity, whole, &context.keyring, now, rng);
    let member = Member {
        id: MemberId::new(now, rng),
        tenant: OPERATOR,
        person: person.id,
        limits,
        disabled: false,
        version: 1,
        created_at: now,
    };
    let joining = Joining { member: &member, person: Some(&person), password: Some(&hash), invitation: None };
    entrance.people.set_up(secret.hash(), joining, &by).await?;
    context.catch_up().await;
    first_session(entrance, visitor, &member, None, now, rng).await
}

/// Judges and hashes the password of a new person.
async fn chosen(
    entrance: &Entrance,
    visitor: &Visitor,
    typed: &str,
    (identity, tenant): (&Identity, Option<&TenantName>),
) -> Result<PasswordText, JoinError> {
    let password = Password::read(typed).ok_or_else(|| JoinError::Password(Vec::new()))?;
    let mut known = vec![identity.email.expose(), identity.name.expose()];
    known.extend(tenant.map(TenantName::as_str));
    password.judge(&known).map_err(JoinError::Password)?;
    let lane = Lane::Stranger(visitor.network());
    let hash = entrance.hasher.hash(lane, password, Vec::new()).await?;
    hash.ok_or_else(|| JoinError::Password(Vec::new()))
}

async fn first_session(
    entrance: &Entrance,
    visitor: &Visitor,
    member: &Member,
    former: Option<&LinkSecret>,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<NewSession, JoinError> {
    let account = entrance.people.account(member.person).await?.ok_or(JoinError::BadLink)?;
    let browser = Browser::of(entrance, visitor, member.person, now).await?;
    let beginning = Beginning {
        factors: Factors::Password,
        tenant: Some(member.tenant),
        invited: true,
        half: None,
        recovery: None,
        former,
        notices: &[],
        mail: None,
        mailed: true,
    };
    Ok(begin(entrance, visitor, (&account, browser), beginning, now, rng).await?)
}
