//! The packed form of a notice, which the stores keep sealed.

use super::{By, LinkPath, List, News, Notice, NoticeClaim, Recipient, Words};
use crate::{
    locale::Locale,
    pack::{Reader, Writer, unpack},
    people::{
        hours::Zone,
        person::{EmailAddress, PersonName},
    },
    phone::{Country, PhoneNumber},
    tenant::TenantName,
};

const FORMAT: u8 = 1;

impl Writer {
    fn tenant(self, name: &TenantName) -> Self {
        self.blob(name.as_str().as_bytes())
    }

    fn name(self, name: &PersonName) -> Self {
        self.blob(name.expose().as_bytes())
    }

    fn words(self, words: &Words) -> Self {
        self.blob(words.as_str().as_bytes())
    }

    fn link(self, link: &LinkPath) -> Self {
        self.blob(link.expose().as_bytes())
    }

    /// An empty text for `None`: no name is empty.
    fn text_or_none(self, text: Option<&str>) -> Self {
        self.blob(text.unwrap_or_default().as_bytes())
    }
}

impl Reader<'_> {
    fn tenant(&mut self) -> Option<TenantName> {
        TenantName::parse(&self.text()?)
    }

    fn name(&mut self) -> Option<PersonName> {
        PersonName::parse(&self.text()?)
    }

    fn words(&mut self) -> Option<Words> {
        Some(Words::new(&self.text()?))
    }

    fn link(&mut self) -> Option<LinkPath> {
        LinkPath::parse(&self.text()?)
    }

    fn flag(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn or_none<T>(&mut self, read: impl FnOnce(&str) -> Option<T>) -> Option<Option<T>> {
        let text = self.text()?;
        if text.is_empty() { Some(None) } else { read(&text).map(Some) }
    }
}

impl Notice {
    pub(super) fn pack(&self) -> Vec<u8> {
        let (channel, to) = match &self.to {
            Recipient::Mail(address) => (1, address.expose()),
            Recipient::Sms(number) => (2, number.e164()),
        };
        let writer = Writer::default()
            .byte(FORMAT)
            .byte(channel)
            .blob(to.as_bytes())
            .text_or_none(self.name.as_ref().map(PersonName::expose))
            .blob(self.language.as_str().as_bytes())
            .blob(self.zone.as_str().as_bytes());
        self.news.pack(writer).finish()
    }

    /// Reads the packed form; the claim knows the other fields.
    pub(super) fn unpack(claim: &NoticeClaim, packed: &[u8]) -> Option<Self> {
        let read = |reader: &mut Reader<'_>| {
            let to = match reader.byte()? {
                1 => Recipient::Mail(EmailAddress::parse(&reader.text()?)?),
                2 => Recipient::Sms(PhoneNumber::from_e164(&reader.text()?)),
                _ => return None,
            };
            Some(Self {
                id: claim.id,
                person: claim.person,
                made_at: claim.made_at,
                to,
                name: reader.or_none(PersonName::parse)?,
                language: Locale::parse(&reader.text()?)?,
                zone: Zone::parse(&reader.text()?)?,
                news: News::unpack(reader)?,
            })
        };
        unpack(packed, FORMAT, read).ok()
    }
}

