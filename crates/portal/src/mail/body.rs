//! What each mail says: first what happened, then what to do if it was the reader, and if it was not.

use super::{
    Office, names,
    part::{Body, Part},
};
use crate::text::{Text, Value};
use countersign_core::{
    people::{
        hours::Zone,
        notice::{By, LinkPath, List, News, Notice},
        person::PersonName,
    },
    tenant::TenantName,
    time::Timestamp,
};
use std::time::Duration;

/// How long the links of a mail that report something are good.
const LINK_LIFE: Duration = Duration::from_secs(7 * 86_400);

/// Writes one mail: its texts, and the values that many of them contain.
struct Writer<'a> {
    words: Text,
    notice: &'a Notice,
    office: &'a Office,
    parts: Vec<Part>,
}

pub(super) fn body(words: Text, notice: &Notice, office: &Office) -> Body {
    let mut writer = Writer { words, notice, office, parts: Vec::new() };
    let subject = writer.write();
    let name = notice.name.as_ref().and_then(names::person);
    let greeting = match name {
        Some(name) => words.with("mail-hello", &[("name", name.into())]),
        None => words.get("mail-hello-nameless").into_owned(),
    };
    Body { subject, greeting, parts: writer.parts }
}

/// The text of the SMS, for news that also go out by SMS.
pub(super) const fn sms_key(news: &News) -> Option<&'static str> {
    match news {
        News::NumberChanged { .. } => Some("sms-number-changed"),
        News::TwoFactorOff { .. } => Some("sms-two-factor-off"),
        _ => None,
    }
}

fn tenant_value(name: &TenantName) -> (&'static str, Value<'static>) {
    ("tenant", names::unlinked(name.as_str()).into())
}

/// A name that owners read. They know the person, so it is shown even if it looks like an address.
fn name_value(name: &str) -> (&'static str, Value<'static>) {
    ("name", names::unlinked(name).into())
}

