//! The countries to which a tenant sends.

use crate::phone::Country;
use std::{collections::BTreeMap, fmt};

/// What the server does with a start for a phone number of a country.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountryMode {
    /// The start goes on.
    Allow,
    /// The server refuses the start before any limit counts it.
    Block,
}

impl CountryMode {
    pub const ALL: [Self; 2] = [Self::Allow, Self::Block];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Block => "block",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text)
    }
}

/// The country list of a tenant: one mode for all countries, and exceptions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Countries {
    /// The mode for countries that are not listed, and for phone numbers that belong to no country.
    pub default: CountryMode,
    /// The modes of the listed countries.
    pub listed: BTreeMap<Country, CountryMode>,
}

impl Default for Countries {
    /// Allows every country: the list of a tenant that has set none.
    fn default() -> Self {
        Self { default: CountryMode::Allow, listed: BTreeMap::new() }
    }
}

impl Countries {
    /// Allows only these countries.
    pub fn only(countries: impl IntoIterator<Item = Country>) -> Self {
        let listed = countries.into_iter().map(|country| (country, CountryMode::Allow)).collect();
        Self { default: CountryMode::Block, listed }
    }

    /// The mode for a phone number of `country`.
    pub fn mode(&self, country: Option<Country>) -> CountryMode {
        country.and_then(|country| self.listed.get(&country).copied()).unwrap_or(self.default)
    }

    /// Reads the form that `Display` writes.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        let default = CountryMode::parse(parts.next()?)?;
        let one = |part: &str| {
            let (country, mode) = part.split_once('=')?;
            Some((Country::parse(country)?, CountryMode::parse(mode)?))
        };
        Some(Self { default, listed: parts.map(one).collect::<Option<_>>()? })
    }
}

impl fmt::Display for Countries {
    /// Writes the form that SQL stores: `block PL=allow DE=allow`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.default.as_str())?;
        self.listed
            .iter()
            .try_for_each(|(country, mode)| write!(f, " {}={}", country.as_str(), mode.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_listed_follows_the_default() {
        let country = |text| Country::parse(text);
        let only = Countries::only(country("PL"));
        assert_eq!(only.mode(country("PL")), CountryMode::Allow);
        assert_eq!(only.mode(country("DE")), CountryMode::Block);
        assert_eq!(only.mode(None), CountryMode::Block, "a number of no country is not listed");
        assert_eq!(Countries::default().mode(None), CountryMode::Allow);
    }

    #[test]
    fn lists_are_read_as_they_are_written() {
        for text in ["allow", "block PL=allow", "allow DE=block PL=block"] {
            assert_eq!(Countries::parse(text).unwrap().to_string(), text);
        }
        for bad in ["", "deny", "block PL", "block ZZ=allow", "block PL=maybe"] {
            assert!(Countries::parse(bad).is_none(), "{bad}");
        }
    }
}