impl News {
    fn pack(&self, to: Writer) -> Writer {
        match self {
            Self::Invitation { tenant, invited_by, link, expires } => {
                let by = invited_by.as_ref().map(PersonName::expose);
                to.byte(1).tenant(tenant).text_or_none(by).link(link).time(*expires)
            }
            Self::NewDevice { at, finished, address, country, browser, os, link } => to
                .byte(2)
                .time(*at)
                .byte((*finished).into())
                .blob(address.to_string().as_bytes())
                .text_or_none(country.as_ref().map(Country::as_str))
                .words(browser)
                .words(os)
                .link(link),
            Self::PasswordChanged { at } => to.byte(3).time(*at),
            Self::ResetPassword { link, expires } => to.byte(4).link(link).time(*expires),
            Self::TwoFactorOn => to.byte(5),
            Self::TwoFactorOff { at, by } => to.byte(6).time(*at).byte(match by {
                By::Person => 1,
                By::Owner => 2,
                By::Operator => 3,
            }),
            Self::NumberChanged { at, ends_with } => to.byte(7).time(*at).words(ends_with),
            Self::RecoveryCodeUsed { left } => to.byte(8).number(*left),
            Self::RecoveryCodesMade => to.byte(9),
            Self::ConfirmAddress { link, expires } => to.byte(10).link(link).time(*expires),
            Self::AddressChanging { to: address, undo } => to.byte(11).words(address).link(undo),
            Self::EnrolTwoFactor { tenant, link, expires } => {
                to.byte(12).tenant(tenant).link(link).time(*expires)
            }
            Self::TwoFactorResetStarted { tenant, effective, cancel } => {
                to.byte(13).tenant(tenant).time(*effective).link(cancel)
            }
            Self::PasswordOld { days, forced } => to.byte(14).number(*days).byte((*forced).into()),
            Self::NewOwner { tenant, name } => to.byte(15).tenant(tenant).name(name),
            Self::MemberTwoFactorOff { tenant, name } => to.byte(16).tenant(tenant).name(name),
            Self::ListChanged { tenant, list, by } => {
                let list = match list {
                    List::Api => 1,
                    List::Portal => 2,
                };
                to.byte(17).tenant(tenant).byte(list).text_or_none(by.as_ref().map(Words::as_str))
            }
            Self::CodesRevealGranted { tenant, to: whom } => to.byte(18).tenant(tenant).words(whom),
            Self::PoolAt80 { tenant, member, used, of } => {
                to.byte(19).tenant(tenant).name(member).number(*used).number(*of)
            }
            Self::AddressRestored { at } => to.byte(20).time(*at),
            Self::AddressLeft { at } => to.byte(21).time(*at),
            Self::AddressSet { at, to: address } => to.byte(22).time(*at).words(address),
            Self::SignedOut { at } => to.byte(23).time(*at),
        }
    }

    fn unpack(from: &mut Reader<'_>) -> Option<Self> {
        Some(match from.byte()? {
            1 => Self::Invitation {
                tenant: from.tenant()?,
                invited_by: from.or_none(PersonName::parse)?,
                link: from.link()?,
                expires: from.time()?,
            },
            2 => Self::NewDevice {
                at: from.time()?,
                finished: from.flag()?,
                address: from.text()?.parse().ok()?,
                country: from.or_none(Country::parse)?,
                browser: from.words()?,
                os: from.words()?,
                link: from.link()?,
            },
            3 => Self::PasswordChanged { at: from.time()? },
            4 => Self::ResetPassword { link: from.link()?, expires: from.time()? },
            5 => Self::TwoFactorOn,
            6 => Self::TwoFactorOff {
                at: from.time()?,
                by: match from.byte()? {
                    1 => By::Person,
                    2 => By::Owner,
                    3 => By::Operator,
                    _ => return None,
                },
            },
            7 => Self::NumberChanged { at: from.time()?, ends_with: from.words()? },
            8 => Self::RecoveryCodeUsed { left: from.number()? },
            9 => Self::RecoveryCodesMade,
            10 => Self::ConfirmAddress { link: from.link()?, expires: from.time()? },
            11 => Self::AddressChanging { to: from.words()?, undo: from.link()? },
            12 => Self::EnrolTwoFactor { tenant: from.tenant()?, link: from.link()?, expires: from.time()? },
            13 => Self::TwoFactorResetStarted {
                tenant: from.tenant()?,
                effective: from.time()?,
                cancel: from.link()?,
            },
            14 => Self::PasswordOld { days: from.number()?, forced: from.flag()? },
            15 => Self::NewOwner { tenant: from.tenant()?, name: from.name()? },
            16 => Self::MemberTwoFactorOff { tenant: from.tenant()?, name: from.name()? },
            17 => Self::ListChanged {
                tenant: from.tenant()?,
                list: match from.byte()? {
                    1 => List::Api,
                    2 => List::Portal,
                    _ => return None,
                },
                by: from.or_none(|text| Some(Words::new(text)))?,
            },
            18 => Self::CodesRevealGranted { tenant: from.tenant()?, to: from.words()? },
            19 => Self::PoolAt80 {
                tenant: from.tenant()?,
                member: from.name()?,
                used: from.number()?,
                of: from.number()?,
            },
            20 => Self::AddressRestored { at: from.time()? },
            21 => Self::AddressLeft { at: from.time()? },
            22 => Self::AddressSet { at: from.time()?, to: from.words()? },
            23 => Self::SignedOut { at: from.time()? },
            _ => return None,
        })
    }
}
