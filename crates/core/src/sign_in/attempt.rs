//! One attempt to sign in: the browser, the counts of wrong passwords, the row of the activity, and the mail.

use crate::{
    id::{DeviceId, PersonId, SignInId},
    people::{
        account::Account,
        agent::Agent,
        invitation::LinkSecret,
        link::{Link, LinkKind},
        notice::{LinkPath, News, Notice, SealedNotice, Words},
        person::EmailMark,
        session::{DEVICE_LIFE, Device, LONGEST_AGENT, OwnDevice, SignIn, SignInOutcome},
        waits::{WaitCount, Waiting},
    },
    ports::{error::StoreError, hasher::Lane},
    sign_in::{Entrance, Visitor},
    time::Timestamp,
};
use rand::CryptoRng;
use std::time::Duration;

/// A known browser that is not trusted causes at most one mail in this time.
const QUIET: Duration = Duration::from_secs(30 * 86_400);

/// The browser of an attempt.
#[derive(Clone, Debug)]
pub(super) struct Browser {
    /// `None` if the server does not know its cookie.
    pub device: Option<Device>,
    /// `None` if the person never finished a sign-in there.
    pub own: Option<OwnDevice>,
}

impl Browser {
    /// Looks the browser up. The number of queries does not depend on the person.
    pub async fn of(
        entrance: &Entrance,
        visitor: &Visitor,
        person: PersonId,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let people = &entrance.people;
        let device = match &visitor.device {
            Some(secret) => people.device(secret.hash(), now - DEVICE_LIFE).await?,
            None => None,
        };
        let own = match &device {
            Some(device) => people.own_device(person, device.id).await?,
            None => None,
        };
        Ok(Self { device, own })
    }

    pub fn id(&self) -> Option<DeviceId> {
        self.device.as_ref().map(|device| device.id)
    }
}

/// A try that is counted.
#[derive(Debug)]
pub(super) struct Counted {
    counts: [WaitCount; 3],
    pub lane: Lane,
}

impl Counted {
    /// Counts a try before the server looks at what was typed.
    pub async fn take(
        entrance: &Entrance,
        visitor: &Visitor,
        email: EmailMark,
        browser: &Browser,
        now: Timestamp,
    ) -> Result<Result<Self, Waiting>, StoreError> {
        let (people, keyring) = (&entrance.people, &entrance.context.keyring);
        let network = visitor.network();
        let pair = WaitCount::of_pair(email, network, keyring);
        let network_count = WaitCount::of_network(network, keyring);
        let counts = |last| [pair, network_count, last];
        if let Some(own) = &browser.own {
            let device = WaitCount::of_device(own.device.id, own.person, keyring);
            match people.count_try(&counts(device), now).await? {
                Ok(()) => {
                    let lane = Lane::Known(own.person);
                    return Ok(Ok(Self { counts: counts(device), lane }));
                }
                // The browser has used its own tries up. From here on it is like any other.
                Err(waiting) if waiting.count == device => {}
                Err(waiting) => return Ok(Err(waiting)),
            }
        }
        let counts = counts(WaitCount::of_account(email, keyring));
        let counted = people.count_try(&counts, now).await?;
        Ok(counted.map(|()| Self { counts, lane: Lane::Stranger(network) }))
    }

    pub async fn give_back(&self, entrance: &Entrance, now: Timestamp) -> Result<(), StoreError> {
        entrance.people.give_back(&self.counts, now).await
    }

    /// Gives the try back and counts one in `count` instead. If that one makes the caller wait, the try is given back
    /// all the same.
    pub async fn exchange(
        &self,
        entrance: &Entrance,
        count: WaitCount,
        now: Timestamp,
    ) -> Result<Result<(), Waiting>, StoreError> {
        let exchanged = entrance.people.exchange_try(&self.counts, &[count], now).await?;
        if exchanged.is_err() {
            self.give_back(entrance, now).await?;
        }
        Ok(exchanged)
    }
}

/// The row of an attempt, without person, tenant and device.
pub(super) fn attempt(
    entrance: &Entrance,
    visitor: &Visitor,
    email: EmailMark,
    outcome: SignInOutcome,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> SignIn {
    SignIn {
        id: SignInId::new(now, rng),
        at: now,
        outcome,
        person: None,
        email,
        tenant: None,
        address: visitor.address,
        country: entrance.places.country(visitor.address),
        device: None,
        agent: cut(&visitor.agent).to_owned(),
        count: 1,
    }
}

/// A user agent, cut to the length that is stored.
pub(super) fn cut(agent: &str) -> &str {
    &agent[..agent.floor_char_boundary(LONGEST_AGENT)]
}

/// A mail on an attempt. A known browser has a time since which it must not have caused another one.
#[derive(Debug)]
pub(super) struct AttemptMail {
    pub link: Link,
    pub notice: SealedNotice,
    pub unless_since: Option<(DeviceId, Timestamp)>,
}

/// The mail after a right password in a browser that the person does not trust. It contains a link that signs out
/// everywhere.
pub(super) fn mail_on_attempt(
    entrance: &Entrance,
    visitor: &Visitor,
    (account, browser): (&Account, &Browser),
    finished: bool,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Option<AttemptMail> {
    let unless_since = match &browser.own {
        None => None,
        Some(own) if own.trusted_at.is_some() => return None,
        Some(own) if own.mailed_at.is_some_and(|at| now - QUIET < at) => return None,
        Some(own) => Some((own.device.id, now - QUIET)),
    };
    let identity = account.person.open(&entrance.context.keyring)?;
    let secret = LinkSecret::generate(rng);
    let link = Link {
        secret: secret.hash(),
        kind: LinkKind::SignOutEverywhere,
        person: Some(account.person.id),
        epoch: account.person.epoch,
        sealed: None,
        made_at: now,
        expires_at: now + LinkKind::SignOutEverywhere.life(),
    };
    let agent = Agent::of(&visitor.agent);
    let news = News::NewDevice {
        at: now,
        finished,
        address: visitor.address,
        country: entrance.places.country(visitor.address),
        browser: Words::new(&agent.browser),
        os: Words::new(agent.system),
        link: LinkPath::mail(&secret),
    };
    let notice = Notice::mail(&account.person, &identity, news, now, rng);
    let notice = notice.sealed(&entrance.context.keyring, rng);
    Some(AttemptMail { link, notice, unless_since })
}