impl Writer<'_> {
    /// Writes the parts and returns the subject.
    fn write(&mut self) -> String {
        match &self.notice.news {
            News::Invitation { tenant, invited_by, link, expires } => {
                self.write_invitation(tenant, invited_by.as_ref(), link, *expires)
            }
            News::NewDevice { .. } => self.write_new_device(),
            News::PasswordChanged { at } => {
                self.text("password-changed-text", &[]);
                self.happened(*at);
                self.subject("password-changed-subject", &[])
            }
            News::ResetPassword { link, expires } => {
                self.text("reset-password-text", &[]);
                self.link_until("reset-password-button", link, *expires);
                self.text("reset-password-unexpected", &[]);
                self.subject("reset-password-subject", &[])
            }
            News::TwoFactorOn => {
                self.text("two-factor-on-text", &[]);
                self.you_or_not();
                self.subject("two-factor-on-subject", &[])
            }
            News::TwoFactorOff { at, by } => {
                self.text(
                    match by {
                        By::Person => "two-factor-off-person",
                        By::Owner => "two-factor-off-owner",
                        By::Operator => "two-factor-off-operator",
                    },
                    &[],
                );
                self.text("two-factor-off-again", &[]);
                self.happened(*at);
                self.subject("two-factor-off-subject", &[])
            }
            News::NumberChanged { at, ends_with } => {
                self.text("number-changed-text", &[("digits", ends_with.as_str().into())]);
                self.happened(*at);
                self.subject("number-changed-subject", &[])
            }
            News::RecoveryCodeUsed { left } => {
                self.text("recovery-code-used-text", &[("left", (*left).into())]);
                self.heading("mail-you");
                self.text("recovery-code-used-you", &[]);
                self.not_you();
                self.subject("recovery-code-used-subject", &[])
            }
            News::RecoveryCodesMade => {
                self.text("recovery-codes-made-text", &[]);
                self.you_or_not();
                self.subject("recovery-codes-made-subject", &[])
            }
            News::ConfirmAddress { link, expires } => {
                self.text("confirm-address-text", &[]);
                self.link_until("confirm-address-button", link, *expires);
                self.text("confirm-address-unexpected", &[]);
                self.subject("confirm-address-subject", &[])
            }
            News::AddressChanging { to, undo } => {
                self.text("address-changing-text", &[("address", names::unlinked(to.as_str()).into())]);
                self.heading("mail-you");
                self.text("mail-nothing-to-do", &[]);
                self.heading("mail-not-you");
                self.one_button("address-changing-button", undo);
                self.save_account();
                self.subject("address-changing-subject", &[])
            }
            News::AddressRestored { at } => {
                self.text("address-restored-text", &[]);
                self.when(*at);
                self.save_account();
                self.subject("address-restored-subject", &[])
            }
            News::AddressLeft { at } => {
                self.text("address-left-text", &[]);
                self.when(*at);
                self.subject("address-left-subject", &[])
            }
            News::AddressSet { at, to } => {
                self.text("address-set-text", &[("address", names::unlinked(to.as_str()).into())]);
                self.when(*at);
                self.text("by-operator-unexpected", &[]);
                self.subject("address-set-subject", &[])
            }
            News::SignedOut { at } => {
                self.text("signed-out-text", &[]);
                self.when(*at);
                self.text("by-operator-unexpected", &[]);
                self.subject("signed-out-subject", &[])
            }
            News::EnrolTwoFactor { tenant, link, expires } => {
                self.text("enrol-two-factor-text", &[tenant_value(tenant)]);
                self.link_until("enrol-two-factor-button", link, *expires);
                self.text("enrol-two-factor-unexpected", &[]);
                self.save_account();
                self.subject("enrol-two-factor-subject", &[tenant_value(tenant)])
            }
            News::TwoFactorResetStarted { tenant, effective, cancel } => {
                let time = time(self.words, &self.notice.zone, *effective);
                self.text("two-factor-reset-started-text", &[tenant_value(tenant), ("time", time.into())]);
                self.heading("mail-you");
                self.text("two-factor-reset-started-you", &[]);
                self.heading("mail-not-you");
                self.text("two-factor-reset-started-not-you", &[]);
                self.one_button("new-device-button", cancel);
                self.save_account();
                self.subject("two-factor-reset-started-subject", &[])
            }
            News::PasswordOld { days, forced } => {
                let key = if *forced { "password-old-force" } else { "password-old-remind" };
                self.text(key, &[("host", self.office.host().into())]);
                self.subject("password-old-subject", &[("days", (*days).into())])
            }
            _ => self.write_to_owner(),
        }
    }

    fn write_invitation(
        &mut self,
        tenant: &TenantName,
        invited_by: Option<&PersonName>,
        link: &LinkPath,
        expires: Timestamp,
    ) -> String {
        if invited_by.is_none() {
            self.text("invitation-by-operator", &[]);
        }
        self.text("invitation-text", &[tenant_value(tenant)]);
        self.link_until("invitation-button", link, expires);
        self.text("invitation-unexpected", &[]);
        match invited_by.and_then(names::person) {
            Some(name) => self.subject("invitation-subject", &[("name", name.into()), tenant_value(tenant)]),
            None => self.subject("invitation-subject-nameless", &[tenant_value(tenant)]),
        }
    }

    fn write_new_device(&mut self) -> String {
        if let News::NewDevice { at, finished, address, country, browser, os, link } = &self.notice.news {
            let words = self.words;
            self.text(if *finished { "new-device-finished" } else { "new-device-halfway" }, &[]);
            let from = match country {
                Some(country) => format!("{address}, {}", words.country(*country)),
                None => address.to_string(),
            };
            let (browser, os) = (browser.as_str(), os.as_str());
            let browser = if browser.is_empty() || os.is_empty() {
                format!("{browser}{os}")
            } else {
                words.with("mail-browser-on", &[("browser", browser.into()), ("os", os.into())])
            };
            let mut facts = vec![
                (words.get("mail-when").into_owned(), time(words, &self.notice.zone, *at)),
                (words.get("mail-from").into_owned(), from),
            ];
            if !browser.is_empty() {
                facts.push((words.get("mail-browser").into_owned(), names::unlinked(&browser)));
            }
            self.parts.push(Part::Facts(facts));
            self.heading("mail-you");
            self.text("new-device-trust", &[]);
            self.heading("mail-not-you");
            self.text("new-device-not-you", &[]);
            self.one_button("new-device-button", link);
            self.small("new-device-password", &[("host", self.office.host().into())]);
        }
        self.subject("new-device-subject", &[])
    }

    /// The mails to owners of a tenant.
    fn write_to_owner(&mut self) -> String {
        let (tenant, subject) = match &self.notice.news {
            News::NewOwner { tenant, name } => {
                self.text("new-owner-text", &[tenant_value(tenant)]);
                let values = [name_value(name.expose()), tenant_value(tenant)];
                (tenant, self.subject("new-owner-subject", &values))
            }
            News::MemberTwoFactorOff { tenant, name } => {
                let values = [name_value(name.expose()), tenant_value(tenant)];
                self.text("member-two-factor-off-text", &values);
                (tenant, self.subject("member-two-factor-off-subject", &values))
            }
            News::ListChanged { tenant, list, by } => {
                match by {
                    Some(by) => {
                        self.text("list-changed-by", &[name_value(by.as_str()), tenant_value(tenant)]);
                    }
                    None => self.text("list-changed-operator", &[tenant_value(tenant)]),
                }
                self.text("list-changed-look", &[]);
                let key = match list {
                    List::Api => "list-changed-subject-api",
                    List::Portal => "list-changed-subject-portal",
                };
                (tenant, self.subject(key, &[tenant_value(tenant)]))
            }
            News::CodesRevealGranted { tenant, to } => {
                let values = [name_value(to.as_str()), tenant_value(tenant)];
                self.text("codes-reveal-granted-text", &values);
                (tenant, self.subject("codes-reveal-granted-subject", &values))
            }
            News::PoolAt80 { tenant, member, used, of } => {
                let values = [name_value(member.expose()), tenant_value(tenant)];
                let counts = [("used", (*used).into()), ("of", (*of).into())];
                self.text("pool-at-80-text", &[values.clone(), counts].concat());
                (tenant, self.subject("pool-at-80-subject", &values))
            }
            _ => return String::new(),
        };
        self.small("mail-owner", &[tenant_value(tenant)]);
        subject
    }

    fn subject(&self, key: &str, values: &[(&'static str, Value<'_>)]) -> String {
        self.words.with(key, values)
    }

    fn text(&mut self, key: &str, values: &[(&'static str, Value<'_>)]) {
        self.parts.push(Part::Text(self.words.with(key, values)));
    }

    fn small(&mut self, key: &str, values: &[(&'static str, Value<'_>)]) {
        self.parts.push(Part::Small(self.words.with(key, values)));
    }

    fn heading(&mut self, key: &str) {
        self.parts.push(Part::Heading(self.words.get(key).into_owned()));
    }

    /// When it happened, and what to do.
    fn happened(&mut self, at: Timestamp) {
        self.when(at);
        self.you_or_not();
    }

    fn when(&mut self, at: Timestamp) {
        let fact = (self.words.get("mail-when").into_owned(), time(self.words, &self.notice.zone, at));
        self.parts.push(Part::Facts(vec![fact]));
    }

    fn you_or_not(&mut self) {
        self.heading("mail-you");
        self.text("mail-nothing-to-do", &[]);
        self.not_you();
    }

    fn not_you(&mut self) {
        self.heading("mail-not-you");
        self.save_account();
    }

    fn save_account(&mut self) {
        self.text("mail-save-account", &[("host", self.office.host().into())]);
    }

    fn button(&mut self, key: &str, link: &LinkPath) {
        let url = format!("{}{}", self.office.origin, link.expose());
        self.parts.push(Part::Button { label: self.words.get(key).into_owned(), url });
    }

    fn link_until(&mut self, key: &str, link: &LinkPath, until: Timestamp) {
        self.button(key, link);
        let until = time(self.words, &self.notice.zone, until);
        self.small("mail-works-until", &[("until", until.into())]);
    }

    fn one_button(&mut self, key: &str, link: &LinkPath) {
        self.button(key, link);
        let until = date(self.words, &self.notice.zone, self.notice.made_at + LINK_LIFE);
        self.small("mail-one-button", &[("until", until.into())]);
    }
}

/// `Wednesday 25 November 2026, 22:12 (Europe/Warsaw)`.
fn time(words: Text, zone: &Zone, at: Timestamp) -> String {
    let local = zone.local(at);
    let clock = format!("{:02}:{:02}", local.hour(), local.minute());
    let more = [
        ("weekday", local.weekday().to_monday_one_offset().into()),
        ("clock", clock.into()),
        ("zone", zone.as_str().into()),
    ];
    words.with("mail-time", &[more.as_slice(), &date_values(zone, at)].concat())
}

/// `2 December 2026`.
fn date(words: Text, zone: &Zone, at: Timestamp) -> String {
    words.with("mail-date", &date_values(zone, at))
}

fn date_values(zone: &Zone, at: Timestamp) -> [(&'static str, Value<'static>); 3] {
    let local = zone.local(at);
    // As text, because a number would be written by the rules for amounts.
    let text = |number: i16| number.to_string().into();
    [("day", text(local.day().into())), ("month", local.month().into()), ("year", text(local.year()))]
}
