//! Senders: the names that a tenant's messages come from, and the choice among them.

use crate::{
    id::{SenderId, TenantId},
    message::sender_text::SenderText,
    phone::{Country, PhoneNumber},
    tenant::resource::{Resource, ResourceKind},
    time::Timestamp,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A sender of a tenant, and the countries that it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    pub id: SenderId,
    /// The name or number that the message shows.
    pub text: SenderText,
    /// The countries that this sender is for. If empty, it is for every country that no other sender names.
    pub countries: BTreeSet<Country>,
    pub created_at: Timestamp,
}

impl Sender {
    /// The stored form.
    pub fn resource(&self, tenant: TenantId, now: Timestamp) -> Resource {
        let countries: Vec<_> = self.countries.iter().map(Country::as_str).collect();
        Resource {
            tenant,
            kind: ResourceKind::Sender,
            id: *self.id.bytes(),
            name: self.text.as_str().to_owned(),
            body: json!({ "countries": countries }).to_string(),
            sealed: None,
            version: 1,
            created_at: self.created_at,
            updated_at: now,
        }
    }

    /// Reads the stored form. The name of the resource is the sender's text.
    pub fn read(resource: &Resource) -> Option<Self> {
        let body: Value = serde_json::from_str(&resource.body).ok()?;
        let countries = body["countries"].as_array()?.iter().map(|code| Country::parse(code.as_str()?));
        Some(Self {
            id: SenderId::from_bytes(resource.id),
            text: SenderText::parse(&resource.name)?,
            countries: countries.collect::<Option<_>>()?,
            created_at: resource.created_at,
        })
    }
}

/// Chooses the sender of a message: a sender that names the phone number's country, else the first one for
/// all countries, else the company's name.
pub fn choose(senders: &[Sender], to: &PhoneNumber, company: &str) -> SenderText {
    let of_country =
        |sender: &&Sender| to.country().is_some_and(|country| sender.countries.contains(&country));
    let found = senders.iter().find(of_country).or_else(|| senders.iter().find(|s| s.countries.is_empty()));
    found.map_or_else(|| SenderText::of_company(company), |sender| sender.text.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senders_are_numbers_short_codes_or_letters() {
        for good in ["+48500500500", "12345", "Acme", "A.B & C-1", "ABCDEFGHIJK"] {
            assert!(SenderText::parse(good).is_some(), "{good}");
        }
        for bad in
            ["", "+0123456789", "12", "123456789", "ABCDEFGHIJKL", " Acme", "Acme\n", "Żabka", "+48 500"]
        {
            assert!(SenderText::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_company_without_a_sender_gives_its_name() {
        for (company, sender) in [
            ("Acme", "Acme"),
            ("Żółta Łódź Spółka", "Zolta Lodz"),
            ("日本", "SMS"),
            ("123", "123"),
            ("1", "SMS"),
        ] {
            assert_eq!(SenderText::of_company(company).as_str(), sender, "{company}");
        }
    }

    #[test]
    fn the_country_decides() {
        let sender = |text: &str, countries: &[&str]| Sender {
            id: SenderId::from_bytes([1; 16]),
            created_at: Timestamp::default(),
            text: SenderText::parse(text).unwrap(),
            countries: countries.iter().map(|code| Country::parse(code).unwrap()).collect(),
        };
        let senders = [sender("All", &[]), sender("Poland", &["PL"]), sender("Other", &[])];
        let to = |number: &str| PhoneNumber::parse(number).unwrap();
        assert_eq!(choose(&senders, &to("+48500500500"), "Acme").as_str(), "Poland");
        assert_eq!(choose(&senders, &to("+4915112345678"), "Acme").as_str(), "All");
        assert_eq!(choose(&senders[1..2], &to("+4915112345678"), "Acme").as_str(), "Acme");
        let stored = senders[1].resource(TenantId::from_bytes([1; 16]), Timestamp::default());
        assert_eq!(Sender::read(&stored), Some(senders[1].clone()));
    }
}
