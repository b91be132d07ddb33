//! Notices: mails and SMS to persons that contain no code. A notice is stored in the transaction of the change
//! that it reports, sealed, and deleted when it is sent.

mod link;
mod news;
mod packed;

pub use link::LinkPath;
pub use news::{By, List, News, Words};

use crate::{
    id::{NoticeId, PersonId},
    keyring::{Fingerprint, KeyRing, OpenError, Place, Sealed},
    locale::Locale,
    people::{
        hours::Zone,
        invitation::Invitation,
        person::{EmailAddress, Identity, Person, PersonName},
    },
    phone::PhoneNumber,
    tenant::OPERATOR,
    time::Timestamp,
};
use rand::CryptoRng;
use std::time::Duration;
use zeroize::Zeroizing;

/// The waits after each failed try but the last. With the first try these are eight tries in 12 hours: an outage
/// of the mail server in the night delays notices and loses none.
pub const WAITS: [Duration; 7] = {
    let minutes = [1, 5, 14, 40, 120, 240, 300];
    let mut waits = [Duration::ZERO; 7];
    let mut place = 0;
    while place < waits.len() {
        waits[place] = Duration::from_secs(60 * minutes[place]);
        place += 1;
    }
    waits
};

/// The maximum number of waiting notices of one kind to one person. The stores drop further ones.
pub const MOST_WAITING: u32 = 20;

/// The recipient of a notice. It is sealed with the news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    Mail(EmailAddress),
    Sms(PhoneNumber),
}

/// The way that a notice takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    Mail,
    Sms,
}

impl Channel {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Sms => "sms",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Mail, Self::Sms].into_iter().find(|channel| channel.as_str() == text)
    }
}

/// A message to a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub id: NoticeId,
    /// `None` for the recipient of an invitation, who may be no person yet.
    pub person: Option<PersonId>,
    pub to: Recipient,
    /// The name in the greeting.
    pub name: Option<PersonName>,
    pub language: Locale,
    pub zone: Zone,
    pub made_at: Timestamp,
    pub news: News,
}

impl Notice {
    /// A mail to a person's own address. For another address, replace `to`.
    pub fn mail(
        person: &Person,
        identity: &Identity,
        news: News,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Self {
        Self {
            id: NoticeId::new(now, rng),
            person: Some(person.id),
            to: Recipient::Mail(identity.email.clone()),
            name: Some(identity.name.clone()),
            language: person.language.clone(),
            zone: person.zone.clone(),
            made_at: now,
            news,
        }
    }

    /// An SMS about a person, to this number.
    pub fn sms(
        person: &Person,
        number: &PhoneNumber,
        news: News,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Self {
        Self {
            id: NoticeId::new(now, rng),
            person: Some(person.id),
            to: Recipient::Sms(number.clone()),
            name: None,
            language: person.language.clone(),
            zone: person.zone.clone(),
            made_at: now,
            news,
        }
    }

    /// The mail of an invitation. It is the same for a person who is known already, so that nobody learns who is
    /// known; `language` is the author's, and the zone is that of the limits.
    pub fn invitation(
        invitation: &Invitation,
        to: &EmailAddress,
        news: News,
        language: &Locale,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Self {
        Self {
            id: NoticeId::new(now, rng),
            person: None,
            to: Recipient::Mail(to.clone()),
            name: None,
            language: language.clone(),
            zone: invitation.limits.zone.clone(),
            made_at: now,
            news,
        }
    }

    pub fn channel(&self) -> Channel {
        match self.to {
            Recipient::Mail(_) => Channel::Mail,
            Recipient::Sms(_) => Channel::Sms,
        }
    }

    /// The form that the stores keep.
    pub fn sealed(&self, keyring: &KeyRing, rng: &mut impl CryptoRng) -> SealedNotice {
        let packed = Zeroizing::new(self.pack());
        SealedNotice {
            id: self.id,
            person: self.person,
            kind: self.news.kind(),
            channel: self.channel(),
            sealed: keyring.seal(&place(self.id, self.person), &packed, rng),
            made_at: self.made_at,
        }
    }
}

/// A notice belongs to its id and its person, so that no row opens with the body of another one.
fn place(id: NoticeId, person: Option<PersonId>) -> Place {
    let number = person.map_or_else(Fingerprint::default, |person| Fingerprint(*person.bytes()));
    Place { kind: Sealed::Notice, tenant: OPERATOR, id: *id.bytes(), number }
}

/// A notice, as the stores keep it. Recipient, language and news are in `sealed`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedNotice {
    pub id: NoticeId,
    pub person: Option<PersonId>,
    /// The kind of the news.
    pub kind: &'static str,
    pub channel: Channel,
    pub sealed: Vec<u8>,
    /// The notice is due at once.
    pub made_at: Timestamp,
}

/// A notice that a worker holds for a limited time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeClaim {
    pub id: NoticeId,
    pub person: Option<PersonId>,
    pub kind: String,
    pub channel: Channel,
    pub sealed: Vec<u8>,
    pub made_at: Timestamp,
    /// The number of this try; the first one is 1. A claim counts as a try, so a notice on which a process dies
    /// is not tried for ever. Only the newest claim can be settled.
    pub tries: u32,
}

impl NoticeClaim {
    /// The notice. Returns `None` if the key ring cannot open it, or if a newer release wrote it.
    pub fn open(&self, keyring: &KeyRing) -> Option<Notice> {
        let packed = keyring.open(&place(self.id, self.person), &self.sealed).ok()?;
        Notice::unpack(self, &packed)
    }

    /// The time of the next try after a failure. `None` if this was the last one.
    pub fn next_try(&self, now: Timestamp) -> Option<Timestamp> {
        let wait = WAITS.get(usize::try_from(self.tries.max(1)).ok()? - 1)?;
        Some(now + *wait)
    }

    /// Returns whether the last try was counted before this claim.
    pub fn is_used_up(&self) -> bool {
        self.tries as usize > WAITS.len() + 1
    }
}

/// A waiting notice in the form that a rotation of the seal key needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredNotice {
    pub id: NoticeId,
    pub person: Option<PersonId>,
    pub sealed: Vec<u8>,
}

impl StoredNotice {
    /// The same content, sealed with the primary key.
    pub fn resealed(&self, keyring: &KeyRing, rng: &mut impl CryptoRng) -> Result<Vec<u8>, OpenError> {
        keyring.reseal(&place(self.id, self.person), &self.sealed, rng)
    }
}

#[cfg(test)]
mod tests;
