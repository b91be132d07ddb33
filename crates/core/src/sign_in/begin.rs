//! The session that begins when a sign-in is finished.

use crate::{
    access::key::HashedSecret,
    id::{DeviceId, SessionId, TenantId},
    people::{
        account::Account,
        invitation::LinkSecret,
        notice::SealedNotice,
        recovery::RecoveryMark,
        session::{Device, Factors, Session, SignIn, SignInOutcome},
        waits::WaitCount,
    },
    ports::{error::StoreError, people::sessions::Finished},
    sign_in::{
        Entrance, Visitor,
        attempt::{AttemptMail, Browser, attempt, cut},
    },
    time::Timestamp,
};
use rand::CryptoRng;

/// A session that has begun, with what the browser gets.
#[derive(Debug)]
pub struct NewSession {
    /// For the cookie of the session.
    pub secret: LinkSecret,
    pub session: Session,
    /// For the browser's own cookie, if it had none that the server knows. The server never takes over a secret that
    /// a browser brings.
    pub device: Option<LinkSecret>,
}

/// How a session begins.
#[derive(Debug)]
pub(super) struct Beginning<'a> {
    pub factors: Factors,
    /// The tenant that the person enters with this session.
    pub tenant: Option<TenantId>,
    /// Whether the person has just joined the tenant by an invitation.
    pub invited: bool,
    pub half: Option<HashedSecret>,
    pub recovery: Option<RecoveryMark>,
    /// The secret of the session that this browser had before.
    pub former: Option<&'a LinkSecret>,
    pub notices: &'a [SealedNotice],
    /// The mail on this attempt. It is left out if the person got too many such links in the last hour.
    pub mail: Option<&'a AttemptMail>,
    /// Whether the person has got a mail on this attempt.
    pub mailed: bool,
}

/// Begins a session. The error is `Moved` if the account has changed, or what the sign-in uses up is gone.
pub(super) async fn begin(
    entrance: &Entrance,
    visitor: &Visitor,
    (account, browser): (&Account, Browser),
    beginning: Beginning<'_>,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<NewSession, StoreError> {
    let person = &account.person;
    let (device, device_secret) = match browser.device {
        Some(device) => (Device { seen_at: now, agent: cut(&visitor.agent).to_owned(), ..device }, None),
        None => {
            let secret = LinkSecret::generate(rng);
            let id = DeviceId::new(now, rng);
            let agent = cut(&visitor.agent).to_owned();
            (Device { id, secret: secret.hash(), agent, made_at: now, seen_at: now }, Some(secret))
        }
    };
    let secret = LinkSecret::generate(rng);
    let session = Session {
        id: SessionId::new(now, rng),
        secret: secret.hash(),
        person: person.id,
        epoch: person.epoch,
        device: device.id,
        tenant: beginning.tenant,
        factors: beginning.factors,
        invited: beginning.invited,
        signed_in_at: now,
        seen_at: now,
        address: visitor.address,
        flash: None,
    };
    let done = SignIn {
        person: Some(person.id),
        tenant: beginning.tenant,
        device: Some(device.id),
        ..attempt(entrance, visitor, person.email, SignInOutcome::Done, now, rng)
    };
    // The browser has its own tries again.
    let tries = &WaitCount::of_device(device.id, person.id, &entrance.context.keyring);
    let finished = Finished {
        session: &session,
        device: &device,
        half: beginning.half,
        recovery: beginning.recovery,
        former: beginning.former.map(LinkSecret::hash),
        sign_in: &done,
        notices: beginning.notices,
        mail: beginning.mail.map(|mail| (&mail.link, &mail.notice)),
        mailed: beginning.mailed || beginning.mail.is_some(),
        tries,
    };
    let by = &visitor.change(now);
    match entrance.people.finish_sign_in(finished, by).await {
        Err(StoreError::Full { .. }) if finished.mail.is_some() => {
            let finished = Finished { mail: None, mailed: beginning.mailed, ..finished };
            entrance.people.finish_sign_in(finished, by).await?;
        }
        outcome => outcome?,
    }
    Ok(NewSession { secret, session, device: device_secret })
}
